/**
 * `.timeindex`: which timestamps the segment has reached. 12 bytes an entry: a timestamp (int64) and an offset relative to
 * the base (int32): up to that offset no record is later than the timestamp, which is the largest of the batch that ends
 * there. Both rise strictly. An entry is made with each one of the offset index (if the maximum has grown) and when the
 * segment is sealed, so that the last entry of a sealed segment names its largest timestamp. Derived, and rebuilt.
 */
import { offset } from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import { Entries } from './entries.ts';
import { readInt64, writeInt64 } from './int64.ts';

export const TIME_ENTRY_BYTES = 12;

export interface TimestampOffset {
  /** -1: no record has a time. */
  readonly timestampMs: number;
  readonly offset: Offset;
}

export class TimeIndex {
  readonly baseOffset: Offset;
  readonly #entries = new Entries(TIME_ENTRY_BYTES);

  constructor(baseOffset: Offset) {
    this.baseOffset = baseOffset;
  }

  /** Undefined when the bytes are no index of this segment: rebuild it. Zeros at the end are cut. */
  static load(baseOffset: Offset, bytes: Uint8Array, endOffset: Offset): TimeIndex | undefined {
    const index = new TimeIndex(baseOffset);
    if (bytes.length % TIME_ENTRY_BYTES !== 0) return undefined;
    index.#entries.fill(bytes, bytes.length / TIME_ENTRY_BYTES);
    let lastTimestampMs = -1;
    let lastOffset = -1;
    for (let n = 0; n < index.count; n++) {
      const { timestampMs, offset: at } = index.entry(n);
      const isZero = timestampMs === 0 && at === baseOffset && (n > 0 || index.count > 1);
      if (isZero && bytes.subarray(n * TIME_ENTRY_BYTES).every((byte) => byte === 0)) {
        index.#entries.truncate(n);
        break;
      }
      if (timestampMs <= lastTimestampMs || at <= lastOffset || at >= endOffset) return undefined;
      lastTimestampMs = timestampMs;
      lastOffset = at;
    }
    return index;
  }

  get count(): number {
    return this.#entries.count;
  }

  /** In memory. */
  get sizeBytes(): number {
    return this.#entries.bytes.length;
  }

  /** What the file holds. */
  get bytes(): Uint8Array {
    return this.#entries.used;
  }

  get last(): TimestampOffset | undefined {
    return this.count === 0 ? undefined : this.entry(this.count - 1);
  }

  entry(n: number): TimestampOffset {
    const { view } = this.#entries;
    return {
      timestampMs: readInt64(view, n * TIME_ENTRY_BYTES),
      offset: offset(this.baseOffset + view.getInt32(n * TIME_ENTRY_BYTES + 8)),
    };
  }

  /** Nothing when the maximum has not grown since the last entry. */
  append(timestampMs: number, at: Offset): void {
    if (timestampMs < 0) return;
    const last =
      this.count === 0 ? -1 : readInt64(this.#entries.view, (this.count - 1) * TIME_ENTRY_BYTES);
    if (timestampMs <= last) return;
    const place = this.#entries.push();
    writeInt64(this.#entries.view, place, timestampMs);
    this.#entries.view.setInt32(place + 8, at - this.baseOffset);
  }

  /** The last entry at or before `timestampMs`: up to its offset no record is later. Undefined: nothing is known. */
  entryBefore(timestampMs: number): TimestampOffset | undefined {
    const { view } = this.#entries;
    const n =
      this.#entries.firstBeyond(
        (index) => readInt64(view, index * TIME_ENTRY_BYTES) > timestampMs,
      ) - 1;
    return n < 0 ? undefined : this.entry(n);
  }

  /** Drops the entries at `end` or beyond. */
  truncateTo(end: Offset): void {
    const relative = end - this.baseOffset;
    this.#entries.truncate(
      this.#entries.firstBeyond(
        (index) => this.#entries.view.getInt32(index * TIME_ENTRY_BYTES + 8) >= relative,
      ),
    );
  }
}
