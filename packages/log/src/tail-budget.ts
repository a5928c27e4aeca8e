/**
 * What the tails of many logs may hold together. Oldest chunks go first, whichever log's they are, so that the memory
 * serves the logs that are being written; and a chunk that has grown old goes in any case, so that a thousand quiet
 * partitions hold nothing.
 *
 * A chunk that is not yet on the disk cannot go: those are bounded by the logs' pending bytes.
 */
import type { Clock, TimerHandle } from '@odradek/ports';
import { FREE_BYTES_MAX, REUSED_BYTES_MIN, TAIL_AGE_MS_MAX } from './limits.ts';
import type { TailChunk } from './tail.ts';

export class TailBudget {
  readonly #clock: Clock;
  readonly #bytesMax: number;
  /** Oldest first. */
  readonly #chunks = new Set<TailChunk>();
  /** By size; what is let go and may be written again. Fresh memory costs more than copying into it. */
  readonly #free = new Map<number, Uint8Array[]>();
  #freeBytes = 0;
  #sizeBytes = 0;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, bytesMax: number) {
    this.#clock = clock;
    this.#bytesMax = bytesMax;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** At least so long. */
  take(length: number): Uint8Array {
    const size =
      length <= REUSED_BYTES_MIN ? length : Math.ceil(length / REUSED_BYTES_MIN) * REUSED_BYTES_MIN;
    const reused = this.#free.get(size)?.pop();
    if (reused === undefined) return new Uint8Array(size);
    this.#freeBytes -= size;
    return reused;
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
    const { bytes } = chunk;
    const isReusable =
      !chunk.isShared && chunk.written === chunk.used && bytes.length % REUSED_BYTES_MIN === 0;
    if (!isReusable || this.#freeBytes + bytes.length > FREE_BYTES_MAX) return;
    this.#freeBytes += bytes.length;
    const same = this.#free.get(bytes.length);
    if (same === undefined) this.#free.set(bytes.length, [bytes]);
    else same.push(bytes);
  }

  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dropFree();
  }

  #evict(wanted: (chunk: TailChunk) => boolean): void {
    for (const chunk of this.#chunks) {
      if (!wanted(chunk)) return;
      // One whose log waits for the disk stays, and so do the younger ones of that log.
      if (chunk.tail.isFirst(chunk)) chunk.tail.evictFirst();
    }
  }

  #dropFree(): void {
    this.#free.clear();
    this.#freeBytes = 0;
  }

  #sweep = (): void => {
    this.#timer = undefined;
    const oldestMs = this.#clock.monotonicMs() - TAIL_AGE_MS_MAX;
    this.#evict((chunk) => chunk.openedMs <= oldestMs);
    this.#dropFree();
    if (this.#chunks.size > 0) this.#timer = this.#clock.setTimeout(this.#sweep, TAIL_AGE_MS_MAX);
  };
}
