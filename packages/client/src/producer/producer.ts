/**
 * Sends records, each once and in order by partition, without transactions. Unless it is told otherwise the producer is idempotent and waits for
 * all in-sync replicas.
 *
 * Nothing waits for a record alone: what is sent in one turn of the event loop goes together, and while five requests are under way the next
 * batches fill (so that `lingerMs` may be 0). What is not acknowledged takes room in a bounded buffer; `send` waits for room. Here is the face
 * and the pace; records wait in accumulator.ts, batches go out in sender.ts, and producer-life.ts runs the machine.
 */
import type { TimerHandle } from '@odradek/ports';
import type { Cluster } from '../cluster.ts';
import { ClientClosed, DeliveryTimedOut } from '../errors.ts';
import { abandoned, abortable } from '../retry.ts';
import type { WaitOptions } from '../retry.ts';
import { Accumulator } from './accumulator.ts';
import { NEVER } from './partition-queue.ts';
import type { Batch, PartitionQueue } from './partition-queue.ts';
import { ProducerLife } from './producer-life.ts';
import type { ProducerStatus } from './producer-life.ts';
import { settingsOf } from './producer-options.ts';
import type { ProducerOptions, ProducerRecord, ProducerSettings } from './producer-options.ts';
import { Sender } from './sender.ts';
import { DeliverySink, RecordSink, WaitCounter } from './sinks.ts';
import type { Delivery, RecordMetadata } from './sinks.ts';

export class Producer {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #accumulator: Accumulator;
  readonly #life: ProducerLife;
  readonly #sender: Sender;
  #counter = new WaitCounter();
  #flushing = 0;
  #isDrainQueued = false;
  #timer: TimerHandle | undefined;
  #timerAtMs = NEVER;

  constructor(cluster: Cluster, options: ProducerOptions = {}) {
    const settings = settingsOf(options);
    const wake = (): void => this.#wake();
    this.#cluster = cluster;
    this.#settings = settings;
    this.#accumulator = new Accumulator(cluster, settings, wake);
    this.#life = new ProducerLife(cluster, settings.idempotent, {
      wake,
      failEverything: (reason) => this.#accumulator.failEverything(reason),
    });
    this.#sender = new Sender(cluster, settings, this.#accumulator, this.#life, wake);
  }

  /** States and the last failure, for those who show them. */
  get status(): ProducerStatus {
    return this.#life.status;
  }

  get bufferedBytes(): number {
    return this.#accumulator.bufferedBytes;
  }

  /** Resolves when the record is acknowledged. */
  send(topic: string, record: ProducerRecord, options?: WaitOptions): Promise<RecordMetadata>;
  /** Resolves when all are acknowledged; rejects when some were not taken (others may have been). */
  send(
    topic: string,
    records: readonly ProducerRecord[],
    options?: WaitOptions,
  ): Promise<readonly Delivery[]>;
  send(
    topic: string,
    records: ProducerRecord | readonly ProducerRecord[],
    { signal }: WaitOptions = {},
  ): Promise<RecordMetadata | readonly Delivery[]> {
    // Given up before: not even sent. Later: only the waiting ends.
    if (signal?.aborted === true) return Promise.reject(abandoned(signal));
    return abortable(this.#send(topic, records), signal);
  }

  #send(
    topic: string,
    records: ProducerRecord | readonly ProducerRecord[],
  ): Promise<RecordMetadata | readonly Delivery[]> {
    if (!this.status.hasTag('accepts')) return Promise.reject(this.#life.refusal());
    const counter = this.#counter;
    if (isList(records)) {
      if (records.length === 0) return Promise.resolve([]);
      return new Promise((resolve, reject) => {
        const sink = new DeliverySink(records.length, resolve, reject, counter);
        for (const record of records) this.#accumulator.accept(topic, record, sink);
      });
    }
    return new Promise((resolve, reject) => {
      const sink = new RecordSink(topic, resolve, reject, counter);
      this.#accumulator.accept(topic, records, sink);
    });
  }

  /** Waits until all that was given to `send` before is acknowledged or given up. Never rejects: `send` tells. */
  async flush(): Promise<void> {
    const counter = this.#counter;
    this.#counter = new WaitCounter(counter);
    this.#flushing += 1;
    this.#wake();
    await counter.settled();
    this.#flushing -= 1;
  }

  /** Sends what was taken, and takes nothing more. */
  async close(): Promise<void> {
    this.status.tell('close.requested');
    await this.flush();
    this.status.tell('batches.settled');
    this.status.tell('close.requested');
    this.#cancelTimer();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Once in this turn, after those who are sending now are done. */
  #wake(): void {
    if (this.#isDrainQueued) return;
    this.#isDrainQueued = true;
    void Promise.resolve().then(() => {
      this.#isDrainQueued = false;
      this.#drain();
    });
  }

  /** Sends what is ready, and sets the timer for what will be. */
  #drain(): void {
    if (this.#cluster.isClosed) this.#life.fence(new ClientClosed('the client is closed'));
    const nowMs = this.#cluster.host.clock.monotonicMs();
    const wakeAtMs = Math.min(
      this.#accumulator.unblock(nowMs),
      this.#accumulator.expire(nowMs, (queue, batch) => this.#tooLate(queue, batch)),
    );
    // Whoever waits for room needs the rest to go, lingering or not.
    const isUrgent =
      this.#flushing > 0 || this.#accumulator.isBlocked || !this.status.hasTag('accepts');
    this.#setTimer(this.#sender.send(nowMs, isUrgent, wakeAtMs));
  }

  #tooLate({ topic, partition }: PartitionQueue, { lastError }: Batch): DeliveryTimedOut {
    const reason = lastError ?? (this.status.getSnapshot().context.error as Error | undefined);
    return new DeliveryTimedOut(
      `${topic}-${partition}: not acknowledged within ${this.#settings.deliveryTimeoutMs} ms${reason === undefined ? '' : `; last: ${reason.message}`}`,
      { cause: reason },
    );
  }

  #setTimer(atMs: number): void {
    if (atMs === this.#timerAtMs) return;
    this.#cancelTimer();
    if (atMs === NEVER) return;
    const { clock } = this.#cluster.host;
    this.#timerAtMs = atMs;
    this.#timer = clock.setTimeout(
      () => {
        this.#timerAtMs = NEVER;
        this.#timer = undefined;
        this.#drain();
      },
      Math.max(0, Math.ceil(atMs - clock.monotonicMs())),
    );
  }

  #cancelTimer(): void {
    if (this.#timer !== undefined) this.#cluster.host.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAtMs = NEVER;
  }
}

const isList = (
  records: ProducerRecord | readonly ProducerRecord[],
): records is readonly ProducerRecord[] => Array.isArray(records);
