import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Connection, TimerHandle } from '@odradek/ports';
import type { WebSocket, WebSocketServer } from 'ws';
import { formatAddress } from '../address.ts';
import { createHostCheck, createOriginCheck, type Verdict } from './request-check.ts';
import { WebSocketServerConnection } from './server-connection.ts';

export interface WebSocketAcceptorOptions {
  /** The only path that is answered: '/kafka'. */
  readonly path: string;
  /** See createOriginCheck. */
  readonly allowedOrigins: readonly string[];
  /** Where the HTTP server is bound; on loopback the Host header must name it, or one of `allowedHosts`. */
  readonly boundHost: string;
  readonly allowedHosts?: readonly string[];
  /** The largest message that is taken; at least the largest request, since a client may put one into one message. */
  readonly maxPayloadBytes: number;
  readonly maxConnections?: number;
  readonly clock: Clock;
  readonly heartbeatIntervalMs?: number;
  readonly closeGraceMs?: number;
  readonly onConnection: (connection: Connection) => void;
  /** A request that was not let in, and why; for the log. */
  readonly onRejected?: (remoteAddress: string, reason: string) => void;
}

export interface WebSocketAcceptor {
  /** For the 'upgrade' event of a node:http server, which leaves the socket to us entirely. */
  handleUpgrade(request: IncomingMessage, socket: Socket, head: Uint8Array): void;
  readonly connectionCount: number;
  /** Lets nobody in any more; open connections live on, and are watched until they close. */
  close(): void;
}

/**
 * Kafka's byte stream in binary WebSocket messages, on the same port as HTTP. `ws` is loaded with the first request: it
 * costs 10 ms, which a start without WebSocket clients need not pay.
 */
export function createWebSocketAcceptor(options: WebSocketAcceptorOptions): WebSocketAcceptor {
  const { path, clock, maxPayloadBytes } = options;
  if (!(maxPayloadBytes > 0 && maxPayloadBytes < 2 ** 31))
    throw new RangeError(`maxPayloadBytes is ${maxPayloadBytes}; it must be from 1 to 2147483647.`);
  const judgeOrigin = createOriginCheck(options.allowedOrigins);
  const judgeHost = createHostCheck(options.boundHost, options.allowedHosts);
  const connectionsMax = options.maxConnections ?? connectionsMaxDefault;
  const closeGraceMs = options.closeGraceMs ?? closeGraceMsDefault;
  const heartbeat = createHeartbeat(
    clock,
    options.heartbeatIntervalMs ?? heartbeatIntervalMsDefault,
  );
  let server: Promise<WebSocketServer> | undefined;
  let isClosed = false;
  let upgrading = 0;

  const refuse = (socket: Socket, remoteAddress: string, status: string, reason: string): void => {
    const body = `${reason}\n`;
    socket.end(
      `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    socket.destroySoon();
    options.onRejected?.(remoteAddress, reason);
  };

  const verdictOn = ({
    headers,
    url = '',
  }: IncomingMessage): { status: string; reason: string } | undefined => {
    if (url.split('?', 1)[0] !== path)
      return {
        status: '404 Not Found',
        reason: `there is no WebSocket at this path; Kafka's is at ${path}`,
      };
    const verdict = [judgeHost(headers.host), judgeOrigin(headers.origin, headers.host)].find(
      (each): each is Verdict & { allowed: false } => !each.allowed,
    );
    if (verdict !== undefined) return { status: '403 Forbidden', reason: verdict.reason };
    if (isClosed) return { status: '503 Service Unavailable', reason: 'the broker is stopping' };
    if (heartbeat.connections.size + upgrading >= connectionsMax)
      return {
        status: '503 Service Unavailable',
        reason: `${connectionsMax} connections are open, which is the limit`,
      };
    return undefined;
  };

  const opened = (webSocket: WebSocket, socket: Socket, remoteAddress: string): void => {
    const connection = new WebSocketServerConnection(webSocket, socket, remoteAddress, {
      clock,
      closeGraceMs,
    });
    heartbeat.watch(connection);
    webSocket.once('close', () => heartbeat.forget(connection));
    options.onConnection(connection);
  };

  const load = (): Promise<WebSocketServer> =>
    loadServer(maxPayloadBytes, (error, socket) =>
      refuse(socket, addressOf(socket), '400 Bad Request', error.message),
    );

  return {
    handleUpgrade(request, socket, head) {
      // Nobody else listens to this socket from here on.
      socket.on('error', () => socket.destroy());
      const remoteAddress = addressOf(socket);
      const refusal = verdictOn(request);
      if (refusal !== undefined) {
        refuse(socket, remoteAddress, refusal.status, refusal.reason);
        return;
      }
      socket.setKeepAlive(true, keepAliveAfterMs);
      upgrading++;
      server ??= load();
      void server.then(
        (loaded) => {
          upgrading--;
          loaded.handleUpgrade(
            request,
            socket,
            Buffer.from(head.buffer, head.byteOffset, head.byteLength),
            (webSocket) => opened(webSocket, socket, remoteAddress),
          );
        },
        (cause: unknown) => {
          upgrading--;
          refuse(
            socket,
            remoteAddress,
            '500 Internal Server Error',
            `WebSocket support could not be loaded: ${String(cause)}`,
          );
        },
      );
    },
    get connectionCount() {
      return heartbeat.connections.size;
    },
    close() {
      isClosed = true;
    },
  };
}

export const connectionsMaxDefault = 10_000;

/** A third of the time in which a load balancer commonly drops a silent connection (60 s). */
export const heartbeatIntervalMsDefault = 20_000;

/** Beats without a sign of life after which a connection is given up. */
export const silentBeatsMax = 2;

const closeGraceMsDefault = 5_000;

const keepAliveAfterMs = 60_000;

/** Frames in one message, and pieces in which a frame may arrive: each costs far more memory than its bytes. */
const fragmentsMax = 16 * 1024;

/** Clients that ask for a subprotocol by this name are given it; nothing depends on it. */
const subprotocol = 'kafka';

/** `ws` refuses what is no proper handshake by itself, and would not tell. */
async function loadServer(
  maxPayload: number,
  onBadHandshake: (error: Error, socket: Socket) => void,
): Promise<WebSocketServer> {
  const { WebSocketServer: Server } = await import('ws');
  const options = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    skipUTF8Validation: true,
    maxPayload,
    maxFragments: fragmentsMax,
    handleProtocols: (protocols: Set<string>) => (protocols.has(subprotocol) ? subprotocol : false),
  } as const;
  const server = new Server(options);
  server.on('wsClientError', (error, socket) => onBadHandshake(error, socket as Socket));
  return server;
}

function addressOf(socket: Socket): string {
  return formatAddress(socket.remoteAddress ?? 'unknown', socket.remotePort ?? 0);
}

interface Heartbeat {
  readonly connections: ReadonlySet<WebSocketServerConnection>;
  watch(connection: WebSocketServerConnection): void;
  forget(connection: WebSocketServerConnection): void;
}

/** One timer for all connections, running while there are any. */
function createHeartbeat(clock: Clock, intervalMs: number): Heartbeat {
  const connections = new Set<WebSocketServerConnection>();
  let timer: TimerHandle | undefined;
  const beat = (): void => {
    timer = undefined;
    for (const connection of connections) connection.beat(silentBeatsMax);
    arm();
  };
  const arm = (): void => {
    if (timer === undefined && connections.size > 0) timer = clock.setTimeout(beat, intervalMs);
  };
  return {
    connections,
    watch(connection) {
      connections.add(connection);
      arm();
    },
    forget(connection) {
      connections.delete(connection);
      if (connections.size > 0 || timer === undefined) return;
      clock.clearTimeout(timer);
      timer = undefined;
    },
  };
}
