/**
 * The life of one log, and a model of what it must hold: what was appended, what was acknowledged. A stop may come at any
 * moment; `afterStop` says what must be true then.
 */
import {
  BatchView,
  batchesIn,
  leaderEpoch,
  offset,
  setBaseOffset,
  setLeaderEpoch,
} from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import type { Random, Volume } from '@odradek/ports';
import type { LogConfig } from '../log-config.ts';
import type { PartitionLog } from '../partition-log.ts';
import { LogResources } from '../resources.ts';
import { HandClock, START_MS, batchOf, openLog } from './fixture.ts';

export interface Appended {
  readonly baseOffset: Offset;
  readonly nextOffset: Offset;
  readonly bytes: Uint8Array;
  /** As the producer sent it. */
  readonly sent: Uint8Array;
  readonly producerId: number;
}

export class Life {
  readonly random: Random;
  readonly config: Partial<LogConfig>;
  readonly clock = new HandClock();
  volume: Volume;
  log!: PartitionLog;
  /** What the log should hold, in order. */
  appended: Appended[] = [];
  acknowledged = 0;
  /** The owner's checkpoints. */
  recoveryPoint = 0;
  logStart = 0;
  epoch = 0;
  failures: Error[] = [];
  readonly sequences = new Map<number, number>();
  /** Where a truncation that is under way begins. */
  #givenUp = Infinity;

  constructor(volume: Volume, random: Random, config: Partial<LogConfig>) {
    this.volume = volume;
    this.random = random;
    this.config = config;
  }

  pick(bound: number): number {
    return this.random.uint32() % bound;
  }

  async open(
    options: { readonly cleanShutdown?: boolean; readonly powerLoss?: boolean } = {},
  ): Promise<void> {
    this.failures = [];
    const resources = new LogResources({
      clock: this.clock,
      traits: this.volume.traits,
      tailBytesMax: 2_000 * (1 + this.pick(10)),
      indexBytesMax: 100,
      openFilesMax: 1 + this.pick(4),
    });
    this.log = await openLog(this.volume, {
      random: this.random,
      clock: this.clock,
      config: this.config,
      resources,
      recoveryPoint: offset(this.recoveryPoint),
      logStartOffset: offset(this.logStart),
      ...options,
    });
    this.log.setHighWatermark(this.log.logEndOffset);
    this.log.onFlushed = (upTo) => {
      if (upTo < this.acknowledged)
        throw new Error(`acknowledged ${upTo} after ${this.acknowledged}`);
      this.acknowledged = Math.min(upTo, this.#givenUp);
    };
    this.log.onFailed = (error) => this.failures.push(error);
  }

  append(): void {
    const producerId = this.pick(3) === 0 ? 1 + this.pick(3) : -1;
    const baseSequence = producerId < 0 ? -1 : (this.sequences.get(producerId) ?? 0);
    const count = 1 + this.pick(4);
    const words = Array.from(
      { length: count },
      (_, n) => 'x'.repeat(this.pick(8) === 0 ? this.pick(300) : this.pick(40)) + String(n),
    );
    const timestampMs = START_MS + this.pick(100_000);
    const sent = batchOf(words, {
      producerId,
      producerEpoch: producerId < 0 ? -1 : 0,
      baseSequence,
      timestampMs,
    });
    const outcome = this.log.appendAsLeader(sent, {
      leaderEpoch: leaderEpoch(this.epoch),
      origin: 'client',
    });
    if (outcome.status !== 'appended') throw new Error(JSON.stringify(outcome));
    const expected = this.appended.at(-1)?.nextOffset ?? outcome.baseOffset;
    if (outcome.baseOffset !== expected)
      throw new Error(`appended at ${outcome.baseOffset}, not ${expected}`);
    if (producerId >= 0) this.sequences.set(producerId, baseSequence + count);
    const bytes = sent.slice();
    const view = new BatchView(bytes);
    setBaseOffset(view, outcome.baseOffset);
    setLeaderEpoch(view, leaderEpoch(this.epoch));
    this.appended.push({
      baseOffset: outcome.baseOffset,
      nextOffset: offset(outcome.lastOffset + 1),
      bytes,
      sent,
      producerId,
    });
  }

  /** At the beginning of a batch, so that the model stays simple. */
  async truncate(): Promise<void> {
    const { log } = this;
    const target = log.logStartOffset + this.pick(log.logEndOffset - log.logStartOffset + 1);
    const cutAt =
      this.appended.find((one) => one.nextOffset > target)?.baseOffset ?? offset(target);
    if (cutAt < log.logStartOffset) return;
    // Whoever truncates has given up what lies behind, before the disk has.
    this.#givenUp = cutAt;
    this.acknowledged = Math.min(this.acknowledged, cutAt);
    this.recoveryPoint = Math.min(this.recoveryPoint, cutAt);
    await log.truncateTo(cutAt);
    this.#givenUp = Infinity;
    this.appended = this.appended.filter((one) => one.nextOffset <= log.logEndOffset);
    this.epoch++;
    this.rememberSequences();
  }

  /** As a follower does that is too far behind its leader. */
  async beginAnew(start: number): Promise<void> {
    this.#givenUp = 0;
    this.acknowledged = 0;
    this.recoveryPoint = 0;
    await this.log.truncateFullyAndStartAt(offset(start));
    this.#givenUp = Infinity;
    this.logStart = start;
    this.appended = [];
    this.rememberSequences();
  }

  /** The log holds exactly what the model holds. */
  async check(): Promise<void> {
    const { log } = this;
    const expected = this.appended.filter((one) => one.nextOffset > log.logStartOffset);
    let n = 0;
    for (let at = log.logStartOffset; at < log.logEndOffset;) {
      const result = await log.read(at, {
        maxBytes: 1 + this.pick(5_000),
        atLeastOneBatch: true,
        below: log.logEndOffset,
        verify: this.pick(2) === 0,
      });
      if (result.status !== 'ok' || result.sizeBytes === 0)
        throw new Error(`nothing at ${at} of ${log.logStartOffset}-${log.logEndOffset}`);
      for (const piece of result.records) {
        for (const batch of batchesIn(piece)) {
          const one = expected[n++];
          if (batch.baseOffset !== one?.baseOffset || !isSame(batch.slice(), one.bytes)) {
            throw new Error(
              `the batch at ${batch.baseOffset} is not the one of ${one?.baseOffset}`,
            );
          }
        }
      }
      at = result.nextOffset;
    }
    if (n !== expected.length)
      throw new Error(`${n} batches where ${expected.length} were appended`);
  }

  /** After a stop: what is there is a front of what was appended, and all that was acknowledged. */
  async afterStop(): Promise<void> {
    const { log } = this;
    if (log.logEndOffset < this.acknowledged)
      throw new Error(
        `the log ends at ${log.logEndOffset}, and ${this.acknowledged} was acknowledged`,
      );
    const isEmpty = log.logEndOffset === log.logStartOffset;
    this.appended = this.appended.filter((one) => one.nextOffset <= log.logEndOffset);
    if (isEmpty && this.appended.at(-1)?.nextOffset !== log.logEndOffset) this.appended = [];
    const end = this.appended.at(-1)?.nextOffset ?? log.logEndOffset;
    if (end !== log.logEndOffset)
      throw new Error(`the log ends at ${log.logEndOffset}, within a batch that begins at ${end}`);
    if (log.logStartOffset > this.logStart && !isEmpty)
      throw new Error(`the log starts at ${log.logStartOffset}, not ${this.logStart}`);
    this.logStart = log.logStartOffset;
    this.acknowledged = log.logEndOffset;
    this.recoveryPoint = log.recoveryPoint;
    await this.check();
    this.rememberSequences();
    this.repeatLast();
  }

  /** Each producer sends its last batch again. */
  repeatLast(): void {
    for (const producerId of new Set(this.appended.map((one) => one.producerId))) {
      const last = this.appended.findLast((one) => one.producerId === producerId)!;
      if (producerId < 0 || last.baseOffset < this.log.logStartOffset) continue;
      const outcome = this.log.appendAsLeader(last.sent, {
        leaderEpoch: leaderEpoch(this.epoch),
        origin: 'client',
      });
      if (
        outcome.status !== 'duplicate' ||
        outcome.baseOffset !== last.baseOffset ||
        outcome.lastOffset !== last.nextOffset - 1
      ) {
        throw new Error(
          `producer ${producerId} repeats offset ${last.baseOffset}: ${JSON.stringify(outcome)}`,
        );
      }
    }
  }

  /** Producers go on behind what is left. */
  rememberSequences(): void {
    this.sequences.clear();
    for (const { producerId, sent } of this.appended)
      if (producerId >= 0) this.sequences.set(producerId, new BatchView(sent).lastSequence + 1);
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, n) => byte === b[n]);
}
