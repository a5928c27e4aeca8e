import type { Socket } from 'node:net';
import {
  TransportError,
  type Clock,
  type Connection,
  type ConnectionHandler,
  type TimerHandle,
} from '@odradek/ports';
import type { WebSocket } from 'ws';
import { connectionError } from '../errors.ts';
import { Inbox } from '../inbox.ts';
import { SocketWriter } from '../socket-writer.ts';
import { closeCause } from './close-cause.ts';
import { binaryFrameHeader, cutIntoMessages, sizeOf } from './messages.ts';

/**
 * The server's end of a WebSocket. `ws` reads, checks and answers control frames; what is sent goes past it to the socket
 * as one unmasked frame of the caller's own chunks, because `ws` takes one buffer a message and would have them joined.
 * Both write to the socket in whole frames, so that they cannot interleave.
 */
export class WebSocketServerConnection implements Connection {
  readonly remoteAddress: string;
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #writer: SocketWriter;
  readonly #inbox: Inbox;
  readonly #clock: Clock;
  readonly #closeGraceMs: number;
  #phase: 'open' | 'closing' | 'closed' = 'open';
  #cause: Error | undefined;
  #graceTimer: TimerHandle | undefined;
  #silentBeats = 0;
  #readBefore = -1;
  #writtenBefore = -1;

  constructor(
    webSocket: WebSocket,
    socket: Socket,
    remoteAddress: string,
    options: { readonly clock: Clock; readonly closeGraceMs: number },
  ) {
    this.remoteAddress = remoteAddress;
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#clock = options.clock;
    this.#closeGraceMs = options.closeGraceMs;
    this.#inbox = new Inbox(() => webSocket.resume());
    const onDrain = (): void => {
      if (this.#phase === 'open') this.#inbox.handler?.onDrain();
    };
    // No onSent: a chunk may be cut over several messages, and has not left with the first.
    this.#writer = new SocketWriter(socket, { onDrain });
    // A message of several frames is handed over as it came, not joined.
    webSocket.binaryType = 'fragments';
    webSocket.pause();
    webSocket.on('message', (data, isBinary) => {
      if (isBinary) this.#receive(data as Uint8Array[]);
      else
        this.#fail(
          1003,
          new TransportError(`${remoteAddress} sent a text message; Kafka's protocol is binary.`),
        );
    });
    webSocket.on('error', (error) => {
      this.#cause ??= connectionError(error, remoteAddress);
    });
    webSocket.on('close', (code, reason) => this.#closed(code, reason.toString()));
  }

  start(handler: ConnectionHandler): void {
    this.#inbox.start(handler);
    if (this.#phase === 'closed') queueMicrotask(() => handler.onClose(this.#cause));
  }

  send(chunks: readonly Uint8Array[]): boolean {
    if (
      this.#phase !== 'open' ||
      this.#webSocket.readyState !== this.#webSocket.OPEN ||
      !this.#socket.writable
    )
      return false;
    let goesOn = true;
    for (const message of cutIntoMessages(chunks))
      goesOn = this.#writer.write([binaryFrameHeader(sizeOf(message)), ...message]);
    return goesOn;
  }

  get bufferedBytes(): number {
    return this.#writer.bufferedBytes;
  }

  pause(): void {
    this.#inbox.pause();
    if (this.#phase === 'open') this.#webSocket.pause();
  }

  resume(): void {
    this.#silentBeats = 0;
    this.#inbox.resume();
  }

  close(): void {
    if (this.#phase === 'open') this.#close(1000, '');
  }

  destroy(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closing';
    this.#inbox.end();
    this.#webSocket.terminate();
  }

  /**
   * Called once in each heartbeat interval: asks for a sign of life, and gives up after `silentBeatsMax` beats without
   * one. Any byte is a sign; so is room that the other end made in a socket that is full. An end that is not read from
   * cannot be heard and is not judged.
   */
  beat(silentBeatsMax: number): void {
    if (this.#phase !== 'open' || this.#inbox.isPaused || this.#inbox.handler === undefined) return;
    const read = this.#socket.bytesRead;
    const written = this.#socket.bytesWritten - this.#socket.writableLength;
    const isBlocked = this.#socket.writableLength > 0;
    const isHeard = read !== this.#readBefore || (isBlocked && written !== this.#writtenBefore);
    this.#readBefore = read;
    this.#writtenBefore = written;
    this.#silentBeats = isHeard ? 0 : this.#silentBeats + 1;
    if (this.#silentBeats < silentBeatsMax) {
      this.#webSocket.ping();
      return;
    }
    this.#cause ??= new TransportError(`${this.remoteAddress} no longer answers.`);
    this.destroy();
  }

  #receive(fragments: readonly Uint8Array[]): void {
    for (const fragment of fragments)
      if (!this.#inbox.push(fragment, true)) this.#webSocket.pause();
  }

  #fail(code: number, cause: TransportError): void {
    if (this.#phase !== 'open') return;
    this.#cause ??= cause;
    this.#close(code, cause.message);
  }

  /** What is queued goes first: the close frame is behind it in the socket. */
  #close(code: number, reason: string): void {
    this.#phase = 'closing';
    this.#inbox.end();
    this.#webSocket.close(code, reason);
    this.#webSocket.resume();
    this.#graceTimer = this.#clock.setTimeout(
      () => this.#webSocket.terminate(),
      this.#closeGraceMs,
    );
  }

  #closed(code: number, reason: string): void {
    if (this.#phase === 'open') this.#cause ??= closeCause(code, reason, this.remoteAddress);
    this.#phase = 'closed';
    this.#inbox.end();
    if (this.#graceTimer !== undefined) this.#clock.clearTimeout(this.#graceTimer);
    this.#inbox.handler?.onClose(this.#cause);
  }
}
