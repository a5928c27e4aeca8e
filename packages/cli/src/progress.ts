/**
 * Progress on stderr of what takes longer than a second: one line that is written over on a terminal, a line every five seconds elsewhere.
 * It is told by whoever works, not by a timer of its own, so that nothing is left running.
 */
import type { World } from './world.ts';

const FIRST_AFTER_MS = 1000;
const TERMINAL_EVERY_MS = 100;
const LINES_EVERY_MS = 5000;
const CLEAR_LINE = '\r\u001b[2K';

export class Progress {
  readonly #world: World;
  readonly #startedMs: number;
  #nextMs: number;
  #isShown = false;

  constructor(world: World) {
    this.#world = world;
    this.#startedMs = world.monotonicMs();
    this.#nextMs = this.#startedMs + FIRST_AFTER_MS;
  }

  get elapsedMs(): number {
    return this.#world.monotonicMs() - this.#startedMs;
  }

  /** Cheap when nothing is due. */
  tell(text: () => string): void {
    const nowMs = this.#world.monotonicMs();
    if (nowMs < this.#nextMs) return;
    const { stderr } = this.#world;
    this.#nextMs = nowMs + (stderr.isTerminal ? TERMINAL_EVERY_MS : LINES_EVERY_MS);
    const line = text();
    // Whether anybody reads it does not matter to the work.
    if (stderr.isTerminal)
      stderr.write(`${CLEAR_LINE}${line.slice(0, (stderr.columns ?? 80) - 1)}`).catch(() => {});
    else stderr.write(`${line}\n`).catch(() => {});
    this.#isShown = stderr.isTerminal;
  }

  /** Takes the line away. */
  async end(): Promise<void> {
    if (!this.#isShown) return;
    this.#isShown = false;
    await this.#world.stderr.write(CLEAR_LINE).catch(() => {});
  }
}
