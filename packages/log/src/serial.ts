/** Runs async work one piece at a time, in the order of the calls. A piece that fails does not keep the next from running. */
export class Serial {
  readonly #onFailed: (error: unknown) => void;
  #last: Promise<unknown> = Promise.resolve();
  #count = 0;

  constructor(onFailed: (error: unknown) => void = () => {}) {
    this.#onFailed = onFailed;
  }

  /** Queued or running. */
  get count(): number {
    return this.#count;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    this.#count++;
    const result = this.#last.then(work);
    this.#last = result.catch(this.#onFailed).finally(() => this.#count--);
    return result;
  }

  /** For work that nobody waits for: its failure goes to the owner alone. */
  start(work: () => Promise<void>): void {
    this.run(work).catch(() => {});
  }

  /** Everything called before is done, well or not. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
