/** What `startBroker` takes and gives: the line between the command (or a program that embeds a broker) and the composition root. */
import type { ConfigEntry } from '@odradek/broker';
import type { Endpoint, Logger, Volume } from '@odradek/ports';

export type { ConfigEntry } from '@odradek/broker';

export interface StartBrokerOptions {
  /** Configuration as it was written, later entries winning; refused as a whole by a BrokerConfigError when any of it is wrong. */
  readonly entries: readonly ConfigEntry[];
  /** Keep everything in memory and nothing on the disk; log.dirs is not touched. */
  readonly memory: boolean;
  readonly logger: Logger;
  /** How the data folder is opened, when not as the file system's: for a disk that fails when a test tells it to. */
  readonly openVolume?: (directory: string) => Promise<Volume>;
}

export interface RunningBroker {
  readonly addresses: {
    /** Kafka over TCP. Undefined when no such listener is configured. */
    readonly kafka: Endpoint | undefined;
    /** Health, metrics and, from a browser, Kafka in WebSocket frames. Undefined when no WS listener is configured. */
    readonly http: Endpoint | undefined;
    /** "ws://127.0.0.1:9094/kafka" */
    readonly websocket: string | undefined;
  };
  /** For people: a folder, or "memory". */
  readonly dataLocation: string;
  readonly nodeId: number;
  readonly clusterId: string;
  /** Drains, flushes and marks a clean stop. Calling it again gives the same promise. */
  stop(): Promise<void>;
  /** Settles when the broker has stopped: resolved after `stop`, rejected when it had to give up (a failed disk). */
  readonly stopped: Promise<void>;
}

/** The configuration cannot be used; the message names every problem, one a line. */
export class BrokerConfigError extends Error {
  override readonly name = 'BrokerConfigError';
}

export type StartBroker = (options: StartBrokerOptions) => Promise<RunningBroker>;
