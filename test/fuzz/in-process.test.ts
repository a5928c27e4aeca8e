/**
 * Damaged frames of every API and version against the decoder, and against a whole broker: each is read, refused or answered,
 * nothing crashes, nothing waits for ever, and the memory of one is not that of a thousand.
 */
import { silentLogger, type Logger } from '@odradek/ports';
import { ErrorCode, crc32cJs } from '@odradek/protocol';
import { damagedRequests, fuzzDecode } from '@odradek/protocol/testing';
import { MemoryDisk } from '@odradek/storage/memory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  seededRandom,
  startTestBroker,
  type TestBroker,
} from '../../packages/broker/src/testing/test-broker.ts';
import { api } from '../../packages/broker/src/testing/api.ts';
import { batchOf } from '../../packages/broker/src/testing/records.ts';
import { createTopic, fetchFrom, produce } from '../../packages/broker/src/testing/stories.ts';

const DECODED_FRAMES = 2_000_000;
const DECODED_AT_ONCE = 100_000;
const ANSWERED_FRAMES = 200_000;
const CONNECTIONS = 32;
const BATCHES = 20_000;
/** Of a batch: where its checksum stands, and where what it covers begins. */
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
/** A damaged request may ask for a long poll; the rest are still to be answered. */
const STALL_MS_MAX = 500;

const describeError = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

const seed = Number(process.env.FUZZ_SEED ?? 20_261_122);

describe(`damaged frames (seed ${seed})`, () => {
  it(`${DECODED_FRAMES} of them are read or refused by the decoder`, () => {
    let refused = 0;
    for (let done = 0; done < DECODED_FRAMES; done += DECODED_AT_ONCE) {
      const report = fuzzDecode(seed + done, DECODED_AT_ONCE);
      expect(report.frames).toBe(DECODED_AT_ONCE);
      refused += report.refused;
    }
    expect(refused).toBeGreaterThan(DECODED_FRAMES / 10);
  }, 240_000);

  describe('against a whole broker', () => {
    let broker: TestBroker;
    const rejections: unknown[] = [];
    /** What the broker calls an error is a defect of its own: a bad request is a warning. */
    const errors: string[] = [];
    const logger: Logger = {
      ...silentLogger,
      error: (message, fields) => void errors.push(`${message}: ${describeError(fields?.error)}`),
      child: () => logger,
    };
    const onRejection = (reason: unknown): void => void rejections.push(reason);
    beforeAll(async () => {
      process.on('unhandledRejection', onRejection);
      const disk = new MemoryDisk({ random: seededRandom(seed) });
      broker = await startTestBroker({
        disk,
        logger,
        config: { 'offsets.topic.num.partitions': '2', 'auto.create.topics.enable': 'false' },
      });
      await createTopic(broker.connect(), 'words');
    });
    afterAll(async () => {
      process.off('unhandledRejection', onRejection);
      await broker.stop();
    });

    it(`${ANSWERED_FRAMES} of them are answered, or their connection is closed, and others go on`, async () => {
      const requests = damagedRequests(seed);
      const connect = () => {
        const client = broker.connect();
        const state = { client, isClosed: false };
        void client.closed.then(() => (state.isClosed = true));
        return state;
      };
      const connections = Array.from({ length: CONNECTIONS }, connect);
      const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
      let closed = 0;
      let bytes = 0;
      let longestStallMs = 0;
      const before = process.memoryUsage().rss;
      for (let sent = 0; sent < ANSWERED_FRAMES; sent++) {
        const at = sent % CONNECTIONS;
        if (at === 0) await turn();
        if (connections[at]!.isClosed) {
          closed += 1;
          connections[at] = connect();
        }
        const frame = requests.next().value;
        const bytesWithLength = new Uint8Array(4 + frame.length);
        new DataView(bytesWithLength.buffer).setInt32(0, frame.length);
        bytesWithLength.set(frame, 4);
        bytes += frame.length;
        const startedAt = performance.now();
        connections[at]!.client.sendBytes(bytesWithLength);
        longestStallMs = Math.max(longestStallMs, performance.now() - startedAt);
        // One that waits (a join, a long poll) is left to wait, and another connection taken for what follows.
        if (sent % 1_000 === 999) {
          connections[at]!.client.close();
          connections[at] = connect();
        }
      }
      for (const { client } of connections) client.close();
      await turn();
      expect(rejections).toEqual([]);
      expect([...new Set(errors)]).toEqual([]);
      expect(closed).toBeGreaterThan(ANSWERED_FRAMES / 20);
      expect(longestStallMs).toBeLessThan(STALL_MS_MAX);
      expect(process.memoryUsage().rss - before).toBeLessThan(8 * bytes + 256 * 2 ** 20);
      const client = broker.connect();
      expect((await produce(client, 'words', ['still here'])).errorCode).toBe(0);
      expect((await fetchFrom(client, 'words', 0)).values).toContain('still here');
    }, 240_000);

    it(`${BATCHES} batches with a sound checksum over damaged contents are kept whole or refused`, async () => {
      const chance = seededRandom(seed);
      const client = broker.connect();
      await createTopic(client, 'batches');
      let taken = 0;
      let refused = 0;
      for (let sent = 0; sent < BATCHES; sent++) {
        const batch = batchOf(['one', 'two', 'three'].slice(0, 1 + (chance.uint32() % 3)));
        const hits = chance.uint32() % 4;
        for (let i = 0; i < hits; i++) {
          const at = ATTRIBUTES_AT + (chance.uint32() % (batch.length - ATTRIBUTES_AT));
          batch[at]! ^= 1 << (chance.uint32() % 8);
        }
        new DataView(batch.buffer, batch.byteOffset).setUint32(
          CRC_AT,
          crc32cJs(batch.subarray(ATTRIBUTES_AT)),
        );
        const { responses } = await client.request(api.produce, 9, {
          transactionalId: null,
          acks: -1,
          timeoutMs: 1_000,
          topicData: [{ name: 'batches', partitionData: [{ index: 0, records: batch }] }],
        });
        if (responses[0]!.partitionResponses[0]!.errorCode === ErrorCode.NONE) taken += 1;
        else refused += 1;
      }
      expect(taken).toBeGreaterThan(BATCHES / 10);
      expect(refused).toBeGreaterThan(BATCHES / 10);
      // What was taken can be read by anybody: every record of it decodes.
      let at = 0;
      let records = 0;
      for (;;) {
        const { values, highWatermark } = await fetchFrom(client, 'batches', at);
        records += values.length;
        if (values.length === 0 || at + values.length >= highWatermark) break;
        at += values.length;
      }
      expect(records).toBeGreaterThanOrEqual(taken);
      expect([...new Set(errors)]).toEqual([]);
    }, 120_000);
  });
});
