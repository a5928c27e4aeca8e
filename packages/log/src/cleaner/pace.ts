/** How compaction shares the machine: in steps, at a rate, and not at all when something more urgent waits. */
import { STEP_MS_MAX } from '../limits.ts';
import { nextTurn } from '../log-state.ts';
import type { LogState } from '../log-state.ts';

/** The round is given up; nothing is wrong. */
export class Interrupted extends Error {}

/** Gives way: to the event loop after a few milliseconds, to the disk's other users by a rate, to what is urgent at once. */
export class Pace {
  readonly #log: LogState;
  readonly #bytesPerSecondMax: number;
  #turnMs: number;
  readonly #startMs: number;
  #bytes = 0;

  constructor(log: LogState, bytesPerSecondMax: number) {
    this.#log = log;
    this.#bytesPerSecondMax = bytesPerSecondMax;
    this.#startMs = log.ports.clock.monotonicMs();
    this.#turnMs = this.#startMs;
  }

  assertWanted(): void {
    const { urgent, phase, writer } = this.#log;
    if (urgent > 0 || phase !== 'open' || writer.failure !== undefined)
      throw new Interrupted(`the compaction of ${this.#log.folder} gives way`);
  }

  async step(bytes: number): Promise<void> {
    this.assertWanted();
    const { clock } = this.#log.ports;
    this.#bytes += bytes;
    const aheadMs =
      (this.#bytes / this.#bytesPerSecondMax) * 1000 - (clock.monotonicMs() - this.#startMs);
    if (aheadMs > STEP_MS_MAX)
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, aheadMs));
    else if (clock.monotonicMs() - this.#turnMs < STEP_MS_MAX) return;
    else await nextTurn(clock);
    this.#turnMs = clock.monotonicMs();
    this.assertWanted();
  }
}
