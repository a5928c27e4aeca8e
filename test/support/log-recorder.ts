/** A logger that keeps what it is told. */
import type { LogFields, Logger } from '@odradek/ports';

export interface RecordedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

export interface LogRecorder extends Logger {
  readonly lines: readonly RecordedLine[];
  /** Everything from warnings up, with errors' messages, as one text. */
  readonly complaints: string;
}

export const logRecorder = (): LogRecorder => {
  const lines: RecordedLine[] = [];
  const logger = (inherited: LogFields): Logger => {
    const log =
      (level: RecordedLine['level']) =>
      (message: string, fields: LogFields = {}) =>
        void lines.push({ level, message, fields: { ...inherited, ...fields } });
    return {
      debug: log('debug'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
      child: (fields) => logger({ ...inherited, ...fields }),
    };
  };
  return {
    ...logger({}),
    lines,
    get complaints() {
      return lines
        .filter(({ level }) => level === 'warn' || level === 'error')
        .map(
          ({ message, fields }) =>
            `${message} ${fields['error'] instanceof Error ? fields['error'].message : ''}`,
        )
        .join('\n');
    },
  };
};
