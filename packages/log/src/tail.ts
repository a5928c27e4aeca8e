/**
 * The end of the log in memory: where appends are staged for the disk, and from which readers at the end are served. A batch
 * is copied once, into a chunk; the disk writes from the chunk and a reader gets a view of it.
 *
 * Invariants: the chunks of a segment cover its file without a gap up to its logical size; a chunk leaves only when all of it
 * is on the disk, and oldest first. So whatever is not on the disk is here. A chunk of which a reader has had a view is never
 * written again after it left: it goes to the garbage collector, the others may be reused.
 */
import {
  CHUNK_BUSY_MS,
  CHUNK_BYTES_MAX,
  CHUNK_BYTES_MIN,
  OWN_BUFFER_BYTES_MIN,
  TAIL_BYTES_PER_LOG_MAX,
} from './limits.ts';
import type { Segment } from './segment.ts';
import type { TailBudget } from './tail-budget.ts';

export interface TailChunk {
  readonly tail: Tail;
  readonly segment: Segment;
  /** Of its first byte in the segment's file. */
  readonly position: number;
  readonly bytes: Uint8Array;
  readonly openedMs: number;
  used: number;
  /** How many of the used are on the disk. */
  written: number;
  /** A reader may still hold a view. */
  isShared: boolean;
}

export class Tail {
  readonly #budget: TailBudget;
  #chunks: TailChunk[] = [];
  /** The last chunk, while there is room in it. */
  #open: TailChunk | undefined;
  #sizeBytes = 0;
  #nextChunkBytes = CHUNK_BYTES_MIN;

  constructor(budget: TailBudget) {
    this.#budget = budget;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Copies `batch` behind the segment's last byte. It lies at the end of the chunk's used bytes. */
  stage(segment: Segment, batch: Uint8Array): TailChunk {
    const chunk = this.#roomFor(segment, batch.length);
    chunk.bytes.set(batch, chunk.used);
    chunk.used += batch.length;
    return chunk;
  }

  /** From which position on the segment is in memory; undefined: nothing of it is. */
  startOf(segment: Segment): number | undefined {
    const first =
      this.#chunks[this.#countBefore((chunk) => chunk.segment.baseOffset >= segment.baseOffset)];
    return first !== undefined && first.segment === segment ? first.position : undefined;
  }

  /** Which chunk holds this byte. */
  chunkAt(segment: Segment, position: number): TailChunk | undefined {
    const behind = this.#countBefore(({ segment: other, position: at }) =>
      other === segment ? at > position : other.baseOffset > segment.baseOffset,
    );
    const chunk = this.#chunks[behind - 1];
    return chunk !== undefined &&
      chunk.segment === segment &&
      position < chunk.position + chunk.used
      ? chunk
      : undefined;
  }

  /** Bytes [from, to) of the segment as views; all of them must be in memory. The chunks are shared from now on. */
  views(segment: Segment, from: number, to: number): Uint8Array[] {
    const views: Uint8Array[] = [];
    for (let at = from; at < to;) {
      const chunk = this.chunkAt(segment, at)!;
      const end = Math.min(to, chunk.position + chunk.used);
      views.push(chunk.bytes.subarray(at - chunk.position, end - chunk.position));
      chunk.isShared = true;
      at = end;
    }
    return views;
  }

  /** Lets the oldest chunk go, if all of it is on the disk. */
  evictFirst(): boolean {
    const chunk = this.#chunks[0];
    if (chunk === undefined || chunk.used === 0 || chunk.written < chunk.used) return false;
    this.#chunks.shift();
    this.#forget(chunk);
    return true;
  }

  isFirst(chunk: TailChunk): boolean {
    return this.#chunks[0] === chunk;
  }

  /** The chunks of segments up to this one go; all of them are on the disk. */
  dropUpTo(segment: Segment): void {
    while (
      this.#chunks[0] !== undefined &&
      this.#chunks[0].segment.baseOffset <= segment.baseOffset &&
      this.evictFirst()
    );
  }

  /** Everything goes: nothing waits to be written, or nobody waits for it any more. */
  clear(): void {
    for (const chunk of this.#chunks) this.#forget(chunk);
    this.#chunks = [];
  }

  /** Keeps no more than one log may, once the disk has caught up. */
  trim(): void {
    while (this.#sizeBytes > TAIL_BYTES_PER_LOG_MAX && this.evictFirst());
  }

  /** How many chunks stand before the first for which `isBehind` holds. */
  #countBefore(isBehind: (chunk: TailChunk) => boolean): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBehind(this.#chunks[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #forget(chunk: TailChunk): void {
    if (this.#open === chunk) this.#open = undefined;
    this.#sizeBytes -= chunk.bytes.length;
    this.#budget.removed(chunk);
  }

  #roomFor(segment: Segment, length: number): TailChunk {
    const open = this.#open;
    if (open !== undefined && open.segment === segment && open.bytes.length - open.used >= length)
      return open;
    const nowMs = this.#budget.nowMs();
    if (length >= OWN_BUFFER_BYTES_MIN) {
      // What comes next lies behind this one, not in the room that the chunk before it has left.
      this.#open = undefined;
      return this.#add(segment, this.#budget.take(length), nowMs);
    }
    if (open !== undefined && nowMs - open.openedMs < CHUNK_BUSY_MS)
      this.#nextChunkBytes = Math.min(CHUNK_BYTES_MAX, this.#nextChunkBytes * 2);
    else this.#nextChunkBytes = CHUNK_BYTES_MIN;
    while (this.#nextChunkBytes < length) this.#nextChunkBytes *= 2;
    return (this.#open = this.#add(segment, this.#budget.take(this.#nextChunkBytes), nowMs));
  }

  #add(segment: Segment, bytes: Uint8Array, nowMs: number): TailChunk {
    const chunk: TailChunk = {
      tail: this,
      segment,
      position: segment.sizeBytes,
      bytes,
      openedMs: nowMs,
      used: 0,
      written: 0,
      isShared: false,
    };
    this.#chunks.push(chunk);
    this.#sizeBytes += bytes.length;
    this.trim();
    this.#budget.added(chunk);
    return chunk;
  }
}
