/**
 * What KafkaJS itself takes for a TCP socket (its `socketFactory`), over any of our connections: so that the unmodified library comes in by a
 * WebSocket, in Node and in a page. It is the part of net.Socket that KafkaJS touches.
 *
 * A connection that ends by itself says 'end', one that fails says 'error'; one that KafkaJS ended says neither, since it may have opened the
 * next one by then.
 */
import type { Connection } from '@odradek/ports';
import { AbortSource } from '../abort-source.ts';

export type SocketEvent = 'connect' | 'data' | 'drain' | 'end' | 'error' | 'timeout' | 'close';

type Listener = (value?: unknown) => void;

export interface SocketFactoryArgs {
  readonly host: string;
  readonly port: number;
  readonly ssl?: unknown;
  readonly onConnect: () => void;
}

/** Where a broker's WebSocket is: for all of them, or by the address that Metadata tells. */
export type SocketUrl = string | ((host: string, port: number) => string);

/** Our brokers' own place for clients. */
export function urlOf(
  { host, port, ssl }: SocketFactoryArgs,
  url: SocketUrl | undefined,
  secure = false,
): string {
  if (typeof url === 'string') return url;
  if (url !== undefined) return url(host, port);
  const name = host.includes(':') ? `[${host}]` : host;
  return `${ssl || secure ? 'wss' : 'ws'}://${name}:${port}/kafka`;
}

export class ConnectionSocket {
  readonly #toBuffer: (bytes: Uint8Array) => Uint8Array;
  readonly #listeners = new Map<SocketEvent, Set<Listener>>();
  readonly #abort = new AbortSource();
  #connection: Connection | undefined;
  #isEnded = false;
  /** Before it is open. */
  #queued: Uint8Array[] = [];

  constructor(
    open: (signal: AbortSource) => Promise<Connection>,
    toBuffer: (bytes: Uint8Array) => Uint8Array,
    onConnect: () => void,
  ) {
    this.#toBuffer = toBuffer;
    void open(this.#abort).then(
      (connection) => this.#opened(connection, onConnect),
      (error: unknown) => {
        if (this.#isEnded) return;
        this.#isEnded = true;
        this.#emit('error', error);
        this.#emit('close');
      },
    );
  }

  on(event: SocketEvent, listener: Listener): this {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return this;
  }

  once(event: SocketEvent, listener: Listener): this {
    const once: Listener = (value) => {
      this.off(event, once);
      listener(value);
    };
    return this.on(event, once);
  }

  off(event: SocketEvent, listener: Listener): this {
    this.#listeners.get(event)?.delete(listener);
    return this;
  }

  /** False asks to wait for 'drain'. */
  write(bytes: Uint8Array): boolean {
    if (this.#isEnded) return false;
    if (this.#connection !== undefined) return this.#connection.send([bytes]);
    this.#queued.push(bytes);
    return true;
  }

  /** What was written is still sent. */
  end(): this {
    if (this.#isEnded) return this;
    this.#isEnded = true;
    if (this.#connection === undefined) this.#abort.abort('ended');
    else this.#connection.close();
    return this;
  }

  destroy(): this {
    this.#isEnded = true;
    this.#abort.abort('destroyed');
    this.#connection?.destroy();
    return this;
  }

  // A WebSocket has none of these.
  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  #opened(connection: Connection, onConnect: () => void): void {
    if (this.#isEnded) {
      connection.close();
      return;
    }
    this.#connection = connection;
    connection.start({
      onBytes: (chunk, owned) => {
        if (!this.#isEnded) this.#emit('data', this.#toBuffer(owned ? chunk : chunk.slice()));
      },
      onDrain: () => this.#emit('drain'),
      onClose: (cause) => {
        const isOwn = this.#isEnded;
        this.#isEnded = true;
        if (!isOwn && cause !== undefined) this.#emit('error', cause);
        else if (!isOwn) this.#emit('end');
        this.#emit('close');
      },
    });
    for (const bytes of this.#queued) connection.send([bytes]);
    this.#queued = [];
    onConnect();
    this.#emit('connect');
  }

  #emit(event: SocketEvent, value?: unknown): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(value);
  }
}
