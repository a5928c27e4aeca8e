/**
 * What is in the outbox, as any tab sees it: it follows the entries and the sender's journal on the local broker. Pending are those behind the
 * sender's position, and those that it has to send again.
 */
import { AbortSource } from '../abort-source.ts';
import type { Cluster } from '../cluster.ts';
import { listOffsets, readTopic } from '../reader.ts';
import type { ReadRecord } from '../reader.ts';
import { pause } from '../retry.ts';
import { toEntry } from './entry.ts';
import { toJournalRecord } from './journal.ts';
import { EMPTY_LEDGER } from './ledger.ts';
import type { Ledger, Notice } from './ledger.ts';
import { OUTBOX_PARTITION } from './topics.ts';
import type { OutboxTopics } from './topics.ts';

export type Fate =
  | { readonly state: 'pending' }
  | {
      readonly state: 'sent';
      readonly topic: string;
      readonly partition: number;
      /** -1 when the server did not tell. */
      readonly offset: number;
    }
  | { readonly state: 'refused'; readonly errorName: string; readonly reason: string };

export interface BacklogSnapshot {
  readonly pending: number;
  readonly pendingBytes: number;
  /** When the oldest pending entry was appended; undefined when none is. */
  readonly oldestTimestampMs: number | undefined;
  /** Since the outbox exists. */
  readonly sent: number;
  readonly refused: number;
  /** The latest ones. */
  readonly notices: readonly Notice[];
}

interface Waiting {
  readonly sizeBytes: number;
  readonly timestampMs: number;
}

/** Fates of entries that somebody may ask for. */
const FATES_MAX = 100_000;
const NOTICES_MAX = 20;
const RETRY_MS = 250;
const LATEST = -1;
const EARLIEST = -2;

export class Backlog {
  readonly #local: Cluster;
  readonly #topics: OutboxTopics;
  readonly #abort = new AbortSource();
  readonly #changed: () => void;
  readonly #pending = new Map<number, Waiting>();
  readonly #fates = new Map<number, Fate>();
  #ledger: Ledger = EMPTY_LEDGER;
  #pendingBytes = 0;
  #seenTo = 0;
  #notices: readonly Notice[] = [];

  constructor(local: Cluster, topics: OutboxTopics, changed: () => void) {
    this.#local = local;
    this.#topics = topics;
    this.#changed = changed;
  }

  /** Resolves when what was there at the beginning is known. */
  async open(): Promise<void> {
    const journalEnd = await this.#offset(this.#topics.journal, LATEST);
    await this.#follow(
      this.#topics.journal,
      await this.#offset(this.#topics.journal, EARLIEST),
      journalEnd,
      (record) => this.#journalled(record),
    );
    const { entries } = this.#topics;
    const from = Math.max(await this.#offset(entries, EARLIEST), this.#firstPending());
    this.#seenTo = from;
    await this.#follow(entries, from, await this.#offset(entries, LATEST), (record) =>
      this.#appended(record),
    );
  }

  snapshot(): BacklogSnapshot {
    const [oldest] = this.#pending.values();
    return {
      pending: this.#pending.size,
      pendingBytes: this.#pendingBytes,
      oldestTimestampMs: oldest?.timestampMs,
      sent: this.#ledger.sentCount,
      refused: this.#ledger.refusedCount,
      notices: this.#notices,
    };
  }

  /** Undefined: it is not known (any more). */
  fateOf(local: number): Fate | undefined {
    return this.#fates.get(local) ?? (this.#pending.has(local) ? { state: 'pending' } : undefined);
  }

  /** Whether all that was appended before `end` is known here and has its fate. */
  isSettledTo(end: number): boolean {
    if (this.#seenTo < end) return false;
    for (const local of this.#pending.keys()) if (local < end) return false;
    return true;
  }

  /** Where the entries end now, whoever appended them. */
  end(): Promise<number> {
    return this.#offset(this.#topics.entries, LATEST);
  }

  close(): void {
    this.#abort.abort(new Error('the outbox was closed'));
  }

  #firstPending(): number {
    const { position, again } = this.#ledger;
    return Math.min(position, again[0] ?? position);
  }

  #appended(record: ReadRecord): void {
    const { position, again } = this.#ledger;
    const { localOffset, sizeBytes, record: of } = toEntry(record);
    this.#seenTo = localOffset + 1;
    if (localOffset < position && !again.includes(localOffset)) return;
    this.#pending.set(localOffset, { sizeBytes, timestampMs: of.timestampMs });
    this.#pendingBytes += sizeBytes;
  }

  #journalled(record: ReadRecord): void {
    const journal = toJournalRecord(record);
    if (journal === undefined) return;
    this.#ledger = journal.ledger;
    this.#notices = [...this.#notices, ...journal.notices].slice(-NOTICES_MAX);
    for (const event of journal.events) {
      if (event.type !== 'settled') continue;
      for (const { topic, partition, baseOffset, locals } of event.sent)
        locals.forEach((local, index) => {
          const offset = baseOffset < 0 ? -1 : baseOffset + index;
          this.#settled(local, { state: 'sent', topic, partition, offset });
        });
      for (const { local, errorName, reason } of event.refused)
        this.#settled(local, { state: 'refused', errorName, reason });
    }
    // Sent, lost by the server, and pending once more: how large they were is forgotten.
    for (const local of journal.ledger.again) {
      this.#fates.delete(local);
      if (!this.#pending.has(local) && local < this.#seenTo)
        this.#pending.set(local, { sizeBytes: 0, timestampMs: record.timestampMs });
    }
  }

  #settled(local: number, fate: Fate): void {
    this.#fates.set(local, fate);
    if (this.#fates.size > FATES_MAX) this.#fates.delete(this.#fates.keys().next().value!);
    const waiting = this.#pending.get(local);
    if (waiting === undefined) return;
    this.#pending.delete(local);
    this.#pendingBytes -= waiting.sizeBytes;
  }

  /** Reads for ever; resolves when it has come to `until`. What fails with the local broker is tried again until it is back. */
  #follow(
    topic: string,
    from: number,
    until: number,
    take: (record: ReadRecord) => void,
  ): Promise<void> {
    let next = from;
    return new Promise((resolve) => {
      if (next >= until) resolve();
      void (async () => {
        while (!this.#abort.aborted) {
          try {
            const options = { topic, from: { offset: next }, signal: this.#abort };
            for await (const records of readTopic(this.#local, options)) {
              for (const record of records) {
                take(record);
                next = record.offset + 1;
              }
              if (next >= until) resolve();
              this.#changed();
            }
          } catch {
            if (this.#abort.aborted) break;
            // Deleted up to somewhere behind it, perhaps: all of that has its fate.
            await pause(this.#local.host, RETRY_MS, this.#abort).catch(() => {});
            next = Math.max(next, await this.#offset(topic, EARLIEST).catch(() => next));
          }
        }
        resolve();
      })();
    });
  }

  async #offset(topic: string, timestamp: number): Promise<number> {
    return (
      (await listOffsets(this.#local, topic, [OUTBOX_PARTITION], timestamp)).get(
        OUTBOX_PARTITION,
      ) ?? 0
    );
  }
}
