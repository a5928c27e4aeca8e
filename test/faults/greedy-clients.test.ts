/**
 * Clients that keep to the protocol and take more than their share: answers that nobody reads, requests without end,
 * connections that do nothing. What they cost is bounded, and the others are served as before.
 */
import {
  FrameReader,
  ErrorCode,
  batchesIn,
  decodeResponse,
  encodeRequest,
  fetchRequest,
  fetchResponse,
  isCrcValid,
  produceRequest,
} from '@odradek/protocol';
import { createNodeCrc32c } from '@odradek/node';
import { describe, expect, it } from 'vitest';
import { batchOfBytes } from '../support/batches.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import { Bystander } from '../support/bystander.ts';
import { residentBytesOf, watchMemory } from '../support/memory-of.ts';
import { rawSocket, type RawSocket } from '../support/raw-socket.ts';
import { createTopic, produce } from '../support/steps.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { api } from '../support/wire-api.ts';
import { WireClient } from '../support/wire-client.ts';

const MEBIBYTE = 1024 * 1024;
const BATCHES = 80;
const ASKED = 40;
const ASKED_BYTES = 16 * MEBIBYTE;
const BATCH_BYTES = MEBIBYTE - 1024;

const frameOf = (chunks: readonly Uint8Array[]): Buffer => Buffer.concat(chunks);

const fetchFrame = (correlationId: number, offset: number, maxBytes: number): Buffer =>
  frameOf(
    encodeRequest(
      fetchRequest,
      12,
      { correlationId, clientId: 'greedy' },
      {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes,
        topics: [
          {
            topic: 'large',
            partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: maxBytes }],
          },
        ],
        forgottenTopicsData: [],
      },
    ),
  );

const produceFrame = (correlationId: number, acks: number, records: Uint8Array): Buffer =>
  frameOf(
    encodeRequest(
      produceRequest,
      9,
      { correlationId, clientId: 'greedy' },
      {
        transactionalId: null,
        acks,
        timeoutMs: 30_000,
        topicData: [{ name: 'large', partitionData: [{ index: 0, records }] }],
      },
    ),
  );

const fill = async (broker: BrokerProcess): Promise<void> => {
  const client = await WireClient.connect(broker.kafka);
  await createTopic(client, 'large');
  for (let n = 0; n < BATCHES; n += 8) {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        produce(client, 'large', 0, batchOfBytes(BATCH_BYTES, n + i)),
      ),
    );
    for (const { errorCode } of answers) expect(errorCode).toBe(ErrorCode.NONE);
  }
  client.close();
};

const tell = (what: string): void => void process.stdout.write(`${what}\n`);
const inMebibytes = (bytes: number): number => Math.round(bytes / MEBIBYTE);

describe('answers that nobody reads', () => {
  it('do not pile up; the others are served; and when they are read at last they are right', async () => {
    await using folder = await temporaryFolder();
    await using broker = await BrokerProcess.start({ dataDirectory: folder.path });
    await fill(broker);
    await using bystander = await Bystander.start(broker.kafka);
    const before = residentBytesOf(broker.pid);
    const memory = watchMemory(broker.pid);
    // Six clients ask for gigabytes, pipelined, and read nothing.
    const crc32c = createNodeCrc32c();
    let answers = 0;
    const frames = new FrameReader({
      frameBytesMax: 128 * MEBIBYTE,
      onFrame(answer) {
        const { responses } = decodeResponse(fetchResponse, 12, answer).body;
        const batches = [...batchesIn(responses[0]!.partitions[0]!.records!)];
        expect(batches[0]!.baseOffset).toBe(answers % ASKED);
        for (const batch of batches) expect(isCrcValid(batch, crc32c)).toBe(true);
        answers += 1;
      },
    });
    const readers: RawSocket[] = [];
    for (let n = 0; n < 6; n++) {
      const reader = await rawSocket(broker.kafka, (chunk) => frames.push(chunk, true));
      reader.socket.pause();
      for (let i = 0; i < ASKED; i++) reader.send(fetchFrame(i, i, ASKED_BYTES));
      readers.push(reader);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const meanwhile = bystander.takeLatencies();
    // Meanwhile what they were promised is overtaken by new records: their answers must not change under them.
    const writer = await WireClient.connect(broker.kafka);
    for (let n = 0; n < 40; n++) await produce(writer, 'large', 0, batchOfBytes(BATCH_BYTES, n));
    const peak = memory.stop();
    tell(
      `6 clients asked for ${(6 * ASKED * ASKED_BYTES) / 2 ** 30} GB and read nothing: RSS ${inMebibytes(before ?? 0)} -> ${inMebibytes(peak)} MiB; bystander ${JSON.stringify(meanwhile)}`,
    );
    expect(meanwhile.count).toBeGreaterThan(20);
    expect(meanwhile.maxMs).toBeLessThan(2_000);
    if (before !== undefined) expect(peak - before).toBeLessThan(900 * MEBIBYTE);
    // Now the first one reads.
    const [first, ...others] = readers;
    for (const other of others) other.destroy();
    first!.socket.resume();
    await until(() => answers === ASKED, 60_000);
    first!.destroy();
    writer.close();
    await bystander.stop();
  });
});

describe('requests without end', () => {
  it('whose answers nobody reads are left in the network', async () => {
    await using folder = await temporaryFolder();
    await using broker = await BrokerProcess.start({ dataDirectory: folder.path });
    await fill(broker);
    await using bystander = await Bystander.start(broker.kafka);
    const before = residentBytesOf(broker.pid);
    const memory = watchMemory(broker.pid);
    const records = batchOfBytes(64 * 1024);
    const flooders = await Promise.all(Array.from({ length: 4 }, () => rawSocket(broker.kafka)));
    for (const flooder of flooders) flooder.socket.pause();
    let sent = 0;
    const end = performance.now() + 2_000;
    const flood = async (flooder: RawSocket, acks: number): Promise<void> => {
      for (let n = 0; performance.now() < end; n++) {
        sent += records.length;
        if (!flooder.socket.write(produceFrame(n, acks, records)))
          await Promise.race([
            new Promise((resolve) => flooder.socket.once('drain', resolve)),
            new Promise((resolve) => setTimeout(resolve, 100)),
          ]);
      }
    };
    await Promise.all(flooders.map((flooder, n) => flood(flooder, n % 2 === 0 ? -1 : 0)));
    const meanwhile = bystander.takeLatencies();
    const peak = memory.stop();
    tell(
      `4 clients produced ${inMebibytes(sent)} MiB and read no answer: RSS ${inMebibytes(before ?? 0)} -> ${inMebibytes(peak)} MiB; bystander ${JSON.stringify(meanwhile)}`,
    );
    expect(meanwhile.count).toBeGreaterThan(10);
    expect(meanwhile.maxMs).toBeLessThan(2_000);
    if (before !== undefined) expect(peak - before).toBeLessThan(500 * MEBIBYTE);
    for (const flooder of flooders) flooder.destroy();
    await bystander.stop();
  });

  it('that are never whole cost no more than what was sent', async () => {
    await using folder = await temporaryFolder();
    await using broker = await BrokerProcess.start({ dataDirectory: folder.path });
    await using bystander = await Bystander.start(broker.kafka);
    const before = residentBytesOf(broker.pid);
    const memory = watchMemory(broker.pid);
    // A hundred announce 100 MiB each, and send 256 KiB of them.
    const announced = Buffer.alloc(256 * 1024);
    announced.writeInt32BE(100 * MEBIBYTE);
    const halves = await Promise.all(Array.from({ length: 100 }, () => rawSocket(broker.kafka)));
    for (const half of halves) half.send(announced);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const peak = memory.stop();
    tell(
      `100 requests of 100 MiB announced, 25 MiB of them sent: RSS ${inMebibytes(before ?? 0)} -> ${inMebibytes(peak)} MiB`,
    );
    if (before !== undefined) expect(peak - before).toBeLessThan(8 * 25 * MEBIBYTE);
    expect(bystander.takeLatencies().maxMs).toBeLessThan(1_000);
    for (const half of halves) half.destroy();
    await bystander.stop();
  });
});

describe('connections', () => {
  it(
    'a thousand that do nothing cost little, harm nobody, and are closed after connections.max.idle.ms',
    { timeout: 90_000 },
    async () => {
      await using folder = await temporaryFolder();
      const idleMs = 4_000;
      await using broker = await BrokerProcess.start({
        dataDirectory: folder.path,
        config: { 'connections.max.idle.ms': String(idleMs) },
      });
      await using bystander = await Bystander.start(broker.kafka);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const alone = bystander.takeLatencies();
      const before = residentBytesOf(broker.pid);
      const idle: RawSocket[] = [];
      for (let n = 0; n < 1_000; n += 50)
        idle.push(
          ...(await Promise.all(Array.from({ length: 50 }, () => rawSocket(broker.kafka)))),
        );
      const openedAt = performance.now();
      bystander.takeLatencies();
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const among = bystander.takeLatencies();
      const after = residentBytesOf(broker.pid);
      expect(idle.filter((it) => it.isClosed)).toEqual([]);
      await until(() => idle.every((it) => it.isClosed), idleMs * 3);
      const closedAfterMs = Math.round(performance.now() - openedAt);
      tell(
        `1,000 idle connections: RSS ${inMebibytes(before ?? 0)} -> ${inMebibytes(after ?? 0)} MiB, ${Math.round(((after ?? 0) - (before ?? 0)) / 1000 / 1024)} KiB each; ` +
          `bystander alone ${JSON.stringify(alone)}, among them ${JSON.stringify(among)}; closed after ${closedAfterMs} ms`,
      );
      expect(closedAfterMs).toBeGreaterThan(idleMs - 500);
      if (before !== undefined && after !== undefined)
        expect(after - before).toBeLessThan(64 * MEBIBYTE);
      expect(among.count).toBeGreaterThan(alone.count / 4);
      expect(among.p99Ms).toBeLessThan(Math.max(100, alone.p99Ms * 5));
      // The one that works has not been taken for idle.
      await bystander.stop();
      expect(broker.stderr).not.toMatch(/"level":"error"/);
    },
  );

  it('that wait for records are not idle', async () => {
    await using folder = await temporaryFolder();
    await using broker = await BrokerProcess.start({
      dataDirectory: folder.path,
      config: { 'connections.max.idle.ms': '1000' },
    });
    const client = await WireClient.connect(broker.kafka);
    await createTopic(client, 'quiet');
    const { responses } = await client.request(api.fetch, 12, {
      maxWaitMs: 4_000,
      minBytes: 1,
      maxBytes: 1_000,
      topics: [
        {
          topic: 'quiet',
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }],
        },
      ],
      forgottenTopicsData: [],
    });
    expect(responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NONE);
    client.close();
  });

  it('beyond max.connections are closed at once, and taken again when there is room', async () => {
    await using folder = await temporaryFolder();
    await using broker = await BrokerProcess.start({
      dataDirectory: folder.path,
      config: { 'max.connections': '20' },
    });
    const taken = await Promise.all(
      Array.from({ length: 20 }, () => WireClient.connect(broker.kafka)),
    );
    for (const client of taken)
      await client.request(api.metadata, 12, { topics: [], allowAutoTopicCreation: false });
    const refused = await rawSocket(broker.kafka);
    await refused.closed;
    await until(() =>
      broker.log.some((line) => /max\.connections.*20|20 connections/.test(line.msg)),
    );
    await taken[0]!.request(api.metadata, 12, { topics: [], allowAutoTopicCreation: false });
    taken.pop()!.close();
    await until(async () => {
      const again = await WireClient.connect(broker.kafka);
      try {
        await again.request(api.metadata, 12, { topics: [], allowAutoTopicCreation: false });
        return true;
      } catch {
        return false;
      } finally {
        again.close();
      }
    });
    for (const client of taken) client.close();
  });
});
