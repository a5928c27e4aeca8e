/** Sends records as fast as the broker takes them. */
import { Producer } from '@odradek/client';
import type { Cluster } from '@odradek/client';
import { report, runBench, shareOf, valuesOf } from './bench.ts';
import type { Bench, ClientResult } from './bench.ts';
import type { BenchOptions } from './commands/bench.ts';
import { Latencies } from './latencies.ts';
import { acksOf } from './produce.ts';
import { ProgressBar } from './progress-bar.ts';
import type { World } from './world.ts';

export const RECORDS_DEFAULT = 100_000;
const BATCH_BYTES = 512 * 1024;
/** Sends that are not acknowledged, by each client. */
const IN_FLIGHT_MAX = 10;

export const benchProduce = (
  world: World,
  topic: string | undefined,
  options: BenchOptions,
): Promise<number> =>
  runBench(world, topic, options, async (bench) => {
    const results = await fill(bench, options.clients, 'produce');
    if (!bench.signal.aborted) await report(bench, 'produce', results);
  });

/** Sends what the options say, by several clients at once. */
export async function fill(
  bench: Bench,
  clients: number,
  what: string,
): Promise<readonly ClientResult[]> {
  const total = bench.options.records ?? RECORDS_DEFAULT;
  const bar = new ProgressBar(bench.world, what, total);
  const opened = await Promise.all(
    Array.from({ length: clients }, async () => {
      const cluster = bench.open();
      // Connected, with the topic known: the clock runs for records alone.
      await cluster.topic(bench.topic);
      return cluster;
    }),
  );
  try {
    return await Promise.all(
      opened.map((cluster, index) => send(bench, cluster, shareOf(total, clients, index), bar)),
    );
  } finally {
    bar.end();
  }
}

async function send(
  { world, topic, options, signal }: Bench,
  cluster: Cluster,
  total: number,
  bar: ProgressBar,
): Promise<ClientResult> {
  const { size, batch, acks, compression } = options;
  const producer = new Producer(cluster, {
    acks: acksOf(acks),
    batchBytes: BATCH_BYTES,
    requestBytesMax: Math.max(1024 * 1024, size + 1024),
    compression: compression === 'none' ? undefined : compression,
  });
  const nextValue = valuesOf(cluster, size);
  const latencies = new Latencies();
  const inFlight: Promise<void>[] = [];
  const startedMs = world.monotonicMs();
  let sent = 0;
  while (sent < total && !signal.aborted) {
    const count = Math.min(batch, total - sent);
    const records = Array.from({ length: count }, () => ({ value: nextValue() }));
    const sentMs = world.monotonicMs();
    const delivered = producer.send(topic, records).then(() => {
      latencies.add(world.monotonicMs() - sentMs);
      bar.add(count);
    });
    // It is awaited below; until then its failure is not unhandled.
    delivered.catch(() => {});
    inFlight.push(delivered);
    sent += count;
    if (inFlight.length >= IN_FLIGHT_MAX) await inFlight.shift();
  }
  await Promise.all(inFlight);
  await producer.close();
  const seconds = (world.monotonicMs() - startedMs) / 1000;
  return { records: sent, bytes: sent * size, seconds, latencies };
}
