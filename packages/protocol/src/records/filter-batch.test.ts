import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32cJs } from '../crc32c/index.ts';
import { leaderEpoch, offset } from '../ids.ts';
import { BatchView } from './batch-view.ts';
import { buildBatch } from './build-batch.ts';
import type { BatchInput, RecordInput } from './build-batch.ts';
import { filterBatch } from './filter-batch.ts';
import type { FilterOptions } from './filter-batch.ts';
import { recordsIn } from './records-in.ts';
import { isCrcValid, setLogAppendTime } from './stamps.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const decompress = (_: string, raw: Uint8Array) => gunzipSync(raw);
const compress = (_: string, raw: Uint8Array) => gzipSync(raw);

function batchOf(records: readonly RecordInput[], more: Partial<BatchInput> = {}): BatchView {
  return new BatchView(
    buildBatch({
      records,
      baseOffset: offset(100),
      leaderEpoch: leaderEpoch(4),
      producerId: 9,
      producerEpoch: 2,
      baseSequence: 30,
      isTransactional: true,
      crc32c: crc32cJs,
      ...more,
    }),
  );
}

function filter(batch: BatchView, keep: FilterOptions['keep'], more: Partial<FilterOptions> = {}) {
  const result = filterBatch(batch, {
    keep,
    whenEmpty: 'drop',
    crc32c: crc32cJs,
    decompress,
    compress,
    ...more,
  });
  return { ...result, batch: result.bytes && new BatchView(result.bytes) };
}

const contents = (batch: BatchView) =>
  [...recordsIn(batch, decompress)].map((record) => ({
    offset: record.offset,
    timestampMs: record.timestampMs,
    key: record.key && [...record.key],
    value: record.value && [...record.value],
    headers: record.headers.map(({ key, value }) => [key, value && [...value]]),
  }));

const producer = (batch: BatchView) => [
  batch.producerId,
  batch.producerEpoch,
  batch.baseSequence,
  batch.lastSequence,
  batch.leaderEpoch,
  batch.isTransactional,
  batch.baseOffset,
  batch.lastOffset,
];

const abc: RecordInput[] = [
  { timestampMs: 1000, key: bytes('a'), value: bytes('1') },
  {
    timestampMs: 5000,
    key: bytes('b'),
    value: bytes('2'),
    headers: [{ key: 'h', value: bytes('x') }],
  },
  { timestampMs: 3000, key: bytes('c'), value: bytes('3') },
];

describe('cleaning a batch', () => {
  it('of which all is kept gives the same bytes', () => {
    const batch = batchOf(abc);
    const { bytes: kept, recordsRead, recordsKept } = filter(batch, () => true);
    expect(kept!.buffer).toBe(batch.bytes.buffer);
    expect([recordsRead, recordsKept]).toEqual([3, 3]);
  });

  it('keeps offsets, times and what is said of the producer', () => {
    const before = batchOf(abc);
    const { batch, recordsRead, recordsKept } = filter(before, (record) => record.offset !== 101);
    expect(contents(batch!)).toEqual(contents(before).filter((record) => record.offset !== 101));
    expect(producer(batch!)).toEqual(producer(before));
    expect([batch!.recordCount, batch!.maxTimestampMs, isCrcValid(batch!, crc32cJs)]).toEqual([
      2,
      3000,
      true,
    ]);
    expect([recordsRead, recordsKept]).toEqual([3, 2]);
  });

  it('of which nothing is kept drops it, or leaves a header that remembers the producer', () => {
    const before = batchOf(abc, { compress: { codec: 'gzip', compress } });
    expect(filter(before, () => false).bytes).toBeUndefined();
    const { batch } = filter(before, () => false, { whenEmpty: 'keepHeader' });
    expect(batch!.bytes).toHaveLength(61);
    expect([
      batch!.recordCount,
      batch!.compression,
      batch!.baseTimestampMs,
      batch!.maxTimestampMs,
    ]).toEqual([0, undefined, -1, 5000]);
    expect(producer(batch!)).toEqual(producer(before));
    expect(isCrcValid(batch!, crc32cJs)).toBe(true);
    expect(contents(batch!)).toEqual([]);
    // And the next cleaning finds an empty batch as it is.
    expect(filter(batch!, () => true, { whenEmpty: 'keepHeader' }).bytes).toEqual(batch!.bytes);
  });

  it('stays compressed as it was', () => {
    const { batch } = filter(
      batchOf(abc, { compress: { codec: 'gzip', compress } }),
      (record) => record.offset === 101,
    );
    expect(batch!.compression).toBe('gzip');
    expect(contents(batch!)).toMatchObject([
      { offset: 101, timestampMs: 5000, headers: [['h', [120]]] },
    ]);
  });

  it('keeps the append time of all', () => {
    const before = batchOf(abc);
    setLogAppendTime(before, 777_000, crc32cJs);
    const { batch } = filter(before, (record) => record.offset === 102);
    expect([batch!.isLogAppendTime, batch!.maxTimestampMs]).toEqual([true, 777_000]);
    expect(contents(batch!)).toMatchObject([{ offset: 102, timestampMs: 777_000 }]);
  });
});

describe('the delete horizon', () => {
  const withTombstone: RecordInput[] = [...abc, { timestampMs: 4000, key: bytes('b') }];

  it('is written where a tombstone is kept, and no record changes its time', () => {
    const before = batchOf(withTombstone);
    const { batch } = filter(before, (record) => record.offset !== 101, {
      deleteHorizonMs: 90_000_000_000,
    });
    expect([batch!.hasDeleteHorizon, batch!.deleteHorizonMs, batch!.maxTimestampMs]).toEqual([
      true,
      90_000_000_000,
      4000,
    ]);
    expect(contents(batch!)).toEqual(contents(before).filter((record) => record.offset !== 101));
    expect(producer(batch!)).toEqual(producer(before));
    expect(isCrcValid(batch!, crc32cJs)).toBe(true);
  });

  it('is written though nothing is removed', () => {
    const before = batchOf(withTombstone, { compress: { codec: 'gzip', compress } });
    const { batch } = filter(before, () => true, { deleteHorizonMs: 7 });
    expect(batch!.deleteHorizonMs).toBe(7);
    expect(contents(batch!)).toEqual(contents(before));
  });

  it('is not written without a tombstone, unless a marker of an empty transaction asks for it', () => {
    const before = batchOf(abc);
    expect(filter(before, () => true, { deleteHorizonMs: 7 }).bytes).toEqual(before.bytes);
    expect(
      filter(before, () => true, { deleteHorizonMs: 7, horizonNeeded: true }).batch!
        .deleteHorizonMs,
    ).toBe(7);
  });

  it('once written is not moved', () => {
    const once = filter(batchOf(withTombstone), () => true, { deleteHorizonMs: 7 }).batch!;
    const twice = filter(once, (record) => record.offset !== 100, { deleteHorizonMs: 8 }).batch!;
    expect(twice.deleteHorizonMs).toBe(7);
    expect(contents(twice)).toEqual(contents(once).slice(1));
  });
});

it('whatever is kept, at whatever horizon, reads as it did', () => {
  const content = fc.option(fc.uint8Array({ maxLength: 20 }), { nil: null });
  const record = fc.record({
    timestampMs: fc.maxSafeInteger().map((ms) => Math.trunc(ms / 2)),
    key: content,
    value: content,
  });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(record, fc.boolean()), { minLength: 1, maxLength: 20 }),
      fc.option(fc.nat({ max: 2 ** 42 }), { nil: undefined }),
      fc.boolean(),
      (given, deleteHorizonMs, isCompressed) => {
        const before = batchOf(
          given.map(([each]) => each),
          isCompressed ? { compress: { codec: 'gzip', compress } } : {},
        );
        const { batch, recordsKept } = filter(
          before,
          (each) => given[each.offset - 100]![1],
          deleteHorizonMs === undefined ? {} : { deleteHorizonMs },
        );
        const expected = contents(before).filter((each) => given[each.offset - 100]![1]);
        expect(recordsKept).toBe(expected.length);
        expect(batch === undefined ? [] : contents(batch)).toEqual(expected);
        expect(batch === undefined || isCrcValid(batch, crc32cJs)).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});
