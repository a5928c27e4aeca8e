/**
 * What all connections together may have under way. A connection that finds no room stops reading and asks to be called when
 * there is some: the network holds the rest.
 *
 *   requests    those that are worked on, by number and bytes. One that waits for others (records, its group) is no work: it
 *               is parked, and keeps nobody from being read. Otherwise a few hundred idle consumers would stop all producers
 *   waiting     the bytes of the parked ones
 *   answers     bytes that are being read from disks for answers, and those that clients have not taken
 */
export interface BudgetLimits {
  readonly requestBytesMax: number;
  readonly requestsMax: () => number;
  readonly waitingBytesMax: number;
  readonly answerBytesMax: number;
}

export class RequestBudget {
  readonly #limits: BudgetLimits;
  #bytes = 0;
  #requests = 0;
  #waitingBytes = 0;
  #waitingRequests = 0;
  #answerBytes = 0;
  readonly #waiting = new Set<() => void>();

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get requests(): number {
    return this.#requests;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get waitingRequests(): number {
    return this.#waitingRequests;
  }

  get answerBytes(): number {
    return this.#answerBytes;
  }

  /** Connections that are to be called when there is room. */
  get waitingForRoom(): number {
    return this.#waiting.size;
  }

  get hasRoom(): boolean {
    return (
      this.#bytes < this.#limits.requestBytesMax && this.#requests < this.#limits.requestsMax()
    );
  }

  /** Whether one more request may wait. */
  get mayWait(): boolean {
    return this.#waitingBytes < this.#limits.waitingBytesMax;
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

  /** A request that was taken waits from now on. */
  park(bytes: number): void {
    this.#waitingBytes += bytes;
    this.#waitingRequests += 1;
    this.give(bytes, 1);
  }

  /** So many parked requests are answered, or their connection is gone. */
  unpark(bytes: number, requests: number): void {
    this.#waitingBytes -= bytes;
    this.#waitingRequests -= requests;
  }

  /** How many of `bytes` an answer may have now; they count until they are given back. */
  takeAnswer(bytes: number): number {
    const taken = Math.max(0, Math.min(bytes, this.#limits.answerBytesMax - this.#answerBytes));
    this.#answerBytes += taken;
    return taken;
  }

  giveAnswer(bytes: number): void {
    this.#answerBytes -= bytes;
  }

  /** What a client has not taken, more or (negative) less than before. */
  unsent(change: number): void {
    this.#answerBytes += change;
  }

  whenRoom(resume: () => void): void {
    this.#waiting.add(resume);
  }

  forget(resume: () => void): void {
    this.#waiting.delete(resume);
  }
}
