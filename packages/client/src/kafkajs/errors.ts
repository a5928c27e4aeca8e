/**
 * KafkaJS's error classes, by its names and fields, since applications ask `error.name`, `error.type` and `instanceof`. What this client said
 * itself is the `cause` at the bottom.
 */
export interface KafkaJSErrorOptions {
  readonly retriable?: boolean;
  readonly cause?: unknown;
}

export class KafkaJSError extends Error {
  override name = 'KafkaJSError';
  readonly retriable: boolean;
  readonly helpUrl?: string;
  declare readonly cause?: Error;

  constructor(error: Error | string, { retriable = true, cause }: KafkaJSErrorOptions = {}) {
    super(typeof error === 'string' ? error : error.message, cause === undefined ? {} : { cause });
    this.retriable = retriable;
  }
}

export class KafkaJSNonRetriableError extends KafkaJSError {
  override name = 'KafkaJSNonRetriableError';

  constructor(error: Error | string, { cause }: { readonly cause?: unknown } = {}) {
    super(error, { retriable: false, cause });
  }
}

export interface ProtocolErrorInfo {
  readonly type: string;
  readonly code: number;
  readonly retriable: boolean;
  readonly message: string;
  readonly cause?: unknown;
}

export class KafkaJSProtocolError extends KafkaJSError {
  override name = 'KafkaJSProtocolError';
  readonly type: string;
  readonly code: number;

  constructor({ message, type, code, retriable, cause }: ProtocolErrorInfo) {
    super(message, { retriable, cause });
    this.type = type;
    this.code = code;
  }
}

export class KafkaJSOffsetOutOfRange extends KafkaJSProtocolError {
  override name = 'KafkaJSOffsetOutOfRange';
  readonly topic: string;
  readonly partition: number;

  constructor(info: ProtocolErrorInfo, place: { readonly topic: string; partition: number }) {
    super(info);
    this.topic = place.topic;
    this.partition = place.partition;
  }
}

export class KafkaJSCreateTopicError extends KafkaJSProtocolError {
  override name = 'KafkaJSCreateTopicError';
  readonly topic: string;

  constructor(info: ProtocolErrorInfo, topic: string) {
    super(info);
    this.topic = topic;
  }
}

export class KafkaJSNumberOfRetriesExceeded extends KafkaJSNonRetriableError {
  override name = 'KafkaJSNumberOfRetriesExceeded';
  readonly retryCount: number;
  readonly retryTime: number;

  constructor(error: Error, { retryCount, retryTime }: { retryCount: number; retryTime: number }) {
    super(error, { cause: error });
    this.retryCount = retryCount;
    this.retryTime = retryTime;
  }
}

export class KafkaJSConnectionError extends KafkaJSError {
  override name = 'KafkaJSConnectionError';
  readonly broker: string | undefined;
  readonly code: string | undefined;

  constructor(
    error: Error | string,
    { broker, code, cause }: { broker?: string; code?: string; cause?: unknown } = {},
  ) {
    super(error, { cause });
    this.broker = broker;
    this.code = code;
  }
}

export class KafkaJSRequestTimeoutError extends KafkaJSError {
  override name = 'KafkaJSRequestTimeoutError';
  readonly broker: string | undefined;

  constructor(error: Error | string, options: { broker?: string; cause?: unknown } = {}) {
    super(error, { cause: options.cause });
    this.broker = options.broker;
  }
}

export class KafkaJSServerDoesNotSupportApiKey extends KafkaJSNonRetriableError {
  override name = 'KafkaJSServerDoesNotSupportApiKey';
}

export class KafkaJSGroupCoordinatorNotFound extends KafkaJSNonRetriableError {
  override name = 'KafkaJSGroupCoordinatorNotFound';
}

export class KafkaJSBrokerNotFound extends KafkaJSError {
  override name = 'KafkaJSBrokerNotFound';
}

/** What this face does not offer: transactions, SASL, ACLs. */
export class KafkaJSNotImplemented extends KafkaJSNonRetriableError {
  override name = 'KafkaJSNotImplemented';
}

export interface DeleteGroupsResult {
  readonly groupId: string;
  readonly errorCode?: number;
  readonly error?: KafkaJSProtocolError;
}

export class KafkaJSDeleteGroupsError extends KafkaJSError {
  override name = 'KafkaJSDeleteGroupsError';
  readonly groups: readonly DeleteGroupsResult[];

  constructor(error: Error | string, groups: readonly DeleteGroupsResult[] = []) {
    super(error);
    this.groups = groups;
  }
}

export interface DeleteRecordsFailure {
  readonly partition: number;
  readonly offset: string;
  readonly error: KafkaJSError;
}

export class KafkaJSDeleteTopicRecordsError extends KafkaJSError {
  override name = 'KafkaJSDeleteTopicRecordsError';
  readonly partitions: readonly DeleteRecordsFailure[];

  constructor({ partitions }: { readonly partitions: readonly DeleteRecordsFailure[] }) {
    super('Error while deleting records', {
      retriable: partitions.every(({ error }) => error.retriable),
      cause: partitions[0]?.error,
    });
    this.partitions = partitions;
  }
}

export class KafkaJSAggregateError extends Error {
  override name = 'KafkaJSAggregateError';
  readonly errors: readonly (Error | string)[];

  constructor(message: Error | string, errors: readonly (Error | string)[]) {
    super(typeof message === 'string' ? message : message.message, { cause: errors[0] });
    this.errors = errors;
  }
}

// What follows KafkaJS throws and this face never does: here so that what names them goes on to compile and to run.

export class KafkaJSConnectionClosedError extends KafkaJSConnectionError {
  override name = 'KafkaJSConnectionClosedError';
}
export class KafkaJSMetadataNotLoaded extends KafkaJSError {
  override name = 'KafkaJSMetadataNotLoaded';
}
export class KafkaJSTopicMetadataNotLoaded extends KafkaJSMetadataNotLoaded {
  override name = 'KafkaJSTopicMetadataNotLoaded';
}
export class KafkaJSStaleTopicMetadataAssignment extends KafkaJSError {
  override name = 'KafkaJSStaleTopicMetadataAssignment';
}
export class KafkaJSNoBrokerAvailableError extends KafkaJSError {
  override name = 'KafkaJSNoBrokerAvailableError';
}
export class KafkaJSAlterPartitionReassignmentsError extends KafkaJSProtocolError {
  override name = 'KafkaJSAlterPartitionReassignmentsError';
}
export class KafkaJSPartialMessageError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSPartialMessageError';
}
export class KafkaJSSASLAuthenticationError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSSASLAuthenticationError';
}
export class KafkaJSTimeout extends KafkaJSNonRetriableError {
  override name = 'KafkaJSTimeout';
}
export class KafkaJSLockTimeout extends KafkaJSTimeout {
  override name = 'KafkaJSLockTimeout';
}
export class KafkaJSUnsupportedMagicByteInMessageSet extends KafkaJSNonRetriableError {
  override name = 'KafkaJSUnsupportedMagicByteInMessageSet';
}
export class KafkaJSInvariantViolation extends KafkaJSNonRetriableError {
  override name = 'KafkaJSInvariantViolation';
}
export class KafkaJSInvalidVarIntError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSInvalidVarIntError';
}
export class KafkaJSInvalidLongError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSInvalidLongError';
}
export class KafkaJSFetcherRebalanceError extends Error {
  override name = 'KafkaJSFetcherRebalanceError';
}
export class KafkaJSMemberIdRequired extends KafkaJSProtocolError {
  override name = 'KafkaJSMemberIdRequired';
}
