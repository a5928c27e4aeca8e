import type { Socket } from 'node:net';
import type { Connection, ConnectionHandler } from '@odradek/ports';
import { connectionError } from '../errors.ts';
import type { Inbox } from '../inbox.ts';
import { SocketWriter } from '../socket-writer.ts';

/**
 * A TCP socket as a Connection. The socket comes paused: nothing is read before `start`. Once closing, on either side's
 * wish, arriving bytes are thrown away (unread bytes would turn the close into a reset, and a reset destroys what is
 * still on its way to the other end) and a grace time runs: an end that does not answer cannot hold the socket.
 */
export class TcpConnection implements Connection {
  readonly remoteAddress: string;
  readonly #socket: Socket;
  readonly #writer: SocketWriter;
  readonly #inbox: Inbox;
  readonly #closeGraceMs: number;
  #phase: 'open' | 'closing' | 'closed' = 'open';
  #cause: Error | undefined;
  #graceTimer: ReturnType<typeof setTimeout> | undefined;

  /** Its reader puts what it reads into `inbox`. */
  constructor(
    socket: Socket,
    inbox: Inbox,
    remoteAddress: string,
    closeGraceMs: number = closeGraceMsDefault,
    onSent?: (chunk: Uint8Array) => void,
  ) {
    this.remoteAddress = remoteAddress;
    this.#socket = socket;
    this.#inbox = inbox;
    this.#closeGraceMs = closeGraceMs;
    const onDrain = (): void => {
      if (this.#phase === 'open') this.#inbox.handler?.onDrain();
    };
    this.#writer = new SocketWriter(socket, { onDrain, onSent });
    socket.on('error', (error) => {
      this.#cause ??= connectionError(error, remoteAddress);
    });
    socket.once('end', () => this.close());
    socket.once('close', () => {
      this.#phase = 'closed';
      this.#inbox.end();
      clearTimeout(this.#graceTimer);
      this.#inbox.handler?.onClose(this.#cause);
    });
  }

  start(handler: ConnectionHandler): void {
    this.#inbox.start(handler);
    if (this.#phase === 'closed') queueMicrotask(() => handler.onClose(this.#cause));
  }

  send(chunks: readonly Uint8Array[]): boolean {
    if (this.#phase !== 'open' || !this.#socket.writable) return false;
    return this.#writer.write(chunks);
  }

  get bufferedBytes(): number {
    return this.#writer.bufferedBytes;
  }

  pause(): void {
    this.#inbox.pause();
    if (this.#phase === 'open') this.#socket.pause();
  }

  resume(): void {
    this.#inbox.resume();
  }

  close(): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'closing';
    this.#inbox.end();
    this.#socket.end();
    this.#socket.resume();
    this.#graceTimer = setTimeout(() => this.#socket.destroy(), this.#closeGraceMs);
    this.#graceTimer.unref();
  }

  destroy(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closing';
    this.#inbox.end();
    this.#socket.destroy();
  }
}

/** How long an end that was told goodbye may take to take the rest and say goodbye itself. */
const closeGraceMsDefault = 5_000;
