import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
// @ts-expect-error kafkajs has no types for its inner parts.
import { RecordBatch as kafkajsBatch } from 'kafkajs/src/protocol/recordBatch/v0/index.js';
// @ts-expect-error
import kafkajsRecord from 'kafkajs/src/protocol/recordBatch/record/v0/index.js';
import { describe, expect, it } from 'vitest';
import { crc32cJs } from '../crc32c/index.ts';
import { leaderEpoch, offset } from '../ids.ts';
import { BatchView, incrementSequence } from './batch-view.ts';
import { batchesIn } from './batches.ts';
import { buildBatch } from './build-batch.ts';
import type { RecordInput } from './build-batch.ts';
import { recordsIn } from './records-in.ts';
import { isCrcValid } from './stamps.ts';
import { validateBatch } from './validate-batch.ts';
import { createRecordsBatch } from '../../../../node_modules/@platformatic/kafka/dist/protocol/records.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const content = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
const header = fc.record({
  key: fc.string({ unit: 'grapheme', maxLength: 12 }),
  value: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: null }),
});
const record: fc.Arbitrary<RecordInput> = fc.record({
  timestampMs: fc.nat({ max: 2 ** 45 }),
  key: content,
  value: content,
  headers: fc.array(header, { maxLength: 4 }),
});
const records = fc.array(record, { minLength: 1, maxLength: 40 });

/** Its types know no null; its code does. */
const buffer = (given: Uint8Array | null | undefined) =>
  (given ? Buffer.from(given) : null) as Buffer;

/** What a record says, for comparing. */
const told = (each: {
  timestampMs: number;
  key?: Uint8Array | null;
  value?: Uint8Array | null;
  headers?: readonly { key: string; value: Uint8Array | null }[];
}) => ({
  timestampMs: each.timestampMs,
  key: each.key === null || each.key === undefined ? null : [...each.key],
  value: each.value === null || each.value === undefined ? null : [...each.value],
  headers: (each.headers ?? []).map(({ key, value }) => [key, value === null ? null : [...value]]),
});

describe('a batch that was built', () => {
  it('gives its records and its header back', () => {
    fc.assert(
      fc.property(
        records,
        fc.maxSafeInteger(),
        fc.nat(),
        fc.boolean(),
        (given, base, epoch, isTransactional) => {
          fc.pre(Math.abs(base) < 2 ** 52);
          const built = buildBatch({
            records: given,
            baseOffset: offset(base),
            leaderEpoch: leaderEpoch(epoch),
            producerId: 7,
            producerEpoch: 3,
            baseSequence: 2147483640,
            isTransactional,
            crc32c: crc32cJs,
          });
          const [batch, ...others] = batchesIn(built);
          expect(others).toEqual([]);
          expect(batch!.sizeBytes).toBe(built.length);
          expect(isCrcValid(batch!, crc32cJs)).toBe(true);
          expect({
            offsets: [batch!.baseOffset, batch!.lastOffset, batch!.nextOffset],
            recordCount: batch!.recordCount,
            epoch: batch!.leaderEpoch,
            producer: [
              batch!.producerId,
              batch!.producerEpoch,
              batch!.baseSequence,
              batch!.lastSequence,
            ],
            maxTimestampMs: batch!.maxTimestampMs,
            flags: [
              batch!.isTransactional,
              batch!.isControl,
              batch!.isLogAppendTime,
              batch!.hasDeleteHorizon,
              batch!.compression,
            ],
          }).toEqual({
            offsets: [base, base + given.length - 1, base + given.length],
            recordCount: given.length,
            epoch,
            producer: [7, 3, 2147483640, incrementSequence(2147483640, given.length - 1)],
            maxTimestampMs: Math.max(...given.map((each) => each.timestampMs)),
            flags: [isTransactional, false, false, false, undefined],
          });
          const read = [...recordsIn(batch!)];
          expect(read.map(told)).toEqual(given.map(told));
          expect(read.map((each) => each.offset)).toEqual(given.map((_, index) => base + index));
        },
      ),
    );
  });

  it('is byte for byte what kafkajs makes of the same records', async () => {
    await fc.assert(
      fc.asyncProperty(records, async (given) => {
        const firstTimestamp = given[0]!.timestampMs;
        // kafkajs takes headers as an object of strings or buffers, and no null.
        const plain = given.map((each) => ({
          ...each,
          headers: [
            ...new Map((each.headers ?? []).map((one) => [`h${one.key}`, one.value ?? bytes('')])),
          ].map(([key, value]) => ({ key, value })),
        }));
        const theirs: Buffer = (
          await kafkajsBatch({
            firstTimestamp,
            maxTimestamp: Math.max(...given.map((each) => each.timestampMs)),
            lastOffsetDelta: given.length - 1,
            records: plain.map((each, offsetDelta) =>
              kafkajsRecord({
                offsetDelta,
                timestampDelta: each.timestampMs - firstTimestamp,
                key: each.key && Buffer.from(each.key),
                value: each.value && Buffer.from(each.value),
                headers: Object.fromEntries(
                  each.headers.map((one) => [one.key, Buffer.from(one.value)]),
                ),
              }),
            ),
          })
        ).buffer;
        const ours = buildBatch({
          records: plain,
          leaderEpoch: leaderEpoch(0),
          producerEpoch: 0,
          baseSequence: 0,
          crc32c: crc32cJs,
        });
        expect(Buffer.from(ours).equals(theirs)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('is byte for byte what @platformatic/kafka makes of the same records', () => {
    fc.assert(
      fc.property(records, (given) => {
        // It shifts signs by 31 bits where 63 are meant, so that its far negative deltas are wrong: times within 2^31 ms here.
        const plain = given.map((each) => ({
          ...each,
          timestampMs: 1_700_000_000_000 + (each.timestampMs % 2 ** 31),
          headers: [],
        }));
        const theirs: Buffer = createRecordsBatch(
          plain.map((each) => ({
            topic: 't',
            partition: 0,
            timestamp: BigInt(each.timestampMs),
            key: buffer(each.key),
            value: buffer(each.value),
          })),
        ).dynamicBuffer.slice();
        const ours = buildBatch({
          records: plain,
          leaderEpoch: leaderEpoch(0),
          producerEpoch: 0,
          baseSequence: 0,
          crc32c: crc32cJs,
        });
        expect(Buffer.from(ours).equals(theirs)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('is compressed when asked to, header excepted', () => {
    const given = Array.from({ length: 100 }, (_, index) => ({
      timestampMs: 1000 + index,
      value: bytes('the same again'),
    }));
    const built = buildBatch({
      records: given,
      compress: { codec: 'gzip', compress: (_, raw) => gzipSync(raw) },
      crc32c: crc32cJs,
    });
    const batch = new BatchView(built);
    expect(batch.compression).toBe('gzip');
    expect(built.length).toBeLessThan(500);
    const decompress = (_: string, raw: Uint8Array) => gunzipSync(raw);
    expect([...recordsIn(batch, decompress)].map(told)).toEqual(given.map(told));
    expect(
      validateBatch(batch, { crc32c: crc32cJs, decompress, limitBytes: 10_000 }),
    ).toMatchObject({ ok: true, maxTimestampMs: 1099, maxTimestampOffsetDelta: 99 });
    expect(() => [...recordsIn(batch)]).toThrow(TypeError);
  });

  it('may have gaps, as compaction leaves them', () => {
    const built = buildBatch({
      baseOffset: offset(100),
      records: [
        { timestampMs: 1, offsetDelta: 2 },
        { timestampMs: 2, offsetDelta: 9 },
      ],
      crc32c: crc32cJs,
    });
    const batch = new BatchView(built);
    expect([batch.lastOffset, batch.recordCount]).toEqual([109, 2]);
    expect([...recordsIn(batch)].map((each) => each.offset)).toEqual([102, 109]);
    expect(() =>
      buildBatch({
        records: [
          { timestampMs: 1, offsetDelta: 2 },
          { timestampMs: 1, offsetDelta: 2 },
        ],
        crc32c: crc32cJs,
      }),
    ).toThrow(RangeError);
  });

  it('has one record at least', () => {
    expect(() => buildBatch({ records: [], crc32c: crc32cJs })).toThrow(RangeError);
  });
});

it('sequences wrap to 0 behind 2^31-1', () => {
  expect(incrementSequence(2147483647, 1)).toBe(0);
  expect(incrementSequence(2147483640, 10)).toBe(2);
  expect(incrementSequence(0, 2147483647)).toBe(2147483647);
});
