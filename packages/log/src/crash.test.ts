/**
 * A random life of one log, with crashes at any moment. Whatever happens: every acknowledged batch is there afterwards byte
 * for byte, in order, once; what was not acknowledged is there as a front or not at all; a producer's repeat is known.
 */
import { describe, expect, it } from 'vitest';
import { batchesIn, leaderEpoch, offset, setBaseOffset, setLeaderEpoch, BatchView } from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import type { Random } from '@odradek/ports';
import { seededRandom } from '@odradek/ports/testing';
import { createMemoryVolume } from '@odradek/storage/memory';
import type { MemoryVolume } from '@odradek/storage/memory';
import type { LogConfig } from './log-config.ts';
import type { PartitionLog } from './partition-log.ts';
import { LogResources } from './resources.ts';
import { checkFiles } from './testing/check-files.ts';
import { HandClock, START_MS, batchOf, openLog, turns } from './testing/fixture.ts';

interface Appended {
  readonly baseOffset: Offset;
  readonly nextOffset: Offset;
  readonly bytes: Uint8Array;
  /** As the producer sent it. */
  readonly sent: Uint8Array;
  readonly producerId: number;
}

class Life {
  readonly random: Random;
  readonly config: Partial<LogConfig>;
  volume: MemoryVolume;
  log!: PartitionLog;
  clock = new HandClock();
  /** What the log should hold, in order. */
  appended: Appended[] = [];
  acknowledged = 0;
  recoveryPoint = 0;
  logStart = 0;
  epoch = 0;
  readonly sequences = new Map<number, number>();
  trail: string[] = [];
  failures: Error[] = [];

  constructor(seed: number, config: Partial<LogConfig>) {
    this.random = seededRandom(seed);
    this.volume = createMemoryVolume({ random: this.random });
    this.config = config;
  }

  pick(bound: number): number {
    return this.random.uint32() % bound;
  }

  async open(options: { cleanShutdown?: boolean; powerLoss?: boolean } = {}): Promise<void> {
    const resources = new LogResources({ clock: this.clock, traits: this.volume.traits, tailBytesMax: 2_000 * (1 + this.pick(10)), indexBytesMax: 100, openFilesMax: 1 + this.pick(4) });
    this.log = await openLog(this.volume, {
      random: this.random,
      clock: this.clock,
      config: this.config,
      resources,
      recoveryPoint: offset(this.recoveryPoint),
      logStartOffset: offset(this.logStart),
      ...options,
    });
    this.log.onFlushed = (upTo) => {
      expect(upTo).toBeGreaterThanOrEqual(this.acknowledged);
      this.acknowledged = upTo;
    };
    this.log.onFailed = (error) => this.failures.push(error);
    this.log.setHighWatermark(this.log.logEndOffset);
  }

  append(): void {
    const producerId = this.pick(3) === 0 ? 1 + this.pick(3) : -1;
    const baseSequence = producerId < 0 ? -1 : (this.sequences.get(producerId) ?? 0);
    const count = 1 + this.pick(4);
    const words = Array.from({ length: count }, (_, n) => 'x'.repeat(this.pick(8) === 0 ? this.pick(300) : this.pick(40)) + String(n));
    const timestampMs = START_MS + this.pick(100_000);
    const sent = batchOf(words, { producerId, producerEpoch: producerId < 0 ? -1 : 0, baseSequence, timestampMs });
    const outcome = this.log.appendAsLeader(sent, { leaderEpoch: leaderEpoch(this.epoch), origin: 'client' });
    if (outcome.status !== 'appended') throw new Error(JSON.stringify(outcome));
    expect(outcome.baseOffset).toBe(this.appended.at(-1)?.nextOffset ?? this.log.logEndOffset - count);
    if (producerId >= 0) this.sequences.set(producerId, baseSequence + count);
    const bytes = sent.slice();
    const view = new BatchView(bytes);
    setBaseOffset(view, outcome.baseOffset);
    setLeaderEpoch(view, leaderEpoch(this.epoch));
    this.appended.push({ baseOffset: outcome.baseOffset, nextOffset: offset(outcome.lastOffset + 1), bytes, sent, producerId });
  }

  /** The next leader's clients begin anew, as far as this test is concerned. */
  forgetSequences(): void {
    this.sequences.clear();
    for (const { producerId, sent } of this.appended) if (producerId >= 0) this.sequences.set(producerId, new BatchView(sent).lastSequence + 1);
  }

  async check(): Promise<void> {
    const { log } = this;
    const expected = this.appended.filter((one) => one.nextOffset > log.logStartOffset);
    let n = expected.findIndex((one) => one.nextOffset > log.logStartOffset);
    for (let at = log.logStartOffset; at < log.logEndOffset; ) {
      const result = await log.read(at, { maxBytes: 1 + this.pick(5_000), atLeastOneBatch: true, below: log.logEndOffset, verify: this.pick(2) === 0 });
      if (result.status !== 'ok' || result.sizeBytes === 0) throw new Error(`nothing at ${at} of ${log.logStartOffset}-${log.logEndOffset}`);
      for (const piece of result.records) {
        for (const batch of batchesIn(piece)) {
          const one = expected[n++];
          if (batch.baseOffset !== one?.baseOffset || !isSame(batch.slice(), one.bytes)) throw new Error(`the batch at ${batch.baseOffset} is not the one of ${one?.baseOffset}`);
        }
      }
      at = result.nextOffset;
    }
    expect(n).toBe(expected.length === 0 ? -1 : expected.length);
  }

  /** After a stop: what is there is a front of what was appended, and all that was acknowledged. */
  async afterStop(): Promise<void> {
    expect(this.log.logEndOffset).toBeGreaterThanOrEqual(this.acknowledged);
    this.appended = this.appended.filter((one) => one.nextOffset <= this.log.logEndOffset);
    expect(this.appended.at(-1)?.nextOffset ?? this.log.logEndOffset).toBe(this.log.logEndOffset);
    expect(this.log.logStartOffset).toBeLessThanOrEqual(this.logStart);
    this.logStart = this.log.logStartOffset;
    this.acknowledged = this.log.logEndOffset;
    this.recoveryPoint = this.log.recoveryPoint;
    await this.check();
    this.forgetSequences();
    this.repeatLast();
  }

  /** Each producer sends its last batch again. */
  repeatLast(): void {
    for (const producerId of new Set(this.appended.map((one) => one.producerId))) {
      const last = this.appended.findLast((one) => one.producerId === producerId)!;
      if (producerId < 0 || last.baseOffset < this.log.logStartOffset) continue;
      const outcome = this.log.appendAsLeader(last.sent, { leaderEpoch: leaderEpoch(this.epoch), origin: 'client' });
      expect(outcome).toMatchObject({ status: 'duplicate', baseOffset: last.baseOffset, lastOffset: last.nextOffset - 1 });
    }
  }

  async step(): Promise<void> {
    const { log } = this;
    const choice = this.pick(100);
    this.trail.push(String(choice));
    if (choice < 55) {
      for (let n = 1 + this.pick(6); n > 0; n--) this.append();
    } else if (choice < 70) {
      await turns(this.pick(30));
    } else if (choice < 76) {
      await log.flush();
      expect(log.flushedOffset).toBe(log.logEndOffset);
      await this.check();
    } else if (choice < 80) {
      this.recoveryPoint = log.recoveryPoint;
    } else if (choice < 83) {
      log.setHighWatermark(log.flushedOffset);
      if (log.deleteRecordsBefore(offset(log.logStartOffset + this.pick(5))) !== undefined) this.logStart = log.logStartOffset;
      this.clock.advance(100);
    } else if (choice < 86) {
      await log.enforceRetention();
      this.logStart = log.logStartOffset;
      this.clock.advance(100_000);
    } else if (choice < 89) {
      const target = offset(log.logStartOffset + this.pick(log.logEndOffset - log.logStartOffset + 1));
      const batch = this.appended.find((one) => one.nextOffset > target);
      const cutAt = batch === undefined ? target : batch.baseOffset;
      // The bound of a batch, so that the model stays simple.
      if (cutAt < log.logStartOffset) return;
      await log.truncateTo(cutAt);
      this.appended = this.appended.filter((one) => one.nextOffset <= log.logEndOffset);
      this.acknowledged = Math.min(this.acknowledged, log.logEndOffset);
      this.recoveryPoint = log.recoveryPoint;
      this.epoch++;
      this.forgetSequences();
      await this.check();
      this.repeatLast();
    } else if (choice < 93) {
      await log.close({ clean: true });
      this.acknowledged = log.logEndOffset;
      await checkFiles(this.volume, 'words-0');
      await this.open({ cleanShutdown: true });
      await this.afterStop();
    } else {
      expect(this.failures).toEqual([]);
      // The process is gone: whatever it would still have said, nobody hears.
      this.log.onFlushed = () => {};
      this.volume.crash(choice < 95 ? 'whole' : undefined);
      await turns(20);
      this.failures = [];
      this.volume = this.volume.disk.mount();
      await this.open({ powerLoss: true });
      await this.afterStop();
    }
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, n) => byte === b[n]);
}

describe('a log through crashes', () => {
  const seeds = Array.from({ length: 60 }, (_, n) => n + 1);
  it.each(seeds)('keeps what it acknowledged (seed %i)', async (seed) => {
    const life = new Life(seed, { segmentBytes: 1_500 + (seed % 7) * 1_000, indexIntervalBytes: seed % 3 === 0 ? 0 : 300, retentionMs: -1, retentionBytes: seed % 2 === 0 ? 20_000 : -1, maxMessageBytes: 1_500 });
    await life.open();
    try {
      for (let n = 0; n < 120; n++) await life.step();
    } catch (error) {
      throw new Error(`seed ${seed}, trail ${life.trail.join(' ')}`, { cause: error });
    }
  });
});
