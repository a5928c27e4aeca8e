/**
 * What the ensemble needs of the log that it is kept in: a part of PartitionLog's own shape, so that one can be handed in
 * as it is. The log must be one whose flushed offset means flushed (`flush.messages=1`): votes and commits rest on it.
 */
import type { ErrorCode, LeaderEpoch, Offset } from '@odradek/protocol';

export interface QuorumLog {
  readonly logStartOffset: Offset;
  readonly logEndOffset: Offset;
  /** Everything below survives a crash. */
  readonly flushedOffset: Offset;
  /** Of the last batch; -1 in an empty log. */
  readonly latestEpoch: LeaderEpoch;
  /** Takes the batch at the log's end at once; the disk is told of by `onFlushed` or `onFailed`, later and in order. */
  appendAsLeader(
    records: Uint8Array,
    options: { readonly leaderEpoch: LeaderEpoch; readonly origin: 'coordinator' },
  ): QuorumAppend;
  /** Batches as the leader has them. */
  appendAsFollower(records: Uint8Array): QuorumAppend;
  onFlushed: (flushedOffset: Offset) => void;
  onFailed: (error: Error) => void;
  /** Everything appended before the call is on the disk on return. */
  flush(): Promise<void>;
  /** The largest epoch that is known and not above `epoch`, and where it ends; both -1 when there is none. */
  endOffsetForEpoch(epoch: LeaderEpoch): {
    readonly epoch: LeaderEpoch;
    readonly endOffset: Offset;
  };
  /** Of the record at that offset; undefined where it is not known (any more). */
  epochAt(at: Offset): LeaderEpoch | undefined;
  /** Durable on return. */
  truncateTo(target: Offset): Promise<unknown>;
  /** Durable on return: the log is empty, and goes on at `start`. */
  truncateFullyAndStartAt(start: Offset): Promise<void>;
  /** Whole batches from the one that holds `from` on. */
  read(
    from: Offset,
    options: {
      readonly maxBytes: number;
      readonly atLeastOneBatch: boolean;
      readonly below: Offset;
    },
  ): QuorumRead | Promise<QuorumRead>;
  setHighWatermark?(highWatermark: Offset): void;
  /** Gives up what a snapshot holds; the disk has it back with the next retention. */
  deleteRecordsBefore?(before: Offset): unknown;
  enforceRetention?(): Promise<unknown>;
}

export type QuorumAppend =
  | {
      readonly status: 'appended' | 'duplicate';
      readonly baseOffset: Offset;
      readonly lastOffset: Offset;
    }
  /** Nothing has changed. */
  | { readonly status: 'refused'; readonly errorCode: ErrorCode; readonly message: string };

export type QuorumRead =
  | {
      readonly status: 'ok';
      readonly records: readonly Uint8Array[];
      readonly nextOffset: Offset;
    }
  | { readonly status: 'outOfRange' };
