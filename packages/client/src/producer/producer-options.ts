/** What a producer is given and can be told, and Kafka's defaults for it. */
import type { CompressionName, HeaderInput } from '@odradek/protocol';
import type { Partitioner } from './partitioner.ts';

export interface ProducerRecord {
  readonly key?: Uint8Array | null;
  /** Null is a tombstone in a compacted topic. */
  readonly value: Uint8Array | null;
  readonly headers?: readonly HeaderInput[];
  readonly timestampMs?: number;
  /** Otherwise the partitioner's choice. */
  readonly partition?: number;
}

export interface ProducerOptions {
  readonly compression?: CompressionName;
  /** Whether a missing topic may be created by asking for it. */
  readonly mayCreateTopics?: boolean;
  /** How many must have a record before it counts as sent: all in-sync replicas (the default), the leader (1), nobody (0). */
  readonly acks?: 'all' | 1 | 0;
  /** On unless `acks` says otherwise. */
  readonly idempotent?: boolean;
  readonly partitioner?: Partitioner;
  readonly batchBytes?: number;
  readonly lingerMs?: number;
  /** From `send` on, retries included. */
  readonly deliveryTimeoutMs?: number;
  /** Records that are not acknowledged, all together. */
  readonly bufferMemoryBytes?: number;
  /** How long `send` may wait for room, or for the topic's metadata. */
  readonly maxBlockMs?: number;
  readonly requestBytesMax?: number;
}

const LIMITS = {
  batchBytes: 128 * 1024,
  lingerMs: 0,
  /** Kafka's `delivery.timeout.ms`, `buffer.memory`, `max.block.ms`, `max.request.size`. */
  deliveryTimeoutMs: 120_000,
  bufferMemoryBytes: 32 * 1024 * 1024,
  maxBlockMs: 60_000,
  requestBytesMax: 1024 * 1024,
};

/** More than this a broker does not remember of a producer (NUM_BATCHES_TO_RETAIN). */
export const IN_FLIGHT_MAX = 5;

export type ProducerSettings = Omit<ProducerOptions, keyof typeof LIMITS | 'idempotent'> &
  typeof LIMITS & {
    readonly idempotent: boolean;
    /** Batches of one partition that may be under way. */
    readonly inFlightMax: number;
  };

export function settingsOf(options: ProducerOptions): ProducerSettings {
  const { acks = 'all', idempotent = acks === 'all' } = options;
  if (idempotent && acks !== 'all') throw new RangeError('an idempotent producer needs acks: all');
  const given = Object.entries(options).filter(([, value]) => value != null);
  const settings = { ...LIMITS, ...(Object.fromEntries(given) as typeof options & typeof LIMITS) };
  return {
    ...settings,
    batchBytes: Math.min(settings.batchBytes, settings.requestBytesMax),
    idempotent,
    // Without sequence numbers a second batch could pass a first one that is sent again.
    inFlightMax: idempotent ? IN_FLIGHT_MAX : 1,
  };
}
