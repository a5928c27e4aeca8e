import { describe, expect, it } from 'vitest';
import { seededRandom } from '@odradek/ports/testing';
import { createMemoryVolume } from '@odradek/storage/memory';
import type { LogConfig } from './log-config.ts';
import {
  HandClock,
  START_MS,
  append,
  at,
  batchOf,
  openLog,
  readAll,
  turns,
  valuesOf,
} from './testing/fixture.ts';

const random = seededRandom(6);
const DAY_MS = 24 * 60 * 60 * 1000;

/** Ten batches, two a segment, a day apart. */
async function tenDays(config: Partial<LogConfig>) {
  const volume = createMemoryVolume({ random });
  const clock = new HandClock();
  const size = batchOf(['day-0']).length;
  const log = await openLog(volume, {
    random,
    clock,
    config: {
      segmentBytes: 2 * size,
      retentionMs: -1,
      messageTimestampAfterMaxMs: 100 * DAY_MS,
      ...config,
    },
  });
  for (let day = 0; day < 10; day++)
    append(log, [`day-${day}`], { timestampMs: START_MS + day * DAY_MS });
  await log.flush();
  await turns();
  log.setHighWatermark(log.logEndOffset);
  return { volume, clock, log, size };
}

const bases = async (volume: {
  list(prefix: string): Promise<readonly { readonly name: string }[]>;
}) =>
  (await volume.list('words-0/'))
    .filter(({ name }) => name.endsWith('.log'))
    .map(({ name }) => Number(name.slice(8, 28)));

describe('retention', () => {
  it('deletes segments whose youngest record is too old, and their files after the delay', async () => {
    const { volume, clock, log, size } = await tenDays({ retentionMs: 3 * DAY_MS });
    clock.advance(7.5 * DAY_MS);
    expect(await log.enforceRetention()).toEqual({ segmentsDeleted: 2, bytesDeleted: 4 * size });
    expect(log.logStartOffset).toBe(4);
    expect(valuesOf(await readAll(log))[0]).toBe('day-4');
    expect(log.read(at(3), { maxBytes: 1, atLeastOneBatch: true, below: at(10) })).toEqual({
      status: 'outOfRange',
    });
    expect(await bases(volume)).toEqual([0, 2, 4, 6, 8]);
    clock.advance(60_000);
    await turns();
    expect(await bases(volume)).toEqual([4, 6, 8]);
    expect((await volume.list('')).some(({ name }) => name.includes('00000000000000000002.'))).toBe(
      false,
    );
  });

  it('deletes the oldest segments beyond retention.bytes, never below it', async () => {
    const { log, size } = await tenDays({});
    log.updateConfig({ ...log.config, retentionBytes: 5 * size });
    expect((await log.enforceRetention()).segmentsDeleted).toBe(2);
    expect(log.sizeBytes).toBe(6 * size);
    expect((await log.enforceRetention()).segmentsDeleted).toBe(0);
  });

  it('keeps what is above the high watermark', async () => {
    const { clock, log } = await tenDays({ retentionMs: DAY_MS });
    clock.advance(30 * DAY_MS);
    log.setHighWatermark(at(5));
    await log.enforceRetention();
    expect(log.logStartOffset).toBe(4);
  });

  it('rolls the active segment when all may go, and remembers where the log ends', async () => {
    const { clock, ...made } = await tenDays({ retentionMs: DAY_MS, fileDeleteDelayMs: 0 });
    let { volume, log } = made;
    clock.advance(30 * DAY_MS);
    expect((await log.enforceRetention()).segmentsDeleted).toBe(5);
    expect([log.logStartOffset, log.logEndOffset, log.sizeBytes]).toEqual([10, 10, 0]);
    clock.advance(0);
    await turns();
    volume.crash('lost');
    volume = volume.disk.mount();
    log = await openLog(volume, { random, clock });
    // Retention itself has not been told to any checkpoint: the file's name is enough.
    expect(log.logEndOffset).toBe(10);
    expect(append(log, ['next'])).toMatchObject({ baseOffset: 10 });
  });

  it('does nothing by age or size in a log that is only compacted', async () => {
    const { clock, log } = await tenDays({ retentionMs: 1, retentionBytes: 1 });
    log.updateConfig({ ...log.config, cleanupPolicy: ['compact'] });
    clock.advance(30 * DAY_MS);
    expect((await log.enforceRetention()).segmentsDeleted).toBe(0);
  });
});

describe('DeleteRecords', () => {
  it('moves the start at once, drops whole segments behind, and is refused above the high watermark', async () => {
    const { volume, clock, log } = await tenDays({});
    log.setHighWatermark(at(8));
    expect(log.deleteRecordsBefore(at(9))).toBeUndefined();
    expect(log.deleteRecordsBefore(at(5))).toBe(5);
    expect(log.deleteRecordsBefore(at(2))).toBe(5);
    expect(valuesOf(await readAll(log))).toEqual(['day-5', 'day-6', 'day-7', 'day-8', 'day-9']);
    await turns();
    clock.advance(60_000);
    await turns();
    expect(await bases(volume)).toEqual([4, 6, 8]);
    await log.close({ clean: true });
    const again = await openLog(volume, { random, cleanShutdown: true, logStartOffset: at(5) });
    expect(again.logStartOffset).toBe(5);
    expect(again.earliest.offset).toBe(5);
  });
});

describe('segments', () => {
  it('roll by size, by the age of their records, by the size of an index', async () => {
    const volume = createMemoryVolume({ random });
    const size = batchOf(['a']).length;
    const log = await openLog(volume, {
      random,
      config: {
        segmentMs: 1_000,
        segmentBytes: 10 * size,
        indexIntervalBytes: 0,
        segmentIndexBytes: 48,
      },
    });
    const rolled = (timestampMs: number): boolean => {
      const before = log.segmentCount;
      append(log, ['a'], { timestampMs: START_MS + timestampMs });
      return log.segmentCount > before;
    };
    expect([rolled(0), rolled(500), rolled(1_000), rolled(1_001)]).toEqual([
      false,
      false,
      false,
      true,
    ]);
    // Three time entries fill 48 bytes but for the one that sealing takes.
    expect([rolled(1_002), rolled(1_003), rolled(1_004), rolled(1_005)]).toEqual([
      false,
      false,
      false,
      true,
    ]);
    log.updateConfig({ ...log.config, segmentIndexBytes: 1_000, segmentBytes: 3 * size });
    expect([rolled(1_005), rolled(1_005), rolled(1_005)]).toEqual([false, false, true]);
    await log.close({ clean: true });
  });

  it('hold no offset that an index could not', async () => {
    const log = await openLog(createMemoryVolume({ random }), { random });
    await log.truncateFullyAndStartAt(at(0));
    append(log, ['a']);
    const { BatchView, setBaseOffset } = await import('@odradek/protocol');
    const far = batchOf(['far']);
    setBaseOffset(new BatchView(far), at(2_147_483_648));
    expect(log.appendAsFollower(far).status).toBe('appended');
    expect(log.segmentCount).toBe(2);
    expect(
      await log.read(at(1), { maxBytes: 1, atLeastOneBatch: true, below: log.logEndOffset }),
    ).toMatchObject({ firstOffset: 2_147_483_648 });
  });
});
