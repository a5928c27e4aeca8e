/** This client's errors in KafkaJS's words. The error that was met stays as `cause`. */
import { ErrorCode, errorInfo } from '@odradek/protocol';
import {
  BrokerError,
  ClientClosed,
  ClientError,
  CommitFailed,
  ConnectionLost,
  DeliveryTimedOut,
  LogTruncated,
  NoBrokerReachable,
  NoOffset,
  RecordTooLarge,
  RequestTimedOut,
  UnsupportedApi,
} from '../errors.ts';
import {
  KafkaJSAggregateError,
  KafkaJSConnectionError,
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSProtocolError,
  KafkaJSRequestTimeoutError,
  KafkaJSServerDoesNotSupportApiKey,
} from './errors.ts';
import type { ProtocolErrorInfo } from './errors.ts';
import type { RetryPlan } from './retry-plan.ts';

/** KafkaJS kept the names that Kafka had before 2.6. */
const OLDER_NAMES: ReadonlyMap<number, string> = new Map([
  [ErrorCode.UNKNOWN_SERVER_ERROR, 'UNKNOWN'],
  [ErrorCode.NOT_LEADER_OR_FOLLOWER, 'NOT_LEADER_FOR_PARTITION'],
  [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, 'GROUP_LOAD_IN_PROGRESS'],
  [ErrorCode.COORDINATOR_NOT_AVAILABLE, 'GROUP_COORDINATOR_NOT_AVAILABLE'],
  [ErrorCode.NOT_COORDINATOR, 'NOT_COORDINATOR_FOR_GROUP'],
]);

export const typeOf = (code: number): string => OLDER_NAMES.get(code) ?? errorInfo(code).name;

export const protocolError = (code: number, cause?: Error, detail?: string): KafkaJSProtocolError =>
  new KafkaJSProtocolError(protocolInfo(code, cause, detail));

export function protocolInfo(code: number, cause?: Error, detail?: string): ProtocolErrorInfo {
  const { message, retriable } = errorInfo(code);
  return { type: typeOf(code), code, retriable, message: detail ?? message, cause };
}

/** One error, as it would be thrown by one attempt. */
export function toKafkaJS(error: unknown): KafkaJSError {
  if (error instanceof KafkaJSError) return error;
  if (error instanceof BrokerError)
    return new KafkaJSProtocolError({
      type: typeOf(error.code),
      code: error.code,
      // The table's word: KafkaJS knows no other.
      retriable: errorInfo(error.code).retriable,
      message: error.message,
      cause: error,
    });
  if (error instanceof CommitFailed && error.cause instanceof BrokerError)
    return protocolError(error.cause.code, error, error.message);
  if (error instanceof RecordTooLarge)
    return protocolError(ErrorCode.MESSAGE_TOO_LARGE, error, error.message);
  if (error instanceof NoOffset || error instanceof LogTruncated)
    return protocolError(ErrorCode.OFFSET_OUT_OF_RANGE, error, error.message);
  if (error instanceof ConnectionLost || error instanceof NoBrokerReachable) {
    const { broker, message } = error;
    return new KafkaJSConnectionError(`Connection error: ${message}`, {
      ...(broker !== undefined && { broker }),
      cause: error,
    });
  }
  if (error instanceof RequestTimedOut) {
    const { broker } = error;
    return new KafkaJSRequestTimeoutError(error, {
      ...(broker !== undefined && { broker }),
      cause: error,
    });
  }
  if (error instanceof UnsupportedApi)
    return new KafkaJSServerDoesNotSupportApiKey(error, { cause: error });
  if (error instanceof ClientClosed) return new KafkaJSError(error, { cause: error });
  if (error instanceof ClientError)
    return new KafkaJSError(error, { retriable: error.retriable, cause: error });
  const plain = error instanceof Error ? error : new Error(String(error));
  return new KafkaJSNonRetriableError(plain, { cause: plain });
}

/** An error that is left when all attempts are over, as KafkaJS's retrier hands it on. */
export function afterRetries(error: unknown, plan: RetryPlan): Error {
  // Said by the face itself, with all that is to say.
  if (error instanceof KafkaJSAggregateError || error instanceof KafkaJSError) return error;
  if (error instanceof DeliveryTimedOut && error.cause instanceof ClientError)
    return new KafkaJSNumberOfRetriesExceeded(toKafkaJS(error.cause), plan.spent);
  const mapped = toKafkaJS(error);
  if (mapped instanceof KafkaJSNonRetriableError) return mapped;
  if (mapped.retriable) return new KafkaJSNumberOfRetriesExceeded(mapped, plan.spent);
  return new KafkaJSNonRetriableError(mapped, { cause: mapped });
}

const REBALANCING: ReadonlySet<number> = new Set([
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.UNKNOWN_MEMBER_ID,
]);

/** The group goes on without what was being worked on: no failure of the application's. */
export const isRebalancing = (error: unknown): boolean =>
  error instanceof KafkaJSProtocolError && REBALANCING.has(error.code);
