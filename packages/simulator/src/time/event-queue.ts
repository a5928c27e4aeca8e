/**
 * What is to happen, in the order of time; what was planned first comes first among equals. A binary heap over two arrays' worth
 * of fields in one object an event: most of a simulation's own time is spent here, so it allocates nothing but the events.
 *
 * A cancelled event stays where it is until its time comes, or until the dead outnumber the living (clients set a timer a
 * request and nearly all of them are cleared).
 */
import type { Process } from './process.ts';

export interface PlannedEvent {
  atMs: number;
  readonly order: number;
  /** Whose it is: it dies with its process, and waits while that stands still. */
  readonly process: Process | undefined;
  /** For the trace. */
  readonly kind: string;
  run: (() => void) | undefined;
}

/** Below this many it is not worth looking. */
const SWEEP_MIN = 1024;

export class EventQueue {
  #heap: PlannedEvent[] = [];
  #cancelledCount = 0;

  get size(): number {
    return this.#heap.length - this.#cancelledCount;
  }

  push(event: PlannedEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above]!;
      if (!isBefore(event, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  cancel(event: PlannedEvent): void {
    if (event.run === undefined) return;
    event.run = undefined;
    this.#cancelledCount += 1;
    if (this.#cancelledCount > SWEEP_MIN && this.#cancelledCount * 2 > this.#heap.length)
      this.#sweep();
  }

  /** The next that was not cancelled. */
  pop(): PlannedEvent | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return undefined;
      const last = this.#heap.pop()!;
      if (this.#heap.length > 0) this.#sink(last, 0);
      if (first.run !== undefined) return first;
      this.#cancelledCount -= 1;
    }
  }

  #sink(event: PlannedEvent, from: number): void {
    const heap = this.#heap;
    const { length } = heap;
    let at = from;
    for (;;) {
      let below = at * 2 + 1;
      if (below >= length) break;
      if (below + 1 < length && isBefore(heap[below + 1]!, heap[below]!)) below += 1;
      const child = heap[below]!;
      if (!isBefore(child, event)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = event;
  }

  #sweep(): void {
    this.#heap = this.#heap.filter((event) => event.run !== undefined);
    this.#cancelledCount = 0;
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at -= 1) this.#sink(this.#heap[at]!, at);
  }
}

const isBefore = (a: PlannedEvent, b: PlannedEvent): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
