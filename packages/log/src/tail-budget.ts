/**
 * What the tails of many logs may hold together. Oldest chunks go first, whichever log's they are, so that the memory
 * serves the logs that are being written; and a chunk that has grown old goes in any case, so that a thousand quiet
 * partitions hold nothing.
 *
 * A chunk that is not yet on the disk cannot go: those are bounded by the logs' pending bytes.
 */
import type { Clock, TimerHandle } from '@odradek/ports';
import { CHUNK_BYTES_MAX, FREE_CHUNKS_MAX, TAIL_AGE_MS_MAX } from './limits.ts';
import type { TailChunk } from './tail.ts';

export class TailBudget {
  readonly #clock: Clock;
  readonly #bytesMax: number;
  /** Oldest first. */
  readonly #chunks = new Set<TailChunk>();
  readonly #free: Uint8Array[] = [];
  #sizeBytes = 0;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, bytesMax: number) {
    this.#clock = clock;
    this.#bytesMax = bytesMax;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  take(length: number): Uint8Array {
    return (length === CHUNK_BYTES_MAX ? this.#free.pop() : undefined) ?? new Uint8Array(length);
  }

  added(chunk: TailChunk): void {
    this.#chunks.add(chunk);
    this.#sizeBytes += chunk.bytes.length;
    if (this.#sizeBytes > this.#bytesMax) this.#evict(() => this.#sizeBytes > this.#bytesMax);
    this.#timer ??= this.#clock.setTimeout(this.#sweep, TAIL_AGE_MS_MAX);
  }

  /** Told by the tail, which has let it go. */
  removed(chunk: TailChunk): void {
    this.#chunks.delete(chunk);
    this.#sizeBytes -= chunk.bytes.length;
    const isReusable = !chunk.isShared && chunk.written === chunk.used;
    if (isReusable && chunk.bytes.length === CHUNK_BYTES_MAX && this.#free.length < FREE_CHUNKS_MAX)
      this.#free.push(chunk.bytes);
  }

  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#free.length = 0;
  }

  #evict(wanted: (chunk: TailChunk) => boolean): void {
    for (const chunk of this.#chunks) {
      if (!wanted(chunk)) return;
      // One whose log waits for the disk stays, and so do the younger ones of that log.
      if (chunk.tail.isFirst(chunk)) chunk.tail.evictFirst();
    }
  }

  #sweep = (): void => {
    this.#timer = undefined;
    const oldestMs = this.#clock.monotonicMs() - TAIL_AGE_MS_MAX;
    this.#evict((chunk) => chunk.openedMs <= oldestMs);
    this.#free.length = 0;
    if (this.#chunks.size > 0) this.#timer = this.#clock.setTimeout(this.#sweep, TAIL_AGE_MS_MAX);
  };
}
