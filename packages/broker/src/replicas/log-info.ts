/** What there is to tell of a replica's log where nobody is sure to hold everything that was committed (KIP-966). */
import type { LogEnd } from '@odradek/log';
import type { PartitionReplica } from '@odradek/replication';

export interface LogInfo {
  /** -1 without records. */
  readonly lastEpoch: number;
  /** -1: unknown. */
  readonly logEndOffset: number;
  readonly isDamaged: boolean;
  /** Each append is flushed before it is acknowledged. */
  readonly isFlushed: boolean;
  /** Nothing of what it acknowledged can be missing. */
  readonly isWhole: boolean;
}

export interface LogState {
  /** The replica is offline because its log is damaged. */
  readonly isDamaged: boolean;
  /** Where that log ends nevertheless. */
  readonly damagedEnd: LogEnd | undefined;
}

/** Undefined while the log is not open, and when it failed without being damaged: a restart may bring it back. */
export const logInfoOf = (
  { role, log }: Pick<PartitionReplica, 'role' | 'log'>,
  { isDamaged, damagedEnd }: LogState,
): LogInfo | undefined => {
  if (role === 'offline') {
    if (!isDamaged) return undefined;
    const { epoch, offset } = damagedEnd ?? { epoch: -1, offset: -1 };
    return { lastEpoch: epoch, logEndOffset: offset, isDamaged, isFlushed: false, isWhole: false };
  }
  if (role === 'loading' || log === undefined) return undefined;
  // Written to the page cache only, an end may be lost without a trace.
  const isFlushed = log.config.flushMessages <= 1;
  return {
    lastEpoch: log.latestEpoch,
    logEndOffset: log.flushedOffset,
    isDamaged: false,
    isFlushed,
    isWhole: isFlushed && !log.isIncomplete,
  };
};
