/** Promises that know the time: the network may never answer. */
import type { Clock } from '@odradek/ports';

export const sleep = (clock: Clock, forMs: number): Promise<void> =>
  new Promise((resolve) => {
    clock.setTimeout(resolve, forMs);
  });

export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** Rejects with NoAnswer when the time is up; what the promise does later is of no interest. */
export function withTimeout<T>(clock: Clock, promise: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(
      () => reject(new NoAnswer(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    promise.then(resolve, reject).finally(() => clock.clearTimeout(timer));
  });
}

/** Those who wait until something is so. Whoever changes something says so; each of them looks for itself. */
export class Waiters {
  readonly #waiting = new Set<() => void>();

  /** Rejects with what `stopped` gives, should it give something before. */
  until(isSo: () => boolean, stopped: () => Error | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const error = isSo() ? undefined : stopped();
        if (error === undefined && !isSo()) return;
        this.#waiting.delete(look);
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#waiting.add(look);
      look();
    });
  }

  changed(): void {
    for (const look of [...this.#waiting]) look();
  }
}
