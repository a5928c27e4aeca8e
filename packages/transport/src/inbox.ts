import type { ConnectionHandler } from '@odradek/ports';

/**
 * Between a source of bytes and the handler: holds back what comes before `start` and while paused. A source is told to
 * stop (`push` answers false), yet it may still have something in hand: Node starts a last read when a pause follows a
 * resume within one turn, a WebSocket chunk may contain many messages.
 */
export class Inbox {
  readonly #goOn: () => void;
  #handler: ConnectionHandler | undefined;
  #isPaused = false;
  #isEnded = false;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isDelivering = false;

  /** `goOn` lets the source go on after it was told to stop, and begin after the start. */
  constructor(goOn: () => void) {
    this.#goOn = goOn;
  }

  get handler(): ConnectionHandler | undefined {
    return this.#handler;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** False tells the source to stop. */
  push(chunk: Uint8Array, owned: boolean): boolean {
    if (this.#isEnded) return true;
    if (this.#handler === undefined || this.#isPaused || this.#held.length > 0) {
      this.#held.push(owned ? chunk : chunk.slice());
      this.#heldBytes += chunk.length;
      return false;
    }
    this.#handler.onBytes(chunk, owned);
    return !this.#isPaused;
  }

  start(handler: ConnectionHandler): void {
    if (this.#handler !== undefined) throw new Error('This connection was already started.');
    this.#handler = handler;
    if (!this.#isPaused) this.resume();
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** What was held is delivered when the caller has returned, not from within its call. */
  resume(): void {
    this.#isPaused = false;
    if (this.#handler === undefined || this.#isEnded || this.#isDelivering) return;
    if (this.#held.length === 0) {
      this.#goOn();
      return;
    }
    this.#isDelivering = true;
    queueMicrotask(() => this.#deliverHeld(this.#handler!));
  }

  /** From now on bytes are thrown away. */
  end(): void {
    this.#isEnded = true;
    this.#held = [];
    this.#heldBytes = 0;
  }

  #deliverHeld(handler: ConnectionHandler): void {
    let count = 0;
    while (count < this.#held.length && !this.#isPaused) {
      const chunk = this.#held[count++]!;
      this.#heldBytes -= chunk.length;
      handler.onBytes(chunk, true);
    }
    this.#held.splice(0, count);
    this.#isDelivering = false;
    if (!this.#isPaused && !this.#isEnded) this.#goOn();
  }
}
