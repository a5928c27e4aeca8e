/** KafkaJS's logger. Where nobody asked for logging nothing is logged: a library does not write to a console by itself. */
import { logLevel } from './constants.ts';
import type { LogEntry, Logger, logCreator } from './types.ts';

export interface LoggerOptions {
  readonly level: logLevel;
  readonly creator: logCreator;
  /** ISO 8601. */
  readonly timestamp: () => string;
}

export const silently: logCreator = () => () => {};

export function createLogger({ level, creator, timestamp }: LoggerOptions): Logger {
  let common: logLevel = level;
  const write = creator(level);
  const inNamespace = (namespace: string, own?: logLevel): Logger => {
    const at =
      (label: string, entryLevel: logLevel) =>
      (message: string, extra: object = {}): void => {
        if (entryLevel > (own ?? common)) return;
        const entry: LogEntry = {
          namespace,
          level: entryLevel,
          label,
          log: { timestamp: timestamp(), logger: 'kafkajs', message, ...extra },
        };
        write(entry);
      };
    return {
      info: at('INFO', logLevel.INFO),
      error: at('ERROR', logLevel.ERROR),
      warn: at('WARN', logLevel.WARN),
      debug: at('DEBUG', logLevel.DEBUG),
      namespace: inNamespace,
      setLogLevel(next) {
        common = next;
      },
    };
  };
  return inNamespace('');
}
