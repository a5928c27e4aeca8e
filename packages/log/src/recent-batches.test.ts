import { crc32cJs, leaderEpoch } from '@odradek/protocol';
import { createMemoryVolume } from '@odradek/storage/memory';
import { seededRandom } from '@odradek/ports/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecentBatches, encodeRecentBatches } from './recent-batches.ts';
import { batchOf, openLog } from './testing/fixture.ts';

const fromClient = { leaderEpoch: leaderEpoch(0), origin: 'client' } as const;
const batch = (sequence: number): Uint8Array =>
  batchOf([`value ${sequence}`], { producerId: 7, producerEpoch: 0, baseSequence: sequence });

describe('a producer with five requests under way', () => {
  it.each(['orderly', 'unclean'])('may repeat them all after an %s stop', async (stop) => {
    const volume = createMemoryVolume({ random: seededRandom(1) });
    const options = { random: seededRandom(1) };
    const log = await openLog(volume, options);
    for (let sequence = 0; sequence < 8; sequence++)
      log.appendAsLeader(batch(sequence), fromClient);
    await log.flush();
    const isClean = stop === 'orderly';
    await log.close({ clean: isClean });
    const again = await openLog(volume, { ...options, cleanShutdown: isClean });
    for (let sequence = 3; sequence < 8; sequence++) {
      expect(again.appendAsLeader(batch(sequence), fromClient)).toMatchObject({
        status: 'duplicate',
        baseOffset: sequence,
      });
    }
    expect(again.appendAsLeader(batch(8), fromClient)).toMatchObject({
      status: 'appended',
      baseOffset: 8,
    });
    await again.close({ clean: true });
  });
});

describe('the file of recent batches', () => {
  const mark = (n: number) => ({
    lastSequence: n,
    lastOffset: n as never,
    offsetDelta: 0,
    timestampMs: n,
  });
  const entry = {
    producerId: 7,
    epoch: 1,
    coordinatorEpoch: -1,
    lastTimestampMs: 2,
    txnFirstOffset: -1,
    batches: [mark(1), mark(2)],
  };
  const bytes = encodeRecentBatches(3 as never, [entry as never], crc32cJs)!;

  it('gives back what was put in', () => {
    expect(decodeRecentBatches(bytes, crc32cJs)).toEqual({
      snapshotOffset: 3,
      producers: [{ producerId: 7, epoch: 1, batches: entry.batches }],
    });
  });

  it('is passed over when a bit of it is wrong, or its end is missing', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
        const damaged = bytes.slice();
        damaged[at]! ^= 1 << bit;
        expect(decodeRecentBatches(damaged, crc32cJs)).toBeUndefined();
        expect(decodeRecentBatches(bytes.subarray(0, at), crc32cJs)).toBeUndefined();
      }),
    );
  });
});
