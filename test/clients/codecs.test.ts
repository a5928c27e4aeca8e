/**
 * Every client reads what every other wrote, in each codec that it has: the broker keeps batches as they were sent, so what
 * one library's snappy calls a frame must be what the next one's does. "odradek" is our own codecs and records.
 */
import { spawnSync } from 'node:child_process';
import { Consumer, MessagesStreamModes, Producer } from '@platformatic/kafka';
import { createNodeCompression } from '@odradek/compression/node';
import { createNodeCrc32c } from '@odradek/node';
import {
  batchesIn,
  buildBatch,
  fetchRequest,
  fetchResponse,
  metadataRequest,
  metadataResponse,
  produceRequest,
  produceResponse,
  recordsIn,
  utf8Encode,
  type CompressionName,
} from '@odradek/protocol';
import { CompressionCodecs, CompressionTypes, Kafka, logLevel } from 'kafkajs';
// @ts-expect-error it brings no types
import { compress as snappy, uncompress as unsnappy } from 'snappyjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startInProcess, type InProcessBroker } from '../support/in-process-broker.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';
import { WireClient } from '../support/wire-client.ts';

interface Pair {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

interface Client {
  readonly codecs: readonly CompressionName[];
  write(topic: string, codec: CompressionName, pairs: readonly Pair[]): Promise<void>;
  read(topic: string, count: number): Promise<Pair[]>;
}

const HEADERS = { origin: 'codecs', naïve: 'größer' };
const PAIRS: readonly Pair[] = [
  { key: 'a', value: 'one', headers: HEADERS },
  { key: 'a', value: null, headers: HEADERS },
  { key: 'unicode', value: 'Die Sorge des Hausvaters: 世界 🕷', headers: HEADERS },
  { key: 'alike', value: 'x'.repeat(70_000), headers: HEADERS },
  // Hardly to be compressed: blocks that are kept as they are.
  {
    key: 'unlike',
    value: Array.from({ length: 9_000 }, (_, n) => ((n * 2_654_435_761) >>> 0).toString(36)).join(
      '',
    ),
    headers: HEADERS,
  },
  ...Array.from({ length: 300 }, (_, n) => ({
    key: `k${n % 7}`,
    value: `value number ${n}`,
    headers: HEADERS,
  })),
];

let broker: InProcessBroker;
let wire: WireClient;
beforeAll(async () => {
  broker = await startInProcess();
  wire = await WireClient.connect(broker.addresses.kafka!);
});
afterAll(async () => {
  wire.close();
  await broker.dispose();
});

const kcat: Client = {
  codecs: ['gzip', 'snappy', 'lz4', 'zstd'],
  async write(topic, codec, pairs) {
    const lines = pairs.map(({ key, value }) => `${key}:${value ?? ''}\n`).join('');
    const headers = Object.entries(HEADERS).flatMap(([name, value]) => ['-H', `${name}=${value}`]);
    const args = [
      '-b',
      broker.bootstrap,
      '-P',
      '-t',
      topic,
      '-z',
      codec,
      '-K',
      ':',
      '-Z',
      ...headers,
    ];
    const { code, stderr } = await run('kcat', args, { input: lines });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  },
  async read(topic) {
    const { stdout } = await run('kcat', [
      '-b',
      broker.bootstrap,
      '-C',
      '-t',
      topic,
      '-e',
      '-J',
      '-q',
    ]);
    const lines = stdout.toString().trimEnd().split('\n');
    return lines.map((line) => {
      const { key, payload, headers } = JSON.parse(line) as {
        key: string | null;
        payload: string | null;
        headers: string[];
      };
      const pairs = Array.from({ length: headers.length / 2 }, (_, n) =>
        headers.slice(2 * n, 2 * n + 2),
      );
      return { key, value: payload, headers: Object.fromEntries(pairs) as Record<string, string> };
    });
  },
};

const platformatic: Client = {
  codecs: ['gzip', 'snappy', 'lz4'],
  async write(topic, codec, pairs) {
    const producer = new Producer({
      clientId: 'codecs',
      bootstrapBrokers: [broker.bootstrap],
      autocreateTopics: true,
    });
    const messages = pairs.map(({ key, value, headers }) => ({
      topic,
      key: Buffer.from(key!),
      ...(value !== null && { value: Buffer.from(value) }),
      headers: new Map(
        Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)]),
      ),
    }));
    await producer.send({ messages, compression: codec as 'gzip' });
    await producer.close();
  },
  async read(topic, count) {
    const consumer = new Consumer({
      clientId: 'codecs',
      bootstrapBrokers: [broker.bootstrap],
      groupId: `plt-${topic}`,
      maxWaitTime: 50,
    });
    const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST });
    const pairs: Pair[] = [];
    for await (const { key, value, headers } of stream) {
      const named = [...headers].map(([name, text]) => [name.toString(), text.toString()]);
      pairs.push({
        key: key?.toString() ?? null,
        value: value?.toString() ?? null,
        headers: Object.fromEntries(named) as Record<string, string>,
      });
      if (pairs.length === count) break;
    }
    await consumer.close(true);
    return pairs;
  },
};

const kafkajs: Client = {
  codecs: ['gzip', 'snappy'],
  async write(topic, codec, pairs) {
    const producer = kafkaJs().producer();
    await producer.connect();
    const compression = codec === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.Snappy;
    await producer.send({ topic, compression, messages: [...pairs] });
    await producer.disconnect();
  },
  async read(topic, count) {
    const consumer = kafkaJs().consumer({ groupId: `js-${topic}`, maxWaitTimeInMs: 50 });
    const pairs: Pair[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        const named = Object.entries(message.headers ?? {}).map(([name, text]) => [
          name,
          String(text),
        ]);
        pairs.push({
          key: message.key?.toString() ?? null,
          value: message.value?.toString() ?? null,
          headers: Object.fromEntries(named) as Record<string, string>,
        });
      },
    });
    await until(() => pairs.length >= count);
    await consumer.disconnect();
    return pairs;
  },
};
const kafkaJs = () =>
  new Kafka({
    brokers: [broker.bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50 },
  });

/** Java's clients cut snappy into blocks behind a header of 16 bytes, librdkafka does not: KafkaJS's codecs take both. */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const unsnappyAny = (bytes: Buffer): Buffer => {
  if (!bytes.subarray(0, XERIAL.length).equals(XERIAL)) return unsnappy(bytes);
  const blocks: Buffer[] = [];
  for (let at = 16; at < bytes.length; at += 4 + bytes.readInt32BE(at)) {
    blocks.push(unsnappy(bytes.subarray(at + 4, at + 4 + bytes.readInt32BE(at))));
  }
  return Buffer.concat(blocks);
};

const compression = createNodeCompression();
const crc32c = createNodeCrc32c();
const odradek: Client = {
  codecs: ['gzip', 'snappy', 'lz4', 'zstd'],
  async write(topic, codec, pairs) {
    await wire.request({ request: metadataRequest, response: metadataResponse }, 9, {
      topics: [{ name: topic }],
      allowAutoTopicCreation: true,
    });
    const bytes = (text: string | null) => (text === null ? null : utf8Encode(text));
    const records = buildBatch({
      records: pairs.map(({ key, value, headers }) => ({
        timestampMs: Date.now(),
        key: bytes(key),
        value: bytes(value),
        headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: bytes(text) })),
      })),
      compress: { codec, compress: compression.compress.bind(compression) },
      crc32c,
    });
    const { responses } = await wire.request(
      { request: produceRequest, response: produceResponse },
      9,
      {
        acks: -1,
        timeoutMs: 10_000,
        topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
      },
    );
    expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
  },
  async read(topic, count) {
    const pairs: Pair[] = [];
    for (let next = 0; pairs.length < count;) {
      const { responses } = await wire.request(
        { request: fetchRequest, response: fetchResponse },
        12,
        {
          maxWaitMs: 50,
          minBytes: 1,
          topics: [
            {
              topic,
              partitions: [{ partition: 0, fetchOffset: next, partitionMaxBytes: 2 ** 20 }],
            },
          ],
        },
      );
      for (const batch of batchesIn(responses[0]!.partitions[0]!.records!)) {
        for (const { key, value, headers } of recordsIn(
          batch,
          compression.decompress.bind(compression),
        )) {
          const named = headers.map((it) => [it.key, Buffer.from(it.value!).toString()]);
          const text = (bytes: Uint8Array | null) =>
            bytes === null ? null : Buffer.from(bytes).toString();
          pairs.push({
            key: text(key),
            value: text(value),
            headers: Object.fromEntries(named) as Record<string, string>,
          });
        }
        next = batch.nextOffset;
      }
    }
    return pairs;
  },
};

/** We write snappy as Java's clients do, in blocks with a header, and this one library reads bare blocks only: Java's neither. */
const cannotRead = (reader: string, writer: string, codec: CompressionName): boolean =>
  reader === 'platformatic' && writer === 'odradek' && codec === 'snappy';

const hasKcat = spawnSync('kcat', ['-V']).status === 0;
// Under CI a missing kcat fails the tests that drive it: it is to be installed.
const clients: Record<string, Client> = {
  platformatic,
  kafkajs,
  odradek,
  ...((hasKcat || process.env.CI === 'true') && { kcat }),
};
if (clients.kcat === undefined) process.stderr.write('no codecs of kcat: apt-get install kcat\n');

describe('what one client compressed, every other reads', () => {
  beforeAll(() => {
    CompressionCodecs[CompressionTypes.Snappy] = () => ({
      compress: async ({ buffer }: { buffer: Buffer }) => Buffer.from(snappy(buffer)),
      decompress: async (buffer: Buffer) => unsnappyAny(buffer),
    });
  });

  const written = Object.entries(clients).flatMap(([name, { codecs }]) =>
    codecs.map((codec) => ({ name, codec })),
  );
  it.each(written)('$codec of $name', async ({ name, codec }) => {
    const topic = `${name}-${codec}`;
    await clients[name]!.write(topic, codec, PAIRS);
    const readers = Object.entries(clients).filter(
      ([reader, it]) => it.codecs.includes(codec) && !cannotRead(reader, name, codec),
    );
    for (const [reader, client] of readers) {
      expect(await client.read(topic, PAIRS.length), `read by ${reader}`).toEqual(PAIRS);
    }
  });
});
