import { Producer } from '@odradek/client';
import type { Delivery, ProducerRecord } from '@odradek/client';
import { utf8Encode } from '@odradek/protocol';
import type { ProduceOptions } from './commands/produce.ts';
import { withCluster } from './connect.ts';
import { indexOfBytes, linesOf } from './lines.ts';
import { EXIT_OK } from './world.ts';
import type { World } from './world.ts';

/** Below the broker's message.max.bytes of 1 MiB, which counts what is sent. */
const BATCH_BYTES_MAX = 512 * 1024;
const BATCH_RECORDS_MAX = 10_000;
/** Sent and not yet acknowledged; more waits, and the reading of stdin with it. */
const IN_FLIGHT_MAX = 4;

export const produce = (world: World, topic: string, options: ProduceOptions): Promise<number> =>
  withCluster(world, options, async (cluster) => {
    const codec = options.compression === 'none' ? undefined : options.compression;
    const producer = new Producer(cluster, {
      mayCreateTopics: options.create,
      batchBytes: BATCH_BYTES_MAX,
      deliveryTimeoutMs: options.timeout * 1000,
      ...(codec !== undefined && { compression: codec }),
    });
    if (world.stdin.isTerminal) await world.stderr.write('each line is a record; Ctrl-D ends\n');
    let count = 0;
    const inFlight: Promise<void>[] = [];
    const send = async (records: readonly ProducerRecord[]): Promise<void> => {
      if (inFlight.length >= IN_FLIGHT_MAX) await inFlight.shift();
      const sent = producer.send(topic, records).then((deliveries) => {
        count += records.length;
        return options.json ? tell(world, topic, deliveries) : undefined;
      });
      // It is awaited later; until then its failure is not unhandled.
      sent.catch(() => {});
      inFlight.push(sent);
    };
    for await (const lines of linesOf(world.stdin))
      for (const batch of batchesOf(lines.map(recordOf(options)))) await send(batch);
    await Promise.all(inFlight);
    if (!options.json)
      await world.stderr.write(`${count} ${count === 1 ? 'record' : 'records'} to ${topic}\n`);
    return EXIT_OK;
  });

const tell = (world: World, topic: string, deliveries: readonly Delivery[]): Promise<void> =>
  world.stdout.write(
    deliveries
      .map(
        ({ partition, baseOffset, recordCount }) =>
          `${JSON.stringify({ topic, partition, offset: baseOffset, records: recordCount })}\n`,
      )
      .join(''),
  );

function recordOf({
  keySeparator,
  key,
  partition,
  nullValues,
}: ProduceOptions): (line: Uint8Array) => ProducerRecord {
  const separator = keySeparator === undefined ? undefined : utf8Encode(keySeparator);
  const fixedKey = key === undefined ? null : utf8Encode(key);
  return (line) => {
    const at = separator === undefined ? -1 : indexOfBytes(line, separator);
    const value = separator === undefined || at < 0 ? line : line.subarray(at + separator.length);
    return {
      key: at < 0 ? fixedKey : line.subarray(0, at),
      value: nullValues && value.length === 0 ? null : value,
      ...(partition !== undefined && { partition }),
    };
  };
}

/** What came together is sent together, cut to a size that brokers take. */
function* batchesOf(
  records: readonly ProducerRecord[],
): Generator<readonly ProducerRecord[], void, undefined> {
  let batch: ProducerRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = (record.key?.length ?? 0) + (record.value?.length ?? 0);
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
