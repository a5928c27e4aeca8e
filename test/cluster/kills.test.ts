/**
 * kill -9 of brokers of a cluster under a loaded produce with acks=all: every record that was acknowledged is there, once and
 * in the order of its partition, and the client goes on within two seconds while two of three brokers are left. A hundred and
 * twenty of them take six minutes: CLUSTER_KILLS=100 CLUSTER_KILLS_OF_ALL=20.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Admin, Consumer, Producer, type Cluster } from '@odradek/client';
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import { seeded } from '@odradek/protocol/testing';
import { describe, expect, it } from 'vitest';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const KILLS = Number(process.env['CLUSTER_KILLS'] ?? 40);
const KILLS_OF_ALL = Number(process.env['CLUSTER_KILLS_OF_ALL'] ?? 8);
const PARTITIONS = 3;
/** Records under way in each partition. */
const WINDOW = 20;
const GOES_ON_WITHIN_MS = 2_000;

const seed = Number(process.env['CLUSTER_SEED'] ?? Date.now() % 1_000_000);

describe(`three brokers that are killed (seed ${seed})`, () => {
  it(
    `${KILLS} times one of them and ${KILLS_OF_ALL} times all at once, lose nothing that was acknowledged`,
    { timeout: 900_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using brokers = await ClusterProcesses.start({
        folder: folder.path,
        config: { 'min.insync.replicas': '2' },
      });
      const chance = seeded(seed);
      const cluster = brokers.connect({ retry: { timeoutMs: 120_000 } });
      const admin = new Admin(cluster);
      await admin.createTopic({ name: 'ledger', partitions: PARTITIONS, replicationFactor: 3 });
      await brokers.whenInSync(admin, 'ledger');
      await using writing = new Writing(cluster);
      const gapsMs: number[] = [];
      const startedAt = performance.now();
      for (let kill = 1; kill <= KILLS; kill++) {
        const victim = chance.pick(brokers.nodeIds);
        await writing.progress(WINDOW);
        await brokers.kill(victim);
        const killedAt = performance.now();
        // Something that was sent after the kill is acknowledged, in every partition.
        await writing.progress(2 * WINDOW);
        gapsMs.push(performance.now() - killedAt);
        await brokers.start(victim);
        await brokers.whenInSync(admin, 'ledger');
      }
      for (let kill = 1; kill <= KILLS_OF_ALL; kill++) {
        await writing.progress(WINDOW);
        await brokers.killAll();
        await brokers.startAll();
        await brokers.whenInSync(admin, 'ledger');
      }
      await writing.progress(WINDOW);
      const acknowledged = await writing.stop();
      const kept = await readAll(
        brokers.connect(),
        acknowledged.map((it) => it.length),
      );
      gapsMs.sort((a, b) => a - b);
      const at = (part: number): number =>
        Math.round(gapsMs[Math.floor(gapsMs.length * part)] ?? 0);
      process.stdout.write(
        `${KILLS} kills of one broker and ${KILLS_OF_ALL} of all three in ${Math.round((performance.now() - startedAt) / 1000)} s: ` +
          `${acknowledged.flat().length} records acknowledged; all partitions went on after ${at(0.5)} ms (p50), ${at(0.95)} (p95), ${Math.round(gapsMs.at(-1) ?? 0)} (max)\n`,
      );
      for (const [partition, values] of acknowledged.entries()) {
        // Each is there once and in order: what was sent and never answered may stand at the end only.
        expect(kept[partition]!.slice(0, values.length)).toEqual(values);
        expect(new Set(kept[partition]).size).toBe(kept[partition]!.length);
      }
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
      expect(at(0.5)).toBeLessThan(GOES_ON_WITHIN_MS);
      cluster.close();
    },
  );
});

/** Writes numbered records to every partition without a pause, and knows which were acknowledged. */
class Writing implements AsyncDisposable {
  readonly #producer: Producer;
  readonly #acknowledged: string[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly #writers: Promise<void>[];
  #failure: unknown;
  #isStopping = false;

  constructor(cluster: Cluster) {
    this.#producer = new Producer(cluster, { deliveryTimeoutMs: 120_000 });
    this.#writers = this.#acknowledged.map((_, partition) =>
      this.#write(partition).catch((error: unknown) => (this.#failure ??= error)),
    ) as Promise<void>[];
  }

  /** Until `count` more are acknowledged in each partition. */
  async progress(count: number): Promise<void> {
    const before = this.#acknowledged.map((it) => it.length);
    await until(() => {
      if (this.#failure !== undefined) throw this.#failure;
      return this.#acknowledged.every((it, i) => it.length >= before[i]! + count);
    }, 60_000);
  }

  async stop(): Promise<readonly (readonly string[])[]> {
    this.#isStopping = true;
    await Promise.all(this.#writers);
    if (this.#failure !== undefined) throw this.#failure;
    // Those of one answer may be told in any order.
    return this.#acknowledged.map((it) => it.toSorted((a, b) => Number(a) - Number(b)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await this.#producer.close().catch(() => {});
  }

  async #write(partition: number): Promise<void> {
    const acknowledged = this.#acknowledged[partition]!;
    const underWay: Promise<void>[] = [];
    for (let n = 0; !this.#isStopping; n++) {
      const value = String(n);
      underWay.push(
        this.#producer
          .send('ledger', { value: utf8Encode(value), partition })
          .then(() => void acknowledged.push(value)),
      );
      if (underWay.length >= WINDOW) await underWay.shift();
    }
    await Promise.all(underWay);
  }
}

/** At least so many of each partition. */
const readAll = async (
  cluster: Cluster,
  counts: readonly number[],
): Promise<readonly (readonly string[])[]> => {
  const kept: string[][] = counts.map(() => []);
  const consumer = new Consumer(cluster, { from: 'earliest', maxWaitMs: 100 });
  await consumer.assign(counts.map((_, partition) => ({ topic: 'ledger', partition })));
  while (counts.some((count, partition) => kept[partition]!.length < count)) {
    const batch = await consumer.poll(AbortSignal.timeout(60_000));
    if (batch === undefined) break;
    kept[batch.partition]!.push(...batch.records.map(({ value }) => utf8Decode(value!)));
  }
  await consumer.close();
  cluster.close();
  return kept;
};
