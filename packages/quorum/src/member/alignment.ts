/**
 * Whether a follower's log is a beginning of the leader's, told by its end alone: the last epoch in it and where it ends
 * (KIP-595). Two logs that agree there agree everywhere before.
 */
import { offset, type LeaderEpoch, type Offset } from '@odradek/protocol';
import type { SnapshotId } from '../tree/snapshot.ts';
import type { LogEnd } from './election.ts';
import type { QuorumLog } from './quorum-log.ts';

export type Alignment =
  | { readonly status: 'aligned' }
  /** It is to cut its log to where this epoch ends, here or there. */
  | { readonly status: 'diverging'; readonly epoch: LeaderEpoch; readonly endOffset: Offset }
  /** What it lacks, or what would tell, is no longer in the leader's log. */
  | { readonly status: 'tooOld' };

export function alignmentOf(
  log: QuorumLog,
  follower: LogEnd,
  snapshots: readonly SnapshotId[],
): Alignment {
  const { endOffset, lastEpoch } = follower;
  if (endOffset === 0 && log.logStartOffset === 0) return { status: 'aligned' };
  if (endOffset < log.logStartOffset) return { status: 'tooOld' };
  const own = endOffset <= log.logEndOffset ? log.epochAt(offset(endOffset - 1)) : undefined;
  if (own === lastEpoch && endOffset > log.logStartOffset) return { status: 'aligned' };
  if (endOffset === log.logStartOffset) {
    // Only the snapshot that ends there knows the epoch of what came before.
    const isSnapshot = snapshots.some(
      (it) => it.nextOffset === endOffset && Math.max(it.epoch, 0) === lastEpoch,
    );
    return isSnapshot ? { status: 'aligned' } : { status: 'tooOld' };
  }
  // The epochs of what a snapshot stands for are forgotten, even where a crash has brought the records back. Where epochs
  // would be guessed, logs do not match, and there is no telling where they part.
  if (own === undefined && endOffset <= log.logEndOffset) return { status: 'tooOld' };
  const end = log.endOffsetForEpoch(lastEpoch);
  const isKnown = end.epoch >= 0 && log.epochAt(offset(end.endOffset - 1)) === end.epoch;
  if (!isKnown || end.endOffset <= log.logStartOffset) return { status: 'tooOld' };
  return { status: 'diverging', epoch: end.epoch, endOffset: end.endOffset };
}

/** Where a follower cuts its own log: the end of that epoch in whichever log it ends first. */
export function truncationOffset(
  log: QuorumLog,
  { epoch, endOffset }: { readonly epoch: LeaderEpoch; readonly endOffset: Offset },
): Offset {
  const own = log.endOffsetForEpoch(epoch);
  const ownEnd = own.epoch < 0 ? log.logEndOffset : own.endOffset;
  return ownEnd < endOffset ? ownEnd : endOffset;
}
