/** A log that is all decisions and no disk: the test says when it flushes, fails, and what reading gives. */
import type { AbortedTransaction, AppendOutcome, PartitionLog, ReadResult } from '@odradek/log';
import { ErrorCode, leaderEpoch, offset, type LeaderEpoch, type Offset } from '@odradek/protocol';

type Read = ReadResult | Promise<ReadResult>;
type Aborted = readonly AbortedTransaction[] | Promise<readonly AbortedTransaction[]>;

export class FakeLog {
  onFlushed: (flushedOffset: Offset) => void = () => {};
  onFailed: (error: Error) => void = () => {};
  logStartOffset = offset(0);
  logEndOffset = offset(0);
  flushedOffset = offset(0);
  highWatermark = offset(0);
  /** Undefined: no transaction is open. */
  unstableFrom: Offset | undefined;
  /** The epoch of each record, by offset. */
  readonly epochs: number[] = [];
  refusal: ErrorCode = ErrorCode.NONE;
  /** The next appends repeat this one. */
  repeats: { readonly baseOffset: number; readonly lastOffset: number } | undefined;
  reading: (from: Offset, below: Offset, maxBytes: number) => Read = (from, below) => ({
    status: 'ok',
    records: from < below ? [new Uint8Array(below - from)] : [],
    firstOffset: from,
    nextOffset: below,
    sizeBytes: below - from,
  });
  aborted: () => Aborted = () => [];

  get asLog(): PartitionLog {
    return this as unknown as PartitionLog;
  }

  get latestEpoch(): LeaderEpoch {
    return leaderEpoch(this.epochs.at(-1) ?? -1);
  }

  get lastStableOffset(): Offset {
    return offset(Math.min(this.highWatermark, this.unstableFrom ?? this.highWatermark));
  }

  completed(): void {}

  setHighWatermark(highWatermark: Offset): void {
    this.highWatermark = highWatermark;
  }

  /** One record a byte. */
  appendAsLeader(records: Uint8Array, options: { leaderEpoch: LeaderEpoch }): AppendOutcome {
    if (this.refusal !== ErrorCode.NONE) {
      return { status: 'refused', errorCode: this.refusal, message: 'refused', recordErrors: [] };
    }
    const range = { logAppendTimeMs: -1, logStartOffset: this.logStartOffset };
    if (this.repeats !== undefined) {
      const { baseOffset, lastOffset } = this.repeats;
      return {
        status: 'duplicate',
        baseOffset: offset(baseOffset),
        lastOffset: offset(lastOffset),
        ...range,
      };
    }
    const baseOffset = this.logEndOffset;
    for (let n = 0; n < records.length; n++) this.epochs.push(options.leaderEpoch);
    this.logEndOffset = offset(baseOffset + records.length);
    return { status: 'appended', baseOffset, lastOffset: offset(this.logEndOffset - 1), ...range };
  }

  /** As many records as bytes, in the epoch that each byte is. */
  appendAsFollower(records: Uint8Array): AppendOutcome {
    if (this.refusal !== ErrorCode.NONE) {
      return { status: 'refused', errorCode: this.refusal, message: 'refused', recordErrors: [] };
    }
    const baseOffset = this.logEndOffset;
    this.epochs.push(...records);
    this.logEndOffset = offset(baseOffset + records.length);
    return {
      status: 'appended',
      baseOffset,
      lastOffset: offset(this.logEndOffset - 1),
      logAppendTimeMs: -1,
      logStartOffset: this.logStartOffset,
    };
  }

  deleteRecordsBefore(before: Offset): Offset {
    this.logStartOffset = before;
    return before;
  }

  truncateTo(target: Offset): Promise<boolean> {
    this.epochs.length = target;
    this.logEndOffset = target;
    this.flushedOffset = offset(Math.min(this.flushedOffset, target));
    return Promise.resolve(true);
  }

  truncateFullyAndStartAt(start: Offset): Promise<void> {
    this.epochs.length = 0;
    this.logStartOffset = start;
    this.logEndOffset = start;
    this.flushedOffset = start;
    return Promise.resolve();
  }

  flushTo(flushedOffset: number): void {
    this.flushedOffset = offset(flushedOffset);
    this.onFlushed(this.flushedOffset);
  }

  read(from: Offset, options: { below: Offset; maxBytes: number }): Read {
    return this.reading(from, options.below, options.maxBytes);
  }

  abortedTransactions(): Aborted {
    return this.aborted();
  }

  /** Kafka's rule over the epochs of the records alone. */
  endOffsetForEpoch(epoch: LeaderEpoch): { epoch: LeaderEpoch; endOffset: Offset } {
    const next = this.epochs.findIndex((it) => it > epoch);
    if (epoch === this.latestEpoch) return { epoch, endOffset: this.logEndOffset };
    if (next < 0) return { epoch: leaderEpoch(-1), endOffset: offset(-1) };
    const floor = next === 0 ? epoch : this.epochs[next - 1]!;
    return { epoch: leaderEpoch(floor), endOffset: offset(next) };
  }
}
