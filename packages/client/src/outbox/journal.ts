/**
 * The sender's journal: one record for each change of the ledger, the ledger after it included, so that the last record alone brings everything back.
 *
 * Two senders at once (a tab that hung, and the one that took its place) would send everything twice. So each record names the offset at which its
 * writer expects it; one that stands elsewhere does not count, and its writer, who sees that before it acts, stops.
 */
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import type { AbortSignalLike } from '@odradek/ports';
import type { Cluster } from '../cluster.ts';
import { ClientError } from '../errors.ts';
import type { Producer } from '../producer/producer.ts';
import { listOffsets, readTopic } from '../reader.ts';
import type { ReadRecord } from '../reader.ts';
import { EMPTY_LEDGER } from './ledger.ts';
import type { JournalEvent, Ledger, Notice } from './ledger.ts';
import { OUTBOX_PARTITION } from './topics.ts';

export interface JournalRecord {
  readonly version: 1;
  /** Drawn by each sender when it starts. */
  readonly writer: string;
  readonly expectedOffset: number;
  readonly events: readonly JournalEvent[];
  readonly notices: readonly Notice[];
  readonly ledger: Ledger;
}

/** Another sender has written since. */
export class SenderFenced extends ClientError {
  override readonly name = 'SenderFenced';
  readonly retriable = false;
}

/** Records of others that do not count may lie behind the last that does. */
const LOOK_BACK_RECORDS = 64;
const EARLIEST = -2;
const LATEST = -1;

/** Undefined for one that does not count. */
export function toJournalRecord({ value, offset }: ReadRecord): JournalRecord | undefined {
  const record = JSON.parse(utf8Decode(value!)) as JournalRecord;
  return record.expectedOffset === offset ? record : undefined;
}

export class Journal {
  readonly #local: Cluster;
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #signal: AbortSignalLike;
  readonly #writer: string;
  #expectedOffset = 0;

  constructor(local: Cluster, producer: Producer, topic: string, signal: AbortSignalLike) {
    this.#local = local;
    this.#producer = producer;
    this.#topic = topic;
    this.#signal = signal;
    const { random } = local.host;
    this.#writer = `${random.uint32().toString(16)}-${random.uint32().toString(16)}`;
  }

  /** The ledger as it was last written. From here on it is this writer's. */
  async recover(): Promise<Ledger> {
    const end = await this.#offset(LATEST);
    const start = await this.#offset(EARLIEST);
    this.#expectedOffset = end;
    for (let to = end; to > start; to -= LOOK_BACK_RECORDS) {
      const found = (await this.#read(Math.max(start, to - LOOK_BACK_RECORDS), to)).at(-1);
      if (found !== undefined) return found.ledger;
    }
    return EMPTY_LEDGER;
  }

  /** Rejects with SenderFenced when another sender is at work. */
  async write(record: Omit<JournalRecord, 'version' | 'writer' | 'expectedOffset'>): Promise<void> {
    for (;;) {
      const expectedOffset = this.#expectedOffset;
      const whole: JournalRecord = { version: 1, writer: this.#writer, expectedOffset, ...record };
      const { offset } = await this.#producer.send(this.#topic, {
        value: utf8Encode(JSON.stringify(whole)),
        partition: OUTBOX_PARTITION,
      });
      this.#expectedOffset = offset + 1;
      if (offset === expectedOffset) return;
      // One of ours may lie between: written, and its acknowledgement lost.
      const between = await this.#read(expectedOffset, offset);
      if (between.some(({ writer }) => writer !== this.#writer))
        throw new SenderFenced(
          'another sender works on this outbox: one may run at a time, in the tab or worker that leads',
        );
    }
  }

  async #read(from: number, to: number): Promise<readonly JournalRecord[]> {
    const found: JournalRecord[] = [];
    const records = readTopic(this.#local, {
      topic: this.#topic,
      from: { offset: from },
      until: { offset: to },
      signal: this.#signal,
    });
    for await (const some of records)
      for (const each of some) {
        const record = toJournalRecord(each);
        if (record !== undefined) found.push(record);
      }
    return found;
  }

  async #offset(timestamp: number): Promise<number> {
    const offsets = await listOffsets(this.#local, this.#topic, [OUTBOX_PARTITION], timestamp);
    return offsets.get(OUTBOX_PARTITION) ?? 0;
  }
}
