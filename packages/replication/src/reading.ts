/**
 * What a reader asks of a partition, and what it is given: whole batches from the log, up to a bound that is not the log's affair.
 * Who may read here at all, and up to where, is decided before (partition-replica.ts).
 */
import type { AbortedTransaction, PartitionLog, ReadResult } from '@odradek/log';
import { ErrorCode, type NodeId, type Offset } from '@odradek/protocol';

export interface ReadRequest {
  readonly fetchOffset: Offset;
  /** The epoch that the reader believes in; -1 when it does not say (KIP-320). */
  readonly currentLeaderEpoch: number;
  /** The epoch of the last record that the reader holds; -1 when it does not say. */
  readonly lastFetchedEpoch: number;
  readonly maxBytes: number;
  /** The first non-empty partition of an answer gives a whole batch, however large (KIP-74). */
  readonly atLeastOneBatch: boolean;
  readonly isolation: 'readUncommitted' | 'readCommitted';
  /** A replica reads, up to the log's end: who it is has been checked. Absent: a client does, up to the high watermark. */
  readonly replica?: ReplicaReader;
  /** The client may be answered by a follower (KIP-392). */
  readonly mayReadFollower?: boolean;
}

export interface ReplicaReader {
  readonly nodeId: NodeId;
  /** -1: it does not say. */
  readonly brokerEpoch: number;
  readonly logStartOffset: Offset;
  /** The same request looks again after it waited: its progress was noted when it came. */
  readonly isRepeat: boolean;
}

/** Where a leader epoch ends; both -1 when nothing is known of it. */
export interface EpochEnd {
  readonly epoch: number;
  readonly endOffset: number;
}

export interface PartitionRead {
  readonly errorCode: ErrorCode;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly records: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** The reader may see more: its limits, or a boundary within the log, kept it from being given at once. */
  readonly isCut: boolean;
  /** Null under read_uncommitted. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  /** Where the reader's log and ours part (KIP-595's DivergingEpoch). */
  readonly divergingEpoch?: EpochEnd;
}

/** There is no log to say anything of. */
export const unavailableRead = (errorCode: ErrorCode): PartitionRead => ({
  errorCode,
  highWatermark: -1,
  lastStableOffset: -1,
  logStartOffset: -1,
  records: [],
  sizeBytes: 0,
  isCut: false,
  abortedTransactions: null,
});

/** Nothing but where the log is. */
export const emptyRead = (
  log: PartitionLog,
  errorCode: ErrorCode,
  abortedTransactions: readonly AbortedTransaction[] | null = null,
): PartitionRead => ({
  errorCode,
  highWatermark: log.highWatermark,
  lastStableOffset: log.lastStableOffset,
  logStartOffset: log.logStartOffset,
  records: [],
  sizeBytes: 0,
  isCut: false,
  abortedTransactions,
});

/** From within the log, below `below`. At once when the tail in memory has it. What goes wrong is what `failed` makes of it. */
export const readBatches = (
  log: PartitionLog,
  request: ReadRequest,
  below: Offset,
  failed: (cause: unknown) => PartitionRead,
): PartitionRead | Promise<PartitionRead> => {
  const { fetchOffset, maxBytes, atLeastOneBatch } = request;
  const aborted = wantsAborted(request) ? [] : null;
  if (fetchOffset >= below) return emptyRead(log, ErrorCode.NONE, aborted);
  if (maxBytes <= 0 && !atLeastOneBatch)
    return { ...emptyRead(log, ErrorCode.NONE, aborted), isCut: true };
  try {
    const result = log.read(fetchOffset, { maxBytes, atLeastOneBatch, below });
    const read =
      result instanceof Promise
        ? result.then((found) => answerOf(log, request, found, below))
        : answerOf(log, request, result, below);
    return read instanceof Promise ? read.catch(failed) : read;
  } catch (cause) {
    return failed(cause);
  }
};

const answerOf = (
  log: PartitionLog,
  request: ReadRequest,
  result: ReadResult,
  below: Offset,
): PartitionRead | Promise<PartitionRead> => {
  if (result.status === 'outOfRange') return emptyRead(log, ErrorCode.OFFSET_OUT_OF_RANGE);
  const answer = (abortedTransactions: readonly AbortedTransaction[] | null): PartitionRead => ({
    ...emptyRead(log, ErrorCode.NONE, abortedTransactions),
    records: result.records,
    sizeBytes: result.sizeBytes,
    isCut: result.nextOffset < below,
  });
  if (!wantsAborted(request)) return answer(null);
  const aborted = log.abortedTransactions(request.fetchOffset, result.nextOffset);
  return aborted instanceof Promise ? aborted.then(answer) : answer(aborted);
};

const wantsAborted = ({ isolation, replica }: ReadRequest): boolean =>
  isolation === 'readCommitted' && replica === undefined;
