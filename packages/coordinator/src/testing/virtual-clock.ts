/**
 * A clock that stands still until it is told to go on, and then goes from one deadline to the next: timers set by timers within the
 * stretch run in it, too. Between two of them the promises that can settle do.
 */
import type { Clock } from '@odradek/ports';

/** Longer than any chain of promises between a commit and a client's answer. */
const PROMISE_TURNS = 40;

export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #wallOffsetMs: number;
  readonly #timers = new Map<number, { readonly atMs: number; readonly callback: () => void }>();

  constructor(wallTimeMs = 1_760_000_000_000) {
    this.#wallOffsetMs = wallTimeMs;
  }

  wallTimeMs(): number {
    return this.#wallOffsetMs + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimeout(callback: () => void, delayMs: number): number {
    const handle = ++this.#order;
    this.#timers.set(handle, { atMs: this.#nowMs + Math.max(delayMs, 0), callback });
    return handle;
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as number);
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await this.settle();
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      const { atMs, callback } = this.#timers.get(next)!;
      this.#timers.delete(next);
      this.#nowMs = atMs;
      callback();
      await this.settle();
    }
    this.#nowMs = untilMs;
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < PROMISE_TURNS; turn++) await undefined;
  }

  /** The earliest; of those at one time the one that was set first. */
  #next(untilMs: number): number | undefined {
    let next: number | undefined;
    let nextAtMs = Infinity;
    for (const [handle, { atMs }] of this.#timers) {
      if (atMs <= untilMs && atMs < nextAtMs) [next, nextAtMs] = [handle, atMs];
    }
    return next;
  }
}
