/**
 * Clients that break the rules, or are too many: each gets an error that it can read or a closed connection with a reason in
 * the log, and whoever keeps to the rules notices nothing.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { metadataRequest, metadataResponse } from '@odradek/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerDidNotStart, BrokerProcess } from '../support/broker-process.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { WireClient } from '../support/wire-client.ts';

const REQUEST_BYTES_MAX = 1024 * 1024;
const IDLE_CONNECTIONS = 1_000;
const RESIDENT_MIB_PER_1000_CONNECTIONS = 64;

let folder: TemporaryFolder;
let broker: BrokerProcess;
beforeAll(async () => {
  folder = await temporaryFolder();
  broker = await BrokerProcess.start({
    dataDirectory: folder.path,
    config: { 'socket.request.max.bytes': String(REQUEST_BYTES_MAX), 'max.connections': '1500' },
  });
});
afterAll(async () => {
  await broker.kill();
  await folder[Symbol.asyncDispose]();
});

const api = { request: metadataRequest, response: metadataResponse };
const isServed = async (): Promise<boolean> => {
  const client = await WireClient.connect(broker.kafka);
  const { clusterId } = await client.request(api, 9, { topics: [] });
  client.connection.destroy();
  return clusterId !== null;
};

/** Sends the bytes and waits for the broker to close. */
const provoke = async (bytes: Uint8Array): Promise<void> => {
  const socket = connectTcp(broker.kafka.port, broker.kafka.host);
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.resume();
  socket.write(bytes);
  await once(socket, 'close');
};

const saysInLog = (text: string): Promise<void> =>
  until(() => broker.log.some((it) => it.msg.includes(text)));

const header = (length: number, apiKey: number, version: number): Buffer => {
  const bytes = Buffer.alloc(14);
  bytes.writeInt32BE(length, 0);
  bytes.writeInt16BE(apiKey, 4);
  bytes.writeInt16BE(version, 6);
  bytes.writeInt32BE(1, 8);
  bytes.writeInt16BE(-1, 12);
  return bytes;
};

describe('a connection is closed, with the reason in the log, for', () => {
  it.each([
    [
      'a request beyond socket.request.max.bytes',
      header(REQUEST_BYTES_MAX + 1, 3, 1),
      `${REQUEST_BYTES_MAX + 1} bytes`,
    ],
    ['an API that is not there', header(10, 999, 0), 'API key 999'],
    ['a version that is not there', header(10, 3, 99), 'version 99 of Metadata'],
    ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff]), '-1 bytes'],
    [
      'HTTP on the port of Kafka',
      Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      'bytes was announced',
    ],
    ['TLS on a plain port', Buffer.from('16030100c8010000c40303', 'hex'), 'connection closed'],
  ])('%s', async (_, bytes, reason) => {
    await provoke(bytes);
    await saysInLog(reason);
    expect(await isServed()).toBe(true);
  });
});

describe('a WebSocket is refused', () => {
  const refusal = (path: string, origin?: string): Promise<number> =>
    new Promise((resolve) => {
      const url = broker.websocket.replace('/kafka', path);
      const socket = new WebSocket(url, origin === undefined ? {} : { origin });
      socket.on('unexpected-response', (_request, response) => {
        resolve(response.statusCode ?? 0);
        socket.terminate();
      });
      socket.on('open', () => {
        resolve(101);
        socket.terminate();
      });
      socket.on('error', () => {});
    });

  it('to a page of another origin, with a logged reason', async () => {
    expect(await refusal('/kafka', 'https://evil.example.com')).toBe(403);
    await saysInLog('https://evil.example.com');
    expect(await refusal('/kafka', 'null')).toBe(403);
  });

  it('at another path, and let in without an Origin or from this machine', async () => {
    expect(await refusal('/other')).toBe(404);
    expect(await refusal('/kafka')).toBe(101);
    expect(await refusal('/kafka', 'http://localhost:5173')).toBe(101);
  });

  it('when it sends text', async () => {
    const socket = new WebSocket(broker.websocket);
    await once(socket, 'open');
    socket.send('hello');
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1003);
  });
});

const residentMiB = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${broker.pid}/status`, 'utf8'))![1]) / 1024;

describe('a thousand idle connections', () => {
  it('take little memory and nobody else’s time; those beyond max.connections are turned away', async () => {
    expect(await isServed()).toBe(true);
    const before = residentMiB();
    const open: Socket[] = [];
    for (let i = 0; i < IDLE_CONNECTIONS; i++) {
      const socket = connectTcp(broker.kafka.port, broker.kafka.host);
      socket.on('error', () => {});
      open.push(socket);
    }
    await Promise.all(open.map((socket) => once(socket, 'connect')));
    const startedAt = performance.now();
    expect(await isServed()).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(residentMiB() - before).toBeLessThan(RESIDENT_MIB_PER_1000_CONNECTIONS);
    const more = Array.from({ length: 600 }, () =>
      connectTcp(broker.kafka.port, broker.kafka.host),
    );
    let turnedAway = 0;
    for (const socket of more) {
      socket.on('error', () => {});
      socket.on('close', () => (turnedAway += 1));
      socket.resume();
    }
    await until(() => turnedAway >= 100);
    await saysInLog('max.connections');
    for (const socket of [...open, ...more]) socket.destroy();
    await until(isServed);
  });
});

describe('a second broker', () => {
  it('on the same folder is refused, and told who holds it', async () => {
    const second = BrokerProcess.start({ dataDirectory: folder.path });
    await expect(second).rejects.toThrow(BrokerDidNotStart);
    await expect(second).rejects.toThrow(String(broker.pid));
  });

  it('on a folder of another node is refused by name', async () => {
    await using other = await temporaryFolder();
    const first = await BrokerProcess.start({
      dataDirectory: other.path,
      flags: ['--node-id', '1'],
    });
    await first.kill('SIGTERM');
    await expect(
      BrokerProcess.start({ dataDirectory: other.path, flags: ['--node-id', '2'] }),
    ).rejects.toThrow('belongs to broker 1');
  });

  it('on a port that is taken is refused, and told what to do', async () => {
    await using other = await temporaryFolder();
    await expect(
      BrokerProcess.start({ dataDirectory: other.path, port: broker.kafka.port }),
    ).rejects.toThrow('--port');
  });
});
