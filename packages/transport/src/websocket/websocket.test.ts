import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { TransportError, type Clock, type Connection } from '@odradek/ports';
import {
  connectionContract,
  type ConnectedPair,
  type ConnectionContractSetup,
} from '@odradek/ports/testing';
import {
  createWebSocketAcceptor,
  createWebSocketDial,
  dialWebSocket,
  loadNodeWebSocket,
  type WebSocketAcceptor,
  type WebSocketAcceptorOptions,
  type WebSocketClass,
} from './index.ts';
import { messageBytesMax } from './messages.ts';

const realClock: Clock = {
  wallTimeMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

/** The standard interface and nothing beyond it, as a browser has. */
async function loadPlainWebSocket(): Promise<WebSocketClass> {
  const NodeWebSocket = await loadNodeWebSocket();
  return class {
    readonly #inner;
    constructor(url: string, protocols?: string[]) {
      this.#inner = new NodeWebSocket(url, protocols);
    }
    get binaryType() {
      return this.#inner.binaryType;
    }
    set binaryType(type) {
      this.#inner.binaryType = type;
    }
    get bufferedAmount() {
      return this.#inner.bufferedAmount;
    }
    send(data: Uint8Array<ArrayBuffer>) {
      this.#inner.send(data);
    }
    close(code?: number, reason?: string) {
      this.#inner.close(code, reason);
    }
    addEventListener(type: never, listener: never) {
      this.#inner.addEventListener(type, listener);
    }
  } as WebSocketClass;
}

interface Served {
  readonly port: number;
  readonly acceptor: WebSocketAcceptor;
  readonly accepted: Connection[];
  readonly rejected: string[];
  close(): Promise<void>;
}

async function serve(options: Partial<WebSocketAcceptorOptions> = {}): Promise<Served> {
  const accepted: Connection[] = [];
  const rejected: string[] = [];
  const acceptor = createWebSocketAcceptor({
    path: '/kafka',
    allowedOrigins: ['https://app.example.com'],
    boundHost: '127.0.0.1',
    maxPayloadBytes: 32 * 1024 * 1024,
    clock: realClock,
    onConnection: (connection) => accepted.push(connection),
    onRejected: (_, reason) => rejected.push(reason),
    ...options,
  });
  const server: Server = createServer().on('upgrade', (request, socket, head) =>
    acceptor.handleUpgrade(request, socket as Socket, head),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    acceptor,
    accepted,
    rejected,
    async close() {
      for (const connection of accepted) connection.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

for (const { name, load, limits } of [
  { name: 'websocket', load: loadNodeWebSocket, limits: {} },
  {
    name: 'websocket by the standard interface alone',
    load: loadPlainWebSocket,
    limits: { cannotHoldBack: ['near'], cannotDrop: ['near'] } as const,
  },
]) {
  const setup = async (): Promise<ConnectionContractSetup> => {
    const waiting: ((connection: Connection) => void)[] = [];
    const opened: Connection[] = [];
    const served = await serve({ onConnection: (connection) => waiting.shift()!(connection) });
    const dial = createWebSocketDial({ WebSocket: await load(), clock: realClock });
    return {
      async connect(): Promise<ConnectedPair> {
        const far = new Promise<Connection>((resolve) => waiting.push(resolve));
        const pair = { near: await dial({ host: '127.0.0.1', port: served.port }), far: await far };
        opened.push(pair.near, pair.far);
        return pair;
      },
      async dispose() {
        for (const connection of opened) connection.destroy();
        await served.close();
      },
    };
  };
  connectionContract(name, setup, limits);
}

describe('accepting WebSockets', () => {
  const cleanup: (() => unknown)[] = [];
  afterEach(async () => {
    for (const undo of cleanup.splice(0).reverse()) await undo();
  });

  async function start(options: Partial<WebSocketAcceptorOptions> = {}): Promise<Served> {
    const served = await serve(options);
    cleanup.push(() => served.close());
    return served;
  }

  function client(
    { port }: Served,
    options: { path?: string; headers?: Record<string, string>; protocols?: string[] } = {},
  ): WebSocket {
    const webSocket = new WebSocket(
      `ws://127.0.0.1:${port}${options.path ?? '/kafka'}`,
      options.protocols ?? [],
      { headers: options.headers ?? {} },
    );
    webSocket.on('error', () => {});
    cleanup.push(() => webSocket.terminate());
    return webSocket;
  }

  async function opened(
    served: Served,
    webSocket: WebSocket,
  ): Promise<{ received: () => string; closed: Promise<Error | undefined> }> {
    await once(webSocket, 'open');
    const connection = served.accepted.at(-1)!;
    let received = '';
    const closed = new Promise<Error | undefined>((resolve) =>
      connection.start({
        onBytes: (chunk) => (received += Buffer.from(chunk).toString('latin1')),
        onDrain() {},
        onClose: resolve,
      }),
    );
    return { received: () => received, closed };
  }

  async function statusOf(webSocket: WebSocket): Promise<{ status: number; body: string }> {
    const [, response] = (await once(webSocket, 'unexpected-response')) as [
      unknown,
      AsyncIterable<Buffer> & { statusCode: number },
    ];
    let body = '';
    for await (const chunk of response) body += chunk.toString();
    return { status: response.statusCode, body };
  }

  it.each([
    [
      'a page that is not on the list',
      { headers: { origin: 'https://evil.example.com' } },
      403,
      'the Origin "https://evil.example.com" is not on the list',
    ],
    [
      'a sandboxed page',
      { headers: { origin: 'null' } },
      403,
      'the Origin "null" is none that could be listed',
    ],
    [
      'a rebound name',
      { headers: { origin: 'http://evil.example.com', host: 'evil.example.com' } },
      403,
      `the Host "evil.example.com" is not a name of this machine's loopback`,
    ],
    [
      'another path',
      { path: '/elsewhere' },
      404,
      `there is no WebSocket at this path; Kafka's is at /kafka`,
    ],
  ])('refuses %s, and says why to it and to the log', async (_, options, status, reason) => {
    const served = await start();
    expect(await statusOf(client(served, options))).toEqual({ status, body: `${reason}\n` });
    expect(served.rejected).toEqual([reason]);
    expect(served.accepted).toEqual([]);
  });

  it('lets in a listed page, a program without an Origin, and its own page', async () => {
    const served = await start();
    for (const headers of [
      { origin: 'https://app.example.com' },
      {},
      { origin: `http://127.0.0.1:${served.port}` },
    ]) {
      await once(client(served, { headers: headers as Record<string, string> }), 'open');
    }
    expect(served.accepted).toHaveLength(3);
    expect(served.rejected).toEqual([]);
  });

  it('speaks the subprotocol kafka with those who ask for it', async () => {
    const served = await start();
    const asking = client(served, { protocols: ['mqtt', 'kafka'] });
    await once(asking, 'open');
    expect(asking.protocol).toBe('kafka');
  });

  it('never deflates, even when asked to', async () => {
    const served = await start();
    const webSocket = new WebSocket(`ws://127.0.0.1:${served.port}/kafka`, {
      perMessageDeflate: true,
    });
    cleanup.push(() => webSocket.terminate());
    await once(webSocket, 'open');
    expect(webSocket.extensions).toBe('');
  });

  it('takes any cutting: a message a byte, fragments of a byte, many frames in a message', async () => {
    const served = await start();
    const webSocket = client(served);
    const { received } = await opened(served, webSocket);
    const text = 'the cutting of messages means nothing. '.repeat(30);
    for (const byte of Buffer.from(text)) webSocket.send(Buffer.of(byte));
    for (const byte of Buffer.from(text)) webSocket.send(Buffer.of(byte), { fin: false });
    webSocket.send(Buffer.alloc(0), { fin: true });
    webSocket.send(Buffer.from(text + text));
    await expect.poll(() => received().length).toBe(text.length * 4);
    expect(received()).toBe(text.repeat(4));
  });

  it('refuses text with code 1003', async () => {
    const served = await start();
    const webSocket = client(served);
    const { closed } = await opened(served, webSocket);
    webSocket.send('hello');
    const [code] = await once(webSocket, 'close');
    expect(code).toBe(1003);
    expect((await closed)!.message).toMatch(/sent a text message/);
  });

  it('refuses a message over the limit before it has arrived', async () => {
    const served = await start({ maxPayloadBytes: 1_000 });
    const webSocket = client(served);
    const { closed, received } = await opened(served, webSocket);
    webSocket.send(Buffer.alloc(1_000));
    webSocket.send(Buffer.alloc(1_001));
    const [code] = await once(webSocket, 'close');
    expect(code).toBe(1009);
    expect(await closed).toBeInstanceOf(TransportError);
    expect(received().length).toBe(1_000);
  });

  it.each([0, -1, 2 ** 31, Number.NaN])(
    'takes no payload limit of %d, which would be none',
    (maxPayloadBytes) => {
      expect(() =>
        createWebSocketAcceptor({
          path: '/',
          allowedOrigins: [],
          boundHost: '',
          maxPayloadBytes,
          clock: realClock,
          onConnection() {},
        }),
      ).toThrow(RangeError);
    },
  );

  it('refuses a message of too many fragments', async () => {
    const served = await start();
    const webSocket = client(served);
    const { closed } = await opened(served, webSocket);
    for (let i = 0; i < 17_000; i++) webSocket.send(Buffer.of(1), { fin: false });
    const [code] = await once(webSocket, 'close');
    expect(code).toBe(1008);
    expect((await closed)!.message).toMatch(/Too many message fragments/);
  });

  it('lets nobody in beyond the limit', async () => {
    const served = await start({ maxConnections: 1 });
    await once(client(served), 'open');
    expect(await statusOf(client(served))).toMatchObject({
      status: 503,
      body: '1 connections are open, which is the limit\n',
    });
  });

  it('lets nobody in any more when it was closed, and keeps who is there', async () => {
    const served = await start();
    const webSocket = client(served);
    const { received } = await opened(served, webSocket);
    served.acceptor.close();
    expect(await statusOf(client(served))).toMatchObject({ status: 503 });
    webSocket.send(Buffer.from('still here'));
    await expect.poll(received).toBe('still here');
  });

  it.each([
    [
      'no key',
      'GET /kafka HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n',
    ],
    [
      'an old version',
      'GET /kafka HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 1\r\n\r\n',
    ],
    [
      'another upgrade',
      'GET /kafka HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
    ],
  ])('answers a handshake with %s by 400 and tells the log', async (_, request) => {
    const served = await start();
    const socket = connect(served.port, '127.0.0.1');
    socket.write(request);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(served.rejected).toHaveLength(1);
  });

  it('tells of a client that went away without a word', async () => {
    const served = await start();
    const webSocket = client(served);
    const { closed } = await opened(served, webSocket);
    webSocket.terminate();
    expect((await closed)!.message).toMatch(/went away without closing/);
  });

  it('gives up a client that never answers a ping, and keeps those that do', async () => {
    let beat = (): void => {};
    const clock: Clock = {
      ...realClock,
      setTimeout(callback, delayMs) {
        if (delayMs !== 777) return setTimeout(callback, delayMs);
        beat = callback;
        return 0;
      },
      clearTimeout(handle) {
        if (handle !== 0) clearTimeout(handle as NodeJS.Timeout);
      },
    };
    const served = await start({ clock, heartbeatIntervalMs: 777 });
    const lively = client(served);
    const there = await opened(served, lively);
    const silent = client(served);
    const gone = await opened(served, silent);
    silent.pause();
    let isGone = false;
    void gone.closed.then(() => (isGone = true));
    for (let i = 0; i < 4 && !isGone; i++) {
      const pinged = once(lively, 'ping');
      beat();
      await pinged;
      // The answer is on its way; this follows it on the same connection.
      const before = there.received().length;
      lively.send(Buffer.of(65));
      await expect.poll(() => there.received().length).toBe(before + 1);
    }
    expect((await gone.closed)!.message).toMatch(/no longer answers/);
    expect(served.acceptor.connectionCount).toBe(1);
    expect(lively.readyState).toBe(WebSocket.OPEN);
  });

  it('sends one message a send, and cuts what is larger than a message may be', async () => {
    const served = await start();
    const webSocket = client(served);
    const sizes: number[] = [];
    webSocket.on('message', (data: Buffer) => sizes.push(data.length));
    await opened(served, webSocket);
    const connection = served.accepted[0]!;
    connection.send([Buffer.alloc(4), Buffer.alloc(60_000), Buffer.alloc(1)]);
    connection.send([Buffer.alloc(4), Buffer.alloc(2 * messageBytesMax)]);
    await expect.poll(() => sizes).toEqual([60_005, messageBytesMax, messageBytesMax, 4]);
  });

  it('holds a thousand idle connections', async () => {
    const served = await start();
    const clients: Socket[] = [];
    cleanup.push(() => clients.forEach((socket) => socket.destroy()));
    const handshake = `GET /kafka HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n`;
    const before = process.memoryUsage();
    for (let i = 0; i < 1_000; i++) {
      const socket = connect(served.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      socket.write(handshake);
      clients.push(socket);
    }
    await expect.poll(() => served.accepted.length, { timeout: 8_000, interval: 5 }).toBe(1_000);
    let closed = 0;
    for (const connection of served.accepted)
      connection.start({ onBytes() {}, onDrain() {}, onClose: () => closed++ });
    const after = process.memoryUsage();
    expect(
      (after.heapUsed + after.external - before.heapUsed - before.external) / 1_000,
    ).toBeLessThan(100 * 1024);
    for (const socket of clients) socket.destroy();
    await expect.poll(() => closed, { timeout: 8_000, interval: 5 }).toBe(1_000);
    expect(served.acceptor.connectionCount).toBe(0);
  });

  it('unmasks natively: bufferutil is installed and is not its own fallback', () => {
    const require = createRequire(createRequire(import.meta.url).resolve('ws'));
    const { unmask } = require('bufferutil') as { unmask: () => void };
    const isPrebuilt = [
      'linux-x64',
      'darwin-x64',
      'darwin-arm64',
      'win32-x64',
      'win32-ia32',
    ].includes(`${process.platform}-${process.arch}`);
    expect(String(unmask).includes('[native code]')).toBe(isPrebuilt);
  });
});

describe('dialling a WebSocket', () => {
  it('says why it could not', async () => {
    const WebSocket = await loadNodeWebSocket();
    const served = await serve();
    const options = { WebSocket, clock: realClock };
    await expect(dialWebSocket(`ws://127.0.0.1:${served.port}/wrong`, options)).rejects.toThrow(
      /Unexpected server response: 404/,
    );
    await served.close();
    await expect(dialWebSocket(`ws://127.0.0.1:${served.port}/kafka`, options)).rejects.toThrow(
      TransportError,
    );
    await expect(dialWebSocket('not a url', options)).rejects.toThrow(TransportError);
  });

  it('can be given up before and while it connects', async () => {
    const WebSocket = await loadNodeWebSocket();
    const served = await serve();
    const url = `ws://127.0.0.1:${served.port}/kafka`;
    await expect(
      dialWebSocket(url, { WebSocket, clock: realClock }, AbortSignal.abort('no')),
    ).rejects.toMatchObject({ cause: 'no' });
    const controller = new AbortController();
    const dialled = dialWebSocket(url, { WebSocket, clock: realClock }, controller.signal);
    controller.abort();
    await expect(dialled).rejects.toThrow('was given up');
    await served.close();
  });

  it('gives up a server that floods it while it is paused and its class cannot be', async () => {
    const WebSocket = await loadPlainWebSocket();
    const served = await serve();
    const near = await dialWebSocket(`ws://127.0.0.1:${served.port}/kafka`, {
      WebSocket,
      clock: realClock,
      heldBytesMax: 100_000,
    });
    const closed = new Promise<Error | undefined>((resolve) =>
      near.start({ onBytes() {}, onDrain() {}, onClose: resolve }),
    );
    near.pause();
    await expect.poll(() => served.accepted.length).toBe(1);
    const far = served.accepted[0]!;
    far.start({ onBytes() {}, onDrain() {}, onClose() {} });
    for (let i = 0; i < 11; i++) far.send([new Uint8Array(10_000)]);
    expect((await closed)!.message).toMatch(/more than 100000 bytes while paused/);
    await served.close();
  });

  it('takes no text', async () => {
    const { WebSocketServer } = await import('ws');
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    server.on('connection', (webSocket) => webSocket.send('hello'));
    const near = await dialWebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, {
      WebSocket: await loadNodeWebSocket(),
      clock: realClock,
    });
    const cause = await new Promise<Error | undefined>((resolve) =>
      near.start({ onBytes() {}, onDrain() {}, onClose: resolve }),
    );
    expect(cause!.message).toMatch(/sent a text message/);
    server.close();
  });
});
