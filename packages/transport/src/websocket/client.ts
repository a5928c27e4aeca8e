import {
  TransportError,
  type AbortSignalLike,
  type Clock,
  type Connection,
  type ConnectionHandler,
  type Dial,
  type TimerHandle,
} from '@odradek/ports';
import { Inbox } from '../inbox.ts';
import { sendHighWaterBytes } from '../marks.ts';
import { closeCause } from './close-cause.ts';
import { cutIntoMessages, joined } from './messages.ts';

/**
 * The client's end of a WebSocket, over the standard interface, so that a browser's own class can be handed in; nothing
 * of Node is named here. That interface cannot say when there is room again (it is asked every few milliseconds while a
 * sender waits), cannot stop delivery (what comes while paused is held, up to a limit), and cannot drop what is queued.
 * Where the class can do better (`ws`: pause, resume, terminate), that is used.
 */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(
    type: 'open' | 'error',
    listener: (event: { readonly message?: string; readonly error?: unknown }) => void,
  ): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: 'close',
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
  pause?(): void;
  resume?(): void;
  terminate?(): void;
}

export type WebSocketClass = new (url: string, protocols?: string[]) => WebSocketLike;

export interface WebSocketDialOptions {
  readonly WebSocket: WebSocketClass;
  readonly clock: Clock;
  readonly protocols?: readonly string[];
  readonly connectTimeoutMs?: number;
  readonly closeGraceMs?: number;
  /** What may wait in memory while paused, for a class that cannot be paused; beyond it the connection is given up. */
  readonly heldBytesMax?: number;
}

/** For endpoints as Metadata tells them. */
export function createWebSocketDial(
  options: WebSocketDialOptions & { readonly path?: string; readonly secure?: boolean },
): Dial {
  return ({ host, port }, signal) => {
    const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    return dialWebSocket(
      `${options.secure ? 'wss' : 'ws'}://${authority}${options.path ?? '/kafka'}`,
      options,
      signal,
    );
  };
}

export function dialWebSocket(
  url: string,
  options: WebSocketDialOptions,
  signal?: AbortSignalLike,
): Promise<Connection> {
  if (signal?.aborted)
    return Promise.reject(
      new TransportError(`Connecting to ${url} was given up.`, { cause: signal.reason }),
    );
  return new Promise((resolve, reject) => {
    let webSocket: WebSocketLike;
    try {
      webSocket =
        options.protocols === undefined
          ? new options.WebSocket(url)
          : new options.WebSocket(url, [...options.protocols]);
    } catch (cause) {
      reject(new TransportError(`Cannot connect to ${url}: ${String(cause)}`, { cause }));
      return;
    }
    const connection = new WebSocketClientConnection(webSocket, url, options);
    let why: unknown;
    let isSettled = false;
    const settle = (): boolean => {
      if (isSettled) return false;
      isSettled = true;
      options.clock.clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      return true;
    };
    const fail = (message: string, cause?: unknown): void => {
      if (!settle()) return;
      reject(new TransportError(message, { cause }));
      connection.destroy();
    };
    const abort = (): void => fail(`Connecting to ${url} was given up.`, signal?.reason);
    const timer = options.clock.setTimeout(
      () => fail(`${url} did not answer in time.`),
      options.connectTimeoutMs ?? connectTimeoutMsDefault,
    );
    signal?.addEventListener('abort', abort);

    webSocket.addEventListener('open', () => {
      if (settle()) resolve(connection);
    });
    webSocket.addEventListener('error', (event) => {
      why ??= event.error ?? event.message;
    });
    webSocket.addEventListener('close', () =>
      fail(`Cannot connect to ${url}: ${describe(why)}`, why),
    );
  });
}

/** A browser tells a page nothing about why a connection failed. */
function describe(why: unknown): string {
  if (why instanceof Error) return why.message;
  return typeof why === 'string' && why !== '' ? why : 'it was refused, or nothing answers there';
}

class WebSocketClientConnection implements Connection {
  readonly remoteAddress: string;
  readonly #webSocket: WebSocketLike;
  readonly #clock: Clock;
  readonly #closeGraceMs: number;
  readonly #heldBytesMax: number;
  readonly #inbox: Inbox;
  #phase: 'open' | 'closing' | 'closed' = 'open';
  #cause: Error | undefined;
  #graceTimer: TimerHandle | undefined;
  #drainTimer: TimerHandle | undefined;

  constructor(webSocket: WebSocketLike, url: string, options: WebSocketDialOptions) {
    this.remoteAddress = url;
    this.#webSocket = webSocket;
    this.#clock = options.clock;
    this.#closeGraceMs = options.closeGraceMs ?? closeGraceMsDefault;
    this.#heldBytesMax = options.heldBytesMax ?? heldBytesMaxDefault;
    this.#inbox = new Inbox(() => webSocket.resume?.());
    webSocket.binaryType = 'arraybuffer';
    webSocket.addEventListener('open', () => {
      if (this.#inbox.handler === undefined) webSocket.pause?.();
    });
    webSocket.addEventListener('message', (event) => this.#receive(event.data));
    webSocket.addEventListener('error', (event) => {
      this.#cause ??= new TransportError(
        `The connection with ${url} failed: ${describe(event.error ?? event.message)}.`,
        { cause: event.error },
      );
    });
    webSocket.addEventListener('close', (event) => this.#closed(event.code, event.reason));
  }

  start(handler: ConnectionHandler): void {
    this.#inbox.start(handler);
    if (this.#phase === 'closed') queueMicrotask(() => handler.onClose(this.#cause));
  }

  send(chunks: readonly Uint8Array[]): boolean {
    if (this.#phase !== 'open') return false;
    for (const message of cutIntoMessages(chunks))
      this.#webSocket.send(joined(message) as Uint8Array<ArrayBuffer>);
    if (this.#drainTimer !== undefined) return false;
    if (this.#webSocket.bufferedAmount < sendHighWaterBytes) return true;
    this.#drainTimer = this.#clock.setTimeout(this.#lookForRoom, drainPollMs);
    return false;
  }

  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  pause(): void {
    this.#inbox.pause();
    if (this.#phase === 'open') this.#webSocket.pause?.();
  }

  resume(): void {
    this.#inbox.resume();
  }

  close(): void {
    if (this.#phase !== 'open') return;
    this.#endDelivery();
    this.#phase = 'closing';
    this.#webSocket.close(1000);
    this.#webSocket.resume?.();
    this.#graceTimer = this.#clock.setTimeout(() => this.destroy(), this.#closeGraceMs);
  }

  /** Without `terminate` the browser still sends what it has queued; for the caller the connection is gone now. */
  destroy(): void {
    if (this.#phase === 'closed') return;
    this.#endDelivery();
    this.#phase = 'closing';
    if (this.#webSocket.terminate !== undefined) {
      this.#webSocket.terminate();
    } else {
      this.#webSocket.close();
      queueMicrotask(() => this.#closed(1000, ''));
    }
  }

  #receive(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) {
      this.#fail(`${this.remoteAddress} sent a text message; Kafka's protocol is binary.`);
    } else if (!this.#inbox.push(new Uint8Array(data), true)) {
      this.#webSocket.pause?.();
      if (this.#inbox.heldBytes > this.#heldBytesMax)
        this.#fail(
          `${this.remoteAddress} sent more than ${this.#heldBytesMax} bytes while paused.`,
        );
    }
  }

  #fail(message: string): void {
    if (this.#phase !== 'open') return;
    this.#cause ??= new TransportError(message);
    this.close();
  }

  readonly #lookForRoom = (): void => {
    this.#drainTimer = undefined;
    if (this.#phase !== 'open') return;
    if (this.#webSocket.bufferedAmount > sendHighWaterBytes / 2)
      this.#drainTimer = this.#clock.setTimeout(this.#lookForRoom, drainPollMs);
    else this.#inbox.handler?.onDrain();
  };

  #endDelivery(): void {
    this.#inbox.end();
    if (this.#drainTimer !== undefined) this.#clock.clearTimeout(this.#drainTimer);
    this.#drainTimer = undefined;
  }

  #closed(code: number, reason: string): void {
    if (this.#phase === 'closed') return;
    if (this.#phase === 'open') this.#cause ??= closeCause(code, reason, this.remoteAddress);
    this.#phase = 'closed';
    this.#endDelivery();
    if (this.#graceTimer !== undefined) this.#clock.clearTimeout(this.#graceTimer);
    this.#inbox.handler?.onClose(this.#cause);
  }
}

/** Kafka's default for `socket.connection.setup.timeout.ms`. */
const connectTimeoutMsDefault = 10_000;

const closeGraceMsDefault = 5_000;

/** How often a waiting sender looks whether there is room. */
const drainPollMs = 5;

const heldBytesMaxDefault = 64 * 1024 * 1024;
