/** Logs that are opened at once: more gains nothing from one disk and takes memory. */
const OPENING_AT_ONCE_MAX = 64;

/** Takes turns at opening logs. */
export class Openings {
  #count = 0;
  readonly #queue: (() => void)[] = [];

  async run<T>(open: () => Promise<T>): Promise<T> {
    while (this.#count >= OPENING_AT_ONCE_MAX) {
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
    this.#count += 1;
    try {
      return await open();
    } finally {
      this.#count -= 1;
      this.#queue.shift()?.();
    }
  }
}
