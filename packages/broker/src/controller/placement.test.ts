import { nodeId } from '@odradek/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../testing/test-broker.ts';
import { initialAssignment, placeReplicas } from './placement.ts';

const aCluster = fc
  .record({
    brokers: fc.uniqueArray(fc.nat(50).map(nodeId), { minLength: 1, maxLength: 9 }),
    count: fc.integer({ min: 1, max: 60 }),
    factor: fc.integer({ min: 1, max: 9 }),
    seed: fc.nat(),
  })
  .filter(({ brokers, factor }) => factor <= brokers.length);

const countBy = (nodes: readonly number[]): number[] => {
  const counts = new Map<number, number>();
  for (const node of nodes) counts.set(node, (counts.get(node) ?? 0) + 1);
  return [...counts.values()];
};

describe('the replicas of a new topic', () => {
  it('are live brokers, each at most once a partition', () => {
    fc.assert(
      fc.property(aCluster, ({ brokers, count, factor, seed }) => {
        const placed = placeReplicas(brokers, { first: 0, count }, factor, seededRandom(seed));
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
        const placed = placeReplicas(brokers, { first: 0, count }, factor, seededRandom(seed));
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
            brokers,
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
