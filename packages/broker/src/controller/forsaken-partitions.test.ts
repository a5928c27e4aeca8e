import { nodeId } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import {
  applyOps,
  imageOf,
  policyOf,
  WORDS,
  WORDS_ID,
  type Partition,
} from '../testing/image-of.ts';
import { decideForsaken, forsakenKey, type ReplicaLogInfo } from './forsaken-partitions.ts';

type Said = Partial<Omit<ReplicaLogInfo, 'nodeId'>> & { readonly id: number };

/** Everybody was in sync and lost his tail, the third one last. */
const FORSAKEN: Partition = {
  isr: [],
  leader: -1,
  lastKnownElr: [2, 3],
  lastKnownLeader: 3,
};

/** Who leads when this is what the replicas say. */
const leaderBy = (
  said: readonly Said[],
  { known = FORSAKEN, fenced = [] }: { known?: Partition; fenced?: readonly number[] } = {},
): number | undefined => {
  const image = imageOf(
    [known],
    [1, 2, 3].map((id) => ({ id, fenced: fenced.includes(id) })),
  );
  const infos = said.map(({ id, ...over }): ReplicaLogInfo => ({
    nodeId: nodeId(id),
    brokerEpoch: id * 100,
    lastEpoch: 5,
    logEndOffset: 100,
    isDamaged: false,
    isFlushed: false,
    isWhole: false,
    ...over,
  }));
  const ops = decideForsaken(new Map([[forsakenKey(WORDS_ID, 0), infos]]), image, policyOf());
  applyOps(image, ops);
  const next = image.partition(WORDS, 0)!;
  if (next.leader < 0) return undefined;
  expect(next).toMatchObject({ isr: [next.leader], leaderEpoch: 6, isRecovering: true });
  expect(next).not.toHaveProperty('lastKnownElr');
  return next.leader;
};

describe('a partition of which everybody has lost his tail', () => {
  it('is led at once by one of the last whose log is whole, and by the longest of several', () => {
    expect(leaderBy([{ id: 2, isWhole: true }])).toBe(2);
    expect(
      leaderBy([
        { id: 3, isWhole: true },
        { id: 2, isWhole: true, logEndOffset: 101 },
      ]),
    ).toBe(2);
    // Out of sync before: what it misses it does not know.
    expect(leaderBy([{ id: 1, isWhole: true }])).toBeUndefined();
  });

  it('else waits for all, and is led by who reaches furthest, by epoch first', () => {
    expect(leaderBy([{ id: 2 }, { id: 3 }])).toBeUndefined();
    expect(leaderBy([{ id: 1, logEndOffset: 90 }, { id: 2 }, { id: 3, logEndOffset: 80 }])).toBe(2);
    expect(
      leaderBy([
        { id: 1, lastEpoch: 4, logEndOffset: 900 },
        { id: 2 },
        { id: 3, logEndOffset: 80 },
      ]),
    ).toBe(2);
  });

  it('is not led by a damaged log, nor without what only that may have', () => {
    const damaged = { id: 3, isDamaged: true };
    expect(leaderBy([{ id: 1 }, { id: 2 }, damaged])).toBe(1);
    expect(leaderBy([{ id: 1 }, { id: 2 }, { ...damaged, logEndOffset: 101 }])).toBeUndefined();
    expect(leaderBy([{ id: 1 }, { id: 2 }, { ...damaged, logEndOffset: -1 }])).toBeUndefined();
    // But one of the last that is whole has all that could be committed.
    expect(
      leaderBy([
        { id: 2, isWhole: true },
        { ...damaged, logEndOffset: -1 },
      ]),
    ).toBe(2);
    // And of one that flushed what it acknowledged nothing but the torn end was cut.
    const further = { ...damaged, logEndOffset: 101 };
    expect(leaderBy([{ id: 1 }, { id: 2, isFlushed: true }, further])).toBe(1);
    expect(leaderBy([{ id: 1, isFlushed: true }, { id: 2 }, further])).toBeUndefined();
    expect(leaderBy([{ id: 2, isFlushed: true }, further])).toBeUndefined();
    // Who was out of sync and is damaged held nothing that matters.
    expect(leaderBy([{ id: 1, isDamaged: true, logEndOffset: -1 }, { id: 2 }, { id: 3 }])).toBe(2);
  });

  it('does not believe an earlier life, nor elect who is down', () => {
    expect(leaderBy([{ id: 2, isWhole: true, brokerEpoch: 199 }])).toBeUndefined();
    expect(leaderBy([{ id: 2, isWhole: true }], { fenced: [2] })).toBeUndefined();
  });

  it('is left alone while somebody is eligible, or when the last came back empty', () => {
    const all = [{ id: 1 }, { id: 2, isWhole: true }, { id: 3 }];
    expect(leaderBy(all, { known: { ...FORSAKEN, elr: [1] } })).toBeUndefined();
    expect(leaderBy(all, { known: { isr: [], leader: -1 } })).toBeUndefined();
  });
});
