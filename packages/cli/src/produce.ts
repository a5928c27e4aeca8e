/** Sends what is read as records, as many at once as brokers like, and says how many there were. */
import { Producer } from '@odradek/client';
import type { Delivery, ProducerRecord } from '@odradek/client';
import type { ProduceOptions } from './commands/produce.ts';
import { withCluster } from './connect.ts';
import { interruptible } from './interruption.ts';
import { formatBytes, plural, say, suggest } from './messages.ts';
import { Progress } from './progress.ts';
import { recordsFrom } from './record-source.ts';
import { EXIT_OK } from './world.ts';
import type { World } from './world.ts';

/** Below the broker's message.max.bytes of 1 MiB, which counts what is sent. */
const BATCH_BYTES_MAX = 512 * 1024;
const BATCH_RECORDS_MAX = 10_000;
/** Sent and not yet acknowledged; more waits, and the reading of stdin with it. */
const IN_FLIGHT_MAX = 4;
/** What went quickly needs no figures. */
const FIGURES_FROM_MS = 1000;

export async function produce(
  world: World,
  topic: string,
  options: ProduceOptions,
): Promise<number> {
  const source = recordsFrom(world, options);
  return withCluster(world, options, (cluster) =>
    interruptible(world, async (signal) => {
      const producer = new Producer(cluster, {
        mayCreateTopics: options.create,
        batchBytes: BATCH_BYTES_MAX,
        deliveryTimeoutMs: cluster.retry.timeoutMs,
        acks: acksOf(options.acks),
        compression: options.compression === 'none' ? undefined : options.compression,
      });
      if (world.stdin.isTerminal && !options.tombstone)
        await say(
          world,
          options.format === undefined || options.format === 'text'
            ? 'each line is a record; Ctrl-D ends'
            : 'each line is a record as JSON; Ctrl-D ends',
        );
      const sending = new Sending(world, producer, topic, options.json ?? false);
      try {
        await sending.all(source, signal);
      } finally {
        await sending.progress.end();
      }
      if (!options.json) await say(world, summary(sending, topic));
      await suggest(world, `odradek tail ${topic}`);
      return EXIT_OK;
    }),
  );
}

class Sending {
  count = 0;
  bytes = 0;
  readonly progress: Progress;
  readonly #world: World;
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #isJson: boolean;
  readonly #inFlight: Promise<void>[] = [];

  constructor(world: World, producer: Producer, topic: string, isJson: boolean) {
    this.#world = world;
    this.#producer = producer;
    this.#topic = topic;
    this.#isJson = isJson;
    this.progress = new Progress(world);
  }

  /** Until the source ends or the signal says so; what was read by then is sent. */
  async all(
    source: AsyncIterable<readonly ProducerRecord[]> | Iterable<readonly ProducerRecord[]>,
    signal: AbortSignal,
  ): Promise<void> {
    const reading = async (): Promise<void> => {
      for await (const records of source) {
        if (signal.aborted) return;
        for (const batch of batchesOf(records)) await this.#send(batch);
      }
    };
    try {
      await Promise.race([reading(), aborted(signal)]);
    } finally {
      // Also when the source has failed: what came before is sent, and told.
      await Promise.all(this.#inFlight);
    }
  }

  async #send(records: readonly ProducerRecord[]): Promise<void> {
    if (this.#inFlight.length >= IN_FLIGHT_MAX) await this.#inFlight.shift();
    const sent = this.#producer.send(this.#topic, records).then(async (deliveries) => {
      this.count += records.length;
      this.bytes += records.reduce((total, record) => total + sizeOf(record), 0);
      this.progress.tell(
        () => `${plural(this.count, 'record')} to ${this.#topic} (${formatBytes(this.bytes)})`,
      );
      if (this.#isJson) await tell(this.#world, this.#topic, deliveries);
    });
    // It is awaited later; until then its failure is not unhandled.
    sent.catch(() => {});
    this.#inFlight.push(sent);
  }
}

function summary({ count, bytes, progress }: Sending, topic: string): string {
  const text = `${plural(count, 'record')} to ${topic}`;
  const seconds = progress.elapsedMs / 1000;
  if (progress.elapsedMs < FIGURES_FROM_MS) return text;
  return `${text} in ${seconds.toFixed(1)} s (${Math.round(count / seconds)} records/s, ${formatBytes(bytes / seconds)}/s)`;
}

const tell = (world: World, topic: string, deliveries: readonly Delivery[]): Promise<void> =>
  world.stdout.write(
    deliveries
      .map(
        ({ partition, baseOffset, recordCount }) =>
          `${JSON.stringify({ topic, partition, offset: baseOffset, records: recordCount })}\n`,
      )
      .join(''),
  );

/** What came together is sent together, cut to a size that brokers take. */
function* batchesOf(
  records: readonly ProducerRecord[],
): Generator<readonly ProducerRecord[], void, undefined> {
  let batch: ProducerRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = sizeOf(record);
    if (batch.length > 0 && (bytes + size > BATCH_BYTES_MAX || batch.length >= BATCH_RECORDS_MAX)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(record);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

const sizeOf = ({ key, value }: ProducerRecord): number =>
  (key?.length ?? 0) + (value?.length ?? 0);

export const acksOf = (text: ProduceOptions['acks']): 'all' | 0 | 1 =>
  text === undefined || text === 'all' ? 'all' : text === '1' ? 1 : 0;

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
