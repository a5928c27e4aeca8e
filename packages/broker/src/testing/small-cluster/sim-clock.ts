/** Time that goes from deadline to deadline, one timer a step: a history is the order of these steps. */
import type { Clock, TimerHandle } from '@odradek/ports';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export class SimClock implements Clock {
  nowMs = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  wallTimeMs = (): number => 1_700_000_000_000 + this.nowMs;
  monotonicMs = (): number => this.nowMs;

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const timer: Timer = {
      dueMs: this.nowMs + Math.max(0, delayMs),
      order: this.#order++,
      callback,
    };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle as Timer);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.setTimeout(resolve, delayMs));
  }

  /** Lets the next timer fire, if one is due by then. */
  step(untilMs: number): boolean {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.dueMs < next.dueMs) next = timer;
      else if (timer.dueMs === next.dueMs && timer.order < next.order) next = timer;
    }
    if (next === undefined || next.dueMs > untilMs) {
      this.nowMs = untilMs;
      return false;
    }
    this.#timers.delete(next);
    this.nowMs = next.dueMs;
    next.callback();
    return true;
  }
}

/** All that needs no time has happened. Nothing here touches a real disk or network, so that one turn is enough. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
