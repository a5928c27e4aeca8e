/**
 * Those who wait for the tree: until it has come to a place, or until something changes. Whoever waits is let go when its time is
 * up, and when its client is gone.
 */
import type { Clock, TimerHandle } from '@odradek/ports';

export interface Patience {
  readonly maxWaitMs: number;
  /** See RequestContext. */
  readonly onClosed: (listener: () => void) => () => void;
}

interface Waiting {
  readonly isSo: () => boolean;
  readonly settle: (isSo: boolean) => void;
}

export class TreeWaits {
  readonly #clock: Clock;
  readonly #waitingMax: number;
  readonly #checkMs: number | undefined;
  readonly #waiting = new Set<Waiting>();
  #check: TimerHandle | undefined;

  /** With `checkMs` it also looks by itself: what is waited for may come to be without `changed` being called. */
  constructor(clock: Clock, waitingMax: number, checkMs?: number) {
    this.#clock = clock;
    this.#waitingMax = waitingMax;
    this.#checkMs = checkMs;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** Resolves with whether it came to be so. */
  until(isSo: () => boolean, patience: Patience): Promise<boolean> {
    if (isSo()) return Promise.resolve(true);
    if (patience.maxWaitMs <= 0 || this.#waiting.size >= this.#waitingMax)
      return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (found: boolean): void => {
        if (!this.#waiting.delete(waiting)) return;
        this.#clock.clearTimeout(timer);
        takeBack();
        resolve(found);
      };
      const waiting: Waiting = { isSo, settle };
      this.#waiting.add(waiting);
      const timer = this.#clock.setTimeout(() => settle(isSo()), patience.maxWaitMs);
      const takeBack = patience.onClosed(() => settle(isSo()));
      this.#look();
    });
  }

  changed(): void {
    for (const waiting of [...this.#waiting]) if (waiting.isSo()) waiting.settle(true);
  }

  #look(): void {
    if (this.#checkMs === undefined || this.#check !== undefined) return;
    this.#check = this.#clock.setTimeout(() => {
      this.#check = undefined;
      this.changed();
      if (this.#waiting.size > 0) this.#look();
    }, this.#checkMs);
  }
}
