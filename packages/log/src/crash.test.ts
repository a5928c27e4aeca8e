/**
 * Random lives of one log, with stops at any moment, and one canonical life that is stopped at every single operation on the
 * disk. Whatever happens: every acknowledged batch is there afterwards byte for byte, in order, once; what was not
 * acknowledged is there as a front or not at all; a producer's repeat is known.
 */
import { describe, expect, it } from 'vitest';
import { offset } from '@odradek/protocol';
import { seededRandom } from '@odradek/ports/testing';
import { MemoryDisk } from '@odradek/storage/memory';
import type { TornTail } from '@odradek/storage/memory';
import { checkFiles } from './testing/check-files.ts';
import { turns } from './testing/fixture.ts';
import { Life } from './testing/life.ts';

async function crash(life: Life, disk: MemoryDisk, torn: TornTail | undefined): Promise<void> {
  // The process is gone: whatever it would still have said, nobody hears.
  life.log.onFlushed = () => {};
  life.log.onFailed = () => {};
  disk.crash(torn);
  await turns(20);
  life.volume = disk.mount();
}

async function step(life: Life, disk: MemoryDisk): Promise<void> {
  const { log } = life;
  const choice = life.pick(100);
  if (choice < 55) {
    for (let n = 1 + life.pick(6); n > 0; n--) life.append();
  } else if (choice < 70) {
    await turns(life.pick(30));
  } else if (choice < 76) {
    await log.flush();
    expect(log.flushedOffset).toBe(log.logEndOffset);
    await life.check();
  } else if (choice < 80) {
    life.recoveryPoint = log.recoveryPoint;
  } else if (choice < 83) {
    log.setHighWatermark(log.flushedOffset);
    log.deleteRecordsBefore(offset(log.logStartOffset + life.pick(5)));
    life.logStart = log.logStartOffset;
    life.clock.advance(100);
  } else if (choice < 86) {
    await log.enforceRetention();
    life.logStart = log.logStartOffset;
    life.clock.advance(100_000);
  } else if (choice < 89) {
    await life.truncate();
    await life.check();
    life.repeatLast();
  } else if (choice < 93) {
    await log.close({ clean: true });
    life.acknowledged = log.logEndOffset;
    await checkFiles(life.volume, 'words-0');
    await life.open({ cleanShutdown: true });
    await life.afterStop();
  } else {
    expect(life.failures).toEqual([]);
    // The process alone leaves the front of what it wrote, the machine anything.
    const isPowerLoss = choice >= 96;
    await crash(life, disk, isPowerLoss ? undefined : choice === 93 ? 'prefix' : 'whole');
    await life.open({ powerLoss: isPowerLoss });
    await life.afterStop();
  }
}

describe('a log through random stops', () => {
  const seeds = Array.from({ length: 40 }, (_, n) => n + 1);
  it.each(seeds)('keeps what it acknowledged (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    const disk = new MemoryDisk({ random });
    const life = new Life(disk.mount(), random, {
      segmentBytes: 1_500 + (seed % 7) * 1_000,
      indexIntervalBytes: seed % 3 === 0 ? 0 : 300,
      retentionMs: -1,
      retentionBytes: seed % 2 === 0 ? 20_000 : -1,
      maxMessageBytes: 1_500,
    });
    await life.open();
    for (let n = 0; n < 120; n++) await step(life, disk);
  });
});

describe('a canonical life, stopped at each operation on the disk', () => {
  const config = {
    segmentBytes: 900,
    indexIntervalBytes: 200,
    retentionBytes: 2_500,
    maxMessageBytes: 1_500,
  };

  /** Appends, rolls, DeleteRecords, retention, a truncation into an older segment, a clean stop and a start, a beginning anew. */
  async function run(life: Life, opened: () => void): Promise<void> {
    await life.open();
    opened();
    for (let n = 0; n < 6; n++) {
      life.append();
      life.append();
      await turns(15);
    }
    await life.log.flush();
    life.recoveryPoint = life.log.recoveryPoint;
    life.log.setHighWatermark(life.log.logEndOffset);
    life.logStart = life.log.deleteRecordsBefore(offset(3))!;
    for (let n = 0; n < 10; n++) life.append();
    await life.log.flush();
    life.log.setHighWatermark(life.log.logEndOffset);
    await life.log.enforceRetention();
    life.logStart = life.log.logStartOffset;
    life.clock.advance(100_000);
    await turns();
    await life.truncate();
    for (let n = 0; n < 5; n++) life.append();
    await life.log.flush();
    await life.log.close({ clean: true });
    life.acknowledged = life.log.logEndOffset;
    life.recoveryPoint = life.log.recoveryPoint;
    await life.open({ cleanShutdown: true });
    for (let n = 0; n < 5; n++) life.append();
    await life.log.flush();
    await life.beginAnew(1_000);
    for (let n = 0; n < 8; n++) life.append();
    await life.log.flush();
  }

  async function stopAt(operation: number, torn: TornTail | undefined): Promise<boolean> {
    const random = seededRandom(5);
    let count = 0;
    let isStopped = false;
    let isOpened = false;
    const disk: MemoryDisk = new MemoryDisk({
      random: seededRandom(operation),
      pace: () => {
        if (++count !== operation) return undefined;
        isStopped = true;
        if (isOpened) life.log.onFlushed = () => {};
        disk.crash(torn);
        return undefined;
      },
    });
    const life = new Life(disk.mount(), random, config);
    const finished = run(life, () => (isOpened = true)).then(
      () => true,
      (error: unknown) => {
        if (!isStopped) throw error;
        return false;
      },
    );
    // A stop may leave a promise that nothing settles: the process is gone.
    await Promise.race([finished, turns(20_000)]);
    if (!isStopped) return false;
    await turns(20);
    count = Number.NEGATIVE_INFINITY;
    life.volume = disk.mount();
    await life.open({ powerLoss: true });
    await life.afterStop();
    life.append();
    await life.log.flush();
    await life.log.close({ clean: true });
    await checkFiles(life.volume, 'words-0');
    return true;
  }

  const tails: readonly (TornTail | undefined)[] = ['lost', 'whole', 'holes'];
  it.each(tails)('keeps what it acknowledged (unsynced bytes: %s)', async (torn) => {
    let operation = 1;
    try {
      while (await stopAt(operation, torn)) operation++;
    } catch (error) {
      throw new Error(`stopped at operation ${operation}`, { cause: error });
    }
    expect(operation).toBeGreaterThan(100);
  });
});
