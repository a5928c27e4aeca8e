import { nodeId, type NodeId } from '@odradek/protocol';
import { elrOf, offlineOf, type PartitionAssignment } from '@odradek/replication';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionOf, type Partition } from '../testing/image-of.ts';
import { changePartition, type PartitionWish } from './partition-change.ts';

const change = (
  known: Partition,
  wish: {
    [Key in keyof PartitionWish]: Key extends 'isr' | 'replicas' | 'adding' | 'removing'
      ? readonly number[]
      : PartitionWish[Key];
  },
  { up = [1, 2, 3], min = 2 }: { up?: readonly number[]; min?: number } = {},
) =>
  changePartition(partitionOf(known), wish as PartitionWish, {
    canLead: (it) => up.includes(it),
    minInsyncReplicas: min,
  });

describe('an election', () => {
  it('keeps a leader who can lead, and changes nothing then', () => {
    expect(change({ leader: 2 }, {})).toBeNull();
  });

  it('takes the first replica of the list that is in sync and up', () => {
    expect(change({ isr: [3, 2] }, { isr: [3, 2] }, { up: [2, 3] })).toMatchObject({
      leader: 2,
      leaderEpoch: 6,
      partitionEpoch: 11,
    });
  });

  it('of the preferred leader moves the leadership back', () => {
    expect(change({ leader: 2 }, { election: 'preferred' })).toMatchObject({
      leader: 1,
      isr: [1, 2, 3],
    });
    expect(change({ leader: 2, isr: [2, 3] }, { election: 'preferred' })).toBeNull();
  });

  it('takes nobody who is not in sync, unless records may be lost', () => {
    const gone = change({ isr: [1], leader: 1 }, { isr: [] }, { up: [2, 3], min: 1 });
    expect(gone).toMatchObject({ leader: -1, isr: [], elr: [1], lastKnownLeader: 1 });
    expect(
      change({ isr: [1] }, { isr: [], election: 'unclean' }, { up: [3], min: 1 }),
    ).toMatchObject({ leader: 3, isr: [3], isRecovering: true, leaderEpoch: 6 });
  });
});

describe('those who leave an ISR that is too small', () => {
  it('are eligible, and lead when nobody is left in it', () => {
    const one = change({ isr: [1, 2] }, { isr: [2] }, { up: [2] })!;
    expect(one).toMatchObject({ isr: [2], elr: [1], leader: 2 });
    const none = changePartition(one, { isr: [] }, { canLead: () => false, minInsyncReplicas: 2 })!;
    expect(none).toMatchObject({ isr: [], elr: [1, 2], leader: -1, lastKnownLeader: 2 });
    const back = changePartition(none, {}, { canLead: (it) => it === 1, minInsyncReplicas: 2 })!;
    expect(back).toMatchObject({ isr: [1], elr: [2], leader: 1 });
    expect(back).not.toHaveProperty('lastKnownLeader');
    expect(back).not.toHaveProperty('isRecovering');
  });

  it('are eligible no more when enough are in sync, or when they lost their tail', () => {
    expect(change({ isr: [1], elr: [2] }, { isr: [1, 3] })).not.toHaveProperty('elr');
    expect(change({ isr: [1], elr: [2, 3] }, { uncleanReplica: nodeId(2) })).toMatchObject({
      isr: [1],
      elr: [3],
      leader: 1,
    });
  });

  it('and lost their tail, all of them, wait for it to be found out who holds most', () => {
    const forsaken = change(
      { isr: [3], leader: 3 },
      { isr: [], uncleanReplica: nodeId(3) },
      { up: [] },
    )!;
    expect(forsaken).toMatchObject({
      leader: -1,
      isr: [],
      lastKnownLeader: 3,
      lastKnownElr: [3],
    });
    const context = { minInsyncReplicas: 2 };
    expect(changePartition(forsaken, {}, { ...context, canLead: () => true })).toBeNull();
    const furthest = { furthestReplica: nodeId(3) };
    expect(
      changePartition(forsaken, furthest, { ...context, canLead: (it) => it !== 3 }),
    ).toBeNull();
    expect(changePartition(forsaken, furthest, { ...context, canLead: () => true })).toMatchObject({
      leader: 3,
      isr: [3],
      isRecovering: true,
    });
  });

  it('do not wait for a last leader who came back with nothing', () => {
    const forsaken = change(
      { isr: [3], leader: 3 },
      { isr: [], uncleanReplica: nodeId(3), emptyReplica: nodeId(3) },
      { up: [] },
    )!;
    expect(forsaken).not.toHaveProperty('lastKnownLeader');
  });
});

describe('a reassignment', () => {
  it('is complete when the new replicas are in sync: the old ones leave, and a new epoch begins', () => {
    const moving = {
      replicas: [4, 2, 3, 1],
      isr: [1, 2, 3],
      leader: 1,
      addingReplicas: [4],
      removingReplicas: [1],
    };
    const up = { up: [1, 2, 3, 4] };
    expect(change(moving, { isr: [2, 3] }, up)).toMatchObject({ addingReplicas: [4], leader: 2 });
    const done = change(moving, { isr: [1, 2, 3, 4] }, up)!;
    expect(done).toMatchObject({ replicas: [4, 2, 3], isr: [2, 3, 4], leader: 4, leaderEpoch: 6 });
    expect(done).not.toHaveProperty('addingReplicas');
    expect(done).not.toHaveProperty('removingReplicas');
  });
});

describe('whatever happens to a partition', () => {
  interface World {
    readonly up: Set<number>;
    /** Holds everything that is committed. */
    readonly whole: Set<number>;
    /** Nobody but the last leader could know what was committed. */
    isForsaken: boolean;
  }
  const step = fc.record({
    what: fc.constantFrom(
      'down',
      'up',
      'unclean',
      'offline',
      'online',
      'furthest',
      'shrink',
      'grow',
      'preferred',
    ),
    node: fc.constantFrom(1, 2, 3),
  });

  it('its leader holds all that was committed, as long as somebody was there who did', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(1, 2, 3), (steps, min) => {
        let known: PartitionAssignment = partitionOf();
        const world: World = {
          up: new Set([1, 2, 3]),
          whole: new Set([1, 2, 3]),
          isForsaken: false,
        };
        const become = (wish: PartitionWish): void => {
          const next = changePartition(known, wish, {
            canLead: (it) => world.up.has(it),
            minInsyncReplicas: min,
          });
          known = next ?? known;
          if (known.leader < 0) return;
          if (known.isRecovering) {
            // What he has is all there is.
            world.whole.clear();
            world.whole.add(known.leader);
          }
          expect([...world.whole]).toContain(known.leader);
          // Who leaves while the ISR is large enough misses what is committed from then on.
          if (known.isr.length >= min) {
            for (const it of [...world.whole])
              if (!known.isr.includes(nodeId(it))) world.whole.delete(it);
          }
        };
        for (const { what, node } of steps) {
          const id = nodeId(node);
          const without = (isr: readonly NodeId[]): readonly NodeId[] =>
            isr.filter((it) => it !== id);
          switch (what) {
            case 'down':
              world.up.delete(node);
              become({ isr: without(known.isr) });
              break;
            case 'up':
              world.up.add(node);
              become({});
              break;
            case 'unclean':
              world.up.delete(node);
              world.whole.delete(node);
              become({ isr: without(known.isr), uncleanReplica: id });
              break;
            case 'offline':
              world.whole.delete(node);
              become({ offlineReplica: id });
              expect([known.leader, ...known.isr]).not.toContain(id);
              break;
            case 'online':
              become({ onlineReplica: id, emptyReplica: id, isNewEpoch: true });
              break;
            case 'furthest':
              become({ furthestReplica: id });
              break;
            case 'shrink':
              if (known.leader >= 0 && known.leader !== id) become({ isr: without(known.isr) });
              break;
            case 'grow':
              if (known.leader < 0 || known.isr.includes(id) || !world.up.has(node)) break;
              if (offlineOf(known).includes(id)) break;
              world.whole.add(node);
              become({ isr: [...known.isr, id], isRecovered: true });
              break;
            case 'preferred':
              become({ election: 'preferred' });
          }
          expect(known.isr.some((it) => elrOf(known).includes(it))).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });
});
