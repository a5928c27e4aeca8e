import type { Socket } from 'node:net';
import type { Connection, ConnectionHandler } from '@odradek/ports';
import { connectionError } from '../errors.ts';
import { SocketWriter } from '../socket-writer.ts';

/**
 * Where a reader (see readers.ts) puts its chunks, and whether they are the receiver's to keep. False asks it to stop
 * reading until the socket is resumed.
 */
export type ByteSink = (chunk: Uint8Array, owned: boolean) => boolean;

/**
 * A TCP socket as a Connection. The socket comes paused: nothing is read before `start`. Once closing, on either side's
 * wish, arriving bytes are thrown away (unread bytes would turn the close into a reset, and a reset destroys what is
 * still on its way to the other end) and a grace time runs: an end that does not answer cannot hold the socket.
 */
export class TcpConnection implements Connection {
  readonly remoteAddress: string;
  readonly #socket: Socket;
  readonly #writer: SocketWriter;
  readonly #closeGraceMs: number;
  #handler: ConnectionHandler | undefined;
  #phase: 'open' | 'closing' | 'closed' = 'open';
  #cause: Error | undefined;
  #paused = false;
  /** What was read although reading was to stop: Node starts a last read when `pause` follows `resume` within one turn. */
  #held: Uint8Array[] = [];
  #graceTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: Socket, remoteAddress: string, options: { readonly closeGraceMs?: number | undefined } = {}) {
    this.remoteAddress = remoteAddress;
    this.#socket = socket;
    this.#closeGraceMs = options.closeGraceMs ?? closeGraceMsDefault;
    this.#writer = new SocketWriter(socket, () => {
      if (this.#phase === 'open') this.#handler?.onDrain();
    });
    socket.on('error', (error) => {
      this.#cause ??= connectionError(error, remoteAddress);
    });
    socket.once('end', () => this.#drain());
    socket.once('close', () => {
      this.#phase = 'closed';
      clearTimeout(this.#graceTimer);
      this.#handler?.onClose(this.#cause);
    });
  }

  /** For the reader. */
  readonly sink: ByteSink = (chunk, owned) => {
    if (this.#phase !== 'open') return true;
    if (this.#paused || this.#handler === undefined) {
      this.#held.push(owned ? chunk : chunk.slice());
      return false;
    }
    this.#handler.onBytes(chunk, owned);
    return !this.#paused;
  };

  start(handler: ConnectionHandler): void {
    if (this.#handler !== undefined) throw new Error('This connection was already started.');
    this.#handler = handler;
    if (this.#phase === 'closed') queueMicrotask(() => handler.onClose(this.#cause));
    else if (!this.#paused) this.resume();
  }

  send(chunks: readonly Uint8Array[]): boolean {
    if (this.#phase !== 'open' || !this.#socket.writable) return false;
    return this.#writer.write(chunks);
  }

  get bufferedBytes(): number {
    return this.#writer.bufferedBytes;
  }

  pause(): void {
    this.#paused = true;
    if (this.#phase === 'open') this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#handler === undefined) return;
    while (this.#held.length > 0 && !this.#paused && this.#phase === 'open') this.#handler.onBytes(this.#held.shift()!, true);
    if (this.#phase === 'open' && !this.#paused) this.#socket.resume();
  }

  close(): void {
    this.#drain();
  }

  destroy(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closing';
    this.#socket.destroy();
  }

  #drain(): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'closing';
    this.#socket.end();
    this.#socket.resume();
    this.#graceTimer = setTimeout(() => this.#socket.destroy(), this.#closeGraceMs);
    this.#graceTimer.unref();
  }
}

/** How long an end that was told goodbye may take to take the rest and say goodbye itself. */
const closeGraceMsDefault = 5_000;
