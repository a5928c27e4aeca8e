import {
  TransportError,
  type Clock,
  type Connection,
  type ConnectionHandler,
  type TimerHandle,
} from '@odradek/ports';
import { Inbox } from '../inbox.ts';
import { sendHighWaterBytes } from '../marks.ts';

/**
 * One end of a MessagePort. A port has no back-pressure and does not say when the other end has died, so both are made here: the receiver tells how
 * much it has used, and the sender has no more than a window of bytes on the way. Bytes go as transferred buffers of at most 256 KiB: larger ones
 * are slow between two tabs, and hold up what comes behind them.
 *
 * Where the port tells of its other end's death (a `close` event), that is heeded. Where it does not, whoever hands out the ports must know by other means
 * (a Web Lock that comes free) and destroy the connection.
 */
export interface MessagePortLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  start(): void;
  close(): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'messageerror' | 'close', listener: () => void): void;
}

export interface PortConnectionOptions {
  readonly clock: Clock;
  /** For logs: "tab 3". */
  readonly remoteAddress: string;
  readonly closeGraceMs?: number;
}

/** What goes over the port: bytes, how many bytes were used, and the two ways to end. */
type Message = ArrayBuffer | number | 'end' | 'gone';

const messageBytesMax = 256 * 1024;
/** On the way and not yet used. */
const windowBytes = 512 * 1024;
const closeGraceMsDefault = 5_000;

export const connectPort = (port: MessagePortLike, options: PortConnectionOptions): Connection =>
  new PortConnection(port, options);

class PortConnection implements Connection {
  readonly remoteAddress: string;
  readonly #port: MessagePortLike;
  readonly #clock: Clock;
  readonly #closeGraceMs: number;
  readonly #inbox = new Inbox(() => this.#caughtUp());
  #phase: 'open' | 'closing' | 'closed' = 'open';
  #cause: Error | undefined;
  readonly #queue: ArrayBuffer[] = [];
  #queuedBytes = 0;
  #onTheWayBytes = 0;
  #wantsDrain = false;
  /** Used by the handler and not yet told to the sender. */
  #usedBytes = 0;
  /** The other end sends nothing more; what is held is still delivered. */
  #hasEnded = false;
  #graceTimer: TimerHandle | undefined;

  constructor(port: MessagePortLike, options: PortConnectionOptions) {
    this.remoteAddress = options.remoteAddress;
    this.#port = port;
    this.#clock = options.clock;
    this.#closeGraceMs = options.closeGraceMs ?? closeGraceMsDefault;
    port.addEventListener('message', ({ data }) => this.#receive(data as Message));
    port.addEventListener('messageerror', () =>
      this.#fail(`${this.remoteAddress} sent what cannot be read here.`),
    );
    port.addEventListener('close', () => this.#fail(`${this.remoteAddress} is gone.`));
    port.start();
  }

  start(handler: ConnectionHandler): void {
    const isOver = this.#phase === 'closed';
    this.#inbox.start({
      onBytes: (chunk, owned) => {
        this.#used(chunk.length);
        handler.onBytes(chunk, owned);
      },
      onDrain: () => handler.onDrain(),
      onClose: (cause) => handler.onClose(cause),
    });
    if (isOver) queueMicrotask(() => handler.onClose(this.#cause));
  }

  get bufferedBytes(): number {
    return this.#queuedBytes + this.#onTheWayBytes;
  }

  send(chunks: readonly Uint8Array[]): boolean {
    if (this.#phase !== 'open') return false;
    for (const message of cut(chunks)) {
      this.#queue.push(message);
      this.#queuedBytes += message.byteLength;
    }
    this.#post();
    if (this.bufferedBytes < sendHighWaterBytes) return true;
    this.#wantsDrain = true;
    return false;
  }

  pause(): void {
    this.#inbox.pause();
  }

  resume(): void {
    this.#inbox.resume();
  }

  close(): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'closing';
    this.#inbox.end();
    this.#graceTimer = this.#clock.setTimeout(() => this.destroy(), this.#closeGraceMs);
    this.#post();
  }

  destroy(): void {
    if (this.#phase === 'closed') return;
    this.#tell('gone');
    this.#closed();
  }

  #receive(message: Message): void {
    if (this.#phase === 'closed') return;
    if (message instanceof ArrayBuffer) {
      // Nobody here wants it any more; the sender need not wait for room.
      if (this.#phase === 'closing') this.#used(message.byteLength);
      else this.#inbox.push(new Uint8Array(message), true);
    } else if (typeof message === 'number') {
      this.#onTheWayBytes -= message;
      this.#post();
      this.#drained();
    } else if (message === 'gone') {
      this.#fail(`${this.remoteAddress} has closed the connection.`);
    } else {
      this.#hasEnded = true;
      this.#caughtUp();
    }
  }

  /** Nothing is held. Whoever closed waits for the other's end; who is told of an end answers it when it has delivered everything. */
  #caughtUp(): void {
    if (!this.#hasEnded || this.#phase === 'closed' || this.#inbox.heldBytes > 0) return;
    if (this.#phase === 'open') this.#tell('end');
    this.#closed();
  }

  #post(): void {
    while (this.#queue.length > 0 && this.#onTheWayBytes < windowBytes) {
      const message = this.#queue.shift()!;
      this.#queuedBytes -= message.byteLength;
      this.#onTheWayBytes += message.byteLength;
      this.#port.postMessage(message, [message]);
    }
    if (this.#phase === 'closing' && this.#queue.length === 0) {
      this.#tell('end');
      // Once is enough.
      this.#queue.length = 0;
      if (this.#hasEnded) this.#closed();
    }
  }

  #drained(): void {
    if (!this.#wantsDrain || this.#phase !== 'open') return;
    if (this.bufferedBytes > sendHighWaterBytes / 2) return;
    this.#wantsDrain = false;
    this.#inbox.handler?.onDrain();
  }

  /** Told once a turn, for all that was used in it. */
  #used(bytes: number): void {
    if (this.#usedBytes === 0)
      queueMicrotask(() => {
        const used = this.#usedBytes;
        this.#usedBytes = 0;
        this.#tell(used);
      });
    this.#usedBytes += bytes;
  }

  #tell(message: number | 'end' | 'gone'): void {
    if (this.#phase !== 'closed') this.#port.postMessage(message, []);
  }

  #fail(message: string): void {
    if (this.#phase === 'closed') return;
    // Who has closed does not care how the other end goes.
    if (this.#phase === 'open') this.#cause = new TransportError(message);
    this.#closed();
  }

  #closed(): void {
    this.#phase = 'closed';
    if (this.#graceTimer !== undefined) this.#clock.clearTimeout(this.#graceTimer);
    this.#inbox.end();
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#onTheWayBytes = 0;
    const { handler } = this.#inbox;
    const cause = this.#cause;
    // What was posted last leaves before the port closes; nobody is called from within its own call.
    queueMicrotask(() => {
      this.#port.close();
      handler?.onClose(cause);
    });
  }
}

/** Copies: the caller's memory may be shown to others, and a transferred buffer is gone. */
function* cut(chunks: readonly Uint8Array[]): Iterable<ArrayBuffer> {
  let left = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let message = new Uint8Array(Math.min(left, messageBytesMax));
  let at = 0;
  for (const chunk of chunks) {
    for (let from = 0; from < chunk.length;) {
      const piece = chunk.subarray(from, from + message.length - at);
      message.set(piece, at);
      at += piece.length;
      from += piece.length;
      left -= piece.length;
      if (at < message.length) continue;
      yield message.buffer;
      message = new Uint8Array(Math.min(left, messageBytesMax));
      at = 0;
    }
  }
}
