import { connect, type Socket } from 'node:net';
import {
  TransportError,
  type AbortSignalLike,
  type Connection,
  type Dial,
  type Endpoint,
} from '@odradek/ports';
import { formatAddress } from '../address.ts';
import { dialError } from '../errors.ts';
import { Inbox } from '../inbox.ts';
import { TcpConnection } from './connection.ts';
import {
  onReadOptions,
  readBufferBytes,
  readByData,
  readerDefault,
  type ReaderName,
} from './readers.ts';

export interface TcpDialOptions {
  readonly reader?: ReaderName;
  readonly connectTimeoutMs?: number;
  readonly closeGraceMs?: number;
}

/** A way out whose connections share one read buffer (see readers.ts). Here `onread` is Node's documented option. */
export function createTcpDial(options: TcpDialOptions = {}): Dial {
  const shared =
    (options.reader ?? readerDefault()) === 'onread' ? new Uint8Array(readBufferBytes) : undefined;
  return (endpoint, signal) => dial(endpoint, signal, shared, options);
}

/** For one connection; who opens several shares a buffer with `createTcpDial`. */
export const dialTcp: Dial = (endpoint, signal) => createTcpDial()(endpoint, signal);

function dial(
  { host, port }: Endpoint,
  signal: AbortSignalLike | undefined,
  shared: Uint8Array | undefined,
  options: TcpDialOptions,
): Promise<Connection> {
  const address = formatAddress(host, port);
  if (signal?.aborted) return Promise.reject(abandoned(address, signal));
  return new Promise((resolve, reject) => {
    const inbox = new Inbox(() => socket.resume());
    let socket: Socket;
    try {
      const to = { host, port, noDelay: true, keepAlive: true };
      socket = connect(shared === undefined ? to : { ...to, onread: onReadOptions(shared, inbox) });
    } catch (cause) {
      reject(dialError(cause, address));
      return;
    }
    socket.pause();
    if (shared === undefined) readByData(socket, inbox);

    const refuse = (cause: unknown): void => fail(dialError(cause, address));
    const abort = (): void => fail(abandoned(address, signal));
    const timer = setTimeout(
      () => refuse(new TimeoutError()),
      options.connectTimeoutMs ?? connectTimeoutMsDefault,
    );
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      socket.off('error', refuse);
    };
    const fail = (error: TransportError): void => {
      settle();
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    signal?.addEventListener('abort', abort);
    socket.once('error', refuse);
    socket.once('connect', () => {
      settle();
      resolve(new TcpConnection(socket, inbox, address, options.closeGraceMs));
    });
  });
}

class TimeoutError extends Error {
  readonly code = 'ETIMEDOUT';
}

/** Kafka's default for `socket.connection.setup.timeout.ms`. */
const connectTimeoutMsDefault = 10_000;

function abandoned(address: string, signal: AbortSignalLike | undefined): TransportError {
  return new TransportError(`Connecting to ${address} was given up.`, { cause: signal?.reason });
}
