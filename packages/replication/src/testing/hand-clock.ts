/** Time that stands still until it is told to pass. */
import type { Clock, TimerHandle } from '@odradek/ports';

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

export class HandClock implements Clock {
  nowMs = 0;
  readonly #timers = new Set<Timer>();

  wallTimeMs = (): number => this.nowMs;
  monotonicMs = (): number => this.nowMs;

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const timer: Timer = { dueMs: this.nowMs + delayMs, callback };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle as Timer);
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    this.nowMs += ms;
    for (const timer of [...this.#timers].sort((a, b) => a.dueMs - b.dueMs)) {
      if (timer.dueMs <= this.nowMs && this.#timers.delete(timer)) timer.callback();
    }
  }
}

/** Lets all happen that needs no time. */
export const turns = async (count = 30): Promise<void> => {
  for (let n = 0; n < count; n++) await undefined;
};
