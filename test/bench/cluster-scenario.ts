/**
 * What a cluster costs and how fast it recovers, with three broker processes on this one machine: acks=all on three replicas
 * beside acks=all on one, in the same cluster and led by the same broker; kill -9 of leaders under a client that goes on; and
 * a thousand partitions, each on all three.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { Admin, Producer } from '@odradek/client';
import { ClusterProcesses } from '../support/cluster-processes.ts';
import { INSPECTED, heldMemory } from '../support/held-memory.ts';
import { until } from '../support/until.ts';
import type { Throughput } from './load.ts';
import {
  FLUSH_OFF,
  inTurns,
  loadWith,
  warmupMs,
  type Context,
  type Measurement,
} from './scenarios.ts';
import { quantile, round } from './statistics.ts';

const start = (context: Context, nodeFlags: readonly string[] = []): Promise<ClusterProcesses> =>
  ClusterProcesses.start({
    folder: mkdtempSync(join(context.folder, 'cluster-')),
    config: { 'min.insync.replicas': '2' },
    nodeFlags,
  });

/** acks=all on one replica and on three. The brokers and the client share both cores. */
export const replication = async (context: Context): Promise<Measurement[]> => {
  await using brokers = await start(context);
  const client = brokers.connect();
  const admin = new Admin(client);
  const results: Measurement[] = [];
  for (const [flush, configs] of [
    ['on', {}],
    ['off', FLUSH_OFF],
  ] as const) {
    const sides = [
      { side: '1 replica', name: `one-${flush}`, brokerIds: [1] },
      { side: '3 replicas', name: `three-${flush}`, brokerIds: [1, 2, 3] },
    ];
    for (const { name, brokerIds } of sides) {
      const least = { 'min.insync.replicas': String(Math.min(2, brokerIds.length)) };
      await admin.createTopic({
        name,
        assignments: [brokerIds],
        configs: { ...configs, ...least },
      });
      await brokers.whenInSync(admin, name);
    }
    const produce = async (topic: string): Promise<number> =>
      (
        await loadWith<Throughput>(context, 'load', {
          kind: 'produce',
          target: brokers.broker(1).kafka,
          topic,
          partitions: 1,
          acks: -1,
          records: 16,
          recordBytes: 1000,
          depth: 128,
          warmupMs,
          windowMs: context.windowMs,
        })
      ).mibPerSecond;
    results.push(
      ...(await inTurns(
        context,
        `acks=all, 1 KiB records, 16 KiB batches, flush ${flush}`,
        'MiB/s',
        sides.map(({ side, name }) => ({ side, measure: () => produce(name) })),
      )),
    );
  }
  client.close();
  return results;
};

const FAILOVERS = 21;
/** A client that has something to say all the time. */
const SEND_INTERVAL_MS = 5;

/** kill -9 of the leader: how long it takes until something that was sent afterwards is acknowledged by all in sync. */
export const failover = async (context: Context): Promise<Measurement[]> => {
  await using brokers = await start(context);
  const client = brokers.connect({ retry: { timeoutMs: 60_000 } });
  const admin = new Admin(client);
  const producer = new Producer(client, { lingerMs: 0, deliveryTimeoutMs: 60_000 });
  const send = (): Promise<unknown> =>
    producer.send('failover', { value: new Uint8Array(100), partition: 0 });
  await admin.createTopic({ name: 'failover', partitions: 1, replicationFactor: 3 });
  const samples: number[] = [];
  for (let i = 0; i < FAILOVERS; i++) {
    await brokers.whenInSync(admin, 'failover');
    await send();
    const leader = (await admin.describeTopic('failover')).partitions[0]!.leaderId;
    await brokers.kill(leader);
    const killedAt = performance.now();
    await untilOneIsDone(send);
    samples.push(round(performance.now() - killedAt));
    context.progress(`   failover ${i + 1}/${FAILOVERS}: ${samples.at(-1)} ms`);
    await brokers.start(leader);
  }
  await producer.close();
  client.close();
  const of = (label: string, q: number): Measurement => ({
    name: `kill -9 of a leader, ${FAILOVERS} times: acknowledged again, ${label}`,
    ...single('ms', quantile(samples, q), samples),
  });
  return [of('p50', 0.5), of('p99', 0.99)];
};

/** Of those that are begun from now on, one after the other, whether or not those before are done. */
const untilOneIsDone = async (begin: () => Promise<unknown>): Promise<void> => {
  const begun: Promise<unknown>[] = [];
  let isOver = false;
  const one = new Promise<void>((resolve, reject) => {
    const goOn = async (): Promise<void> => {
      while (!isOver) {
        begun.push(begin().then(() => resolve(), reject));
        await new Promise((after) => setTimeout(after, SEND_INTERVAL_MS));
      }
    };
    void goOn();
  });
  await one.finally(() => (isOver = true));
  await Promise.all(begun);
};

const PARTITIONS = 1_000;
/** Each of them begins with a new cluster. */
const SCALE_ROUNDS_MAX = 2;

/** What each of many partitions holds, and how long the controller takes to move the leaders of a broker that was killed. */
export const scale = async (context: Context): Promise<Measurement[]> => {
  const held: number[] = [];
  const resident: number[] = [];
  const moved: number[] = [];
  const rounds = Math.min(context.rounds, SCALE_ROUNDS_MAX);
  for (let i = 0; i < rounds; i++) {
    await using brokers = await start(context, INSPECTED);
    const client = brokers.connect({ retry: { timeoutMs: 60_000 } });
    const admin = new Admin(client);
    const memory = () => Promise.all(brokers.nodeIds.map((it) => heldMemory(brokers.broker(it))));
    await admin.createTopic({ name: 'few', partitions: 10, replicationFactor: 3 });
    await brokers.whenInSync(admin, 'few');
    const before = await memory();
    await admin.createTopic({ name: 'many', partitions: PARTITIONS, replicationFactor: 3 });
    await brokers.whenInSync(admin, 'many');
    const after = await memory();
    const grown = after.map((it, at) => ({
      held: it.heapUsed + it.external - before[at]!.heapUsed - before[at]!.external,
      resident: it.rss - before[at]!.rss,
    }));
    held.push(round(Math.max(...grown.map((it) => it.held)) / PARTITIONS / 1024));
    resident.push(round(Math.max(...grown.map((it) => it.resident)) / PARTITIONS / 1024));
    const controller = (await admin.describeQuorum())!.leaderId;
    const victim = brokers.nodeIds.find((it) => it !== controller)!;
    await brokers.kill(victim);
    const fenced = () =>
      brokers.broker(controller).log.find((it) => it['nodeId'] === victim && 'tookMs' in it);
    await until(() => fenced() !== undefined, 30_000);
    moved.push(Number(fenced()!['tookMs']));
    context.progress(`   scale round ${i + 1}/${rounds}: ${held[i]} KiB, ${moved[i]} ms`);
    client.close();
  }
  const name = (what: string): string =>
    `${PARTITIONS.toLocaleString('en')} partitions of 3 replicas: ${what}`;
  return [
    { name: name('held by each'), ...single('KiB', quantile(held, 0.5), held) },
    { name: name('resident for each'), ...single('KiB', quantile(resident, 0.5), resident) },
    { name: name('leaders of a dead broker moved'), ...single('ms', quantile(moved, 0.5), moved) },
  ];
};

const single = (
  unit: string,
  median: number,
  samples: readonly number[],
): Omit<Measurement, 'name'> => ({
  side: 'odradek',
  unit,
  median: round(median),
  low: Math.min(...samples),
  high: Math.max(...samples),
});
