/**
 * Works on several records at once, those with the same key one after the other. So many at a time, and so many waiting behind a key; a
 * failure stops everything that has not begun.
 */
export class KeyedLanes {
  readonly #concurrency: number;
  readonly #waitingMax: number;
  /** What waits behind the one that is being worked on. */
  readonly #lanes = new Map<string, (() => Promise<void>)[]>();
  /** First in their lanes, and no place free. */
  readonly #ready: string[] = [];
  #running = 0;
  #accepted = 0;
  #failure: { readonly error: unknown } | undefined;
  #listeners: (() => void)[] = [];

  constructor(concurrency: number, waitingMax = concurrency * 8) {
    this.#concurrency = concurrency;
    this.#waitingMax = waitingMax;
  }

  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  get isFull(): boolean {
    return this.#accepted >= this.#concurrency + this.#waitingMax;
  }

  /** Undefined: it has no key, and nothing to wait for. */
  add(key: string | undefined, work: () => Promise<void>): void {
    this.#accepted += 1;
    const lane = key ?? `\0${this.#nextAnonymous++}`;
    const queue = this.#lanes.get(lane);
    if (queue !== undefined) {
      queue.push(work);
      return;
    }
    this.#lanes.set(lane, [work]);
    this.#ready.push(lane);
    this.#start();
  }

  #nextAnonymous = 0;

  /** Until something has finished, well or not. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#listeners.push(resolve));
  }

  /** Until nothing is being worked on. What has not begun by a failure never will. */
  async idle(): Promise<void> {
    while (this.#running > 0 || (this.#failure === undefined && this.#accepted > 0))
      await this.changed();
  }

  #start(): void {
    while (this.#running < this.#concurrency && this.#failure === undefined) {
      const lane = this.#ready.shift();
      if (lane === undefined) return;
      this.#running += 1;
      void this.#work(lane);
    }
  }

  async #work(lane: string): Promise<void> {
    const queue = this.#lanes.get(lane)!;
    try {
      await queue[0]!();
    } catch (error) {
      this.#failure ??= { error };
    }
    queue.shift();
    this.#running -= 1;
    this.#accepted -= 1;
    if (queue.length > 0) this.#ready.push(lane);
    else this.#lanes.delete(lane);
    this.#start();
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const tell of listeners) tell();
  }
}
