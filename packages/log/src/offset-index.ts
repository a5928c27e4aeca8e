/**
 * `.index`: where in the segment's file a batch lies. 8 bytes an entry: last offset of the batch, relative to the segment's
 * base (int32), and its position (int32); both rise. Sparse: one about every index.interval.bytes. A lookup gives a place
 * at or before the one that is sought, from which the batches are walked. Derived from the log, and rebuilt from it.
 */
import { offset, position } from '@odradek/protocol';
import type { Offset, Position } from '@odradek/protocol';
import { Entries } from './entries.ts';

export const OFFSET_ENTRY_BYTES = 8;

export interface OffsetPosition {
  /** Last offset of the batch at `position`. */
  readonly offset: Offset;
  readonly position: Position;
}

export class OffsetIndex {
  readonly baseOffset: Offset;
  readonly #entries = new Entries(OFFSET_ENTRY_BYTES);

  constructor(baseOffset: Offset) {
    this.baseOffset = baseOffset;
  }

  /** Undefined when the bytes are no index of this segment: rebuild it. Zeros at the end (Kafka reserves space) are cut. */
  static load(
    baseOffset: Offset,
    bytes: Uint8Array,
    segmentBytes: number,
  ): OffsetIndex | undefined {
    const index = new OffsetIndex(baseOffset);
    if (bytes.length % OFFSET_ENTRY_BYTES !== 0) return undefined;
    index.#entries.fill(bytes, bytes.length / OFFSET_ENTRY_BYTES);
    const { view } = index.#entries;
    let lastOffset = -1;
    let lastPosition = -1;
    for (let n = 0; n < index.count; n++) {
      const relative = view.getInt32(n * OFFSET_ENTRY_BYTES);
      const at = view.getInt32(n * OFFSET_ENTRY_BYTES + 4);
      if (
        relative === 0 &&
        at === 0 &&
        bytes.subarray(n * OFFSET_ENTRY_BYTES).every((byte) => byte === 0)
      ) {
        index.#entries.truncate(n);
        break;
      }
      if (relative <= lastOffset || at <= lastPosition || at >= segmentBytes) return undefined;
      lastOffset = relative;
      lastPosition = at;
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

  get last(): OffsetPosition | undefined {
    return this.count === 0 ? undefined : this.entry(this.count - 1);
  }

  entry(n: number): OffsetPosition {
    const { view } = this.#entries;
    return {
      offset: offset(this.baseOffset + view.getInt32(n * OFFSET_ENTRY_BYTES)),
      position: position(view.getInt32(n * OFFSET_ENTRY_BYTES + 4)),
    };
  }

  append(lastOffset: Offset, at: number): void {
    const place = this.#entries.push();
    this.#entries.view.setInt32(place, lastOffset - this.baseOffset);
    this.#entries.view.setInt32(place + 4, at);
  }

  /** The last entry at or below `target`: every batch before its place ends below `target`. Undefined: begin at 0. */
  entryBefore(target: Offset): OffsetPosition | undefined {
    const relative = target - this.baseOffset;
    const { view } = this.#entries;
    const n =
      this.#entries.firstBeyond((index) => view.getInt32(index * OFFSET_ENTRY_BYTES) > relative) -
      1;
    return n < 0 ? undefined : this.entry(n);
  }

  /** Where to begin walking for the batch that holds `target`. */
  positionBefore(target: Offset): Position {
    return this.entryBefore(target)?.position ?? position(0);
  }

  /** The last indexed batch boundary at or below `limit`. */
  boundaryBefore(limit: number): Position {
    const n =
      this.#entries.firstBeyond(
        (index) => this.#entries.view.getInt32(index * OFFSET_ENTRY_BYTES + 4) > limit,
      ) - 1;
    return n < 0 ? position(0) : position(this.#entries.view.getInt32(n * OFFSET_ENTRY_BYTES + 4));
  }

  /** Drops the entries of batches that reach `end` or beyond. */
  truncateTo(end: Offset): void {
    const relative = end - this.baseOffset;
    this.#entries.truncate(
      this.#entries.firstBeyond(
        (index) => this.#entries.view.getInt32(index * OFFSET_ENTRY_BYTES) >= relative,
      ),
    );
  }
}
