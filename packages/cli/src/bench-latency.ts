/** One record after the other: until it is acknowledged, and until a consumer that waits for it has it. */
import { Consumer, Producer } from '@odradek/client';
import { utf8Encode } from '@odradek/protocol';
import { runBench, valuesOf } from './bench.ts';
import type { Bench } from './bench.ts';
import type { BenchOptions } from './commands/bench.ts';
import { Latencies } from './latencies.ts';
import { plural, say } from './messages.ts';
import { acksOf } from './produce.ts';
import { ProgressBar } from './progress-bar.ts';
import { writeJson, writeTable } from './table.ts';
import type { World } from './world.ts';

const RECORDS_DEFAULT = 1000;
/** Not measured: connections open, code is compiled. */
const WARM_UP_RECORDS = 20;
const PARTITION = 0;

export const benchLatency = (
  world: World,
  topic: string | undefined,
  options: BenchOptions,
): Promise<number> =>
  runBench(world, topic, options, async (bench) => {
    const measured = await measure(bench, options.records ?? RECORDS_DEFAULT);
    if (!bench.signal.aborted) await tell(bench, measured);
  });

interface Measured {
  readonly records: number;
  readonly acknowledged: Latencies;
  readonly received: Latencies;
}

async function measure(
  { world, open, topic, options, signal }: Bench,
  total: number,
): Promise<Measured> {
  const [sending, reading] = [open(), open()];
  const producer = new Producer(sending, {
    acks: acksOf(options.acks),
    compression: options.compression === 'none' ? undefined : options.compression,
  });
  const consumer = new Consumer(reading, { from: 'latest' });
  const nextValue = valuesOf(sending, options.size);
  const [acknowledged, received] = [new Latencies(), new Latencies()];
  const bar = new ProgressBar(world, 'latency', total);
  const run = sending.host.random.uint32();
  let records = 0;
  try {
    await consumer.assign([{ topic, partition: PARTITION }]);
    // It stands at the end only once it has asked where that is.
    await consumer.poll(signal, { waitMs: 1 });
    while (consumer.position({ topic, partition: PARTITION }) === undefined)
      await consumer.poll(signal, { waitMs: 5 });
    for (let count = 0; count < WARM_UP_RECORDS + total && !signal.aborted; count += 1) {
      const key = utf8Encode(`${run}-${count}`);
      const sentMs = world.monotonicMs();
      const sinceMs = (): number => world.monotonicMs() - sentMs;
      const [ackMs, receivedMs] = await Promise.all([
        producer.send(topic, { key, value: nextValue(), partition: PARTITION }).then(sinceMs),
        arrival(consumer, key, signal).then(sinceMs),
      ]);
      if (count < WARM_UP_RECORDS) continue;
      acknowledged.add(ackMs);
      received.add(receivedMs);
      records += 1;
      bar.add(1);
    }
  } finally {
    bar.end();
    await consumer.close({ abandon: true });
    await producer.close();
  }
  return { records, acknowledged, received };
}

/** Others may write to the topic as well: the record is known by its key. */
async function arrival(consumer: Consumer, key: Uint8Array, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { records = [] } = (await consumer.poll(signal)) ?? {};
    for (const record of records) consumer.finished(record);
    if (records.some((record) => record.key !== null && Buffer.compare(record.key, key) === 0))
      return;
  }
}

async function tell(
  { world, topic, options }: Bench,
  { records, acknowledged, received }: Measured,
): Promise<void> {
  const rows = { acknowledged: acknowledged.percentiles(), received: received.percentiles() };
  if (options.json) {
    await writeJson(world, [
      { bench: 'latency', topic, records, size: options.size, latencyMs: rows },
    ]);
    return;
  }
  await say(
    world,
    `${plural(records, 'record')} of ${options.size} bytes through ${topic}, one at a time; times in ms since it was sent`,
  );
  await writeTable(
    world,
    ['UNTIL', 'P50', 'P99', 'P99.9', 'MAX'],
    Object.entries(rows).map(([name, times]) => [
      name,
      ...[times?.p50, times?.p99, times?.p999, times?.max].map((ms) => ms?.toFixed(2) ?? '-'),
    ]),
  );
}
