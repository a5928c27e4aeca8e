/** What is handed to an application: records of one partition as KafkaJS's batch of messages, with offsets and times as text. */
import type { ConsumerRecord } from '../consumer/fetched.ts';
import type { TopicPartition } from '../consumer/topic-partition.ts';
import { toHeaders } from './bytes.ts';
import type { Batch, BatchProcessPayload, KafkaMessage } from './types.ts';

export interface Taken extends TopicPartition {
  /** One at least. */
  readonly records: readonly ConsumerRecord[];
  /** Behind the last, and behind markers of transactions that follow it. */
  readonly nextOffset: number;
  readonly highWatermark: number;
  /** The assignment under which it was taken. */
  readonly assignment: number;
}

export function toMessage<B extends Uint8Array>(
  { key, value, offset, timestampMs, headers }: ConsumerRecord,
  toBuffer: (bytes: Uint8Array) => B,
): KafkaMessage<B> {
  return {
    key: key && toBuffer(key),
    value: value && toBuffer(value),
    timestamp: String(timestampMs),
    attributes: 0,
    offset: String(offset),
    headers: toHeaders(headers, toBuffer),
  };
}

export function toBatch<B extends Uint8Array>(
  taken: Taken,
  toBuffer: (bytes: Uint8Array) => B,
): Batch<B> {
  const { topic, partition, records } = taken;
  const { highWatermark, firstOffset, lastOffset, offsetLag, offsetLagLow } = describe(taken);
  return {
    topic,
    partition,
    highWatermark,
    messages: records.map((record) => toMessage(record, toBuffer)),
    isEmpty: () => records.length === 0,
    firstOffset: () => firstOffset,
    lastOffset: () => lastOffset,
    offsetLag: () => offsetLag,
    offsetLagLow: () => offsetLagLow,
  };
}

export function describe({
  topic,
  partition,
  records,
  nextOffset,
  highWatermark,
}: Taken): BatchProcessPayload {
  const first = records[0]!.offset;
  const end = highWatermark - 1;
  return {
    topic,
    partition,
    highWatermark: String(highWatermark),
    offsetLag: String(end - (nextOffset - 1)),
    offsetLagLow: String(end - first),
    batchSize: records.length,
    firstOffset: String(first),
    lastOffset: String(nextOffset - 1),
  };
}
