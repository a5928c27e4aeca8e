import { REPLICATION_MUTANTS, type ReplicationMutant } from '@odradek/replication';
import { describe, expect, it } from 'vitest';
import { SmallCluster } from '../testing/small-cluster/small-cluster.ts';

const TROUBLE_MS = 6_000;

const live = async (seed: number, mutant?: ReplicationMutant): Promise<SmallCluster> => {
  const cluster = new SmallCluster({ seed, isFlushed: seed % 2 === 0, ...(mutant && { mutant }) });
  try {
    await cluster.begin();
    await cluster.trouble(TROUBLE_MS);
    await cluster.recover();
  } catch (error) {
    (error as Error & { history?: string[] }).history = cluster.history;
    throw error;
  }
  return cluster;
};

describe('three brokers', () => {
  it('keep what they acknowledged, whatever happens to them', async () => {
    for (let seed = 0; seed < 12; seed++) {
      const cluster = await live(seed);
      expect(cluster.acknowledged).toBeGreaterThan(0);
    }
  });
  it.each(REPLICATION_MUTANTS)('with %s are found out', async (mutant) => {
    let found = -1;
    for (let seed = 0; seed < 60 && found < 0; seed++) {
      await live(seed, mutant).catch(() => (found = seed));
    }
    expect(found).toBeGreaterThanOrEqual(0);
  });
});
