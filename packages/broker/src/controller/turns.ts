/**
 * One at a time for each key: a decision that reads the image and proposes a change of it must not be taken while another
 * change of the same thing is on its way. Different keys do not wait for one another, and share the metadata log's flushes.
 */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Keys that somebody holds or waits for. */
  get size(): number {
    return this.#last.size;
  }

  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const own = before === undefined ? task() : before.then(task, task);
    const forget = (): void => {
      if (this.#last.get(key) === own) this.#last.delete(key);
    };
    this.#last.set(key, own);
    own.then(forget, forget);
    return own;
  }
}
