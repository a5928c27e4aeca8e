import { createServer, connect as netConnect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { TransportError, type Connection, type Listener } from '@odradek/ports';
import { connectionContract, type ConnectedPair } from '@odradek/ports/testing';
import {
  createTcpDial,
  dialTcp,
  listenTcp,
  type ListenTcpOptions,
  type ReaderName,
} from './index.ts';

for (const reader of ['onread', 'data'] as ReaderName[]) {
  connectionContract(`tcp by ${reader}`, async () => {
    const opened: Connection[] = [];
    const accepted: ((connection: Connection) => void)[] = [];
    const listener = await listenTcp({
      host: '127.0.0.1',
      port: 0,
      reader,
      onConnection: (connection) => accepted.shift()!(connection),
      onError: (error) => expect.unreachable(error.message),
    });
    const dial = createTcpDial({ reader });
    return {
      async connect(): Promise<ConnectedPair> {
        const far = new Promise<Connection>((resolve) => accepted.push(resolve));
        const pair = { near: await dial(listener.address), far: await far };
        opened.push(pair.near, pair.far);
        return pair;
      },
      async dispose() {
        for (const connection of opened) connection.destroy();
        await listener.close();
      },
    };
  });
}

describe('listening on TCP', () => {
  const cleanup: (() => unknown)[] = [];
  afterEach(async () => {
    for (const undo of cleanup.splice(0).reverse()) await undo();
  });

  async function listen(
    options: Partial<ListenTcpOptions> = {},
  ): Promise<Listener & { connections: Connection[]; errors: Error[] }> {
    const connections: Connection[] = [];
    const errors: Error[] = [];
    const listener = await listenTcp({
      host: '127.0.0.1',
      port: 0,
      onConnection: (connection) => connections.push(connection),
      onError: (error) => errors.push(error),
      ...options,
    });
    cleanup.push(
      () => listener.close(),
      () => connections.forEach((connection) => connection.destroy()),
    );
    return { ...listener, connections, errors };
  }

  async function rawClient(listener: Listener): Promise<Socket> {
    const socket = netConnect({ port: listener.address.port, host: '127.0.0.1' });
    cleanup.push(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  }

  it('says where it listens when it was asked for a free port', async () => {
    const listener = await listen();
    expect(listener.address.host).toBe('127.0.0.1');
    expect(listener.address.port).toBeGreaterThan(0);
  });

  it('says which option to change when the port is taken', async () => {
    const { address } = await listen();
    const second = listen({ port: address.port, portOption: '--port' });
    await expect(second).rejects.toThrow(TransportError);
    await expect(second).rejects.toThrow(`127.0.0.1:${address.port} is in use by another process`);
    await expect(second).rejects.toThrow('--port');
  });

  it.each([
    { options: { host: '192.0.2.1' }, message: /not an address of this machine/ },
    { options: { port: 70_000 }, message: /70000 is not a port/ },
  ])('refuses $options with a sentence', async ({ options, message }) => {
    await expect(listen(options)).rejects.toThrow(message);
  });

  it('closes a connection over the limit at once, says so, and takes the next when one has gone', async () => {
    const rejected: string[] = [];
    const listener = await listen({
      maxConnections: 2,
      onRejected: (address, reason) => rejected.push(`${address}: ${reason}`),
    });
    const first = await rawClient(listener);
    const second = await rawClient(listener);
    const third = await rawClient(listener);
    const thirdPort = third.localPort;
    third.resume();
    await once(third, 'close');
    expect(rejected).toEqual([
      `127.0.0.1:${thirdPort}: 2 connections are open, which is the limit`,
    ]);
    expect(listener.connections).toHaveLength(2);

    const gone = new Promise<void>((resolve) =>
      listener.connections[0]!.start({ onBytes() {}, onDrain() {}, onClose: () => resolve() }),
    );
    first.destroy();
    await gone;
    const fourth = await rawClient(listener);
    await expect.poll(() => listener.connections.length).toBe(3);
    expect([second.destroyed, fourth.destroyed]).toEqual([false, false]);
  });

  it.each([0, -1])('lets nobody in with a limit of %d', async (maxConnections) => {
    const listener = await listen({ maxConnections });
    const client = await rawClient(listener);
    client.resume();
    await once(client, 'close');
    expect(listener.connections).toEqual([]);
  });

  it('keeps open connections when it stops accepting, and frees the port', async () => {
    const listener = await listen();
    const client = await rawClient(listener);
    await expect.poll(() => listener.connections.length).toBe(1);
    await listener.close();
    await listener.close();
    const again = await listen({ port: listener.address.port });
    expect(again.address.port).toBe(listener.address.port);

    const received = new Promise<string>((resolve) =>
      listener.connections[0]!.start({
        onBytes: (chunk) => resolve(Buffer.from(chunk).toString()),
        onDrain() {},
        onClose() {},
      }),
    );
    client.write('still here');
    expect(await received).toBe('still here');
  });

  it('tells of a reset as a cause', async () => {
    const listener = await listen();
    const client = await rawClient(listener);
    await expect.poll(() => listener.connections.length).toBe(1);
    const closed = new Promise<Error | undefined>((resolve) =>
      listener.connections[0]!.start({ onBytes() {}, onDrain() {}, onClose: resolve }),
    );
    const port = client.localPort;
    client.resetAndDestroy();
    const cause = await closed;
    expect(cause).toBeInstanceOf(TransportError);
    expect(cause!.message).toBe(`127.0.0.1:${port} reset the connection.`);
  });

  it('does not wait longer than its grace for an end that never closes', async () => {
    const listener = await listen({ closeGraceMs: 30 });
    const client = netConnect({
      port: listener.address.port,
      host: '127.0.0.1',
      allowHalfOpen: true,
    });
    cleanup.push(() => client.destroy());
    client.on('error', () => {});
    await once(client, 'connect');
    await expect.poll(() => listener.connections.length).toBe(1);
    const connection = listener.connections[0]!;
    const closed = new Promise<Error | undefined>((resolve) =>
      connection.start({ onBytes() {}, onDrain() {}, onClose: resolve }),
    );
    connection.close();
    expect(await closed).toBeUndefined();
  });

  it('gathers what one turn sends into one write', async () => {
    const listener = await listen();
    const client = await rawClient(listener);
    await expect.poll(() => listener.connections.length).toBe(1);
    const chunks: Buffer[] = [];
    client.on('data', (chunk) => chunks.push(chunk));
    for (let i = 0; i < 100; i++)
      listener.connections[0]!.send([new Uint8Array([i]), new Uint8Array([i])]);
    await expect.poll(() => Buffer.concat(chunks).length).toBe(200);
    expect(chunks).toHaveLength(1);
  });

  it('holds a thousand idle connections in little memory', async () => {
    const listener = await listen();
    const collect = collectGarbage();
    collect();
    const before = process.memoryUsage();
    const clients: Socket[] = [];
    for (let i = 0; i < 1_000; i++) {
      const client = netConnect({ port: listener.address.port, host: '127.0.0.1' });
      client.on('error', () => {});
      clients.push(client);
    }
    cleanup.push(() => clients.forEach((client) => client.destroy()));
    await expect
      .poll(() => listener.connections.length, { timeout: 8_000, interval: 5 })
      .toBe(1_000);
    let closed = 0;
    for (const connection of listener.connections)
      connection.start({ onBytes() {}, onDrain() {}, onClose: () => closed++ });
    collect();
    const after = process.memoryUsage();
    // Both ends live in this process; the bound is for the two together.
    expect(
      (after.heapUsed + after.external - before.heapUsed - before.external) / 1_000,
    ).toBeLessThan(24 * 1024);
    for (const client of clients) client.destroy();
    await expect.poll(() => closed, { timeout: 8_000, interval: 5 }).toBe(1_000);
  });
});

describe('dialling TCP', () => {
  it('says that nothing listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    await expect(dialTcp({ host: '127.0.0.1', port })).rejects.toThrow(
      `Nothing listens on 127.0.0.1:${port}`,
    );
  });

  it('can be given up before and while it connects', async () => {
    const aborted = AbortSignal.abort('changed my mind');
    await expect(dialTcp({ host: '127.0.0.1', port: 1 }, aborted)).rejects.toMatchObject({
      name: 'TransportError',
      cause: 'changed my mind',
    });
    const controller = new AbortController();
    const dialled = dialTcp({ host: '127.0.0.1', port: 1 }, controller.signal);
    controller.abort();
    await expect(dialled).rejects.toThrow('was given up');
  });

  it('refuses a port that is none', async () => {
    await expect(dialTcp({ host: '127.0.0.1', port: -1 })).rejects.toThrow(TransportError);
  });
});

function collectGarbage(): () => void {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  const { runInNewContext } = process.getBuiltinModule('node:vm');
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
