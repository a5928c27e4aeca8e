/** What the face needs of its host beyond what every client needs. */
import type { ClientHost } from '../host.ts';
import type { LogEntry } from './types.ts';

export interface KafkaJSHost<B extends Uint8Array> extends ClientHost {
  /** What applications get for bytes. A view of them, not a copy. */
  readonly toBuffer: (bytes: Uint8Array) => B;
  /** Now, as ISO 8601 says it. */
  readonly timestamp: () => string;
  /** Where log entries go when an application sets `logLevel` and no `logCreator`. */
  readonly log: (entry: LogEntry) => void;
}
