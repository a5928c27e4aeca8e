/** A record as the program sees it. */
import type { ConsumerRecord } from '../consumer/fetched.ts';
import { SchemaMismatch } from '../errors.ts';
import type { Topic } from './topic.ts';

export interface Message<K = unknown, V = unknown> {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: K | null;
  readonly value: V;
  readonly headers: ConsumerRecord['headers'];
}

/** Throws SchemaMismatch, saying which record it was. */
export async function decodeMessage<K, V>(
  topic: Topic<never, never, K, V>,
  record: ConsumerRecord,
): Promise<Message<K, V>> {
  const { partition, offset, timestampMs, headers } = record;
  try {
    const key = record.key === null ? null : await topic.key.decode(record.key);
    const value =
      record.value === null ? (withoutValue(topic) as V) : await topic.value.decode(record.value);
    return { topic: topic.name, partition, offset, timestampMs, key, value, headers };
  } catch (cause) {
    throw new SchemaMismatch(
      `${topic.name}-${partition} at offset ${offset}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

function withoutValue({ tombstones }: { readonly tombstones: boolean }): null {
  if (!tombstones)
    throw new SchemaMismatch('the value is null; say `tombstones: true` if that is a value here');
  return null;
}
