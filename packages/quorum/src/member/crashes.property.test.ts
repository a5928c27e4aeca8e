/**
 * The power is cut before each single operation of the disk, over several lives of one member: what was acknowledged is there
 * in the next life, what is there is a beginning of what was proposed, no multi is there by half, and no epoch is used twice.
 */
import { MemoryDisk, type MemoryOperation } from '@odradek/storage/memory';
import { seededRandom } from '@odradek/ports/testing';
import { batchesIn, utf8Decode, utf8Encode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { startLoneMember, type LoneMember } from '../testing/ensemble.ts';
import type { QuorumMember } from './quorum-member.ts';

const SNAPSHOT_INTERVAL_BYTES = 720;
/** Several in a life, so that snapshots let go of some. */
const SEGMENT_BYTES = 600;
/** Before the last one, which the power may cut, too; then there is one more. */
const LIVES = 1;
const PROPOSALS_IN_A_LIFE = 12;
const GROUP = 4;

/** One multi: a node of its own, and a counter that all multis share. */
const propose = (member: QuorumMember, index: number) =>
  member.propose([
    { op: 'create', path: `/log/${index}`, value: utf8Encode('x'.repeat(40)) },
    { op: 'set', path: '/last', value: utf8Encode(String(index)) },
  ]);

class History {
  readonly disk: MemoryDisk;
  readonly epochs: number[] = [];
  /** Indexes that are in the log for certain. */
  certain = 0;
  proposed = 0;
  operations = 0;
  /** In the present life. */
  isCut = false;
  readonly #crashAt: number;

  constructor(seed: number, crashAt: number) {
    this.#crashAt = crashAt;
    this.disk = new MemoryDisk({
      random: seededRandom(seed),
      pace: (operation) => this.#step(operation),
    });
  }

  /** The power is cut before the fatal operation is done: at once, or when all that can go on without it has gone on. */
  #step(_: MemoryOperation): Promise<void> | undefined {
    this.operations += 1;
    if (this.operations !== this.#crashAt) return undefined;
    if (this.#crashAt % 2 === 0) return void this.#cut();
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#cut();
        resolve();
      });
    });
  }

  #cut(): void {
    this.isCut = true;
    this.disk.crash();
  }

  /** Until it has proposed what it has to, or the power is cut. */
  async live(): Promise<void> {
    this.isCut = false;
    const volume = this.disk.mount();
    let started: LoneMember;
    try {
      started = await startLoneMember(volume, {
        snapshotIntervalBytes: SNAPSHOT_INTERVAL_BYTES,
        logConfig: { segmentBytes: SEGMENT_BYTES, fileDeleteDelayMs: 0 },
      });
    } catch (error) {
      if (this.isCut) return;
      throw error;
    }
    const { member, log } = started;
    expectRecovered(this, member);
    if (!member.tree.has('/log')) {
      const made = await member
        .propose([
          { op: 'create', path: '/log' },
          { op: 'create', path: '/last' },
        ])
        .catch(() => undefined);
      if (made === undefined) return;
    }
    for (let left = PROPOSALS_IN_A_LIFE; left > 0; left -= GROUP) {
      const group = Array.from({ length: GROUP }, () => propose(member, this.proposed++));
      const answers = await Promise.allSettled(group);
      const committed = answers.filter(
        (it) => it.status === 'fulfilled' && it.value.status === 'committed',
      ).length;
      this.certain += committed;
      if (committed < GROUP) break;
    }
    try {
      await member.close();
      await log.close({ clean: true });
      await volume.close();
    } catch (error) {
      if (!this.isCut) throw error;
    }
  }
}

/** What the next life finds; from then on all of it is certain. */
function expectRecovered(history: History, member: QuorumMember): void {
  const { epoch } = member.snapshot;
  expect(epoch).toBeGreaterThan(Math.max(0, ...history.epochs));
  history.epochs.push(epoch);
  const present = (member.tree.children('/log') ?? []).map(Number).sort((a, b) => a - b);
  expect(present).toEqual(present.map((_, index) => index));
  expect(present.length).toBeGreaterThanOrEqual(history.certain);
  expect(present.length).toBeLessThanOrEqual(history.proposed);
  expect(utf8Decode(member.tree.get('/last')?.value ?? new Uint8Array(0))).toBe(
    present.length === 0 ? '' : String(present.length - 1),
  );
  history.certain = present.length;
  history.proposed = present.length;
}

/** Each epoch begins once in what is left of the log, behind the one before. */
function expectDistinctEpochs(disk: MemoryDisk): void {
  const epochs: number[] = [];
  for (const name of [...disk.files.keys()].filter((it) => it.endsWith('.log')).sort()) {
    const file = disk.files.get(name)!;
    const batches = [...batchesIn(file.read(0, file.sizeBytes))];
    epochs.push(...batches.filter((it) => it.isControl).map((it) => it.leaderEpoch));
  }
  expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
}

async function run(seed: number, crashAt: number): Promise<History> {
  const history = new History(seed, crashAt);
  for (let life = 0; life < LIVES; life++) await history.live();
  // The last one ends well, and what it leaves can be read through.
  do await history.live();
  while (history.isCut);
  expectDistinctEpochs(history.disk);
  return history;
}

describe('the power is cut', () => {
  it('before any operation of the disk, and nothing acknowledged is lost', async () => {
    const { operations } = await run(0, Infinity);
    expect(operations).toBeGreaterThan(50);
    for (let crashAt = 1; crashAt <= operations; crashAt++) {
      try {
        await run(crashAt, crashAt);
      } catch (error) {
        throw new Error(`with the power cut before operation ${crashAt}`, { cause: error });
      }
    }
  }, 30_000);
});
