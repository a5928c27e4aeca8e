/**
 * One segment: the batches from its base offset up to the next segment's, in one file, with what is known of them. The last
 * segment is the active one, and the only one that grows. Sizes and indexes here are what the log has decided; the file
 * follows (writer.ts), and what it has not got yet is in the tail.
 */
import type { BatchView, Offset } from '@odradek/protocol';
import { NEVER, maxSegmentMs } from './log-config.ts';
import type { LogConfig } from './log-config.ts';
import { SEGMENT_SPAN_MAX } from './limits.ts';
import { OFFSET_ENTRY_BYTES, OffsetIndex } from './offset-index.ts';
import type { LogFile } from './open-files.ts';
import { TIME_ENTRY_BYTES, TimeIndex } from './time-index.ts';
import type { TimestampOffset } from './time-index.ts';
import type { AbortedTransaction } from './transaction-index.ts';

export interface SegmentIndexes {
  readonly offsets: OffsetIndex;
  readonly times: TimeIndex;
}

export interface SegmentOptions {
  readonly baseOffset: Offset;
  readonly file: LogFile;
  readonly sizeBytes?: number;
  /** When it was begun or found; counts for records without a time. */
  readonly createdMs: number;
  readonly rollJitterMs?: number;
  readonly indexes?: SegmentIndexes | undefined;
  /** There is a .txnindex on the disk. */
  readonly hasTxnIndex?: boolean;
}

export class Segment {
  readonly baseOffset: Offset;
  /** Changes only when compaction puts another file in its place. */
  file: LogFile;
  sizeBytes: number;
  readonly createdMs: number;
  /** Undefined: not in memory (indexes.ts loads them). The active segment's always are. */
  indexes: SegmentIndexes | undefined;
  /** In the order of their markers; undefined: on the disk, not loaded. */
  aborted: AbortedTransaction[] | undefined;
  /** The first batch's largest timestamp, which segment.ms counts from; undefined: not known (or no batch). */
  firstTimestampMs: number | undefined;
  /** The largest timestamp and the last offset of the first batch that has it; undefined: not known. */
  maxTimestamp: TimestampOffset | undefined;
  /** Rolled, and its derived files are on the disk. */
  isSealed = false;
  /** Its bytes were written, or their checksums found right, since this log was opened: false until then. */
  isProven = true;
  readonly #rollJitterMs: number;
  #bytesSinceIndexEntry = 0;

  constructor(options: SegmentOptions) {
    this.baseOffset = options.baseOffset;
    this.file = options.file;
    this.sizeBytes = options.sizeBytes ?? 0;
    this.createdMs = options.createdMs;
    this.#rollJitterMs = options.rollJitterMs ?? 0;
    this.indexes = options.indexes;
    this.aborted = options.hasTxnIndex === true ? undefined : [];
    this.maxTimestamp =
      this.sizeBytes === 0 ? { timestampMs: -1, offset: this.baseOffset } : undefined;
  }

  /** Of indexes in memory. */
  get indexBytes(): number {
    return this.indexes === undefined
      ? 0
      : this.indexes.offsets.sizeBytes + this.indexes.times.sizeBytes;
  }

  dropIndexes(): void {
    this.indexes = undefined;
  }

  /** For a segment that is begun, or built anew from its file by `noteBatch` for each batch. */
  beginIndexes(): void {
    this.indexes = {
      offsets: new OffsetIndex(this.baseOffset),
      times: new TimeIndex(this.baseOffset),
    };
    this.maxTimestamp = { timestampMs: -1, offset: this.baseOffset };
    this.firstTimestampMs = undefined;
    this.#bytesSinceIndexEntry = 0;
  }

  /** Indexes that were read from the disk, of a segment that goes on growing. */
  resumeIndexes(indexes: SegmentIndexes): void {
    this.indexes = indexes;
    this.#bytesSinceIndexEntry = this.sizeBytes - (indexes.offsets.last?.position ?? 0);
  }

  /** What was built anew from this segment's bytes, all of them. */
  adoptIndexes(rebuilt: Segment): void {
    this.indexes = rebuilt.indexes;
    this.maxTimestamp = rebuilt.maxTimestamp;
    this.firstTimestampMs = rebuilt.firstTimestampMs;
    this.#bytesSinceIndexEntry = rebuilt.#bytesSinceIndexEntry;
  }

  /**
   * Takes one more batch into account, which lies at `position`. An index entry comes before the batch that passes the
   * interval, as Kafka has it: it names that batch's place and last offset.
   */
  noteBatch(batch: BatchView, position: number, config: LogConfig): void {
    const indexes = this.indexes!;
    const timestampMs = batch.maxTimestampMs;
    const { lastOffset, sizeBytes } = batch;
    if (timestampMs > this.maxTimestamp!.timestampMs)
      this.maxTimestamp = { timestampMs, offset: lastOffset };
    this.firstTimestampMs ??= timestampMs;
    if (this.#bytesSinceIndexEntry > config.indexIntervalBytes) {
      indexes.offsets.append(lastOffset, position);
      indexes.times.append(this.maxTimestamp!.timestampMs, this.maxTimestamp!.offset);
      this.#bytesSinceIndexEntry = 0;
    }
    this.#bytesSinceIndexEntry += sizeBytes;
    this.sizeBytes = position + sizeBytes;
  }

  /** No batch will follow: the last time entry names the segment's maximum. */
  completeTimeIndex(): void {
    const max = this.maxTimestamp;
    if (max !== undefined) this.indexes?.times.append(max.timestampMs, max.offset);
  }

  /** Must the next batch begin a new segment? */
  mustRoll(
    batchBytes: number,
    lastOffset: Offset,
    maxTimestampMs: number,
    nowMs: number,
    config: LogConfig,
  ): boolean {
    if (this.sizeBytes > config.segmentBytes - batchBytes && this.sizeBytes > 0) return true;
    if (
      this.sizeBytes > SEGMENT_SPAN_MAX - batchBytes ||
      lastOffset - this.baseOffset > SEGMENT_SPAN_MAX
    )
      return true;
    const { offsets, times } = this.indexes!;
    if (
      offsets.count > 0 &&
      offsets.count >= Math.floor(config.segmentIndexBytes / OFFSET_ENTRY_BYTES)
    )
      return true;
    // One entry is kept free for the one that sealing makes.
    if (
      times.count >= Math.floor(config.segmentIndexBytes / TIME_ENTRY_BYTES) - 1 &&
      times.count > 0
    )
      return true;
    return (
      this.sizeBytes > 0 &&
      this.#waitedMs(maxTimestampMs, nowMs) > maxSegmentMs(config) - this.#rollJitterMs
    );
  }

  /** By the records' time; where they have none, by the clock. */
  #waitedMs(maxTimestampMs: number, nowMs: number): number {
    const first = this.firstTimestampMs ?? -1;
    return first >= 0 ? maxTimestampMs - first : nowMs - this.createdMs;
  }
}

/** What max.compaction.lag.ms counts from. */
export function firstTimestampMsOf(segment: Segment): number {
  const first = segment.firstTimestampMs ?? -1;
  return first >= 0 ? first : NEVER;
}

/** What retention.ms counts from: the largest timestamp, or the clock where no record has one. */
export function largestTimestampMsOf(segment: Segment): number {
  const max = segment.maxTimestamp?.timestampMs ?? -1;
  return max >= 0 ? max : segment.createdMs;
}
