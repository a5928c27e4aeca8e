/**
 * What can go wrong for a client, as classes. `retriable` says whether the same call may succeed later without anybody's help: for a
 * broker's answer it is the error table's word, for a connection that was lost it is true.
 */
import { errorInfo } from '@odradek/protocol';
import type { Endpoint } from '@odradek/ports';

export abstract class ClientError extends Error {
  abstract readonly retriable: boolean;

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
  }
}

export interface ErrorPlace {
  /** What was being done: "CreateTopics". */
  readonly api?: string;
  readonly topic?: string;
  readonly partition?: number;
  /** What the broker says beyond the code. */
  readonly detail?: string | null;
  /** When the caller knows better than the table. */
  readonly retriable?: boolean;
}

/** A broker answered with an error code. */
export class BrokerError extends ClientError {
  override readonly name = 'BrokerError';
  readonly code: number;
  /** Kafka's name of the code: UNKNOWN_TOPIC_OR_PARTITION. */
  readonly errorName: string;
  readonly retriable: boolean;
  readonly topic: string | undefined;
  readonly partition: number | undefined;

  constructor(code: number, { api, topic, partition, detail, retriable }: ErrorPlace = {}) {
    const info = errorInfo(code);
    const subject =
      topic === undefined ? api : partition === undefined ? topic : `${topic}-${partition}`;
    super(`${subject === undefined ? '' : `${subject}: `}${detail || info.message} (${info.name})`);
    this.code = code;
    this.errorName = info.name;
    this.retriable = retriable ?? info.retriable;
    this.topic = topic;
    this.partition = partition;
  }
}

/** Throws when `code` is an error. */
export function check(code: number, place?: ErrorPlace): void {
  if (code !== 0) throw new BrokerError(code, place);
}

/** The connection went away while an answer was awaited: whether the broker did what was asked is not known. */
export class ConnectionLost extends ClientError {
  override readonly name = 'ConnectionLost';
  readonly retriable = true;
}

/** No answer in time. The connection is given up, since answers come in order. */
export class RequestTimedOut extends ClientError {
  override readonly name = 'RequestTimedOut';
  readonly retriable = true;
}

/** None of the bootstrap addresses could be reached. */
export class NoBrokerReachable extends ClientError {
  override readonly name = 'NoBrokerReachable';
  readonly retriable = true;
}

/** The broker has the API not at all, or in no version that this client knows. */
export class UnsupportedApi extends ClientError {
  override readonly name = 'UnsupportedApi';
  readonly retriable = false;
}

/** The broker broke the protocol, or a batch is damaged. */
export class ProtocolViolation extends ClientError {
  override readonly name = 'ProtocolViolation';
  readonly retriable = false;
}

/** The client was closed, or its caller gave up. */
export class ClientClosed extends ClientError {
  override readonly name = 'ClientClosed';
  readonly retriable = false;
}

export const isRetriable = (error: unknown): boolean =>
  error instanceof ClientError && error.retriable;

export const formatEndpoint = ({ host, port }: Endpoint): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;
