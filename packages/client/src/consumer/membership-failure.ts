/** What a member does about an error of its coordinator's. */
import { ErrorCode } from '@odradek/protocol';
import { BrokerError, ConnectionLost, isRetriable } from '../errors.ts';

export type FailureKind =
  /** The group rebalances: join (again), keeping the member id. */
  | 'rejoin'
  /** The group has given this member up: what it had is lost, and it comes back as a new one. */
  | 'expelled'
  /** Somebody else coordinates, or nobody can be reached: find out who, then go on as before. */
  | 'coordinatorMoved'
  | 'transient'
  | 'fatal';

const BY_CODE: ReadonlyMap<number, FailureKind> = new Map([
  [ErrorCode.REBALANCE_IN_PROGRESS, 'rejoin'],
  [ErrorCode.MEMBER_ID_REQUIRED, 'rejoin'],
  [ErrorCode.UNKNOWN_MEMBER_ID, 'expelled'],
  [ErrorCode.ILLEGAL_GENERATION, 'expelled'],
  [ErrorCode.NOT_COORDINATOR, 'coordinatorMoved'],
  [ErrorCode.COORDINATOR_NOT_AVAILABLE, 'coordinatorMoved'],
  [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, 'transient'],
  [ErrorCode.GROUP_MAX_SIZE_REACHED, 'fatal'],
]);

export function failureKind(error: unknown): FailureKind {
  if (error instanceof BrokerError)
    return BY_CODE.get(error.code) ?? (error.retriable ? 'transient' : 'fatal');
  if (error instanceof ConnectionLost) return 'coordinatorMoved';
  return isRetriable(error) ? 'coordinatorMoved' : 'fatal';
}
