/**
 * Record batches that are damaged behind a right checksum, produced to a whole broker. Each is refused with a code or kept; and
 * all that was kept can be read by a consumer, record by record. And batches that are small on the wire only.
 */
import { createNodeCompression } from '@odradek/compression/node';
import { createNodeCrc32c } from '@odradek/node';
import type { CompressionName } from '@odradek/ports';
import {
  ErrorCode,
  batchesIn,
  encodeRequest,
  isCrcValid,
  produceRequest,
  recordsIn,
} from '@odradek/protocol';
import { seeded } from '@odradek/protocol/testing';
import { describe, expect, it } from 'vitest';
import { createTopic } from '../../packages/broker/src/testing/stories.ts';
import { startTestBroker, type TestClient } from '../../packages/broker/src/testing/test-broker.ts';
import { api } from '../../packages/broker/src/testing/api.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import { Bystander } from '../support/bystander.ts';
import { logRecorder } from '../support/log-recorder.ts';
import { residentBytesOf, watchMemory } from '../support/memory-of.ts';
import { rawSocket } from '../support/raw-socket.ts';
import * as steps from '../support/steps.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { WireClient } from '../support/wire-client.ts';
import { bomb, damagedBatch } from './batches.ts';

const BATCHES = 60_000;
const IN_FLIGHT = 200;
const MEBIBYTE = 1024 * 1024;

const seed = Number(process.env['ODRADEK_FUZZ_SEED'] ?? Date.now() % 1_000_000);
const tools = { crc32c: createNodeCrc32c(), compression: createNodeCompression() };

describe(`damaged batches (seed ${seed})`, () => {
  it(`${BATCHES.toLocaleString('en')} are refused or readable`, { timeout: 300_000 }, async () => {
    const logger = logRecorder();
    const test = await startTestBroker({ compression: tools.compression, logger, seed });
    const client = test.connect();
    const topics = {
      plain: {},
      compacted: { 'cleanup.policy': 'compact' },
      packed: { 'compression.type': 'lz4' },
      stamped: { 'message.timestamp.type': 'LogAppendTime' },
    };
    for (const [name, configs] of Object.entries(topics))
      await createTopic(client, name, 1, configs);
    const chance = seeded(seed);
    const codes = new Map<number, number>();
    for (let sent = 0; sent < BATCHES; sent += IN_FLIGHT) {
      const answers = Array.from({ length: IN_FLIGHT }, async () => {
        const records = damagedBatch(chance, tools);
        const name = chance.pick(Object.keys(topics));
        const { responses } = await client.request(api.produce, 9, {
          transactionalId: null,
          acks: -1,
          timeoutMs: 5_000,
          topicData: [{ name, partitionData: [{ index: 0, records }] }],
        });
        return responses[0]!.partitionResponses[0]!.errorCode;
      });
      for (const code of await Promise.all(answers)) codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    let kept = 0;
    for (const name of Object.keys(topics)) kept += await readAll(client, name);
    tell(
      `${BATCHES} batches: ${JSON.stringify(Object.fromEntries([...codes].map(([code, count]) => [steps.nameOf(code), count])))}; ${kept} records kept and read`,
    );
    expect(
      logger.lines
        .filter(({ level }) => level === 'error')
        .map((line) => `${line.message} ${String(line.fields['error'])}`)
        .slice(0, 5),
    ).toEqual([]);
    expect(codes.get(ErrorCode.NONE)).toBeGreaterThan(BATCHES / 100);
    expect(codes.get(ErrorCode.INVALID_RECORD)).toBeGreaterThan(BATCHES / 100);
    await test.stop();
  });
});

/** Everything, as a consumer would; gives the number of records. */
const readAll = async (client: TestClient, topic: string): Promise<number> => {
  let records = 0;
  for (let at = 0; ;) {
    const { responses } = await client.request(api.fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: MEBIBYTE,
      topics: [
        { topic, partitions: [{ partition: 0, fetchOffset: at, partitionMaxBytes: MEBIBYTE }] },
      ],
      forgottenTopicsData: [],
    });
    const found = responses[0]!.partitions[0]!;
    expect(found.errorCode).toBe(ErrorCode.NONE);
    if (at >= found.highWatermark) return records;
    for (const batch of batchesIn(found.records!)) {
      expect(isCrcValid(batch, tools.crc32c)).toBe(true);
      for (const record of recordsIn(
        batch,
        (codec, bytes, limit) => tools.compression.decompress(codec, bytes, limit),
        MEBIBYTE,
      )) {
        expect(record.offset).toBeGreaterThanOrEqual(at);
        expect(record.headers.length).toBeGreaterThanOrEqual(0);
        records += 1;
      }
      at = batch.nextOffset;
    }
  }
};

describe('payloads that unpack to far more than they are', () => {
  const codecs: readonly CompressionName[] = ['gzip', 'snappy', 'lz4', 'zstd'];

  it(
    'are refused without being unpacked beyond the limit, and keep nobody waiting for long',
    { timeout: 120_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using broker = await BrokerProcess.start({
        dataDirectory: folder.path,
        config: { 'message.max.bytes': String(16 * MEBIBYTE) },
      });
      const client = await WireClient.connect(broker.kafka);
      await steps.createTopic(client, 'bombed');
      // Packed before anybody is watched: that keeps this process busy.
      const bombs = codecs.map((codec) => ({ codec, records: bomb(codec, 200 * MEBIBYTE, tools) }));
      const small = bomb('zstd', 100 * MEBIBYTE, tools);
      await using bystander = await Bystander.start(broker.kafka);
      await until(() => bystander.count > 20);
      const before = residentBytesOf(broker.pid);
      for (const { codec, records } of bombs) {
        bystander.takeLatencies();
        const memory = watchMemory(broker.pid);
        const answer = await steps.produce(client, 'bombed', 0, records);
        await until(() => bystander.count > 0);
        tell(
          `a ${codec} bomb of 200 MiB: ${steps.nameOf(answer.errorCode)}, RSS ${Math.round((before ?? 0) / MEBIBYTE)} -> ${Math.round(memory.stop() / MEBIBYTE)} MiB, bystander ${JSON.stringify(bystander.takeLatencies())}`,
        );
        expect(answer.errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
      }
      // Many at once, in one piece: the others must get their turns in between.
      const frames = Array.from({ length: 30 }, (_, n) =>
        Buffer.concat(
          encodeRequest(
            produceRequest,
            9,
            { correlationId: n, clientId: 'bomber' },
            {
              transactionalId: null,
              acks: -1,
              timeoutMs: 30_000,
              topicData: [{ name: 'bombed', partitionData: [{ index: 0, records: small }] }],
            },
          ),
        ),
      );
      const bomber = await rawSocket(broker.kafka);
      const memory = watchMemory(broker.pid);
      bystander.takeLatencies();
      const startedMs = performance.now();
      bomber.send(Buffer.concat(frames));
      await until(() => bomber.received.length >= 30 * 50, 60_000);
      const meanwhile = bystander.takeLatencies();
      const peak = memory.stop();
      tell(
        `30 zstd bombs of 100 MiB in one piece of ${Math.round((30 * small.length) / 1024)} KiB: ${Math.round(performance.now() - startedMs)} ms, RSS ${Math.round((before ?? 0) / MEBIBYTE)} -> ${Math.round(peak / MEBIBYTE)} MiB, bystander ${JSON.stringify(meanwhile)}`,
      );
      expect(meanwhile.count).toBeGreaterThan(5);
      expect(meanwhile.maxMs).toBeLessThan(2_000);
      if (before !== undefined) expect(peak - before).toBeLessThan(640 * MEBIBYTE);
      bomber.destroy();
      client.close();
      await bystander.stop();
    },
  );
});

const tell = (what: string): void => void process.stdout.write(`${what}\n`);
