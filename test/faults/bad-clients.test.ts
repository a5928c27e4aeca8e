/**
 * Those who do not keep to the protocol. Each gets an answer with Kafka's code or a closed connection, the log says why, and
 * nobody else notices.
 */
import {
  ErrorCode,
  apiVersionsRequest,
  encodeRequest,
  metadataRequest,
  produceRequest,
} from '@odradek/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { batchOf } from '../support/batches.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import { Bystander } from '../support/bystander.ts';
import { rawSocket, type RawSocket } from '../support/raw-socket.ts';
import { createTopic, offsetOf } from '../support/steps.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { api } from '../support/wire-api.ts';
import { WireClient } from '../support/wire-client.ts';

let folder: TemporaryFolder;
let broker: BrokerProcess;
let bystander: Bystander;
let socket: RawSocket;
beforeAll(async () => {
  folder = await temporaryFolder();
  broker = await BrokerProcess.start({ dataDirectory: folder.path });
  bystander = await Bystander.start(broker.kafka);
});
afterAll(async () => {
  await bystander.stop();
  expect(await broker.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  await folder[Symbol.asyncDispose]();
});
beforeEach(async () => {
  socket = await rawSocket(broker.kafka);
});
afterEach(() => {
  socket.destroy();
  // Whoever it was, it was not the bystander who paid.
  expect(bystander.takeLatencies().maxMs).toBeLessThan(1_000);
});

const HEADER_BYTES = 14;
/** A frame with this key and version, of some bytes. */
const frame = (
  apiKey: number,
  apiVersion: number,
  body: Uint8Array = new Uint8Array(0),
): Buffer => {
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeInt32BE(HEADER_BYTES - 4 + body.length, 0);
  head.writeInt16BE(apiKey, 4);
  head.writeInt16BE(apiVersion, 6);
  head.writeInt32BE(77, 8);
  head.writeInt16BE(-1, 12);
  return Buffer.concat([head, body]);
};

const expectClosed = async (reason: RegExp): Promise<void> => {
  await socket.closed;
  expect(socket.received.length).toBe(0);
  await until(() => broker.log.some((line) => line.level === 'warn' && reason.test(line.msg)));
};

describe('a connection is closed, and the log says why, when it sends', () => {
  it('a request that is larger than socket.request.max.bytes: nothing is kept of it', async () => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(100 * 1024 * 1024 + 1);
    socket.send(length);
    await expectClosed(/a frame of 104857601 bytes was announced, the limit is 104857600/);
  });

  it('a length below zero', async () => {
    socket.send(Uint8Array.of(0xff, 0xff, 0xff, 0xfe));
    await expectClosed(/a frame of -2 bytes/);
  });

  it('a frame of no bytes', async () => {
    socket.send(new Uint8Array(4));
    await expectClosed(/connection closed/);
  });

  it('an API that nobody knows', async () => {
    socket.send(frame(12_345, 0));
    await expectClosed(/API key 12345 is unknown/);
  });

  it.each([
    ['a version that is not done yet', 99],
    ['a version below the lowest', -1],
  ])('%s', async (_, version) => {
    socket.send(frame(metadataRequest.info.key!, version));
    await expectClosed(new RegExp(`version ${version} of Metadata is not supported`));
  });

  it('a body that breaks off', async () => {
    socket.send(frame(metadataRequest.info.key!, 1, Uint8Array.of(0, 0, 0, 5)));
    await expectClosed(/Metadata|cannot fit|bytes/);
  });

  it('a count that cannot fit in what is left', async () => {
    socket.send(frame(metadataRequest.info.key!, 1, Uint8Array.of(0x7f, 0xff, 0xff, 0xff)));
    await expectClosed(/2147483647/);
  });

  it('noise', async () => {
    socket.send(
      Buffer.concat([
        Uint8Array.of(0, 0, 0, 200),
        Buffer.from(Array.from({ length: 200 }, (_, i) => (i * 97 + 13) & 0xff)),
      ]),
    );
    await expectClosed(/connection closed/);
  });

  it('HTTP', async () => {
    socket.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expectClosed(/a frame of 1195725856 bytes/);
  });

  it('the beginning of TLS', async () => {
    socket.send(Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03));
    await expectClosed(/a frame of 369295618 bytes/);
  });
});

describe('a client', () => {
  it('that asks for versions in a version of the future is told which there are (KIP-511)', async () => {
    socket.send(frame(apiVersionsRequest.info.key!, 99, Uint8Array.of(1, 2, 3)));
    await until(() => socket.received.length >= 20);
    expect(socket.received.readInt32BE(4)).toBe(77);
    expect(socket.received.readInt16BE(8)).toBe(ErrorCode.UNSUPPORTED_VERSION);
    // Of all APIs the versions of this one are enough.
    expect(socket.received.readInt32BE(10)).toBe(1);
    expect(socket.received.readInt16BE(14)).toBe(apiVersionsRequest.info.key);
    expect(socket.isClosed).toBe(false);
  });

  it('that sends a byte at a time is served', async () => {
    const bytes = Buffer.concat(
      encodeRequest(
        metadataRequest,
        12,
        { correlationId: 5, clientId: 'slow' },
        { topics: [], allowAutoTopicCreation: false },
      ),
    );
    for (const byte of bytes) {
      socket.send(Uint8Array.of(byte));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await until(() => socket.received.length > 8);
    expect(socket.received.readInt32BE(4)).toBe(5);
  });

  it('that goes in the middle of a request, or of its produce, leaves whole batches or none', async () => {
    const client = await WireClient.connect(broker.kafka);
    await createTopic(client, 'left');
    const produce = Buffer.concat(
      encodeRequest(
        produceRequest,
        9,
        { correlationId: 1, clientId: 'gone' },
        {
          transactionalId: null,
          acks: -1,
          timeoutMs: 1_000,
          topicData: [
            { name: 'left', partitionData: [{ index: 0, records: batchOf('a', 'b', 'c') }] },
          ],
        },
      ),
    );
    for (let cut = 1; cut <= produce.length; cut += 7) {
      const leaver = await rawSocket(broker.kafka);
      leaver.send(produce.subarray(0, cut));
      if (cut % 2 === 0) leaver.socket.resetAndDestroy();
      else leaver.socket.end();
    }
    const end = await offsetOf(client, 'left', 0, -1);
    expect(end.offset % 3).toBe(0);
    client.close();
  });

  it('that goes while it waits for records takes its wait with it', async () => {
    const client = await WireClient.connect(broker.kafka);
    await createTopic(client, 'awaited');
    const waits = Array.from({ length: 50 }, () =>
      client.request(api.fetch, 12, {
        maxWaitMs: 600_000,
        minBytes: 1,
        maxBytes: 1_000,
        topics: [
          {
            topic: 'awaited',
            partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }],
          },
        ],
        forgottenTopicsData: [],
      }),
    );
    const ends = Promise.allSettled(waits);
    client.close();
    expect((await ends).every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('that speaks Kafka to the HTTP port is told so in HTTP', async () => {
    const { hostname, port } = new URL(broker.http);
    const lost = await rawSocket({ host: hostname, port: Number(port) });
    lost.send(frame(apiVersionsRequest.info.key!, 3));
    await lost.closed;
    expect(lost.received.toString()).toMatch(/^HTTP\/1\.1 400 /);
  });
});
