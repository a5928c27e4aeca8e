import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger, TransportError, type Listener, type Logger } from '@odradek/ports';
import { createHttpServer, text, type HttpServerOptions } from './http.ts';
import { createBrokerRoutes } from './routes.ts';

const open: Listener[] = [];
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close();
});

async function serve(options: Partial<HttpServerOptions> = {}): Promise<Listener> {
  const listener = await createHttpServer({
    host: '127.0.0.1',
    port: 0,
    routes: { '/': () => text(200, 'here') },
    logger: silentLogger,
    ...options,
  });
  open.push(listener);
  return listener;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function ask(
  { address }: Listener,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const request = httpRequest({
    host: '127.0.0.1',
    port: address.port,
    path,
    method: options.method ?? 'GET',
    headers: options.headers ?? {},
    agent: false,
  });
  request.end(options.body);
  const [response] = await once(request, 'response');
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, headers: response.headers, body };
}

/** Sends exactly this and gives what comes back until the end. */
async function raw({ address }: Listener, bytes: string): Promise<string> {
  const socket = connect(address.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(bytes);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

function recordingLogger(lines: string[]): Logger {
  const tell = (message: string, fields?: object): void =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  return { debug: tell, info: tell, warn: tell, error: tell, child: () => recordingLogger(lines) };
}

describe('the HTTP server', () => {
  it('answers GET, and HEAD with the same headers and no body', async () => {
    const server = await serve();
    const get = await ask(server, '/');
    expect(get).toMatchObject({ status: 200, body: 'here\n' });
    const head = await ask(server, '/', { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
  });

  it('gives every answer the headers that keep it to itself', async () => {
    const server = await serve();
    for (const path of ['/', '/nowhere']) {
      expect((await ask(server, path)).headers).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      });
      expect((await ask(server, path)).headers).not.toHaveProperty('access-control-allow-origin');
    }
  });

  it.each(['/nowhere', '//', '/__proto__', '/constructor', '/../', '/%2e%2e/', '*'])(
    'has nothing at %s',
    async (path) => {
      expect((await ask(await serve(), path)).status).toBe(404);
    },
  );

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('does not answer %s', async (method) => {
    const answer = await ask(await serve(), '/', { method });
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe('GET, HEAD');
  });

  it('does not wait for a body that nobody asked for', async () => {
    const server = await serve();
    const answer = await raw(
      server,
      'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/connection: close/i);
  });

  it('does not answer to a foreign name on loopback, and says so in the log', async () => {
    const lines: string[] = [];
    const server = await serve({ logger: recordingLogger(lines), allowedHosts: ['broker.test'] });
    expect((await ask(server, '/', { headers: { host: 'evil.example.com' } })).status).toBe(403);
    expect(lines).toEqual([expect.stringContaining('evil.example.com')]);
    expect((await ask(server, '/', { headers: { host: 'broker.test:1' } })).status).toBe(200);
    expect((await ask(server, '/', { headers: { host: 'localhost' } })).status).toBe(200);
  });

  it('answers 500 when a page fails, tells the log and goes on', async () => {
    const lines: string[] = [];
    const server = await serve({
      logger: recordingLogger(lines),
      routes: {
        '/throws': () => {
          throw new Error('secret');
        },
        '/rejects': async () => Promise.reject(new Error('secret')),
        '/': () => text(200, 'here'),
      },
    });
    for (const path of ['/throws', '/rejects']) {
      const answer = await ask(server, path);
      expect(answer.status).toBe(500);
      expect(answer.body).not.toContain('secret');
    }
    expect(lines).toHaveLength(2);
    expect((await ask(server, '/')).status).toBe(200);
  });

  it.each([
    ['what is not HTTP', 'hello\r\n\r\n', 400],
    [
      'headers that are too large',
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`,
      431,
    ],
    [
      'a Kafka request',
      '\u0000\u0000\u0000\u0010\u0000\u0012\u0000\u0003\u0000\u0000\u0000\u0001',
      400,
    ],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    [
      'an upgrade that nobody takes',
      'GET /kafka HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      404,
    ],
  ])('refuses %s', async (_, bytes, status) => {
    expect(await raw(await serve(), bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it('hands an upgrade on with its socket', async () => {
    const server = await serve({
      onUpgrade: (request, socket) =>
        socket.end(`HTTP/1.1 101 Switching Protocols\r\n\r\n${request.url}`),
    });
    expect(
      await raw(
        server,
        'GET /kafka?x HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      ),
    ).toMatch(/101[\s\S]*\/kafka\?x$/);
  });

  it('closes connections over the limit and says so', async () => {
    const lines: string[] = [];
    const server = await serve({ maxConnections: 1, logger: recordingLogger(lines) });
    const first = connect(server.address.port, '127.0.0.1');
    await once(first, 'connect');
    expect(await raw(server, '')).toBe('');
    await expect.poll(() => lines).toEqual([expect.stringContaining('which is the limit')]);
    first.destroy();
  });

  it('says which option to change when the port is taken', async () => {
    const { address } = await serve();
    const second = serve({ port: address.port });
    await expect(second).rejects.toThrow(TransportError);
    await expect(second).rejects.toThrow(/--http-port/);
  });

  it('stops listening, with open connections or without', async () => {
    const server = await serve();
    const idle = connect(server.address.port, '127.0.0.1');
    idle.on('error', () => {});
    await once(idle, 'connect');
    await server.close();
    await server.close();
    expect((await serve({ port: server.address.port })).address).toEqual(server.address);
    idle.destroy();
  });
});

describe("a broker's pages", () => {
  let isReady = false;
  const pages = (): Promise<Listener> =>
    serve({
      routes: createBrokerRoutes({
        live: () => ({ isHealthy: true, details: {} }),
        ready: () => ({
          isHealthy: isReady,
          details: { state: isReady ? 'running' : 'recovering', nodeId: 1 },
        }),
        metrics: () => [
          {
            name: 'odradek_partitions',
            help: 'Partitions.',
            type: 'gauge',
            samples: [{ labels: {}, value: 3 }],
          },
        ],
      }),
    });

  it('say whether the broker lives and is ready, in a word and at length', async () => {
    const server = await pages();
    expect(await ask(server, '/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
    expect(await ask(server, '/readyz')).toMatchObject({ status: 503, body: 'not ok\n' });
    const verbose = await ask(server, '/readyz?verbose');
    expect(verbose.status).toBe(503);
    expect(verbose.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(JSON.parse(verbose.body)).toEqual({ ok: false, state: 'recovering', nodeId: 1 });
    isReady = true;
    expect(await ask(server, '/readyz')).toMatchObject({ status: 200, body: 'ok\n' });
    expect(JSON.parse((await ask(server, '/readyz?verbose=1')).body)).toEqual({
      ok: true,
      state: 'running',
      nodeId: 1,
    });
  });

  it('show the numbers', async () => {
    const answer = await ask(await pages(), '/metrics');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body).toContain('\nodradek_partitions 3\n');
  });

  it('say at the front what there is', async () => {
    const answer = await ask(await pages(), '/');
    for (const path of ['/kafka', '/healthz', '/readyz', '/metrics'])
      expect(answer.body).toContain(path);
  });
});
