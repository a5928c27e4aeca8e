/** An entry of the outbox: a record and where it is to go, kept as a record of a local topic with its route in a header. */
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import type { HeaderInput, RecordInput } from '@odradek/protocol';
import { ProtocolViolation } from '../errors.ts';
import type { ProducerRecord } from '../producer/producer-options.ts';
import type { ReadRecord } from '../reader.ts';

export interface OutboxEntry {
  readonly localOffset: number;
  readonly topic: string;
  /** Undefined: the key decides, or chance. */
  readonly partition: number | undefined;
  /** As it goes out. */
  readonly record: RecordInput;
  readonly sizeBytes: number;
}

interface Route {
  readonly topic: string;
  readonly partition?: number;
}

const ROUTE_HEADER = 'odradek.outbox.route';
/** Kafka's rule for topics' names: refused here, and not by a server next week. */
const TOPIC_NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;
/** A record's frame, about. */
const OVERHEAD_BYTES = 32;

/** Throws RangeError for a name that no broker takes. */
export function toLocalRecord(topic: string, record: ProducerRecord): ProducerRecord {
  if (!TOPIC_NAME.test(topic)) throw new RangeError(`${JSON.stringify(topic)} is no topic's name`);
  const { partition, headers = [], ...rest } = record;
  const route: Route = { topic, ...(partition !== undefined && { partition }) };
  const own: HeaderInput = { key: ROUTE_HEADER, value: utf8Encode(JSON.stringify(route)) };
  return { ...rest, headers: [own, ...headers] };
}

/** The views of what was read are copied: an entry waits for its answer longer than a fetch lasts. */
export function toEntry({ offset, timestampMs, key, value, headers }: ReadRecord): OutboxEntry {
  const [own, ...others] = headers;
  if (own?.key !== ROUTE_HEADER || own.value === null)
    throw new ProtocolViolation(`local offset ${offset} is no entry of an outbox`);
  const { topic, partition } = JSON.parse(utf8Decode(own.value)) as Route;
  const copy = (bytes: Uint8Array | null): Uint8Array | null => bytes?.slice() ?? null;
  const record = {
    timestampMs,
    key: copy(key),
    value: copy(value),
    headers: others.map((header) => ({ key: header.key, value: copy(header.value) })),
  };
  return { localOffset: offset, topic, partition, record, sizeBytes: sizeOf(record) };
}

const sizeOf = ({ key, value, headers }: RecordInput): number =>
  OVERHEAD_BYTES +
  (key?.length ?? 0) +
  (value?.length ?? 0) +
  (headers ?? []).reduce((sum, each) => sum + each.key.length + (each.value?.length ?? 0) + 4, 0);
