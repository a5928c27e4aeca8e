/** Reads records as fast as the broker gives them; partitions are shared out among the clients. */
import { Admin, Consumer } from '@odradek/client';
import type { Cluster, TopicPartition } from '@odradek/client';
import { fill } from './bench-produce.ts';
import { report, runBench, shareOf } from './bench.ts';
import type { Bench, ClientResult } from './bench.ts';
import type { BenchOptions } from './commands/bench.ts';
import { Latencies } from './latencies.ts';
import { say } from './messages.ts';
import { ProgressBar } from './progress-bar.ts';
import type { World } from './world.ts';

/** How often it is looked whether there is nothing more. */
const LOOK_EVERY_MS = 200;

export const benchConsume = (
  world: World,
  topic: string | undefined,
  options: BenchOptions,
): Promise<number> =>
  runBench(world, topic, options, async (bench) => {
    if (bench.isOwnTopic) await fill(bench, 1, 'filling');
    const cluster = bench.open();
    const { partitions } = await cluster.topic(bench.topic);
    const clients = Math.min(options.clients, partitions.length);
    if (clients < options.clients)
      await say(
        world,
        `${bench.topic} has ${partitions.length} partitions: ${clients} clients read`,
      );
    const end = await recordCount(cluster, bench.topic);
    const total = Math.min(options.records ?? end, end);
    const bar = new ProgressBar(world, 'consume', total);
    try {
      const results = await Promise.all(
        Array.from({ length: clients }, (_, index) =>
          read(
            bench,
            partitions
              .map(({ partitionIndex: partition }) => ({ topic: bench.topic, partition }))
              .filter((_each, at) => at % clients === index),
            options.records === undefined ? end : shareOf(total, clients, index),
            bar,
          ),
        ),
      );
      bar.end();
      if (!bench.signal.aborted) await report(bench, 'consume', results);
    } finally {
      bar.end();
    }
  });

/** Offsets between the ends of its partitions: at least as many as there are records. */
async function recordCount(cluster: Cluster, topic: string): Promise<number> {
  const admin = new Admin(cluster);
  const [starts, ends] = await Promise.all([
    admin.listOffsets(topic, 'earliest'),
    admin.listOffsets(topic, 'latest'),
  ]);
  const sum = (offsets: typeof ends): number =>
    offsets.reduce((total, { offset }) => total + Math.max(0, offset), 0);
  return sum(ends) - sum(starts);
}

async function read(
  { world, open, signal }: Bench,
  partitions: readonly TopicPartition[],
  total: number,
  bar: ProgressBar,
): Promise<ClientResult> {
  const consumer = new Consumer(open(), { from: 'earliest' });
  const latencies = new Latencies();
  const startedMs = world.monotonicMs();
  let [records, bytes, lastMs] = [0, 0, startedMs];
  try {
    await consumer.assign(partitions);
    while (records < total && !signal.aborted) {
      const waitMs = world.monotonicMs();
      const batch = await consumer.poll(signal, { waitMs: LOOK_EVERY_MS });
      if (batch === undefined) {
        if (partitions.every((each) => consumer.lag(each) === 0)) break;
        continue;
      }
      lastMs = world.monotonicMs();
      latencies.add(lastMs - waitMs);
      for (const record of batch.records) {
        bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
        consumer.finished(record);
      }
      records += batch.records.length;
      bar.add(batch.records.length);
    }
  } finally {
    await consumer.close({ abandon: true });
  }
  // Until the last record: the look behind it is not part of it.
  return { records, bytes, seconds: (lastMs - startedMs) / 1000, latencies };
}
