/**
 * The folder of a partition, byte for byte, as Kafka 4.2 would have written it. The sizes and offsets below can be followed
 * by hand: a batch of one four-letter word is 72 bytes, the index interval is 100, a segment takes five batches.
 */
import { describe, expect, it } from 'vitest';
import { BatchView, leaderEpoch, offset, setBaseOffset, setLeaderEpoch } from '@odradek/protocol';
import { seededRandom } from '@odradek/ports/testing';
import { createMemoryVolume } from '@odradek/storage/memory';
import { checkFiles } from './testing/check-files.ts';
import { START_MS, batchOf, openLog, turns } from './testing/fixture.ts';
import { asciiText } from './text.ts';

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const segment = (base: number, suffix: string): string =>
  `words-0/${String(base).padStart(20, '0')}${suffix}`;

describe('the folder of a partition', () => {
  it("is Kafka's own", async () => {
    const volume = createMemoryVolume({ random: seededRandom(1) });
    const log = await openLog(volume, {
      random: seededRandom(1),
      config: { segmentBytes: 5 * 72, indexIntervalBytes: 100 },
    });
    const stored: number[] = [];
    for (let n = 0; n < 8; n++) {
      // Timestamps rise, but for a dip at offset 3.
      const sent = batchOf([`wo-${n}`], {
        timestampMs: START_MS + (n === 3 ? 1 : n * 10),
        producerId: 9,
        producerEpoch: 1,
        baseSequence: n,
      });
      const epoch = leaderEpoch(n < 6 ? 4 : 5);
      expect(log.appendAsLeader(sent, { leaderEpoch: epoch, origin: 'client' }).status).toBe(
        'appended',
      );
      const batch = new BatchView(sent);
      setBaseOffset(batch, offset(n));
      setLeaderEpoch(batch, epoch);
      stored.push(...sent);
    }
    await turns();
    await log.close({ clean: true });

    const names = (await volume.list('')).map(({ name, sizeBytes }) => `${name} ${sizeBytes}`);
    expect(names).toEqual([
      'words-0/00000000000000000000.index 16',
      'words-0/00000000000000000000.log 360',
      'words-0/00000000000000000000.timeindex 24',
      'words-0/00000000000000000005.index 8',
      'words-0/00000000000000000005.log 216',
      'words-0/00000000000000000005.snapshot 56',
      'words-0/00000000000000000005.timeindex 12',
      'words-0/00000000000000000008.snapshot 56',
      'words-0/leader-epoch-checkpoint 12',
      'words-0/partition.metadata 43',
      // Ours, beside Kafka's: what a snapshot has no place for.
      'words-0/recent-batches 149',
    ]);
    const file = async (name: string): Promise<Uint8Array> => (await volume.readSmall(name))!;
    expect([...(await file(segment(0, '.log'))), ...(await file(segment(5, '.log')))]).toEqual(
      stored,
    );
    // After more than 100 bytes: the third batch at 144; then the fifth at 288.
    expect(hex(await file(segment(0, '.index')))).toBe(
      '00000002' + '00000090' + '00000004' + '00000120',
    );
    const ms = (after: number): string =>
      BigInt(START_MS + after)
        .toString(16)
        .padStart(16, '0');
    expect(hex(await file(segment(0, '.timeindex')))).toBe(
      ms(20) + '00000002' + ms(40) + '00000004',
    );
    expect(hex(await file(segment(5, '.index')))).toBe('00000002' + '00000090');
    expect(hex(await file(segment(5, '.timeindex')))).toBe(ms(70) + '00000002');
    expect(asciiText(await file('words-0/leader-epoch-checkpoint'))).toBe('0\n2\n4 0\n5 6\n');
    expect(asciiText(await file('words-0/partition.metadata'))).toBe(
      'version: 0\ntopic_id: ASNFZ4mrze8BI0VniavN7w',
    );
    // Version, checksum, one producer: id, epoch, last sequence, last offset, delta, timestamp, no coordinator, no transaction.
    const snapshot = hex(await file(segment(8, '.snapshot')));
    expect(snapshot.slice(0, 4) + snapshot.slice(12)).toBe(
      '0001' +
        '00000001' +
        '0000000000000009' +
        '0001' +
        '00000007' +
        '0000000000000007' +
        '00000000' +
        ms(70) +
        'ffffffff' +
        'ffffffffffffffff',
    );
    expect(await checkFiles(volume, 'words-0')).toEqual({
      batches: 8,
      offsetEntries: 3,
      timeEntries: 3,
      snapshots: 2,
    });
  });
});

describe('a clean start', () => {
  it('takes a handful of operations, however long the log is', async () => {
    const volume = createMemoryVolume({ random: seededRandom(1) });
    const options = {
      random: seededRandom(1),
      config: { segmentBytes: 300_000, maxMessageBytes: 1e6 },
    };
    const log = await openLog(volume, options);
    for (let n = 0; n < 160; n++) {
      log.appendAsLeader(
        batchOf(['x'.repeat(10_000)], {
          producerId: 1,
          producerEpoch: 0,
          baseSequence: n,
          timestampMs: START_MS + n,
        }),
        { leaderEpoch: leaderEpoch(0), origin: 'client' },
      );
      if (n % 10 === 0) await log.flush();
    }
    await log.close({ clean: true });
    const files = await volume.list('words-0/');
    const operations: string[] = [];
    const before = { ...volume.disk.counters };
    const counted = {
      ...volume,
      traits: volume.traits,
      list: (prefix: string) => (operations.push('list'), volume.list(prefix)),
      open: (name: string) => (operations.push('open'), volume.open(name)),
      replace: (name: string, bytes: Uint8Array) => (
        operations.push('replace'),
        volume.replace(name, bytes)
      ),
      readSmall: (name: string) => (operations.push('readSmall'), volume.readSmall(name)),
      remove: (name: string) => (operations.push('remove'), volume.remove(name)),
      close: () => volume.close(),
    };
    const again = await openLog(counted, { ...options, cleanShutdown: true, files });
    expect(again.logEndOffset).toBe(160);
    // Metadata, epochs, two indexes, a snapshot with its recent batches, and the one file that will be appended to.
    expect(operations.sort()).toEqual([
      'open',
      'readSmall',
      'readSmall',
      'readSmall',
      'readSmall',
      'readSmall',
      'readSmall',
    ]);
    expect(volume.disk.counters.reads - before.reads).toBeLessThanOrEqual(5);
    expect(volume.disk.counters.bytesRead - before.bytesRead).toBeLessThan(50_000);
    operations.length = 0;
    await again.close({ clean: true });
    expect(operations).toEqual([]);
  });

  it('of an empty log opens no file', async () => {
    const volume = createMemoryVolume({ random: seededRandom(1) });
    const log = await openLog(volume, { random: seededRandom(1) });
    await log.close({ clean: true });
    expect((await volume.list('')).map(({ name }) => name)).toEqual(['words-0/partition.metadata']);
    const again = await openLog(volume, { random: seededRandom(1), cleanShutdown: true });
    expect(again.logEndOffset).toBe(0);
    await again.close({ clean: true });
    expect((await volume.list('')).map(({ name }) => name)).toEqual(['words-0/partition.metadata']);
  });
});
