/**
 * Records that are to reach a server, now or when it can be reached: appended to a log on the local broker and acknowledged as local; what becomes of
 * each is told later. Any number of tabs have one of these; one OutboxSender works for all of them.
 */
import type { AbortSignalLike } from '@odradek/ports';
import type { Cluster } from '../cluster.ts';
import { ClientClosed, ClientError } from '../errors.ts';
import { Producer } from '../producer/producer.ts';
import type { ProducerRecord } from '../producer/producer-options.ts';
import { readTopic } from '../reader.ts';
import { abortable } from '../retry.ts';
import type { WaitOptions } from '../retry.ts';
import { Backlog } from './backlog.ts';
import type { BacklogSnapshot, Fate } from './backlog.ts';
import { toLocalRecord } from './entry.ts';
import { fromLetter, letterKey } from './refused.ts';
import type { RefusedLetter } from './refused.ts';
import { OUTBOX_PARTITION, ensureOutboxTopics, outboxTopics } from './topics.ts';
import type { OutboxTopics } from './topics.ts';

export interface OutboxOptions {
  readonly name?: string;
  /** Pending entries, of all tabs together. */
  readonly maxPending?: number;
  readonly maxPendingBytes?: number;
  readonly signal?: AbortSignalLike;
}

export interface Appended {
  readonly localOffset: number;
}

/** It takes no more until something was sent. */
export class OutboxFull extends ClientError {
  override readonly name = 'OutboxFull';
  readonly retriable = true;
}

const MAX_PENDING = 1_000_000;
const MAX_PENDING_BYTES = 256 * 1024 * 1024;

export class Outbox {
  readonly topics: OutboxTopics;
  readonly #local: Cluster;
  readonly #producer: Producer;
  readonly #backlog: Backlog;
  readonly #limits: { readonly pending: number; readonly bytes: number };
  readonly #listeners = new Set<() => void>();
  #snapshot: BacklogSnapshot | undefined;
  /** Sent to the local broker and not yet seen in its log. */
  #appending = 0;
  #isClosed = false;

  /** Creates the outbox's topics on the local broker when they are missing. */
  static async open(local: Cluster, options: OutboxOptions = {}): Promise<Outbox> {
    const outbox = new Outbox(local, options);
    try {
      await abortable(outbox.#open(), options.signal);
    } catch (error) {
      await outbox.close();
      throw error;
    }
    return outbox;
  }

  private constructor(local: Cluster, options: OutboxOptions) {
    this.topics = outboxTopics(options.name);
    this.#local = local;
    this.#producer = new Producer(local);
    this.#backlog = new Backlog(local, this.topics, () => this.#changed());
    this.#limits = {
      pending: options.maxPending ?? MAX_PENDING,
      bytes: options.maxPendingBytes ?? MAX_PENDING_BYTES,
    };
  }

  /**
   * Resolves when the record is on the local disk: what the tab, the browser or the network do then does not matter any more. Rejects with OutboxFull when
   * too much is pending.
   */
  async append(topic: string, record: ProducerRecord, options?: WaitOptions): Promise<Appended> {
    if (this.#isClosed) throw new ClientClosed('the outbox is closed');
    const entry = toLocalRecord(topic, record);
    const { pending, pendingBytes } = this.getSnapshot();
    if (pending + this.#appending >= this.#limits.pending || pendingBytes >= this.#limits.bytes)
      throw new OutboxFull(
        `${pending} records (${pendingBytes} bytes) wait to be sent, and ${this.#limits.pending} (${this.#limits.bytes} bytes) may: nothing more is taken until some are sent`,
      );
    this.#appending += 1;
    try {
      const { offset } = await this.#producer.send(
        this.topics.entries,
        { ...entry, partition: OUTBOX_PARTITION },
        options,
      );
      return { localOffset: offset };
    } finally {
      this.#appending -= 1;
    }
  }

  /** The same object until something changes. */
  readonly getSnapshot = (): BacklogSnapshot => (this.#snapshot ??= this.#backlog.snapshot());

  /** Called when the snapshot, or some record's fate, may have changed. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** As far as it is known: the fates of old ones are forgotten. */
  fateOf({ localOffset }: Appended): Fate | undefined {
    return this.#backlog.fateOf(localOffset);
  }

  /** Resolves when the record is sent or refused. */
  settled(appended: Appended, { signal }: WaitOptions = {}): Promise<Fate> {
    return this.#when(() => {
      const fate = this.fateOf(appended);
      return fate === undefined || fate.state === 'pending' ? undefined : fate;
    }, signal);
  }

  /** Resolves when all that is pending now has its fate, whoever appended it. */
  async flush({ signal }: WaitOptions = {}): Promise<void> {
    await this.#producer.flush();
    const end = await this.#backlog.end();
    await this.#when(() => this.#backlog.isSettledTo(end) || undefined, signal);
  }

  /** What the server would not take and nobody has dealt with yet, oldest first. */
  async refused(options: WaitOptions = {}): Promise<readonly RefusedLetter[]> {
    const letters = new Map<number, RefusedLetter>();
    const records = readTopic(this.#local, {
      topic: this.topics.refused,
      from: { at: 'earliest' },
      until: { at: 'latest' },
      ...options,
    });
    for await (const some of records)
      for (const record of some) {
        const letter = fromLetter(record);
        if (letter === undefined) letters.delete(localOf(record.key!));
        else letters.set(letter.local, letter);
      }
    return [...letters.values()].sort((a, b) => a.local - b.local);
  }

  /** Appends it once more, behind all that is pending. */
  async resend({ local, topic, partition, record }: RefusedLetter): Promise<Appended> {
    const appended = await this.append(topic, {
      key: record.key ?? null,
      value: record.value ?? null,
      headers: record.headers ?? [],
      timestampMs: record.timestampMs,
      ...(partition !== undefined && { partition }),
    });
    await this.discard({ local });
    return appended;
  }

  async discard({ local }: Pick<RefusedLetter, 'local'>): Promise<void> {
    await this.#producer.send(this.topics.refused, {
      partition: OUTBOX_PARTITION,
      key: letterKey(local),
      value: null,
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#backlog.close();
    await this.#producer.close();
    this.#changed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #open(): Promise<void> {
    await ensureOutboxTopics(this.#local, this.topics);
    await this.#backlog.open();
  }

  #when<T>(look: () => T | undefined, signal: AbortSignalLike | undefined): Promise<T> {
    const waiting = new Promise<T>((resolve, reject) => {
      const check = (): boolean => {
        if (this.#isClosed) reject(new ClientClosed('the outbox is closed'));
        const found = look();
        if (found !== undefined) resolve(found);
        return this.#isClosed || found !== undefined;
      };
      if (check()) return;
      const unsubscribe = this.subscribe(() => {
        if (check() || signal?.aborted === true) unsubscribe();
      });
    });
    return abortable(waiting, signal);
  }

  #changed(): void {
    this.#snapshot = undefined;
    for (const listener of [...this.#listeners]) listener();
  }
}

const localOf = (key: Uint8Array): number => Number(String.fromCharCode(...key));
