import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32cJs, offset, producerEpoch, producerId } from '@odradek/protocol';
import { seededRandom } from '@odradek/ports/testing';
import { createMemoryVolume } from '@odradek/storage/memory';
import {
  decodeLeaderEpochs,
  decodeOffsetCheckpoints,
  decodePartitionMetadata,
  encodeLeaderEpochs,
  encodeOffsetCheckpoints,
  encodePartitionMetadata,
} from './checkpoints.ts';
import { LeaderEpochs } from './leader-epochs.ts';
import { KeyOffsets } from './cleaner/key-offsets.ts';
import { OffsetIndex } from './offset-index.ts';
import { decodeSnapshot, encodeSnapshot } from './producer-snapshot.ts';
import { NO_TRANSACTION } from './producer-state.ts';
import { checkFiles } from './testing/check-files.ts';
import { START_MS, TOPIC_ID, append, at, openLog, readAll, valuesOf } from './testing/fixture.ts';
import { asciiBytes, asciiText } from './text.ts';
import { TimeIndex } from './time-index.ts';
import { abortedWithin, decodeAborted, encodeAborted } from './transaction-index.ts';
import { leaderEpoch } from '@odradek/protocol';

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

describe('the offset index', () => {
  it('is written as Kafka writes it', () => {
    const index = new OffsetIndex(offset(1_000));
    index.append(offset(1_009), 4_200);
    index.append(offset(1_300), 70_000);
    expect(hex(index.bytes)).toBe('0000000900001068' + '0000012c00011170');
    expect(index.positionBefore(offset(1_008))).toBe(0);
    expect(index.positionBefore(offset(1_009))).toBe(4_200);
    expect(index.positionBefore(offset(1_299))).toBe(4_200);
    expect(index.positionBefore(offset(9_999))).toBe(70_000);
    expect(index.boundaryBefore(69_999)).toBe(4_200);
    index.truncateTo(offset(1_300));
    expect(index.last).toEqual({ offset: 1_009, position: 4_200 });
    index.truncateTo(offset(1_000));
    expect(index.count).toBe(0);
  });

  it('is not believed when it cannot be one', () => {
    const load = (text: string) =>
      OffsetIndex.load(
        offset(0),
        Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)),
        1_000,
      );
    expect(load('')?.count).toBe(0);
    expect(load('0000000900000100')?.count).toBe(1);
    // Reserved space, as a running Kafka has it.
    expect(load('0000000900000100' + '0000000000000000'.repeat(3))?.count).toBe(1);
    expect(load('00000009000001')).toBeUndefined();
    expect(load('0000000900000100' + '0000000900000200')).toBeUndefined();
    expect(load('0000000900000100' + '0000000a00000100')).toBeUndefined();
    expect(load('0000000900000100' + '0000000000000000' + '0000000a00000200')).toBeUndefined();
    // Beyond the segment.
    expect(load('00000009000003e8')).toBeUndefined();
    expect(load('ffffffff00000001')).toBeUndefined();
  });
});

describe('the time index', () => {
  it('is written as Kafka writes it, strictly rising', () => {
    const index = new TimeIndex(offset(100));
    index.append(-1, offset(101));
    index.append(START_MS, offset(105));
    index.append(START_MS, offset(110));
    index.append(START_MS + 5, offset(120));
    expect(hex(index.bytes)).toBe('0000018bcfe5680000000005' + '0000018bcfe5680500000014');
    expect(index.entryBefore(START_MS - 1)).toBeUndefined();
    expect(index.entryBefore(START_MS + 4)?.offset).toBe(105);
    expect(index.last).toEqual({ timestampMs: START_MS + 5, offset: 120 });
    index.truncateTo(offset(120));
    expect(index.last).toEqual({ timestampMs: START_MS, offset: 105 });
  });
});

describe('the transaction index', () => {
  it('is written as Kafka writes it', () => {
    const transactions = [
      {
        producerId: producerId(5),
        firstOffset: offset(1),
        lastOffset: offset(9),
        lastStableOffset: offset(10),
      },
    ];
    const bytes = encodeAborted(transactions);
    expect(hex(bytes)).toBe(
      '0000' + '0000000000000005' + '0000000000000001' + '0000000000000009' + '000000000000000a',
    );
    expect(decodeAborted(bytes, offset(0), offset(10))).toEqual(transactions);
    expect(decodeAborted(bytes, offset(0), offset(9))).toBeUndefined();
    expect(decodeAborted(bytes.subarray(1), offset(0), offset(10))).toBeUndefined();
    expect(abortedWithin(transactions, offset(9), offset(20))).toEqual({
      transactions,
      isComplete: false,
    });
    expect(abortedWithin(transactions, offset(10), offset(20)).transactions).toEqual([]);
    expect(abortedWithin(transactions, offset(0), offset(5))).toEqual({
      transactions,
      isComplete: true,
    });
    expect(abortedWithin(transactions, offset(0), offset(1)).transactions).toEqual([]);
  });
});

describe('a producer snapshot', () => {
  it('is written as Kafka writes it, and one flipped bit spoils it', () => {
    const entries = [
      {
        producerId: producerId(7),
        epoch: producerEpoch(2),
        coordinatorEpoch: -1,
        lastTimestampMs: START_MS,
        txnFirstOffset: offset(40),
        batches: [
          { lastSequence: 11, lastOffset: offset(43), offsetDelta: 3, timestampMs: START_MS },
        ],
      },
      {
        producerId: producerId(8),
        epoch: producerEpoch(0),
        coordinatorEpoch: 6,
        lastTimestampMs: 1,
        txnFirstOffset: NO_TRANSACTION,
        batches: [],
      },
    ];
    const bytes = encodeSnapshot(entries, 2, crc32cJs);
    expect(bytes.length).toBe(10 + 2 * 46);
    expect(hex(bytes.subarray(0, 2))).toBe('0001');
    expect(hex(bytes.subarray(6, 56))).toBe(
      '00000002' +
        '0000000000000007' +
        '0002' +
        '0000000b' +
        '000000000000002b' +
        '00000003' +
        '0000018bcfe56800' +
        'ffffffff' +
        '0000000000000028',
    );
    expect(decodeSnapshot(bytes, crc32cJs)).toEqual(entries);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const rotten = bytes.slice();
      rotten[bit >> 3]! ^= 1 << (bit & 7);
      expect(decodeSnapshot(rotten, crc32cJs)).toBeUndefined();
    }
  });
});

describe('checkpoint files', () => {
  it('are text, as Kafka writes it', () => {
    const epochs = [
      { epoch: leaderEpoch(0), startOffset: offset(0) },
      { epoch: leaderEpoch(3), startOffset: offset(12) },
    ];
    expect(asciiText(encodeLeaderEpochs(epochs))).toBe('0\n2\n0 0\n3 12\n');
    expect(decodeLeaderEpochs(encodeLeaderEpochs(epochs))).toEqual(epochs);
    const offsets = [{ topic: 'my.topic-1', partition: 4, offset: offset(77) }];
    expect(asciiText(encodeOffsetCheckpoints(offsets))).toBe('0\n1\nmy.topic-1 4 77\n');
    expect(decodeOffsetCheckpoints(encodeOffsetCheckpoints(offsets))).toEqual(offsets);
    expect(asciiText(encodePartitionMetadata(TOPIC_ID))).toBe(
      'version: 0\ntopic_id: ASNFZ4mrze8BI0VniavN7w',
    );
    expect(decodePartitionMetadata(encodePartitionMetadata(TOPIC_ID))).toBe(TOPIC_ID);
    for (const text of [
      '',
      '1\n0\n',
      '0\n2\n0 0\n',
      '0\n1\nx y\n',
      '0\n1\n0 0 0\n',
      '0\n1\n-1 4\n',
    ])
      expect(decodeLeaderEpochs(asciiBytes(text))).toBeUndefined();
    expect(decodeOffsetCheckpoints(asciiBytes('0\n0\n'))).toEqual([]);
  });
});

describe('files of any content', () => {
  it('are loaded or refused, never believed beyond their segment, never a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(2_000), (bytes, size) => {
        const offsets = OffsetIndex.load(offset(50), bytes.slice(), size);
        if (offsets !== undefined) {
          for (const target of [0, 50, 51, 1e9])
            expect(offsets.positionBefore(offset(target))).toBeLessThanOrEqual(size);
          expect(offsets.boundaryBefore(size)).toBeLessThanOrEqual(size);
        }
        const times = TimeIndex.load(offset(50), bytes.slice(), offset(500));
        expect(times?.entryBefore(START_MS)?.offset ?? 0).toBeLessThan(500);
        decodeAborted(bytes, offset(0), offset(size));
        decodeSnapshot(bytes, crc32cJs);
        decodeLeaderEpochs(bytes);
        decodeOffsetCheckpoints(bytes);
        decodePartitionMetadata(bytes);
      }),
    );
  });
});

describe('leader epochs', () => {
  const epochs = (...entries: [number, number][]) =>
    new LeaderEpochs(
      entries.map(([epoch, start]) => ({ epoch: leaderEpoch(epoch), startOffset: offset(start) })),
    );
  const listed = (one: LeaderEpochs) =>
    one.entries.map(({ epoch, startOffset }) => [epoch, startOffset]);
  const end = (one: LeaderEpochs, epoch: number, logEnd: number) =>
    Object.values(one.endOf(leaderEpoch(epoch), offset(logEnd)));

  it('answer where an epoch ends, as KIP-101 and KIP-279 ask', () => {
    const one = epochs([2, 10], [4, 20], [7, 30]);
    expect(end(one, 7, 35)).toEqual([7, 35]);
    expect(end(one, 4, 35)).toEqual([4, 30]);
    expect(end(one, 5, 35)).toEqual([4, 30]);
    expect(end(one, 6, 35)).toEqual([4, 30]);
    expect(end(one, 2, 35)).toEqual([2, 20]);
    expect(end(one, 1, 35)).toEqual([1, 10]);
    expect(end(one, 8, 35)).toEqual([-1, -1]);
    expect(end(one, -1, 35)).toEqual([-1, -1]);
    expect(end(epochs(), 0, 35)).toEqual([-1, -1]);
  });

  it('drop what contradicts a newer entry', () => {
    const one = epochs([2, 10], [4, 20], [7, 30]);
    one.assign(leaderEpoch(8), offset(20));
    expect(listed(one)).toEqual([
      [2, 10],
      [8, 20],
    ]);
    one.assign(leaderEpoch(8), offset(25));
    expect(listed(one)).toEqual([
      [2, 10],
      [8, 20],
    ]);
    one.assign(leaderEpoch(8), offset(15));
    expect(listed(one)).toEqual([
      [2, 10],
      [8, 15],
    ]);
  });

  it('follow the log at both of its ends', () => {
    const one = epochs([2, 10], [4, 20], [7, 30]);
    one.truncateFromEnd(offset(30));
    expect(listed(one)).toEqual([
      [2, 10],
      [4, 20],
    ]);
    one.truncateFromStart(offset(15));
    expect(listed(one)).toEqual([
      [2, 15],
      [4, 20],
    ]);
    one.truncateFromStart(offset(20));
    expect(listed(one)).toEqual([[4, 20]]);
    one.truncateFromStart(offset(19));
    expect(listed(one)).toEqual([[4, 20]]);
    expect(one.epochAt(offset(25))).toBe(4);
    expect(one.epochAt(offset(5))).toBeUndefined();
  });
});

describe('the map of keys', () => {
  it('does what a Map does, up to its bound', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 400 }),
        fc.nat(20_000),
        fc.integer(),
        (keys, bytesMax, seed) => {
          const map = new KeyOffsets(bytesMax, seed);
          const model = new Map<string, number>();
          keys.forEach((key, n) => {
            if (map.put(key, n)) model.set(hex(key), n);
            else expect(model.has(hex(key))).toBe(false);
          });
          expect(map.size).toBe(model.size);
          for (const key of keys) expect(map.get(key)).toBe(model.get(hex(key)) ?? -1);
        },
      ),
    );
  });
});

describe('indexes on the disk', () => {
  const random = seededRandom(4);
  const config = { segmentBytes: 3_000, indexIntervalBytes: 200 };
  const words = Array.from({ length: 120 }, (_, n) => `word-${n}`);

  async function closed() {
    const volume = createMemoryVolume({ random });
    const log = await openLog(volume, { random, config });
    for (const [n, word] of words.entries())
      append(log, [word], { timestampMs: START_MS + n * 10 });
    await log.close({ clean: true });
    return volume;
  }

  it('satisfy what kafka-dump-log checks', async () => {
    const volume = await closed();
    const counts = await checkFiles(volume, 'words-0');
    expect(counts.batches).toBe(120);
    expect(counts.offsetEntries).toBeGreaterThan(20);
    expect(counts.timeEntries).toBeGreaterThan(20);
    expect(counts.snapshots).toBeGreaterThan(1);
  });

  it.each(['.index', '.timeindex'])(
    'are built anew when %s is missing or any byte of it is wrong',
    async (suffix) => {
      const volume = await closed();
      const name = `words-0/00000000000000000000${suffix}`;
      const sound = (await volume.readSmall(name))!;
      for (let n = -1; n < sound.length; n++) {
        if (n < 0) await volume.remove(name);
        else
          await volume.replace(
            name,
            sound.map((byte, at) => (at === n ? byte ^ 0x41 : byte)),
          );
        const log = await openLog(volume, { random, config, cleanShutdown: true });
        expect(valuesOf(await readAll(log, at(3), 5_000))).toEqual(words.slice(3));
        for (let word = 0; word < 40; word += 3) {
          const found = await log.offsetForTimestamp(START_MS + word * 10 - 9, log.logEndOffset);
          expect(found).toMatchObject({ offset: word, timestampMs: START_MS + word * 10 });
          expect(
            await log.read(at(word), {
              maxBytes: 1,
              atLeastOneBatch: true,
              below: log.logEndOffset,
            }),
          ).toMatchObject({ firstOffset: word });
        }
        expect(await log.maxTimestampOffset()).toMatchObject({ offset: 119 });
        await log.close({ clean: true });
      }
    },
  );
});
