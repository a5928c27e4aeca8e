/** Entries that the server would not take, kept with the reason until somebody resends or discards them. */
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import type { ProducerRecord } from '../producer/producer-options.ts';
import type { ReadRecord } from '../reader.ts';
import { toEntry, toLocalRecord } from './entry.ts';
import type { OutboxEntry } from './entry.ts';
import type { RefusedEntry } from './ledger.ts';
import { OUTBOX_PARTITION } from './topics.ts';

export interface RefusedLetter extends RefusedEntry {
  readonly topic: string;
  readonly partition: number | undefined;
  readonly record: OutboxEntry['record'];
}

const REASON_HEADER = 'odradek.outbox.refused';
/** The entry's own key; the letter's is its local offset, so that the latest word about it counts. */
const KEY_HEADER = 'odradek.outbox.key';

export function toLetter(
  { local, errorName, reason }: RefusedEntry,
  { topic, partition, record }: OutboxEntry,
): ProducerRecord {
  const { headers = [], ...whole } = toLocalRecord(topic, {
    timestampMs: record.timestampMs,
    value: record.value ?? null,
    headers: record.headers ?? [],
    ...(partition !== undefined && { partition }),
  });
  return {
    ...whole,
    partition: OUTBOX_PARTITION,
    key: letterKey(local),
    // A letter is never a tombstone: an entry that is one says so by a missing value in its header.
    value: whole.value ?? new Uint8Array(0),
    headers: [
      ...headers.slice(0, 1),
      { key: REASON_HEADER, value: utf8Encode(JSON.stringify({ errorName, reason })) },
      { key: KEY_HEADER, value: record.key ?? null },
      ...(record.value == null ? [{ key: TOMBSTONE_HEADER, value: null }] : []),
      ...headers.slice(1),
    ],
  };
}

const TOMBSTONE_HEADER = 'odradek.outbox.tombstone';

export const letterKey = (local: number): Uint8Array => utf8Encode(String(local));

/** Undefined for the tombstone of a letter that was dealt with. */
export function fromLetter(letter: ReadRecord): RefusedLetter | undefined {
  if (letter.value === null) return undefined;
  const { topic, partition, record } = toEntry(letter);
  const [reasonHeader, keyHeader, ...rest] = record.headers ?? [];
  const isTombstone = rest[0]?.key === TOMBSTONE_HEADER;
  const { errorName, reason } = JSON.parse(utf8Decode(reasonHeader!.value!)) as Pick<
    RefusedEntry,
    'errorName' | 'reason'
  >;
  return {
    local: Number(utf8Decode(letter.key!)),
    errorName,
    reason,
    topic,
    partition,
    record: {
      timestampMs: record.timestampMs,
      key: keyHeader!.value,
      value: isTombstone ? null : record.value!,
      headers: isTombstone ? rest.slice(1) : rest,
    },
  };
}
