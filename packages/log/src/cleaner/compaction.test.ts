/**
 * Compaction told as stories, against a Map that says what a reader must end up with, and stopped at every operation.
 */
import { describe, expect, it } from 'vitest';
import { batchesIn, buildBatch, crc32cJs, endTxnMarker } from '@odradek/protocol';
import type { Random } from '@odradek/ports';
import { seededRandom } from '@odradek/ports/testing';
import { MemoryDisk, createMemoryVolume } from '@odradek/storage/memory';
import type { TornTail } from '@odradek/storage/memory';
import type { LogConfig } from '../log-config.ts';
import type { PartitionLog } from '../partition-log.ts';
import { checkFiles } from '../testing/check-files.ts';
import {
  EPOCH,
  HandClock,
  START_MS,
  append,
  at,
  openLog,
  readAll,
  turns,
  valuesOf,
  xorCodec,
} from '../testing/fixture.ts';
import type { ReadWord, Words } from '../testing/fixture.ts';

const random = seededRandom(3);
const compacted: Partial<LogConfig> = {
  cleanupPolicy: ['compact'],
  segmentBytes: 400,
  indexIntervalBytes: 100,
  deleteRetentionMs: 1_000,
};

async function settle(log: PartitionLog): Promise<void> {
  await log.flush();
  log.setHighWatermark(log.logEndOffset);
}

/** A segment of its own for each list, and an empty active one behind. */
async function fill(log: PartitionLog, ...lists: Words[]): Promise<void> {
  for (const words of lists) {
    append(log, words);
    log.updateConfig({ ...log.config, segmentBytes: 200 });
    append(log, [['filler', 'x'.repeat(100)]]);
    append(log, [['filler', 'x'.repeat(100)]]);
  }
  await settle(log);
}

const pairs = (words: readonly ReadWord[]): string[] =>
  words.map((word) => `${word.offset}:${word.key}=${word.value}`);
const without = (words: readonly ReadWord[], key: string): ReadWord[] =>
  words.filter((word) => word.key !== key);

describe('compaction', () => {
  it('keeps the last value of each key, at its old offset', async () => {
    const log = await openLog(createMemoryVolume({ random }), { random, config: compacted });
    await fill(
      log,
      [
        ['a', '1'],
        ['b', '1'],
        ['a', '2'],
      ],
      [
        ['b', '2'],
        ['c', '1'],
      ],
      [['a', '3']],
    );
    const end = log.logEndOffset;
    expect((await log.compactionNeed()).isNeeded).toBe(true);
    expect(await log.compact()).toMatchObject({ status: 'cleaned', isMapFull: false });
    expect(pairs(without(await readAll(log), 'filler'))).toEqual(['5:b=2', '6:c=1', '9:a=3']);
    expect(log.logEndOffset).toBe(end);
    expect(log.logStartOffset).toBe(0);
    expect((await log.compactionNeed()).isNeeded).toBe(false);
    expect((await log.compact()).status).toBe('nothing');
    // A read at an offset that is gone gives what comes behind it.
    const read = await log.read(at(1), { maxBytes: 1, atLeastOneBatch: true, below: end });
    expect(read).toMatchObject({ status: 'ok', firstOffset: 5 });
  });

  it('keeps a tombstone until consumers had the time to see it', async () => {
    const clock = new HandClock();
    const log = await openLog(createMemoryVolume({ random }), { random, clock, config: compacted });
    await fill(
      log,
      [
        ['a', '1'],
        ['b', '1'],
      ],
      [['a', null]],
    );
    await log.compact();
    expect(pairs(without(await readAll(log), 'filler'))).toEqual(['1:b=1', '4:a=null']);
    clock.advance(999);
    await fill(log, [['c', '1']]);
    await log.compact();
    expect(pairs(without(await readAll(log), 'filler'))).toEqual([
      '1:b=1',
      '4:a=null',
      expect.stringContaining('c=1'),
    ]);
    clock.advance(2);
    await fill(log, [['c', '2']]);
    await log.compact();
    expect(pairs(without(await readAll(log), 'filler'))).toEqual([
      '1:b=1',
      expect.stringContaining('c=2'),
    ]);
  });

  it('leaves alone the active segment, what is above the high watermark, and what is too young', async () => {
    const clock = new HandClock();
    const log = await openLog(createMemoryVolume({ random }), {
      random,
      clock,
      config: { ...compacted, minCompactionLagMs: 500 },
    });
    await fill(log, [
      ['a', '1'],
      ['a', '2'],
    ]);
    expect((await log.compact()).status).toBe('nothing');
    clock.advance(1_000);
    log.updateConfig({ ...log.config, minCompactionLagMs: 0 });
    const hw = log.highWatermark;
    const unstable = await openLog(createMemoryVolume({ random }), { random, config: compacted });
    await fill(unstable, [
      ['a', '1'],
      ['a', '2'],
    ]);
    unstable.setHighWatermark(at(1));
    // The mark never falls by itself; here it is a fresh replica's.
    expect(unstable.highWatermark).toBe(1);
    expect((await unstable.compact()).status).toBe('nothing');
    expect(log.highWatermark).toBe(hw);
    expect((await log.compact()).status).toBe('cleaned');
  });

  it('remembers producers: their last batch stays as a header', async () => {
    const log = await openLog(createMemoryVolume({ random }), { random, config: compacted });
    const sent = { producerId: 7, producerEpoch: 0 };
    append(log, [['a', '1']], { ...sent, baseSequence: 0 });
    append(log, [['b', '1']], { ...sent, baseSequence: 1 });
    await fill(log, [
      ['a', '2'],
      ['b', '2'],
    ]);
    await log.compact();
    expect(pairs(without(await readAll(log), 'filler'))).toEqual(['2:a=2', '3:b=2']);
    await log.close({ clean: false });
  });

  it('drops aborted transactions, and their markers when their time has come', async () => {
    const clock = new HandClock();
    const log = await openLog(createMemoryVolume({ random }), { random, clock, config: compacted });
    const txn = { producerId: 9, producerEpoch: 0, isTransactional: true };
    append(log, [['a', 'kept']]);
    append(log, [['a', 'aborted']], { ...txn, baseSequence: 0 });
    const marker = (kind: 'abort' | 'commit') => {
      const records = [endTxnMarker(kind, 1, START_MS)];
      const bytes = buildBatch({ records, crc32c: crc32cJs, ...txn, isControl: true });
      expect(log.appendAsLeader(bytes, { leaderEpoch: EPOCH, origin: 'coordinator' }).status).toBe(
        'appended',
      );
    };
    marker('abort');
    append(log, [['b', 'committed']], { ...txn, baseSequence: 1 });
    marker('commit');
    await fill(log, [['c', '1']], [['c', '2']]);
    expect(await log.abortedTransactions(at(0), at(10))).toMatchObject([
      { producerId: 9, firstOffset: 1, lastOffset: 2 },
    ]);
    await log.compact();
    expect(pairs(without(await readAll(log), 'filler')).slice(0, 2)).toEqual([
      '0:a=kept',
      '3:b=committed',
    ]);
    expect(log.lastStableOffset).toBe(log.logEndOffset);
    // The round that drops the data still lists it; the next finds the marker idle and gives it a horizon, a later one drops it.
    expect(await log.abortedTransactions(at(0), at(10))).toHaveLength(1);
    const batches = async (): Promise<number[]> => {
      const read = await log.read(at(0), { maxBytes: 1_000, atLeastOneBatch: true, below: at(6) });
      return read.status === 'ok'
        ? read.records.flatMap((bytes) => Array.from(batchesIn(bytes), (batch) => batch.baseOffset))
        : [];
    };
    await fill(log, [['c', '3']]);
    await log.compact();
    expect(await log.abortedTransactions(at(0), at(10))).toEqual([]);
    expect(await batches()).toEqual([0, 2, 3, 4]);
    clock.advance(2_000);
    await fill(log, [['c', '4']]);
    await log.compact();
    // The commit marker stays: its transaction has a record left.
    expect(await batches()).toEqual([0, 3, 4]);
  });

  it('goes round by round when the keys are more than it may hold', async () => {
    const log = await openLog(createMemoryVolume({ random }), {
      random,
      config: { ...compacted, segmentBytes: 2_000 },
    });
    const last = new Map<string, string>();
    for (let n = 0; n < 300; n++) {
      append(log, [[`key-${n % 40}`, String(n)]]);
      last.set(`key-${n % 40}`, String(n));
    }
    await settle(log);
    let rounds = 0;
    while ((await log.compact({ mapBytesMax: 10 * 30 })).isMapFull) rounds++;
    expect(rounds).toBeGreaterThan(3);
    const words = await readAll(log);
    expect(words.length).toBeLessThan(150);
    expect(new Map(words.map((word) => [word.key, word.value]))).toEqual(last);
  });

  it('keeps batches compressed that were', async () => {
    const log = await openLog(createMemoryVolume({ random }), { random, config: compacted });
    append(
      log,
      [
        ['a', '1'],
        ['b', '1'],
      ],
      { compress: xorCodec },
    );
    await fill(log, [['a', '2']]);
    await log.compact();
    expect(pairs(without(await readAll(log), 'filler'))).toEqual(['1:b=1', '2:a=2']);
  });

  it('gives way to what is urgent, and changes nothing then', async () => {
    const volume = createMemoryVolume({ random });
    const log = await openLog(volume, { random, config: compacted });
    await fill(
      log,
      [
        ['a', '1'],
        ['b', '1'],
      ],
      [['a', '2']],
    );
    const release = volume.disk.hold('append', 'words-0/00000000000000000000.log.cleaned');
    const compaction = log.compact();
    await turns();
    const truncation = log.truncateTo(at(6));
    release();
    expect((await compaction).status).toBe('interrupted');
    expect(await truncation).toBe(true);
    expect(pairs(await readAll(log)).slice(0, 2)).toEqual(['0:a=1', '1:b=1']);
    expect((await volume.list('')).filter((entry) => entry.name.includes('cleaned'))).toEqual([]);
  });

  it('survives a full disk: the log goes on, uncompacted', async () => {
    const volume = createMemoryVolume({ random });
    const log = await openLog(volume, { random, config: compacted });
    await fill(
      log,
      [
        ['a', '1'],
        ['b', '1'],
      ],
      [['a', '2']],
    );
    volume.disk.failNext('append', 'full', 0, 'words-0/00000000000000000000.log.cleaned');
    await expect(log.compact()).rejects.toMatchObject({ kind: 'full' });
    append(log, [['b', '1']]);
    await log.flush();
    expect((await log.compact()).status).toBe('cleaned');
  });

  it('serves readers of the old segments while the new one takes their place', async () => {
    const volume = createMemoryVolume({ random });
    const log = await openLog(volume, { random, config: compacted });
    await fill(
      log,
      [
        ['a', '1'],
        ['a', '2'],
      ],
      [
        ['b', '1'],
        ['a', '3'],
      ],
    );
    await log.close({ clean: true });
    const again = await openLog(volume, { random, cleanShutdown: true, config: compacted });
    again.setHighWatermark(again.logEndOffset);
    const release = volume.disk.hold('read', 'words-0/00000000000000000000.log');
    const reading = readAll(again);
    const compaction = again.compact();
    await turns();
    release();
    expect((await compaction).status).toBe('cleaned');
    const last = new Map((await reading).map((word) => [word.key, word.value]));
    expect(last.get('a')).toBe('3');
    expect(last.get('b')).toBe('1');
    expect(valuesOf(without(await readAll(again), 'filler'))).toEqual(['1', '3']);
  });
});

/** What a reader of the whole log ends up with. */
function table(words: readonly ReadWord[]): Map<string | null, string> {
  const last = new Map<string | null, string>();
  for (const { key, value } of words) {
    if (value === null) last.delete(key);
    else last.set(key, value);
  }
  return last;
}

class Keeper {
  readonly model = new Map<string, string>();
  /** By offset, all that was ever appended. */
  readonly appended: string[] = [];
  readonly random: Random;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  write(log: PartitionLog): void {
    const words = Array.from(
      { length: 1 + (this.random.uint32() % 3) },
      (): readonly [string, string | null] => {
        const key = `k${this.random.uint32() % 12}`;
        const value =
          this.random.uint32() % 5 === 0
            ? null
            : `${this.appended.length}-${'v'.repeat(this.random.uint32() % 30)}`;
        return [key, value];
      },
    );
    append(log, words, this.random.uint32() % 2 === 0 ? { compress: xorCodec } : {});
    for (const [key, value] of words) {
      this.appended.push(`${key}=${value}`);
      if (value === null) this.model.delete(key);
      else this.model.set(key, value);
    }
  }

  async check(log: PartitionLog): Promise<void> {
    const words = await readAll(log, log.logStartOffset, 1 + (this.random.uint32() % 2_000));
    for (const { offset: place, key, value } of words)
      expect(`${key}=${value}`).toBe(this.appended[place]);
    for (let n = 1; n < words.length; n++)
      expect(words[n]!.offset).toBeGreaterThan(words[n - 1]!.offset);
    expect(table(words)).toEqual(this.model);
    expect(log.logEndOffset).toBe(this.appended.length);
  }
}

describe('compaction through random lives', () => {
  it.each(Array.from({ length: 25 }, (_, n) => n + 1))(
    'a reader ends up with what was written last (seed %i)',
    async (seed) => {
      const keeper = new Keeper(seed);
      const clock = new HandClock();
      const disk = new MemoryDisk({ random: keeper.random });
      let volume = disk.mount();
      const config = { ...compacted, segmentBytes: 500 + (seed % 5) * 300 };
      let log = await openLog(volume, { random: keeper.random, clock, config });
      for (let n = 0; n < 60; n++) {
        const choice = keeper.random.uint32() % 12;
        if (choice < 7) keeper.write(log);
        else if (choice < 9) {
          await settle(log);
          await log.compact({ mapBytesMax: 100 + (keeper.random.uint32() % 1_000) });
          await keeper.check(log);
        } else if (choice === 9) clock.advance(keeper.random.uint32() % 1_500);
        else {
          await settle(log);
          const { recoveryPoint, firstDirtyOffset } = log;
          const isClean = choice === 10;
          if (isClean) {
            await log.close({ clean: true });
            await checkFiles(volume, 'words-0');
          } else {
            disk.crash();
            await turns();
            volume = disk.mount();
          }
          log = await openLog(volume, {
            random: keeper.random,
            clock,
            config,
            recoveryPoint,
            firstDirtyOffset,
            cleanShutdown: isClean,
            powerLoss: true,
          });
          log.setHighWatermark(log.logEndOffset);
          await keeper.check(log);
        }
      }
      await keeper.check(log);
    },
  );
});

describe('a compaction stopped at each operation on the disk', () => {
  const tails: readonly (TornTail | undefined)[] = ['lost', 'holes'];

  async function stopAt(operation: number, torn: TornTail | undefined): Promise<boolean> {
    const keeper = new Keeper(11);
    let count = Number.NEGATIVE_INFINITY;
    const disk: MemoryDisk = new MemoryDisk({
      random: seededRandom(operation),
      pace: () => {
        if (++count === operation) disk.crash(torn);
        return undefined;
      },
    });
    const volume = disk.mount();
    const config = { ...compacted, segmentBytes: 700 };
    const log = await openLog(volume, { random: keeper.random, config });
    for (let n = 0; n < 20; n++) keeper.write(log);
    await settle(log);
    const { recoveryPoint } = log;
    count = 0;
    const outcome = await Promise.race([log.compact().catch(() => undefined), turns(10_000)]);
    if (typeof outcome === 'object' && outcome.status === 'cleaned') return false;
    count = Number.NEGATIVE_INFINITY;
    await turns();
    const again = await openLog(disk.mount(), {
      random: keeper.random,
      config,
      recoveryPoint,
      powerLoss: true,
    });
    again.setHighWatermark(again.logEndOffset);
    await keeper.check(again);
    expect((await again.compact()).status).toBe('cleaned');
    await keeper.check(again);
    append(again, [['k1', 'last']]);
    keeper.appended.push('k1=last');
    keeper.model.set('k1', 'last');
    await again.close({ clean: true });
    return true;
  }

  it.each(tails)('loses nothing (unsynced bytes: %s)', async (torn) => {
    let operation = 1;
    try {
      while (await stopAt(operation, torn)) operation++;
    } catch (error) {
      throw new Error(`stopped at operation ${operation}`, { cause: error });
    }
    expect(operation).toBeGreaterThan(20);
  });
});
