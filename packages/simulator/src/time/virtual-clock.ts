/**
 * A process's clock: the simulation's time as this machine reads it. `drift` is how much faster it runs (1e-4 is 0.1 ms a
 * second); the wall clock stands off by `wallOffsetMs`, which a fault may change at any time. Timers run by the drifting
 * clock, as a machine's do.
 */
import type { Clock, TimerHandle } from '@odradek/ports';
import type { PlannedEvent } from './event-queue.ts';
import type { Process } from './process.ts';
import type { Scheduler } from './scheduler.ts';

/** 2025-10-09: when the simulated worlds begin. */
const WALL_ORIGIN_MS = 1_760_000_000_000;

/** Node's least delay. */
const TIMER_MS_MIN = 1;

/** The machine's, which outlives its processes. */
export interface MachineTime {
  readonly drift: number;
  wallOffsetMs: number;
  /** Monotonic time says nothing about the date. */
  readonly monotonicOffsetMs: number;
}

export const TRUE_TIME: MachineTime = { drift: 0, wallOffsetMs: 0, monotonicOffsetMs: 0 };

export class VirtualClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #process: Process;
  readonly #time: MachineTime;

  constructor(scheduler: Scheduler, process: Process, time: MachineTime = TRUE_TIME) {
    this.#scheduler = scheduler;
    this.#process = process;
    this.#time = time;
  }

  wallTimeMs(): number {
    // Whole milliseconds, as Date.now gives them: records carry this number.
    return Math.floor(
      WALL_ORIGIN_MS + this.#time.wallOffsetMs + this.#scheduler.nowMs * (1 + this.#time.drift),
    );
  }

  monotonicMs(): number {
    return this.#time.monotonicOffsetMs + this.#scheduler.nowMs * (1 + this.#time.drift);
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    // As hosts do: what is no number, or too little, is a millisecond. So a timer always comes later than it was set, whatever
    // its owner makes of the fractions.
    const delay = delayMs > TIMER_MS_MIN ? delayMs : TIMER_MS_MIN;
    // A dead process sets no timers: its event would only be dropped.
    if (!this.#process.isAlive) return DEAD_TIMER;
    return this.#scheduler.after(delay / (1 + this.#time.drift), this.#process, 'timer', callback);
  }

  clearTimeout(handle: TimerHandle): void {
    if (handle === undefined || handle === null) return;
    this.#scheduler.cancel(handle as PlannedEvent);
  }
}

const DEAD_TIMER: PlannedEvent = {
  atMs: 0,
  order: 0,
  process: undefined,
  kind: 'timer',
  run: undefined,
};
