import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Listener, Logger } from '@odradek/ports';
import { listenError } from '@odradek/transport/tcp';
import { createHostCheck } from '@odradek/transport/websocket';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD';
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface HttpReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** Beside and before the security headers of every reply. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type HttpHandler = (request: HttpRequest) => HttpReply | Promise<HttpReply>;

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** By path, exactly: '/metrics'. */
  readonly routes: Readonly<Record<string, HttpHandler>>;
  /** Names by which a listener on loopback may be called, beside localhost and addresses. */
  readonly allowedHosts?: readonly string[];
  /** Every request to become something else than HTTP; absent, they are refused. Whoever takes one checks it. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Socket, head: Uint8Array) => void;
  readonly logger: Logger;
  readonly maxConnections?: number;
}

/**
 * What a broker says over HTTP: small answers to GET, no bodies taken, nothing that changes anything. On loopback a page with
 * a rebound name cannot read it (see createHostCheck), and without CORS headers no other page can.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<Listener> {
  const judgeHost = createHostCheck(options.host, options.allowedHosts);
  const routes = new Map(Object.entries(options.routes));
  const server = createServer({
    maxHeaderSize: headerBytesMax,
    requestTimeout: requestTimeoutMs,
    headersTimeout: headersTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectionsCheckingInterval: timeoutCheckMs,
    noDelay: true,
  });
  server.maxHeadersCount = headersMax;
  server.maxConnections = options.maxConnections ?? connectionsMaxDefault;

  const answer = async (request: IncomingMessage): Promise<HttpReply> => {
    const verdict = judgeHost(request.headers.host);
    if (!verdict.allowed) {
      options.logger.warn('refused an HTTP request', {
        remoteAddress: request.socket.remoteAddress,
        reason: verdict.reason,
      });
      return text(403, verdict.reason);
    }
    const parsed = parse(request);
    if (parsed === undefined)
      return text(405, 'only GET and HEAD are answered', { allow: 'GET, HEAD' });
    const handler = routes.get(parsed.path);
    return handler === undefined ? text(404, 'there is nothing at this path') : handler(parsed);
  };

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answer(request)
      .catch((error: unknown) => {
        options.logger.error('an HTTP request failed', { path: request.url, error });
        return text(500, 'the broker failed to answer; its log says why');
      })
      .then((reply) => send(response, request, reply))
      .catch(() => response.destroy());
  });
  server.on('upgrade', (request, socket, head) => {
    if (options.onUpgrade === undefined) refuseUpgrade(socket as Socket);
    else options.onUpgrade(request, socket as Socket, head);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (socket.writable && error.code !== 'ECONNRESET')
      socket.end(
        `HTTP/1.1 ${error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'}\r\nConnection: close\r\n\r\n`,
      );
    socket.destroy();
  });
  return listen(server, options);
}

/** One line of plain text. */
export function text(
  status: number,
  line: string,
  headers: Readonly<Record<string, string>> = {},
): HttpReply {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${line}\n`, headers };
}

/** Request line and headers together. */
const headerBytesMax = 8 * 1024;
const headersMax = 64;
/** A request that dribbles in is cut off. */
const headersTimeoutMs = 5_000;
const requestTimeoutMs = 10_000;
const timeoutCheckMs = 5_000;
const keepAliveTimeoutMs = 5_000;

/** WebSockets that began as a request are counted here as well. */
const connectionsMaxDefault = 10_000;

/** Nothing that we send is to be framed, guessed at, kept, or told to others; a page that needs more says so in its reply. */
const securityHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Undefined when the method is not ours. A path that is not understood is a path that nothing is at. */
function parse(request: IncomingMessage): HttpRequest | undefined {
  const { method, url = '' } = request;
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const at = url.indexOf('?');
  return {
    method,
    path: at < 0 ? url : url.slice(0, at),
    query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)),
  };
}

function send(response: ServerResponse, request: IncomingMessage, reply: HttpReply): void {
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
  // A body that was sent against expectation is not waited for.
  const hasBody =
    request.headers['content-length'] !== undefined ||
    request.headers['transfer-encoding'] !== undefined;
  response.writeHead(reply.status, {
    ...securityHeaders,
    ...reply.headers,
    ...(hasBody ? { connection: 'close' } : {}),
    'content-type': reply.contentType,
    'content-length': body.byteLength,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function refuseUpgrade(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  socket.destroySoon();
}

function listen(server: Server, { host, port, logger }: HttpServerOptions): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: unknown): void => reject(listenError(cause, host, port, '--http-port'));
    server.once('error', refuse);
    try {
      server.listen({ host, port }, () => {
        server.off('error', refuse);
        server.on('error', (error) =>
          logger.error('an HTTP connection could not be accepted', { error }),
        );
        server.on('drop', (dropped) =>
          logger.warn('an HTTP connection was closed at once', {
            remoteAddress: dropped?.remoteAddress,
            reason: `${server.maxConnections} are open, which is the limit`,
          }),
        );
        const address = server.address();
        if (address === null || typeof address === 'string')
          throw new Error('An HTTP server has an address once it listens.');
        resolve({
          address: { host: address.address, port: address.port },
          close: () => close(server),
        });
      });
    } catch (cause) {
      refuse(cause);
    }
  });
}

/** Requests under way are answered; idle connections are closed; WebSockets are their owner's. */
function close(server: Server): Promise<void> {
  if (server.listening) server.close();
  server.closeIdleConnections();
  return new Promise((resolve) => setImmediate(resolve));
}
