/** The WebSocket door: pages that were not asked in, messages that are no Kafka. Refused with HTTP's or WebSocket's own words. */
import {
  FrameReader,
  encodeRequest,
  metadataRequest,
  metadataResponse,
  decodeResponse,
} from '@odradek/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { BrokerProcess } from '../support/broker-process.ts';
import { Bystander } from '../support/bystander.ts';
import { rawSocket } from '../support/raw-socket.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const REQUEST_BYTES_MAX = 1024 * 1024;

let folder: TemporaryFolder;
let broker: BrokerProcess;
let bystander: Bystander;
beforeAll(async () => {
  folder = await temporaryFolder();
  broker = await BrokerProcess.start({
    dataDirectory: folder.path,
    config: {
      'odradek.websocket.allowed.origins': 'https://app.example.com',
      'socket.request.max.bytes': String(REQUEST_BYTES_MAX),
    },
  });
  bystander = await Bystander.start(broker.kafka);
});
afterAll(async () => {
  await bystander.stop();
  expect(await broker.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  await folder[Symbol.asyncDispose]();
});

interface Attempt {
  /** 'open', or what HTTP answered. */
  readonly outcome: string;
  readonly webSocket: WebSocket;
}

const attempt = (url: string, headers: Readonly<Record<string, string>> = {}): Promise<Attempt> =>
  new Promise((resolve) => {
    const webSocket = new WebSocket(url, { headers, perMessageDeflate: false });
    webSocket.on('open', () => resolve({ outcome: 'open', webSocket }));
    webSocket.on('unexpected-response', (request, response) => {
      resolve({ outcome: String(response.statusCode), webSocket });
      request.destroy();
    });
    webSocket.on('error', (error) => resolve({ outcome: error.message, webSocket }));
  });

const closeCodeOf = (webSocket: WebSocket): Promise<number> =>
  new Promise((resolve) => webSocket.on('close', (code) => resolve(code)));

const isLogged = (reason: RegExp): Promise<void> =>
  until(() => broker.log.some((line) => line.level === 'warn' && reason.test(line.msg)));

const metadataFrame = (correlationId: number): Buffer =>
  Buffer.concat(
    encodeRequest(
      metadataRequest,
      12,
      { correlationId, clientId: 'web' },
      { topics: [], allowAutoTopicCreation: false },
    ),
  );

const isAnswered = async (webSocket: WebSocket, frames: readonly Uint8Array[]): Promise<void> => {
  const answer = new Promise<Buffer>((resolve) =>
    webSocket.once('message', (data) => resolve(data as Buffer)),
  );
  for (const bytes of frames) webSocket.send(bytes);
  const { body } = decodeResponse(metadataResponse, 12, (await answer).subarray(4));
  expect(body.brokers).toHaveLength(1);
  expect(body.topics).toEqual([]);
};

describe('who may open a WebSocket', () => {
  it.each([
    ['a page that is on the list', { origin: 'https://app.example.com' }, 'open'],
    ['a program, which has no Origin', {}, 'open'],
    ['a page that is not on the list', { origin: 'https://evil.example' }, '403'],
    ['a page of the same name and another scheme', { origin: 'http://app.example.com' }, '403'],
    ['a page that hides where it is from', { origin: 'null' }, '403'],
    [
      'a page whose name was made to point here',
      { origin: 'http://evil.example', host: 'evil.example' },
      '403',
    ],
  ])('%s', async (_, headers, outcome) => {
    const { outcome: found, webSocket } = await attempt(
      broker.websocket,
      headers as Record<string, string>,
    );
    expect(found).toBe(outcome);
    webSocket.terminate();
    if (outcome !== 'open') await isLogged(/WebSocket refused: the (Origin|Host) .* is /);
  });

  it('nobody at another path', async () => {
    const { outcome } = await attempt(broker.websocket.replace('/kafka', '/other'));
    expect(outcome).toBe('404');
    await isLogged(/no WebSocket at this path/);
  });
});

describe('a message', () => {
  const open = async (): Promise<WebSocket> => (await attempt(broker.websocket)).webSocket;

  it('of text closes the connection as unsupported data', async () => {
    const webSocket = await open();
    webSocket.send('{"please":"metadata"}');
    expect(await closeCodeOf(webSocket)).toBe(1003);
  });

  it('larger than the largest request closes the connection as too big', async () => {
    const webSocket = await open();
    webSocket.send(new Uint8Array(REQUEST_BYTES_MAX + 5));
    expect([1009, 1006]).toContain(await closeCodeOf(webSocket));
  });

  it('that announces too large a request closes the connection, and the log says why', async () => {
    const webSocket = await open();
    webSocket.send(Uint8Array.of(0, 0x10, 0, 1));
    await closeCodeOf(webSocket);
    await isLogged(/a frame of 1048577 bytes was announced, the limit is 1048576/);
  });

  it('of noise closes the connection, and the log says why', async () => {
    const webSocket = await open();
    webSocket.send(Uint8Array.of(0, 0, 0, 10, 0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0, 0));
    await closeCodeOf(webSocket);
    await isLogged(/API key 32767/);
  });

  it('may hold half a request, or several', async () => {
    const webSocket = await open();
    const frame = metadataFrame(1);
    await isAnswered(webSocket, [
      frame.subarray(0, 3),
      frame.subarray(3, 9),
      new Uint8Array(0),
      frame.subarray(9),
    ]);
    await isAnswered(
      webSocket,
      [...metadataFrame(2)].map((byte) => Uint8Array.of(byte)),
    );
    let answers = 0;
    const frames = new FrameReader({ frameBytesMax: 10_000, onFrame: () => void (answers += 1) });
    webSocket.on('message', (data: Buffer) => frames.push(data, true));
    webSocket.send(Buffer.concat(Array.from({ length: 10 }, (_, i) => metadataFrame(10 + i))));
    await until(() => answers === 10);
    webSocket.close();
  });

  it('that is torn by the end of the connection harms nobody', async () => {
    const { hostname, port } = new URL(broker.http);
    for (let cut = 0; cut < 40; cut += 4) {
      const socket = await rawSocket({ host: hostname, port: Number(port) });
      const upgrade = `GET /kafka HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
      socket.send(upgrade.slice(0, upgrade.length - (cut > 20 ? cut : 0)));
      // A masked binary message of 100 bytes, of which little comes; or a reserved opcode, which is a mistake.
      socket.send(Uint8Array.of(cut % 8 === 0 ? 0x8b : 0x82, 0x80 | 100, 1, 2, 3, 4, 5, 6));
      await new Promise((resolve) => setTimeout(resolve, 5));
      socket.socket.resetAndDestroy();
    }
    const webSocket = await open();
    await isAnswered(webSocket, [metadataFrame(1)]);
    webSocket.close();
  });
});

describe('HTTP beside it', () => {
  it('answers only what it has, and only to those who call it by a name of this machine', async () => {
    const status = async (path: string, init: RequestInit = {}): Promise<number> =>
      (await fetch(`${broker.http}${path}`, init)).status;
    expect(await status('/healthz')).toBe(200);
    expect(await status('/readyz')).toBe(200);
    expect(await status('/metrics')).toBe(200);
    expect(await status('/nothing')).toBe(404);
    expect(await status('/kafka')).toBe(404);
    expect(await status('/metrics', { method: 'POST', body: 'x' })).toBe(405);
    expect(await status(`/${'x'.repeat(20_000)}`)).toBe(431);
    const { hostname, port } = new URL(broker.http);
    const rebound = await rawSocket({ host: hostname, port: Number(port) });
    rebound.send('GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n');
    await until(() => rebound.received.length > 12);
    expect(rebound.received.toString()).toMatch(/^HTTP\/1\.1 403 /);
    rebound.destroy();
  });
});
