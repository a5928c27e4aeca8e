/**
 * kill -9 of brokers of a cluster under a loaded produce with acks=all: every record that was acknowledged is there, once and
 * in the order of its partition, and the client goes on within two seconds while two of three brokers are left. Two clusters
 * live through it side by side: while one waits for an election, the other one's processes start.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Admin } from '@odradek/client';
import { seeded } from '@odradek/protocol/testing';
import { describe, expect, it } from 'vitest';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { Ledger } from '../support/ledger.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const KILLS = Number(process.env['CLUSTER_KILLS'] ?? 100);
const KILLS_OF_ALL = Number(process.env['CLUSTER_KILLS_OF_ALL'] ?? 20);
const CLUSTERS = 2;
const PARTITIONS = 3;
/** Acknowledged in each partition between two kills, at least. */
const PROGRESS = 20;
const GOES_ON_WITHIN_MS = 2_000;

const seed = Number(process.env['CLUSTER_SEED'] ?? Date.now() % 1_000_000);

describe(`three brokers that are killed (seed ${seed})`, () => {
  it(
    `${KILLS} times one of them and ${KILLS_OF_ALL} times all at once, lose nothing that was acknowledged`,
    { timeout: 900_000 },
    async () => {
      const startedAt = performance.now();
      const lives = await Promise.all(
        Array.from({ length: CLUSTERS }, (_, i) =>
          killed(seed + i, Math.ceil(KILLS / CLUSTERS), Math.ceil(KILLS_OF_ALL / CLUSTERS)),
        ),
      );
      const gapsMs = lives.flatMap((it) => it.gapsMs).sort((a, b) => a - b);
      const records = lives.reduce((sum, it) => sum + it.records, 0);
      const at = (part: number): number =>
        Math.round(gapsMs[Math.min(gapsMs.length - 1, Math.floor(gapsMs.length * part))] ?? 0);
      process.stdout.write(
        `${KILLS} kills of one broker and ${KILLS_OF_ALL} of all three in ${Math.round((performance.now() - startedAt) / 1000)} s: ` +
          `${records} records acknowledged; all partitions went on after ${at(0.5)} ms (p50), ${at(0.95)} (p95), ${at(1)} (max)\n`,
      );
      expect(at(0.5)).toBeLessThan(GOES_ON_WITHIN_MS);
    },
  );
});

/** One cluster's life: how long its client was held up by each kill, and how many records were acknowledged. */
const killed = async (
  clusterSeed: number,
  kills: number,
  killsOfAll: number,
): Promise<{ gapsMs: readonly number[]; records: number }> => {
  await using folder = await temporaryFolder();
  await using brokers = await ClusterProcesses.start({
    folder: folder.path,
    config: { 'min.insync.replicas': '2' },
  });
  const chance = seeded(clusterSeed);
  const cluster = brokers.connect({ retry: { timeoutMs: 120_000 } });
  const admin = new Admin(cluster);
  await admin.createTopic({ name: 'ledger', partitions: PARTITIONS, replicationFactor: 3 });
  await brokers.whenInSync(admin, 'ledger');
  await using ledger = new Ledger(cluster, 'ledger', PARTITIONS);
  const gapsMs: number[] = [];
  for (let kill = 1; kill <= kills; kill++) {
    const victim = chance.pick(brokers.nodeIds);
    await ledger.progress(PROGRESS);
    await brokers.kill(victim);
    const killedAt = performance.now();
    // More than can be under way: something that was sent after the kill is acknowledged, in every partition.
    await ledger.progress(2 * PROGRESS);
    gapsMs.push(performance.now() - killedAt);
    await brokers.start(victim);
    await brokers.whenInSync(admin, 'ledger');
  }
  for (let kill = 1; kill <= killsOfAll; kill++) {
    await ledger.progress(PROGRESS);
    await brokers.killAll();
    await brokers.startAll();
    // Nobody has to be in sync for the next one: all go down together, with whatever they have.
  }
  await ledger.progress(PROGRESS);
  await ledger.stop();
  const reader = brokers.connect();
  await ledger.check(reader);
  reader.close();
  // What all of them hold is the same to the byte.
  await brokers.whenInSync(admin, 'ledger');
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const copies = brokers.nodeIds.map((it) =>
      readFileSync(join(brokers.folderOf(it), `ledger-${partition}`, `${'0'.repeat(20)}.log`)),
    );
    const shortest = Math.min(...copies.map((it) => it.length));
    for (const copy of copies)
      expect(copy.subarray(0, shortest).equals(copies[0]!.subarray(0, shortest))).toBe(true);
  }
  cluster.close();
  return { gapsMs, records: ledger.counts.reduce((sum, it) => sum + it, 0) };
};
