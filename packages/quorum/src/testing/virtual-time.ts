/**
 * Time that jumps from one deadline to the next. Between two events everything happens that waits for nothing: the code
 * under test works in promises, and a turn of the event loop is what ends them all. One seed, one history.
 */
import type { Clock, TimerHandle } from '@odradek/ports';

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

export class VirtualTime {
  nowMs = 0;
  eventCount = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  after(delayMs: number, run: () => void): Event {
    const event = { atMs: this.nowMs + delayMs, order: this.#order++, run, isCancelled: false };
    this.#push(event);
    return event;
  }

  /** A node's own: it dies with the node, its origin and its rate are the node's affair. */
  clock(isAlive: () => boolean, rate = 1): Clock {
    return {
      wallTimeMs: () => 1_700_000_000_000 + Math.floor(this.nowMs * rate),
      monotonicMs: () => this.nowMs * rate,
      setTimeout: (callback, delayMs) =>
        this.after(delayMs / rate, () => {
          if (isAlive()) callback();
        }),
      clearTimeout: (handle: TimerHandle) => {
        (handle as Event).isCancelled = true;
      },
    };
  }

  /** `check` is called when all that an event has set off is done. */
  async run(untilMs: number, check: () => void): Promise<void> {
    for (
      let next = this.#heap[0];
      next !== undefined && next.atMs <= untilMs;
      next = this.#heap[0]
    ) {
      this.#pop();
      if (next.isCancelled) continue;
      this.nowMs = next.atMs;
      this.eventCount += 1;
      next.run();
      await settled();
      check();
    }
    this.nowMs = untilMs;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

const isBefore = (a: Event, b: Event): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** All promises that wait for nothing but each other are done. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
