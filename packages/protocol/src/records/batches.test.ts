import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32cJs } from '../crc32c/index.ts';
import { leaderEpoch, offset } from '../ids.ts';
import { BatchView } from './batch-view.ts';
import { batchesIn, completeBatchesBytes } from './batches.ts';
import { buildBatch } from './build-batch.ts';
import { MalformedBatch } from './malformed-batch.ts';
import { recordsIn } from './records-in.ts';
import {
  isCrcValid,
  setBaseOffset,
  setLeaderEpoch,
  setLogAppendTime,
  setMaxTimestamp,
} from './stamps.ts';

const batchAt = (base: number, count: number) =>
  buildBatch({
    baseOffset: offset(base),
    records: Array.from({ length: count }, (_, index) => ({
      timestampMs: 1000 + index,
      value: new Uint8Array(index),
    })),
    crc32c: crc32cJs,
  });

const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

describe('bytes of several batches', () => {
  const stream = joined(batchAt(0, 3), batchAt(3, 1), batchAt(4, 20));

  it('are cut where each ends', () => {
    expect([...batchesIn(stream)].map((batch) => [batch.baseOffset, batch.recordCount])).toEqual([
      [0, 3],
      [3, 1],
      [4, 20],
    ]);
  });

  it('end quietly where the last batch is not all there, at whatever byte', () => {
    const ends = [...batchesIn(stream)].map((batch) => batch.start + batch.sizeBytes);
    for (let end = 0; end <= stream.length; end++) {
      const whole = Math.max(0, ...ends.filter((each) => each <= end));
      const cut = stream.subarray(0, end);
      const seen = [...batchesIn(cut)].reduce((sum, batch) => sum + batch.slice().length, 0);
      expect([seen, completeBatchesBytes(cut)]).toEqual([whole, whole]);
    }
  });

  it('may begin anywhere in a larger buffer', () => {
    const shifted = joined(new Uint8Array(13), stream);
    const found = [...batchesIn(shifted, 13)];
    expect(found.map((batch) => batch.baseOffset)).toEqual([0, 3, 4]);
    expect(found.every((batch) => isCrcValid(batch, crc32cJs))).toBe(true);
  });

  it.each([0, 48, -1, -2147483648])('with a length of %i cannot be', (length) => {
    const bad = batchAt(0, 1);
    new DataView(bad.buffer).setInt32(8, length);
    expect(() => [...batchesIn(bad)]).toThrow(MalformedBatch);
    expect(() => completeBatchesBytes(bad)).toThrow(MalformedBatch);
  });

  it('of old message formats are refused by name', () => {
    const old = batchAt(0, 1);
    old[16] = 1;
    expect(() => [...batchesIn(old)]).toThrow(
      expect.objectContaining({ name: 'MalformedBatch', errorCode: 87 }),
    );
  });

  it('never end otherwise than with batches or MalformedBatch, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        try {
          for (const batch of batchesIn(noise))
            for (const record of recordsIn(batch, (_codec, bytes) => bytes)) void record.headers;
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBatch);
        }
      }),
    );
  });
});

describe('a broker stamps', () => {
  it('base offset and leader epoch without touching the checksum', () => {
    const batch = new BatchView(batchAt(0, 3));
    const crc = batch.crc;
    setBaseOffset(batch, offset(2 ** 40 + 17));
    setLeaderEpoch(batch, leaderEpoch(9));
    expect([batch.baseOffset, batch.lastOffset, batch.leaderEpoch, batch.crc]).toEqual([
      2 ** 40 + 17,
      2 ** 40 + 19,
      9,
      crc,
    ]);
    expect(isCrcValid(batch, crc32cJs)).toBe(true);
  });

  it('the append time, which every record then has', () => {
    const batch = new BatchView(joined(new Uint8Array(5), batchAt(0, 3)), 5);
    setLogAppendTime(batch, 1_800_000_000_123, crc32cJs);
    expect([batch.isLogAppendTime, batch.maxTimestampMs, isCrcValid(batch, crc32cJs)]).toEqual([
      true,
      1_800_000_000_123,
      true,
    ]);
    expect([...recordsIn(batch)].map((record) => record.timestampMs)).toEqual([
      1_800_000_000_123, 1_800_000_000_123, 1_800_000_000_123,
    ]);
    setLogAppendTime(batch, 1_800_000_000_123, () =>
      expect.unreachable('nothing changed, nothing to sum'),
    );
  });

  it('the true max timestamp, only where the header is wrong', () => {
    const batch = new BatchView(batchAt(0, 3));
    setMaxTimestamp(batch, 1002, () => expect.unreachable('nothing changed, nothing to sum'));
    setMaxTimestamp(batch, 5000, crc32cJs);
    expect([batch.maxTimestampMs, batch.isLogAppendTime, isCrcValid(batch, crc32cJs)]).toEqual([
      5000,
      false,
      true,
    ]);
  });

  it('nothing that is not exact', () => {
    const batch = new BatchView(batchAt(0, 1));
    expect(() => setBaseOffset(batch, offset(2 ** 53))).toThrow(RangeError);
  });
});

it('a flipped bit anywhere under the checksum is found', () => {
  const good = batchAt(0, 2);
  for (let at = 17; at < good.length; at++) {
    const bad = good.slice();
    bad[at]! ^= 1 << (at % 8);
    expect(isCrcValid(new BatchView(bad), crc32cJs)).toBe(false);
  }
});
