import { pino } from 'pino';
import type { LogFields, Logger } from '@odradek/ports';
import { formatForPeople } from './log-format.ts';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface NodeLoggerOptions {
  readonly level?: LogLevel;
  /** JSON for machines, one object a line; text for a person at a terminal. */
  readonly format?: 'json' | 'text';
  readonly colors?: boolean;
  /** Whole lines; standard error where absent. */
  readonly write?: (text: string) => void;
}

/**
 * The log on standard error, by pino. Lines are written before the call returns: they are few (nothing is told per request),
 * and the last one before a crash is the one that is needed. For that, and for the 20 ms that a worker thread takes to
 * start, pino's own transports are not used.
 */
export function createNodeLogger(options: NodeLoggerOptions = {}): Logger {
  const isTerminal = process.stderr.isTTY === true;
  const format = options.format ?? (isTerminal ? 'text' : 'json');
  const colors = options.colors ?? (isTerminal && !process.env['NO_COLOR']);
  const write = options.write ?? ((text: string): void => void process.stderr.write(text));
  const configuration = {
    level: options.level ?? 'info',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: describeError },
  };
  if (format === 'text')
    return adapt(pino(configuration, { write: (line) => write(formatForPeople(line, colors)) }));
  return adapt(
    pino(
      configuration,
      options.write === undefined
        ? pino.destination({ dest: standardError, sync: true })
        : { write },
    ),
  );
}

const standardError = 2;

interface PinoLike {
  readonly debug: PinoWrite;
  readonly info: PinoWrite;
  readonly warn: PinoWrite;
  readonly error: PinoWrite;
  child(fields: object): PinoLike;
}

type PinoWrite = (fields: object, message: string) => void;

const noFields: LogFields = {};

function adapt(to: PinoLike): Logger {
  return {
    debug: (message, fields = noFields) => to.debug(fields, message),
    info: (message, fields = noFields) => to.info(fields, message),
    warn: (message, fields = noFields) => to.warn(fields, message),
    error: (message, fields = noFields) => to.error(fields, message),
    child: (fields) => adapt(to.child(fields)),
  };
}

/** The whole chain of causes in the stack; what is no Error is told as it is. */
function describeError(error: unknown): unknown {
  return error instanceof Error ? pino.stdSerializers.err(error) : error;
}
