import { describe, expect, it } from 'vitest';
import { ErrorCode } from '@odradek/protocol';
import { seededRandom } from '@odradek/ports/testing';
import { createMemoryVolume } from '@odradek/storage/memory';
import {
  EPOCH,
  append,
  at,
  batchOf,
  openLog,
  readAll,
  valuesOf,
  wordsOf,
} from './testing/fixture.ts';

const random = seededRandom(1);
const newVolume = () => createMemoryVolume({ random: seededRandom(7) });

describe('a partition log', () => {
  it('gives offsets at once, acknowledges when flushed, and reads back', async () => {
    const log = await openLog(newVolume(), { random });
    const flushed: number[] = [];
    log.onFlushed = (upTo) => flushed.push(upTo);
    expect(append(log, ['a', 'b', 'c'])).toMatchObject({
      status: 'appended',
      baseOffset: 0,
      lastOffset: 2,
    });
    expect(append(log, ['d'])).toMatchObject({ baseOffset: 3, lastOffset: 3 });
    expect(log.logEndOffset).toBe(4);
    expect(log.flushedOffset).toBe(0);
    expect(flushed).toEqual([]);
    await log.flush();
    // Both went down in one group.
    expect(flushed).toEqual([4]);
    expect(log.flushedOffset).toBe(4);
    expect(valuesOf(await readAll(log))).toEqual(['a', 'b', 'c', 'd']);
    await log.close({ clean: true });
  });

  it('finds everything again after a clean stop and after a crash', async () => {
    let volume = newVolume();
    const words = Array.from({ length: 300 }, (_, n) => `word-${n}`);
    let log = await openLog(volume, { random, config: { segmentBytes: 2_000 } });
    for (const word of words) append(log, [word]);
    await log.close({ clean: true });
    await volume.close();
    volume = volume.disk.mount();
    log = await openLog(volume, { random, cleanShutdown: true, config: { segmentBytes: 2_000 } });
    expect(log.segmentCount).toBeGreaterThan(5);
    expect(valuesOf(await readAll(log))).toEqual(words);
    append(log, ['one more']);
    await log.flush();
    volume.crash();
    log = await openLog(volume.disk.mount(), { random });
    expect(valuesOf(await readAll(log))).toEqual([...words, 'one more']);
  });

  it('refuses what Kafka refuses', async () => {
    const log = await openLog(newVolume(), {
      random,
      config: { maxMessageBytes: 200, segmentBytes: 150 },
    });
    const origin = { leaderEpoch: EPOCH, origin: 'client' } as const;
    const code = (records: Uint8Array) => {
      const outcome = log.appendAsLeader(records, origin);
      return outcome.status === 'refused' ? outcome.errorCode : outcome.status;
    };
    expect(code(batchOf(['x'.repeat(200)]))).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    expect(code(batchOf(['x'.repeat(110)]))).toBe(ErrorCode.RECORD_LIST_TOO_LARGE);
    const rotten = batchOf(['a']);
    rotten[rotten.length - 1]! ^= 1;
    expect(code(rotten)).toBe(ErrorCode.CORRUPT_MESSAGE);
    expect(code(new Uint8Array([...batchOf(['a']), ...batchOf(['b'])]))).toBe(
      ErrorCode.INVALID_RECORD,
    );
    expect(code(new Uint8Array(0))).toBe(ErrorCode.INVALID_RECORD);
    expect(code(batchOf(['a']).subarray(0, 65))).toBe(ErrorCode.INVALID_RECORD);
    expect(log.logEndOffset).toBe(0);
  });

  it('serves whole batches, one at least, and nothing above the bound', async () => {
    const log = await openLog(newVolume(), { random });
    for (let n = 0; n < 10; n++) append(log, [`a${n}`, `b${n}`]);
    const size = batchOf(['a0', 'b0']).length;
    const read = async (from: number, maxBytes: number, below = 20, atLeastOneBatch = true) =>
      wordsOf(await log.read(at(from), { maxBytes, atLeastOneBatch, below: at(below) })).map(
        (word) => word.offset,
      );
    expect(await read(0, 1)).toEqual([0, 1]);
    expect(await read(0, 1, 20, false)).toEqual([]);
    expect(await read(3, size * 2 + 1)).toEqual([2, 3, 4, 5]);
    expect(await read(0, 1e9, 6)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await read(0, 1e9, 7)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await read(6, 1e9, 7)).toEqual([]);
    expect(await read(20, 1e9)).toEqual([]);
    expect(log.read(at(21), { maxBytes: 1, atLeastOneBatch: true, below: at(20) })).toEqual({
      status: 'outOfRange',
    });
  });
});
