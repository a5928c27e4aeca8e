import type { LogFields, Logger } from '@odradek/ports';

export interface CollectingLogger extends Logger {
  /** "warn: connection refused: ..." */
  readonly lines: string[];
}

/** Writes down what a person would be told. */
export const collectingLogger = (lines: string[] = []): CollectingLogger => {
  const note = (level: string) => (message: string, fields?: LogFields) => {
    const error = fields?.['error'];
    lines.push(`${level}: ${message}${error instanceof Error ? ` (${error.message})` : ''}`);
  };
  return {
    lines,
    debug() {},
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
    child: () => collectingLogger(lines),
  };
};
