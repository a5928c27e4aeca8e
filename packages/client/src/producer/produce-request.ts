/** A Produce as it goes out: batches built once, under the identity and numbers that they got, and named by topic and partition. */
import { buildBatch } from '@odradek/protocol';
import type { CompressionName, Input, produceRequest } from '@odradek/protocol';
import { SchemaMismatch, asError } from '../errors.ts';
import type { ClientHost } from '../host.ts';
import type { Batch, PartitionQueue } from './partition-queue.ts';

/** Batches that go together, each with the queue that it is taken from. */
export type Taken = readonly (readonly [PartitionQueue, Batch])[];

/** Throws SchemaMismatch for records that no batch can hold. */
export function bytesOf(
  { topic, partition }: PartitionQueue,
  { records, identity, baseSequence }: Batch,
  { compression, crc32c }: ClientHost,
  codec: CompressionName | undefined,
): Uint8Array {
  try {
    return buildBatch({
      records,
      ...(identity !== undefined && { ...identity, baseSequence }),
      ...(codec && {
        compress: { codec, compress: (name, bytes) => compression.compress(name, bytes) },
      }),
      crc32c,
    });
  } catch (cause) {
    throw new SchemaMismatch(
      `${topic}-${partition}: the records cannot be made into a batch: ${asError(cause).message}`,
      { cause },
    );
  }
}

export function produceBody(
  taken: Taken,
  acks: 'all' | 1 | 0,
  timeoutMs: number,
): Input<typeof produceRequest> {
  const byTopic = new Map<string, { index: number; records: Uint8Array }[]>();
  for (const [{ topic, partition }, batch] of taken) {
    const entry = { index: partition, records: batch.bytes! };
    const entries = byTopic.get(topic);
    if (entries === undefined) byTopic.set(topic, [entry]);
    else entries.push(entry);
  }
  return {
    acks: acks === 'all' ? -1 : acks,
    timeoutMs,
    topicData: [...byTopic].map(([name, partitionData]) => ({ name, partitionData })),
  };
}
