/** The broker that coordinates a group is killed: the coordinator moves, the group goes on, and no committed offset is lost. */
import { Admin, Consumer, Producer } from '@odradek/client';
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const KILLS = 3;
const PARTITIONS = 3;
const RECORDS_BETWEEN = 60;

describe('a group whose coordinator is killed', () => {
  it('goes on elsewhere and loses no commit', { timeout: 300_000 }, async () => {
    await using folder = await temporaryFolder();
    await using brokers = await ClusterProcesses.start({
      folder: folder.path,
      config: { 'min.insync.replicas': '2', 'group.initial.rebalance.delay.ms': '0' },
    });
    const cluster = brokers.connect({ retry: { timeoutMs: 60_000 } });
    const admin = new Admin(cluster);
    await admin.createTopic({ name: 'work', partitions: PARTITIONS, replicationFactor: 3 });
    await using producer = new Producer(cluster);
    let sent = 0;
    const send = async (): Promise<void> => {
      const records = Array.from({ length: RECORDS_BETWEEN }, () => ({
        value: utf8Encode(String(sent)),
        partition: sent++ % PARTITIONS,
      }));
      await producer.send('work', records);
    };

    const ours = new Set<string>();
    await using consumer = new Consumer(brokers.connect({ retry: { timeoutMs: 60_000 } }), {
      group: 'ours',
      from: 'earliest',
      autoCommitIntervalMs: 100,
    });
    await consumer.subscribe(['work']);
    const stop = new AbortController();
    const reading = (async () => {
      while (!stop.signal.aborted) {
        const batch = await consumer.poll(stop.signal).catch((error: unknown) => {
          if (stop.signal.aborted) return undefined;
          throw error;
        });
        for (const record of batch?.records ?? []) {
          ours.add(utf8Decode(record.value!));
          consumer.finished(record);
        }
      }
    })();
    reading.catch(() => {});

    const theirs = new Set<string>();
    const kafka = new Kafka({
      brokers: brokers.bootstrap.map(({ host, port }) => `${host}:${port}`),
      logLevel: logLevel.NOTHING,
      retry: { retries: 50, initialRetryTime: 100, maxRetryTime: 1_000 },
    });
    const reader = kafka.consumer({ groupId: 'theirs', sessionTimeout: 10_000 });
    await reader.connect();
    await reader.subscribe({ topics: ['work'], fromBeginning: true });
    await reader.run({
      autoCommitInterval: 100,
      eachMessage: async ({ message }) => void theirs.add(message.value!.toString()),
    });

    const committed = async (group: string): Promise<readonly number[]> => {
      const offsets = await admin.listGroupOffsets(group);
      return Array.from(
        { length: PARTITIONS },
        (_, i) => offsets.find((it) => it.partition === i)?.offset ?? 0,
      );
    };

    try {
      for (let kill = 0; kill < KILLS; kill++) {
        await send();
        await until(() => ours.size === sent && theirs.size === sent, 60_000);
        const kept = sent / PARTITIONS;
        // All of it is committed, in both groups.
        await until(async () => {
          const both = [...(await committed('ours')), ...(await committed('theirs'))];
          return both.every((it) => it >= kept);
        }, 60_000);
        await brokers.whenInSync(admin, '__consumer_offsets');
        const { coordinator } = await admin.describeGroup(kill % 2 === 0 ? 'ours' : 'theirs');
        await brokers.kill(coordinator);
        for (const group of ['ours', 'theirs'])
          for (const offset of await committed(group)) expect(offset).toBeGreaterThanOrEqual(kept);
        await send();
        await until(() => ours.size === sent && theirs.size === sent, 90_000);
        const after = await admin.describeGroup(kill % 2 === 0 ? 'ours' : 'theirs');
        expect(after.coordinator).not.toBe(coordinator);
        await brokers.start(coordinator);
        await brokers.whenInSync(admin, 'work');
        await brokers.whenInSync(admin, '__consumer_offsets');
      }
    } finally {
      stop.abort();
      await reader.disconnect().catch(() => {});
    }
    await reading;
    cluster.close();
  });
});
