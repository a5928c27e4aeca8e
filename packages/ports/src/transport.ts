/**
 * A stream of bytes between two ends, however it is carried: TCP, binary WebSocket frames, a MessagePort. The cutting
 * of chunks means nothing.
 */
export interface Connection {
  /** For logs: "127.0.0.1:51234". */
  readonly remoteAddress: string;
  /** Starts delivery; called once. Nothing is delivered before. */
  start(handler: ConnectionHandler): void;
  /**
   * Sends the chunks in order as one write (WebSocket: one message, a MessagePort: one transfer). The chunks must not
   * change afterwards, nor be read: a transport may hand their memory to a pool once they have left. False asks the caller to stop until `onDrain`. Writes after close are dropped.
   */
  send(chunks: readonly Uint8Array[]): boolean;
  /** Bytes accepted by `send` and not yet handed to the network. */
  readonly bufferedBytes: number;
  /** Stops and restarts delivery of `onBytes` (back-pressure). */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. Idempotent. */
  close(): void;
  /** Drops what is queued and closes now. Idempotent. */
  destroy(): void;
}

export interface ConnectionHandler {
  /** The chunk is valid only during the call unless `owned` is true: copy what is kept. */
  onBytes(chunk: Uint8Array, owned: boolean): void;
  onDrain(): void;
  /** Called exactly once, last. `cause` is set when the other end or the network failed. */
  onClose(cause?: Error): void;
}

export interface Listener {
  /** Where it really listens, after port 0 was resolved. */
  readonly address: Endpoint;
  /** Stops accepting; open connections live on. */
  close(): Promise<void>;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Opens the way out. Rejects with TransportError. */
export type Dial = (endpoint: Endpoint, signal?: AbortSignalLike) => Promise<Connection>;

/** The part of AbortSignal that domain packages may see. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export class TransportError extends Error {
  override readonly name = 'TransportError';
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
  }
}
