/**
 * Whether anybody is at the other end still. A machine that lost its power, or a network that swallows everything, closes no
 * connection: whoever waits for news would wait for ever (a half-open connection). So silence is asked about, and what does
 * not answer for long enough is dead. Traffic costs nothing here but a flag; only who is quiet is asked.
 *
 * Looks are counted, not the time between them: a process that was held up itself hears what came meanwhile before it looks again.
 */
import type { Clock, TimerHandle } from '@odradek/ports';

/** Through which nothing came for so long is ended. */
export const PEER_SILENCE_MS_MAX = 10_000;
const LOOKS = 3;

export interface LivenessOptions {
  readonly clock: Clock;
  /** Asks for a sign of life. */
  readonly ask: () => void;
  readonly onDead: () => void;
}

export class Liveness {
  readonly #options: LivenessOptions;
  #timer: TimerHandle | undefined;
  #silentLooks = 0;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#arm();
  }

  /** Something came. */
  heard(): void {
    this.#silentLooks = 0;
  }

  stop(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#options.clock.setTimeout(() => this.#look(), PEER_SILENCE_MS_MAX / LOOKS);
  }

  #look(): void {
    const { ask, onDead } = this.#options;
    if (this.#silentLooks === LOOKS) {
      this.#timer = undefined;
      return onDead();
    }
    // The first look finds what came since the one before.
    if (this.#silentLooks > 0) ask();
    this.#silentLooks += 1;
    this.#arm();
  }
}
