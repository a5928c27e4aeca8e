/**
 * The requests under way, over all connections, and their bytes. A connection that finds no room stops reading and asks to be
 * called when there is some: the network holds the rest.
 */
export class RequestBudget {
  readonly #bytesMax: number;
  readonly #requestsMax: () => number;
  #bytes = 0;
  #requests = 0;
  readonly #waiting = new Set<() => void>();

  constructor(bytesMax: number, requestsMax: () => number) {
    this.#bytesMax = bytesMax;
    this.#requestsMax = requestsMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get requests(): number {
    return this.#requests;
  }

  get hasRoom(): boolean {
    return this.#bytes < this.#bytesMax && this.#requests < this.#requestsMax();
  }

  take(bytes: number): void {
    this.#bytes += bytes;
    this.#requests += 1;
  }

  /** So many requests are answered, or their connection is gone. */
  give(bytes: number, requests: number): void {
    this.#bytes -= bytes;
    this.#requests -= requests;
    if (this.#waiting.size === 0 || !this.hasRoom) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resume of waiting) resume();
  }

  whenRoom(resume: () => void): void {
    this.#waiting.add(resume);
  }

  forget(resume: () => void): void {
    this.#waiting.delete(resume);
  }
}
