import { createServer, type Server, type Socket } from 'node:net';
import { TransportError, type Connection, type Listener } from '@odradek/ports';
import { formatAddress } from '../address.ts';
import { listenError } from '../errors.ts';
import { Inbox } from '../inbox.ts';
import { TcpConnection } from './connection.ts';
import {
  moveToOnRead,
  readBufferBytes,
  readByData,
  readerDefault,
  type ReaderName,
} from './readers.ts';

export interface ListenTcpOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly onConnection: (connection: Connection) => void;
  /** What went wrong after listening began: an accept that failed. The listener goes on. */
  readonly onError: (error: Error) => void;
  /** A connection that was closed at once because `maxConnections` were open. */
  readonly onRejected?: (remoteAddress: string, reason: string) => void;
  readonly maxConnections?: number;
  readonly backlog?: number;
  readonly reader?: ReaderName;
  readonly closeGraceMs?: number;
  /** Chunks that have left whole: their memory may be used again. */
  readonly onSent?: (chunk: Uint8Array) => void;
  /** What a person would change to get another port, for messages. */
  readonly portOption?: string;
}

/** Kafka over TCP: small answers leave at once (no Nagle), dead peers are found by the kernel's keep-alive. */
export function listenTcp(options: ListenTcpOptions): Promise<Listener> {
  const connectionsMax = options.maxConnections ?? connectionsMaxDefault;
  const accept = acceptor(options.reader ?? readerDefault(), options);
  let open = 0;
  const server = createServer(
    {
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveAfterMs,
    },
    (socket) => {
      const remoteAddress = remoteAddressOf(socket);
      if (remoteAddress === undefined) {
        // Gone again before it was accepted.
        socket.destroy();
        return;
      }
      if (open >= connectionsMax) {
        socket.destroy();
        options.onRejected?.(
          remoteAddress,
          `${connectionsMax} connections are open, which is the limit`,
        );
        return;
      }
      open++;
      const connection = accept(socket, remoteAddress, () => open--);
      options.onConnection(connection);
    },
  );
  return listening(server, options);
}

/** Where none is given. Kafka's own `max.connections` knows no limit; open files are one. */
export const connectionsMaxDefault = 10_000;

/** The queue of connections that the kernel has and we have not. */
const backlogDefault = 511;

/** Silence after which the kernel begins to probe. */
const keepAliveAfterMs = 60_000;

type Accept = (socket: Socket, remoteAddress: string, onClosed: () => void) => Connection;

function acceptor(reader: ReaderName, { closeGraceMs, onSent }: ListenTcpOptions): Accept {
  const shared = reader === 'onread' ? new Uint8Array(readBufferBytes) : undefined;
  return (accepted, remoteAddress, onClosed) => {
    const inbox = new Inbox(() => socket.resume());
    const moved = shared && moveToOnRead(accepted, shared, inbox);
    const socket = moved ?? accepted;
    if (moved === undefined) readByData(socket, inbox);
    const connection = new TcpConnection(socket, inbox, remoteAddress, closeGraceMs, onSent);
    socket.once('close', onClosed);
    return connection;
  };
}

function remoteAddressOf(socket: Socket): string | undefined {
  if (socket.remoteAddress === undefined || socket.remotePort === undefined) return undefined;
  return formatAddress(socket.remoteAddress, socket.remotePort);
}

function listening(server: Server, options: ListenTcpOptions): Promise<Listener> {
  const { host, port } = options;
  return new Promise((resolve, reject) => {
    const refuse = (cause: unknown): void =>
      reject(listenError(cause, host, port, options.portOption ?? '--port'));
    server.once('error', refuse);
    try {
      server.listen({ host, port, backlog: options.backlog ?? backlogDefault }, () => {
        server.off('error', refuse);
        server.on('error', (cause) =>
          options.onError(
            new TransportError(`A connection could not be accepted: ${cause.message}`, { cause }),
          ),
        );
        resolve({ address: addressOf(server), close: () => closeServer(server) });
      });
    } catch (cause) {
      refuse(cause);
    }
  });
}

function addressOf(server: Server): Listener['address'] {
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('A TCP server has an address once it listens.');
  return { host: address.address, port: address.port };
}

/** Node's callback waits for the last connection; the port is free again as soon as the handle is closed. */
function closeServer(server: Server): Promise<void> {
  if (server.listening) server.close();
  return new Promise((resolve) => setImmediate(resolve));
}
