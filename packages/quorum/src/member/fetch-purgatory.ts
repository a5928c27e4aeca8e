/**
 * Fetches that wait at the leader for something new: records behind their offset, or a high watermark above the one that
 * they know. Each waits no longer than it asked for, one for each replica at a time, and so many in all: a wait is a
 * courtesy, and an empty answer at once is always right.
 */
import type { Clock, TimerHandle } from '@odradek/ports';
import type { Offset } from '@odradek/protocol';
import { WAITING_FETCHES_MAX } from '../limits.ts';

interface Waiting {
  readonly fetchOffset: Offset;
  readonly knownHighWatermark: Offset;
  readonly timer: TimerHandle;
  readonly resolve: () => void;
}

export class FetchPurgatory {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** Resolves when there may be something to answer. */
  wait(
    replica: string,
    until: { fetchOffset: Offset; knownHighWatermark: Offset; maxWaitMs: number },
  ): Promise<void> {
    this.#release(replica);
    if (this.#waiting.size >= WAITING_FETCHES_MAX) return Promise.resolve();
    const { fetchOffset, knownHighWatermark, maxWaitMs } = until;
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(() => this.#release(replica), maxWaitMs);
      this.#waiting.set(replica, { fetchOffset, knownHighWatermark, timer, resolve });
    });
  }

  moved(endOffset: Offset, highWatermark: Offset): void {
    for (const [replica, waiting] of this.#waiting) {
      if (endOffset > waiting.fetchOffset || highWatermark > waiting.knownHighWatermark)
        this.#release(replica);
    }
  }

  releaseAll(): void {
    for (const replica of [...this.#waiting.keys()]) this.#release(replica);
  }

  #release(replica: string): void {
    const waiting = this.#waiting.get(replica);
    if (waiting === undefined) return;
    this.#waiting.delete(replica);
    this.#clock.clearTimeout(waiting.timer);
    waiting.resolve();
  }
}
