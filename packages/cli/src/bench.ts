/** What all benchmarks share: the topic that is made for a run, the share of each client, the report. */
import { Admin } from '@odradek/client';
import type { Cluster } from '@odradek/client';
import type { BenchOptions } from './commands/bench.ts';
import { opener } from './connect.ts';
import { interruptible } from './interruption.ts';
import { Latencies } from './latencies.ts';
import { plural, say } from './messages.ts';
import { writeJson, writeTable } from './table.ts';
import { topicAppears } from './topic-appears.ts';
import { EXIT_OK } from './world.ts';
import type { World } from './world.ts';

export interface Bench {
  readonly world: World;
  readonly options: BenchOptions;
  readonly topic: string;
  /** It was made for this run. */
  readonly isOwnTopic: boolean;
  readonly signal: AbortSignal;
  /** Another client with connections of its own, closed when the run is over. */
  readonly open: () => Cluster;
}

export interface ClientResult {
  readonly records: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly latencies: Latencies;
}

const SUFFIX_BYTES = 4;

export async function runBench(
  world: World,
  topic: string | undefined,
  options: BenchOptions,
  work: (bench: Bench) => Promise<void>,
): Promise<number> {
  const openCluster = await opener(world, options);
  const clusters: Cluster[] = [];
  const open = (): Cluster => {
    const cluster = openCluster(`odradek-bench-${clusters.length + 1}`);
    clusters.push(cluster);
    return cluster;
  };
  const cluster = open();
  const admin = new Admin(cluster);
  const name = topic ?? `odradek-bench-${suffix(cluster)}`;
  try {
    await cluster.metadata({ topics: [] });
    if (topic === undefined)
      await admin.createTopic({
        name,
        partitions: Math.max(options.partitions, options.clients ?? 1),
      });
    try {
      const isOwnTopic = topic === undefined;
      if (isOwnTopic) await topicAppears(cluster, name);
      return await interruptible(world, async (signal) => {
        await work({ world, options, topic: name, isOwnTopic, signal, open });
        return EXIT_OK;
      });
    } finally {
      if (topic === undefined && !options.keep) await admin.deleteTopic(name);
      else if (topic === undefined) await say(world, `kept topic ${name}`);
    }
  } finally {
    for (const each of clusters) each.close();
  }
}

const suffix = ({ host: { random } }: Cluster): string =>
  Buffer.from(random.bytes(SUFFIX_BYTES)).toString('hex');

/** The records of client `index` when `clients` share `total`. */
export const shareOf = (total: number, clients: number, index: number): number =>
  Math.floor(total / clients) + (index < total % clients ? 1 : 0);

/** Values of one size that neither repeat at once nor compress to nothing: windows into chance, as text. */
export function valuesOf({ host: { random } }: Cluster, size: number): () => Uint8Array {
  const WINDOW = 64 * 1024;
  const pool = Buffer.from(Buffer.from(random.bytes(WINDOW)).toString('base64'));
  const long = Buffer.concat(
    Array.from({ length: Math.ceil((size + WINDOW) / pool.length) }, () => pool),
  );
  let at = 0;
  return () => {
    at = (at + 7919) % WINDOW;
    return long.subarray(at, at + size);
  };
}

export async function report(
  { world, options, topic }: Bench,
  kind: 'produce' | 'consume',
  results: readonly ClientResult[],
): Promise<void> {
  const records = results.reduce((sum, each) => sum + each.records, 0);
  const bytes = results.reduce((sum, each) => sum + each.bytes, 0);
  const whole: ClientResult = {
    records,
    bytes,
    // They begin together: the slowest one's time is the run's.
    seconds: Math.max(...results.map(({ seconds }) => seconds)),
    latencies: Latencies.merged(results.map(({ latencies }) => latencies)),
  };
  if (options.json) {
    const perClient = results.length > 1 ? results.map(figures) : undefined;
    await writeJson(world, [
      { bench: kind, topic, clients: results.length, ...figures(whole), perClient },
    ]);
    return;
  }
  await say(
    world,
    `${plural(records, 'record')} ${kind === 'produce' ? 'to' : 'from'} ${topic} in ${whole.seconds.toFixed(2)} s, ${plural(results.length, 'client')}; times in ms are of ${kind === 'produce' ? `${options.batch} records until acknowledged` : 'waits for the next records'}`,
  );
  const rows = results.length > 1 ? results.map((each, index) => row(String(index + 1), each)) : [];
  await writeTable(
    world,
    ['CLIENT', 'RECORDS', 'RECORDS/S', 'MB/S', 'P50', 'P99', 'P99.9', 'MAX'],
    [...rows, row('all', whole)],
  );
}

const figures = ({ records, bytes, seconds, latencies }: ClientResult): object => ({
  records,
  bytes,
  seconds,
  recordsPerSecond: Math.round(rate(records, seconds)),
  bytesPerSecond: Math.round(rate(bytes, seconds)),
  latencyMs: latencies.percentiles() ?? null,
});

function row(
  name: string,
  { records, bytes, seconds, latencies }: ClientResult,
): readonly string[] {
  const times = latencies.percentiles();
  return [
    name,
    String(records),
    rate(records, seconds).toFixed(0),
    (rate(bytes, seconds) / 1e6).toFixed(1),
    ...[times?.p50, times?.p99, times?.p999, times?.max].map((ms) => ms?.toFixed(2) ?? '-'),
  ];
}

const rate = (count: number, seconds: number): number => (seconds > 0 ? count / seconds : 0);
