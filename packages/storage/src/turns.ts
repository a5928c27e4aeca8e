/**
 * One piece of work at a time for each name, in the order of the calls. What concerns different names runs side by side.
 */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #running = new Set<Promise<unknown>>();

  run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const done = this.track(before === undefined ? work() : before.then(work, work));
    this.#last.set(name, done);
    const forget = (): void => {
      if (this.#last.get(name) === done) this.#last.delete(name);
    };
    done.then(forget, forget);
    return done;
  }

  /** Work that has no turn to wait for, but is waited for by `idle`. */
  track<T>(done: Promise<T>): Promise<T> {
    this.#running.add(done);
    const forget = (): void => void this.#running.delete(done);
    done.then(forget, forget);
    return done;
  }

  /** Settles when all that was called before has settled, well or not. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running);
  }
}
