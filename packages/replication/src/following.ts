/**
 * A follower's side of its log: from where it fetches, what becomes of what it is given, and where its log parts from the
 * leader's. That it follows in this very epoch has been seen to before (partition-replica.ts).
 */
import type { PartitionLog } from '@odradek/log';
import {
  BATCH_HEADER_BYTES,
  BatchView,
  leaderEpoch,
  offset,
  type ErrorCode,
  type LeaderEpoch,
  type Offset,
} from '@odradek/protocol';
import type { ReplicationMutant } from './mutants.ts';
import type { EpochEnd } from './reading.ts';

/** What a leader answered to a follower's fetch. */
export interface FetchedRecords {
  readonly records: readonly Uint8Array[];
  readonly highWatermark: number;
  readonly logStartOffset: number;
}

export type FetchedOutcome =
  /** `sizeBytes` of records went into the log; they are not flushed yet. */
  | { readonly status: 'appended'; readonly sizeBytes: number }
  /** It was asked for in another epoch, or at another place. */
  | { readonly status: 'stale' }
  /** The leader's first batch begins before this log's end, of which nothing is there: the log is to begin with that batch. */
  | { readonly status: 'beginsBefore'; readonly truncation: Truncation }
  | { readonly status: 'refused'; readonly errorCode: ErrorCode; readonly message: string };

/** From where a follower goes on. */
export interface FollowerPosition {
  readonly fetchOffset: Offset;
  /** The epoch of the last record; -1 without any. */
  readonly lastFetchedEpoch: LeaderEpoch;
  readonly logStartOffset: Offset;
  readonly highWatermark: Offset;
}

/** What a follower has to do to its log before it can go on. */
export type Truncation =
  | { readonly kind: 'cut'; readonly endOffset: Offset }
  /** Nothing of it is of use: the leader's log begins behind its end. */
  | { readonly kind: 'anew'; readonly startOffset: Offset };

/** Undefined while something that was appended is not flushed: a fetch says to the leader that all before it is held. */
export const positionIn = (
  log: PartitionLog,
  mutant: ReplicationMutant | undefined,
): FollowerPosition | undefined => {
  if (log.flushedOffset < log.logEndOffset && mutant !== 'ackBeforeFlush') return undefined;
  return {
    fetchOffset: log.logEndOffset,
    lastFetchedEpoch: mutant === 'truncateToHighWatermark' ? leaderEpoch(-1) : log.latestEpoch,
    logStartOffset: log.logStartOffset,
    highWatermark: log.highWatermark,
  };
};

/** Appends what was given at `fetchOffset`, the log's end, and takes over how far it is committed. */
export const appendTo = (
  log: PartitionLog,
  fetchOffset: Offset,
  fetched: FetchedRecords,
): FetchedOutcome => {
  const first = fetched.records.find((it) => it.length > 0);
  const firstOffset = first === undefined ? fetchOffset : baseOffsetOf(first);
  if (firstOffset < fetchOffset && log.logStartOffset === fetchOffset) {
    return { status: 'beginsBefore', truncation: { kind: 'anew', startOffset: firstOffset } };
  }
  let sizeBytes = 0;
  for (const records of fetched.records) {
    if (records.length === 0) continue;
    const outcome = log.appendAsFollower(records);
    if (outcome.status === 'refused') {
      return { status: 'refused', errorCode: outcome.errorCode, message: outcome.message };
    }
    sizeBytes += records.length;
  }
  if (fetched.highWatermark > log.highWatermark)
    log.setHighWatermark(offset(Math.min(fetched.highWatermark, log.logEndOffset)));
  return { status: 'appended', sizeBytes };
};

/** By what the leader says of the epoch (KIP-101, KIP-279, KIP-595). */
export const divergenceOf = (
  log: PartitionLog,
  leaders: EpochEnd,
  mutant: ReplicationMutant | undefined,
): Truncation => {
  const ours = log.endOffsetForEpoch(leaderEpoch(leaders.epoch));
  const agreed =
    mutant === 'foreignEpochEndBelieved'
      ? leaders.endOffset
      : ours.epoch === leaders.epoch
        ? Math.min(ours.endOffset, leaders.endOffset)
        : ours.endOffset;
  return { kind: 'cut', endOffset: offset(Math.max(0, Math.min(agreed, log.logEndOffset))) };
};

const baseOffsetOf = (records: Uint8Array): Offset =>
  // Too short for a batch: the log refuses it with a reason.
  records.length < BATCH_HEADER_BYTES ? offset(Infinity) : new BatchView(records, 0).baseOffset;
