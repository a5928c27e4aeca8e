import { describe, expect, it } from 'vitest';
import { crc32cJs } from '../crc32c/index.ts';
import { offset } from '../ids.ts';
import { batchesIn } from './batches.ts';
import { buildBatch } from './build-batch.ts';
import { recordsIn } from './records-in.ts';
import { isCrcValid } from './stamps.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | null) => (value === null ? null : new TextDecoder().decode(value));

describe('a batch that was built', () => {
  it('gives its records back', () => {
    const built = buildBatch({
      baseOffset: offset(5_000_000_000),
      records: [
        { timestampMs: 1_700_000_000_000, key: bytes('k'), value: bytes('v') },
        { timestampMs: 1_600_000_000_000, key: null, value: null, headers: [{ key: 'hé𝄞', value: bytes('x') }, { key: '', value: null }] },
        { timestampMs: 1_700_000_000_200, value: new Uint8Array(300) },
      ],
      crc32c: crc32cJs,
    });
    const [batch, ...others] = [...batchesIn(built)];
    expect(others).toEqual([]);
    expect(batch!.sizeBytes).toBe(built.length);
    expect([batch!.baseOffset, batch!.lastOffset, batch!.nextOffset, batch!.recordCount]).toEqual([5_000_000_000, 5_000_000_002, 5_000_000_003, 3]);
    expect([batch!.baseTimestampMs, batch!.maxTimestampMs]).toEqual([1_700_000_000_000, 1_700_000_000_200]);
    expect([batch!.leaderEpoch, batch!.producerId, batch!.producerEpoch, batch!.baseSequence, batch!.lastSequence]).toEqual([-1, -1, -1, -1, -1]);
    expect(isCrcValid(batch!, crc32cJs)).toBe(true);
    const records = [...recordsIn(batch!)];
    expect(records.map((record) => [record.offset, record.timestampMs, text(record.key), record.value?.length])).toEqual([
      [5_000_000_000, 1_700_000_000_000, 'k', 1],
      [5_000_000_001, 1_600_000_000_000, null, undefined],
      [5_000_000_002, 1_700_000_000_200, null, 300],
    ]);
    expect(records[1]!.headers.map((header) => [header.key, text(header.value)])).toEqual([['hé𝄞', 'x'], ['', null]]);
  });
});
