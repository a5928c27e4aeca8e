import { nodeId, type NodeId } from '@odradek/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../testing/test-broker.ts';
import { initialAssignment, placeReplicas, type PlaceableBroker } from './placement.ts';

const aCluster = fc
  .record({
    brokers: fc.uniqueArray(fc.nat(50).map(nodeId), { minLength: 1, maxLength: 9 }),
    count: fc.integer({ min: 1, max: 60 }),
    factor: fc.integer({ min: 1, max: 9 }),
    seed: fc.nat(),
  })
  .filter(({ brokers, factor }) => factor <= brokers.length);

const up = (node: NodeId): PlaceableBroker => ({ nodeId: node, rack: null, fenced: false });

const countBy = (nodes: readonly number[]): number[] => {
  const counts = new Map<number, number>();
  for (const node of nodes) counts.set(node, (counts.get(node) ?? 0) + 1);
  return [...counts.values()];
};

describe('the replicas of a new topic', () => {
  it('are live brokers, each at most once a partition', () => {
    fc.assert(
      fc.property(aCluster, ({ brokers, count, factor, seed }) => {
        const placed = placeReplicas(
          brokers.map(up),
          { first: 0, count },
          factor,
          seededRandom(seed),
        );
        expect(placed).toHaveLength(count);
        const areSound = placed.every(
          (replicas) =>
            replicas.length === factor &&
            new Set(replicas).size === factor &&
            replicas.every((it) => brokers.includes(it)),
        );
        expect(areSound).toBe(true);
      }),
    );
  });

  it('are spread evenly: no broker leads two partitions more than another', () => {
    fc.assert(
      fc.property(aCluster, ({ brokers, count, factor, seed }) => {
        const placed = placeReplicas(
          brokers.map(up),
          { first: 0, count },
          factor,
          seededRandom(seed),
        );
        const leaders = countBy(placed.map((it) => it[0]!));
        if (leaders.length < brokers.length) leaders.push(0);
        expect(Math.max(...leaders) - Math.min(...leaders)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('go on where the old ones ended when a topic grows', () => {
    fc.assert(
      fc.property(
        aCluster,
        fc.integer({ min: 1, max: 30 }),
        ({ brokers, count, factor, seed }, more) => {
          const added = placeReplicas(
            brokers.map(up),
            { first: count, count: more },
            factor,
            seededRandom(seed),
          );
          expect(added).toHaveLength(more);
          const leaders = countBy(added.map((it) => it[0]!));
          if (leaders.length < brokers.length) leaders.push(0);
          expect(Math.max(...leaders) - Math.min(...leaders)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it('are in as many racks as there can be, and evenly so', () => {
    fc.assert(
      fc.property(
        aCluster,
        fc.array(fc.constantFrom('a', 'b', 'c', null), { minLength: 9, maxLength: 9 }),
        ({ brokers, count, factor, seed }, racks) => {
          const racked = brokers.map((it, i) => ({ ...up(it), rack: racks[i]! }));
          const placed = placeReplicas(racked, { first: 0, count }, factor, seededRandom(seed));
          const rackOf = new Map(racked.map((it) => [it.nodeId, it.rack]));
          const sizes = new Map<string | null, number>();
          for (const { rack } of racked) sizes.set(rack, (sizes.get(rack) ?? 0) + 1);
          const isSpread = placed.every((replicas) => {
            const held = new Map([...sizes.keys()].map((it) => [it, 0]));
            for (const it of replicas) held.set(rackOf.get(it)!, held.get(rackOf.get(it)!)! + 1);
            // A rack holds fewer than another by more than one only when it is used up.
            const most = Math.max(...held.values());
            return [...held].every(([rack, n]) => n >= most - 1 || n === sizes.get(rack));
          });
          expect(isSpread).toBe(true);
        },
      ),
    );
  });

  it('are on brokers that are down only where there are no others, and those do not lead', () => {
    fc.assert(
      fc.property(aCluster, fc.nat(8), ({ brokers, count, factor, seed }, down) => {
        const upCount = Math.max(1, brokers.length - down);
        const some = brokers.map((it, i) => ({ ...up(it), fenced: i >= upCount }));
        const placed = placeReplicas(some, { first: 0, count }, factor, seededRandom(seed));
        const areUp = new Set(brokers.slice(0, upCount));
        for (const replicas of placed) {
          expect(areUp.has(replicas[0]!)).toBe(true);
          const held = replicas.filter((it) => areUp.has(it)).length;
          expect(held).toBe(Math.min(factor, upCount));
        }
      }),
    );
  });

  it('begin all in sync, led by the first', () => {
    expect(initialAssignment([nodeId(3), nodeId(1)])).toEqual({
      replicas: [3, 1],
      isr: [3, 1],
      leader: 3,
      leaderEpoch: 0,
      partitionEpoch: 0,
    });
  });
});
