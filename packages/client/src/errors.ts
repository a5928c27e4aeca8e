/**
 * What can go wrong for a client, as classes. `retriable` says whether the same call may succeed later without anybody's help: for a
 * broker's answer it is the error table's word, for a connection that was lost it is true.
 */
import { errorName as errorNameOf, isRetriableCode } from '@odradek/protocol';
import type { Endpoint } from '@odradek/ports';
import { adviceOn } from './error-advice.ts';

export interface ClientErrorOptions {
  readonly cause?: unknown;
  /** "host:port" of the broker that it is about. */
  readonly broker?: string;
}

export abstract class ClientError extends Error {
  abstract readonly retriable: boolean;
  readonly broker: string | undefined;

  constructor(message: string, { cause, broker }: ClientErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.broker = broker;
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
  readonly broker?: string;
}

const UNKNOWN_SERVER_ERROR = -1;

/** A broker answered with an error code. */
export class BrokerError extends ClientError {
  override readonly name = 'BrokerError';
  readonly code: number;
  /** Kafka's name of the code: UNKNOWN_TOPIC_OR_PARTITION. */
  readonly errorName: string;
  readonly retriable: boolean;
  readonly topic: string | undefined;
  readonly partition: number | undefined;

  constructor(code: number, place: ErrorPlace = {}) {
    const { api, topic, partition, detail, retriable, broker } = place;
    const errorName = errorNameOf(code);
    const subject =
      topic === undefined ? api : partition === undefined ? topic : `${topic}-${partition}`;
    // A broker may be newer than this table.
    const isUnknown = errorName === 'UNKNOWN_SERVER_ERROR' && code !== UNKNOWN_SERVER_ERROR;
    const reason = detail || (isUnknown ? `error code ${code}` : adviceOn(code));
    super(
      (subject === undefined ? '' : `${subject}: `) +
        (reason === undefined ? errorName : `${reason} (${errorName})`),
      broker === undefined ? {} : { broker },
    );
    this.code = code;
    this.errorName = errorName;
    this.retriable = retriable ?? isRetriableCode(code);
    this.topic = topic;
    this.partition = partition;
  }
}

/** Throws when `code` is an error. */
export function check(code: number, place?: ErrorPlace): void {
  if (code !== 0) throw new BrokerError(code, place);
}

/** The connection went away while an answer was awaited, and whether the broker did what was asked is not known; or it could not be opened. */
export class ConnectionLost extends ClientError {
  override readonly name = 'ConnectionLost';
  readonly retriable = true;
}

/** No answer in time. The connection is given up, since answers come in order. */
export class RequestTimedOut extends ClientError {
  override readonly name = 'RequestTimedOut';
  readonly retriable = true;
}

/** None of the addresses could be reached; not retriable when what answers there is no broker of Kafka's protocol at all. */
export class NoBrokerReachable extends ClientError {
  override readonly name = 'NoBrokerReachable';
  readonly retriable: boolean;

  constructor(
    message: string,
    options: ClientErrorOptions & { readonly retriable?: boolean } = {},
  ) {
    super(message, options);
    this.retriable = options.retriable ?? true;
  }
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

/** The record, or its batch, is larger than this client or the broker takes. */
export class RecordTooLarge extends ClientError {
  override readonly name = 'RecordTooLarge';
  readonly retriable = false;
}

/** A codec that the host loads when it is first met could not be had. It is loaded anew when it is next needed. */
export class CodecUnavailable extends ClientError {
  override readonly name = 'CodecUnavailable';
  readonly retriable = true;
}

/** The producer's buffer stayed full for `maxBlockMs`: the brokers take less than what is sent. */
export class BufferFull extends ClientError {
  override readonly name = 'BufferFull';
  readonly retriable = true;
}

/** A record was not acknowledged within `deliveryTimeoutMs`; whether it is in the log is not known unless the cause tells. */
export class DeliveryTimedOut extends ClientError {
  override readonly name = 'DeliveryTimedOut';
  readonly retriable = false;
}

/** The producer cannot go on: its identity is not accepted any more. Open a new one. */
export class ProducerFenced extends ClientError {
  override readonly name = 'ProducerFenced';
  readonly retriable = false;
}

/** The partition has no committed offset, or one that is out of range, and the reset policy is `none`. */
export class NoOffset extends ClientError {
  override readonly name = 'NoOffset';
  readonly retriable = false;
}

/** The leader's log was cut below what was read already (KIP-320), and the reset policy is `none`. */
export class LogTruncated extends ClientError {
  override readonly name = 'LogTruncated';
  readonly retriable = false;
}

/** The partitions were given to another member before the offset was committed. */
export class CommitFailed extends ClientError {
  override readonly name = 'CommitFailed';
  readonly retriable = false;
}

/** A value does not fit its topic's schema or cannot be (de)serialised. */
export class SchemaMismatch extends ClientError {
  override readonly name = 'SchemaMismatch';
  readonly retriable = false;
}

export const isRetriable = (error: unknown): boolean =>
  error instanceof ClientError && error.retriable;

export const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));

export const formatEndpoint = ({ host, port }: Endpoint): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;
