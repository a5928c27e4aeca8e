/**
 * Replicas that come and go: a new broker takes partitions over under load and is stopped in an orderly way; one that was away
 * while much was written and leaders changed catches up; what was deleted meanwhile is deleted there too.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Admin, Producer, type Cluster } from '@odradek/client';
import {
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
} from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { Ledger, expectSameBytes, expectSamePrefix, replicaBytes } from '../support/ledger.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { WireClient } from '../support/wire-client.ts';

const REASSIGN = {
  request: alterPartitionReassignmentsRequest,
  response: alterPartitionReassignmentsResponse,
};
const PARTITIONS = 3;
/** How long the client is watched before the move. */
const QUIET_MS = 5_000;
/** How much slower the client's 99th percentile may be while partitions move. */
const SLOWER_MAX = 3;
/** Less than that is no slowness: on a machine that others share, a process waits for its turn as long. */
const P99_MS_NOISE = 150;
const RATE = 1024 ** 2;
const config = { 'min.insync.replicas': '2', 'replica.lag.time.max.ms': '3000' };

describe('a new broker', () => {
  it(
    'takes over by reassignment under load, and hands over before it stops',
    { timeout: 300_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using brokers = await ClusterProcesses.start({ folder: folder.path, config });
      const cluster = brokers.connect({ retry: { timeoutMs: 60_000 } });
      const admin = new Admin(cluster);
      await admin.createTopic({ name: 'ledger', partitions: PARTITIONS, replicationFactor: 3 });
      await brokers.whenInSync(admin, 'ledger');
      await using ledger = new Ledger(cluster, 'ledger', PARTITIONS, { pauseMs: 2 });
      await ledger.progress(100);
      const quietMs = performance.now();
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      const beganMs = performance.now();
      await brokers.add(4);
      // It leads where it is named first: there a preferred leader is elected when the move is done, or later.
      const targets = [
        [4, 2, 3],
        [4, 1, 2],
        [1, 4, 3],
      ];
      const client = await WireClient.connect(brokers.broker(2).kafka);
      const answer = await client.request(REASSIGN, 1, {
        timeoutMs: 30_000,
        topics: [
          {
            name: 'ledger',
            partitions: targets.map((replicas, partitionIndex) => ({ partitionIndex, replicas })),
          },
        ],
      });
      expect(answer.errorCode).toBe(0);
      expect(answer.responses[0]!.partitions.map((it) => it.errorCode)).toEqual([0, 0, 0]);
      client.close();
      await until(async () => {
        const { partitions } = await admin.describeTopic('ledger');
        return partitions.every(
          (it) =>
            String([...it.replicaNodes].sort()) ===
              String([...targets[it.partitionIndex]!].sort()) && it.isrNodes.length === 3,
        );
      }, 60_000);
      await ledger.progress(50);
      const [before, during] = [ledger.p99Ms(quietMs, beganMs), ledger.p99Ms(beganMs)];
      process.stdout.write(
        `p99 of a produce: ${Math.round(before)} ms before, ${Math.round(during)} ms while a broker joined and took partitions\n`,
      );
      expect(during).toBeLessThan(Math.max(SLOWER_MAX * before, P99_MS_NOISE));
      // Who keeps a partition no more has no files of it.
      const places = [1, 3, 2].map((it, partition) =>
        join(brokers.folderOf(it), `ledger-${partition}`),
      );
      await until(() => places.every((it) => !existsSync(it)), 60_000);
      // Where it is named first it is the preferred leader.
      await admin.electLeaders('preferred', null);
      await until(
        async () =>
          (await admin.describeTopic('ledger')).partitions.filter((it) => it.leaderId === 4)
            .length === 2,
        30_000,
      );
      await ledger.progress(20);
      const stopped = brokers.kill(4, 'SIGTERM');
      await stopped;
      const led = (await admin.describeTopic('ledger')).partitions.map((it) => it.leaderId);
      expect(led).not.toContain(4);
      expect(led).not.toContain(-1);
      await ledger.progress(20);
      await ledger.stop();
      const reader = brokers.connect();
      await ledger.check(reader);
      reader.close();
      targets.forEach((replicas, partition) =>
        expectSamePrefix(
          replicas.map((it) => brokers.folderOf(it)),
          'ledger',
          partition,
        ),
      );
      cluster.close();
    },
  );
});

describe('a move that is throttled', () => {
  it(
    'takes no more than it may, on both sides, until it is let go',
    { timeout: 120_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using brokers = await ClusterProcesses.start({ folder: folder.path, config });
      const cluster = brokers.connect({ retry: { timeoutMs: 60_000 } });
      const admin = new Admin(cluster);
      for (const topic of ['given', 'taken'])
        await admin.createTopic({ name: topic, assignments: [[1, 2]] });
      const producer = new Producer(cluster);
      const value = new Uint8Array(64 * 1024).fill(0x61);
      const sizeBytes = 8 * RATE;
      await Promise.all(
        ['given', 'taken'].flatMap((topic) =>
          Array.from({ length: sizeBytes / value.length }, () =>
            producer.send(topic, { value, partition: 0 }),
          ),
        ),
      );
      await producer.close();
      // The leader's side of one topic, the follower's of the other.
      await admin.alterConfig(
        { topic: 'given' },
        { 'leader.replication.throttled.replicas': '0:1' },
      );
      await admin.alterConfig(
        { topic: 'taken' },
        { 'follower.replication.throttled.replicas': '*' },
      );
      await admin.alterConfig({ broker: 1 }, { 'leader.replication.throttled.rate': String(RATE) });
      await admin.alterConfig(
        { broker: 3 },
        { 'follower.replication.throttled.rate': String(RATE) },
      );
      const beganMs = performance.now();
      await admin.alterReassignments(
        ['given', 'taken'].map((topic) => ({ topic, partition: 0, replicas: [1, 2, 3] })),
      );
      const has = (topic: string): number =>
        existsSync(join(brokers.folderOf(3), `${topic}-0`))
          ? replicaBytes(brokers.folderOf(3), topic, 0).length
          : 0;
      await until(() => has('given') > RATE && has('taken') > RATE, 30_000);
      const seconds = (performance.now() - beganMs) / 1000;
      for (const topic of ['given', 'taken']) {
        // A second's worth at once, and what one answer may bring beyond it.
        expect(has(topic)).toBeLessThan((seconds + 1) * RATE + 1.5 * RATE);
        expect(has(topic)).toBeLessThan(sizeBytes);
      }
      await admin.alterConfig({ broker: 1 }, { 'leader.replication.throttled.rate': null });
      await admin.alterConfig({ broker: 3 }, { 'follower.replication.throttled.rate': null });
      for (const topic of ['given', 'taken']) {
        await brokers.whenInSync(admin, topic);
        await expectSameBytes(
          brokers.nodeIds.map((it) => brokers.folderOf(it)),
          topic,
          1,
        );
      }
      cluster.close();
    },
  );
});

describe('a follower that was away', () => {
  it(
    'for thousands of records, several leaders and a deleted topic is like the others again',
    { timeout: 300_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using brokers = await ClusterProcesses.start({
        folder: folder.path,
        config: { ...config, 'min.insync.replicas': '1' },
      });
      const cluster = brokers.connect({ retry: { timeoutMs: 60_000 } });
      const admin = new Admin(cluster);
      await admin.createTopic({ name: 'ledger', partitions: PARTITIONS, replicationFactor: 3 });
      await admin.createTopic({ name: 'doomed', partitions: PARTITIONS, replicationFactor: 3 });
      await brokers.whenInSync(admin, 'ledger');
      await brokers.whenInSync(admin, 'doomed');
      await using ledger = new Ledger(cluster, 'ledger', PARTITIONS);
      await ledger.progress(100);
      await brokers.kill(3);
      await ledger.progress(1_000);
      await admin.deleteTopic('doomed');
      await untilGone(cluster, 'doomed');
      expect(keeps(brokers.folderOf(3), 'doomed')).toBe(true);
      for (const other of [1, 2]) {
        await ledger.progress(500);
        // The one that stays must be in sync, and the quorum keeps its majority while this one hands over.
        await brokers.whenInSyncBut(admin, 'ledger', 3);
        await brokers.kill(other, 'SIGTERM');
        await brokers.start(other);
      }
      await ledger.progress(500);
      await brokers.start(3);
      await brokers.whenInSync(admin, 'ledger');
      await ledger.stop();
      const reader = brokers.connect();
      await ledger.check(reader);
      reader.close();
      await expectSameBytes(
        brokers.nodeIds.map((it) => brokers.folderOf(it)),
        'ledger',
        PARTITIONS,
      );
      for (const id of brokers.nodeIds)
        await until(() => !keeps(brokers.folderOf(id), 'doomed'), 30_000);
      // The name is free again.
      await admin.createTopic({ name: 'doomed', partitions: 1, replicationFactor: 3 });
      await brokers.whenInSync(admin, 'doomed');
      cluster.close();
    },
  );
});

const keeps = (folder: string, topic: string): boolean =>
  readdirSync(folder).some((it) => it.startsWith(`${topic}-`));

const untilGone = (cluster: Cluster, topic: string): Promise<void> =>
  until(async () => {
    const topics = await new Admin(cluster).listTopics();
    return topics.every((it) => it.name !== topic);
  });
