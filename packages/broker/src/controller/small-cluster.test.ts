/**
 * Replication as a whole: real logs, replicas, fetchers and controller decisions, in histories drawn from seeds. And the proof
 * that the checks can fail: each known bug, built in, is found.
 */
import type { ReplicationMutant } from '@odradek/replication';
import { describe, expect, it } from 'vitest';
import {
  SmallCluster,
  Violation,
  type SmallClusterOptions,
} from '../testing/small-cluster/small-cluster.ts';

const TROUBLE_MS = 6_000;
/** On a busy machine. */
const TIMEOUT_MS = 60_000;

/** Even seeds flush before they acknowledge; odd ones leave it to the replicas. */
const live = async (
  seed: number,
  over: Partial<SmallClusterOptions> = {},
): Promise<SmallCluster> => {
  const cluster = new SmallCluster({ seed, isFlushed: seed % 2 === 0, ...over });
  await cluster.begin();
  await cluster.trouble(TROUBLE_MS);
  await cluster.recover();
  return cluster;
};

describe('three brokers', () => {
  it(
    'lose nothing that they acknowledged, and come together again',
    async () => {
      for (let seed = 100; seed < 104; seed++) {
        const cluster = await live(seed);
        expect(cluster.acknowledged).toBeGreaterThan(0);
      }
    },
    TIMEOUT_MS,
  );

  it(
    'live the same history twice from the same seed',
    async () => {
      const [one, two] = [await live(4), await live(4)];
      expect(one.history.length).toBeGreaterThan(100);
      expect(two.history).toEqual(one.history);
    },
    TIMEOUT_MS,
  );

  /** `seeds`: where it is looked for. Of a bug that needs lost tails only histories without flushes are of use. */
  const KNOWN_BUGS: readonly (readonly [
    ReplicationMutant,
    readonly number[],
    Partial<SmallClusterOptions>?,
  ])[] = [
    ['lastReplicaStanding', [5, 7]],
    ['truncateToHighWatermark', [0, 1, 2]],
    ['zombieLeader', [34, 35, 36]],
    ['isrGrownTooEarly', [0, 4, 5, 6]],
    ['ackBeforeFlush', [6]],
    ['highWatermarkFromSmallerIsr', [0, 1, 2]],
    ['uncleanRestartElected', [5, 7]],
  ];

  for (const [mutant, seeds, over] of KNOWN_BUGS)
    it(
      `with ${mutant} are found out`,
      async () => {
        const found: unknown[] = [];
        for (const seed of seeds) {
          if (found.length > 0) break;
          await live(seed, { mutant, ...over }).catch((error: unknown) => found.push(error));
        }
        expect(found[0]).toBeInstanceOf(Violation);
      },
      TIMEOUT_MS,
    );
});
