/** A disk that fails or rots, in a cluster of three: nothing that was acknowledged is lost, and the replica is whole again. */
import { describe, expect, it } from 'vitest';
import { SmallCluster } from '../testing/small-cluster/small-cluster.ts';
import type { SimBroker } from '../testing/small-cluster/sim-broker.ts';

/** On a busy machine. */
const TIMEOUT_MS = 60_000;

/** Three brokers in sync, with as many records acknowledged. */
const withRecords = async (count: number): Promise<SmallCluster> => {
  const cluster = new SmallCluster({ seed: 1, isFlushed: true });
  await cluster.begin();
  while (cluster.acknowledged < count) {
    cluster.produce();
    // Followers take one batch at a time.
    await cluster.run(150);
  }
  await cluster.run(500);
  return cluster;
};

const leaderOf = (cluster: SmallCluster): SimBroker =>
  cluster.brokers[cluster.assignment!.leader - 1]!;
const othersThan = (cluster: SmallCluster, one: SimBroker): readonly SimBroker[] =>
  cluster.brokers.filter((it) => it !== one);

describe('when all lose power and the log of the last leader is cut by a rotten bit', () => {
  for (const order of ['first', 'last'] as const)
    it(
      `one that has everything leads, though the leader of before is up ${order}`,
      async () => {
        const cluster = await withRecords(20);
        // Nobody hears what comes of it: it is the leader that all of them know.
        const leader = leaderOf(cluster);
        for (const broker of cluster.brokers) broker.crash(true);
        expect(leader.rot(0.5)).toBe(true);
        const others = othersThan(cluster, leader);
        const starts = order === 'first' ? [leader, ...others] : [...others, leader];
        for (const broker of starts) {
          broker.start();
          await cluster.run(1_500);
        }
        expect(leaderOf(cluster)).not.toBe(leader);
        await cluster.recover();
        expect(cluster.brokers.map((it) => it.log!.highWatermark >= 20)).toEqual([
          true,
          true,
          true,
        ]);
      },
      TIMEOUT_MS,
    );
});

describe('a replica whose log is found damaged at a start', () => {
  it(
    'is set aside, and begins anew from the leader',
    async () => {
      const cluster = await withRecords(20);
      const [damaged] = othersThan(cluster, leaderOf(cluster));
      damaged!.crash(false);
      damaged!.rot(0.5);
      await cluster.run(1_500);
      damaged!.start();
      await cluster.recover();
      expect(damaged!.log!.highWatermark).toBeGreaterThanOrEqual(20);
      const kept = [...damaged!.disk.files.keys()].filter((it) => it.includes('-stray/'));
      expect(kept.some((it) => it.endsWith('.log'))).toBe(true);
      expect(cluster.history.some((it) => it.endsWith('begins anew'))).toBe(true);
      expect(cluster.assignment).not.toHaveProperty('offline');
    },
    TIMEOUT_MS,
  );

  it(
    'does not keep the others from leading, though it led when all ended',
    async () => {
      const cluster = await withRecords(20);
      const leader = leaderOf(cluster);
      for (const broker of cluster.brokers) broker.crash(false);
      leader.rot(0.5);
      for (const broker of [leader, ...othersThan(cluster, leader)]) {
        broker.start();
        await cluster.run(1_000);
      }
      await cluster.recover();
      expect(leader.log!.highWatermark).toBeGreaterThanOrEqual(20);
    },
    TIMEOUT_MS,
  );
});

describe('a leader whose log cannot be flushed', () => {
  it(
    'hands over to one that is in sync, and catches up when it is started again',
    async () => {
      const cluster = await withRecords(5);
      const leader = leaderOf(cluster);
      leader.disk.failNext('sync', 'failed', 0, 'words-0/');
      cluster.produce();
      await cluster.run(1_000);
      expect(leader.replica!.role).toBe('offline');
      expect(cluster.assignment).toMatchObject({ offline: [leader.nodeId] });
      expect(cluster.assignment!.isr).not.toContain(leader.nodeId);
      expect(leaderOf(cluster)).not.toBe(leader);
      const before = cluster.acknowledged;
      cluster.produce();
      await cluster.run(1_000);
      expect(cluster.acknowledged).toBeGreaterThan(before);
      leader.crash(false);
      await cluster.recover();
      expect(cluster.assignment).not.toHaveProperty('offline');
    },
    TIMEOUT_MS,
  );
});

describe('with a disk that rots now and then', () => {
  it(
    'three brokers lose nothing that they acknowledged, and come together again',
    async () => {
      for (let seed = 200; seed < 204; seed++) {
        const cluster = new SmallCluster({ seed, isFlushed: true, rotten: 1 + (seed % 3) });
        await cluster.begin();
        await cluster.trouble(6_000);
        await cluster.recover();
        expect(cluster.acknowledged).toBeGreaterThan(0);
      }
    },
    TIMEOUT_MS,
  );
});
