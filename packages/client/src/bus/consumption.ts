/**
 * `for await (const message of bus.consume(topic, ...))`: whoever comes back for the next message has finished the last one; whoever throws or
 * breaks has not, and it is handed out again to whoever reads on. Ends when its signal is aborted or the bus is closed; throws what cannot
 * be helped by waiting.
 */
import type { AbortSignalLike } from '@odradek/ports';
import type { Consumer } from '../consumer/consumer.ts';
import type { ConsumerRecord } from '../consumer/fetched.ts';
import { SchemaMismatch } from '../errors.ts';
import { KeyedLanes } from './keyed-lanes.ts';
import { decodeMessage } from './message.ts';
import type { Message } from './message.ts';
import type { Topic } from './topic.ts';

export interface ConsumptionOptions {
  readonly signal?: AbortSignalLike;
  /** For `each`: how many handlers run at once. Messages of one key are handled in order. */
  readonly concurrency?: number;
  /** For `batches`. */
  readonly batchRecordsMax?: number;
  /** What becomes of a record that does not fit the topic: it ends the reading (the default), or is passed over. */
  readonly onInvalid?:
    | 'reject'
    | 'skip'
    | ((error: SchemaMismatch, record: ConsumerRecord) => void | Promise<void>);
}

/** Messages of one partition, in order. */
export interface MessageBatch<K, V> {
  readonly topic: string;
  readonly partition: number;
  readonly highWatermark: number;
  readonly messages: readonly Message<K, V>[];
}

const BATCH_RECORDS_MAX = 500;

export class Consumption<K, V> implements AsyncIterable<Message<K, V>> {
  readonly #topic: Topic<never, never, K, V>;
  readonly #open: () => Promise<Consumer>;
  readonly #isOver: () => boolean;
  readonly #options: ConsumptionOptions;

  /** `open` gives a consumer of its own to each who begins to read. */
  constructor(
    topic: Topic<never, never, K, V>,
    open: () => Promise<Consumer>,
    isOver: () => boolean,
    options: ConsumptionOptions,
  ) {
    this.#topic = topic;
    this.#open = open;
    this.#isOver = isOver;
    this.#options = options;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message<K, V>, void, undefined> {
    const consumer = await this.#start();
    if (consumer === undefined) return;
    try {
      for (;;) {
        const record = await this.#next(consumer);
        if (record === undefined) return;
        const message = await this.#decode(record);
        if (message !== undefined) yield message;
        consumer.finished(record);
      }
    } finally {
      await consumer.close({ abandon: true });
    }
  }

  /** Whole batches: coming back for the next one finishes all of the last one. */
  async *batches(): AsyncGenerator<MessageBatch<K, V>, void, undefined> {
    const { signal, batchRecordsMax: maxRecords = BATCH_RECORDS_MAX } = this.#options;
    const consumer = await this.#start();
    if (consumer === undefined) return;
    try {
      while (signal?.aborted !== true) {
        const batch = await consumer.poll(signal, { maxRecords }).catch(this.#endOrThrow);
        if (batch === undefined) return;
        const { topic, partition, records, highWatermark } = batch;
        const messages: Message<K, V>[] = [];
        for (const record of records) {
          const message = await this.#decode(record);
          if (message !== undefined) messages.push(message);
        }
        if (messages.length > 0) yield { topic, partition, highWatermark, messages };
        for (const record of records) consumer.finished(record);
      }
    } finally {
      await consumer.close({ abandon: true });
    }
  }

  /**
   * Hands each message to `handler`, several at a time if `concurrency` says so. A handler that throws ends it: those that run are waited
   * for, what is finished is committed as far as nothing before it is missing, and the error is thrown.
   */
  async each(handler: (message: Message<K, V>) => void | Promise<void>): Promise<void> {
    const { concurrency = 1 } = this.#options;
    if (!(concurrency >= 1)) throw new RangeError('concurrency is 1 at least');
    const consumer = await this.#start();
    if (consumer === undefined) return;
    const lanes = new KeyedLanes(concurrency);
    let news: Promise<void> | undefined;
    try {
      while (lanes.failure === undefined && this.#options.signal?.aborted !== true) {
        if (lanes.isFull) {
          await lanes.changed();
          continue;
        }
        const record = consumer.take();
        if (record === undefined) {
          // A handler that fails while there is nothing to read must not wait for the next record.
          news ??= consumer.wait(this.#options.signal).then(() => {
            news = undefined;
          });
          await Promise.race([news, lanes.changed()]);
          continue;
        }
        lanes.add(laneOf(record), async () => {
          const message = await this.#decode(record);
          if (message !== undefined) await handler(message);
          consumer.finished(record);
        });
      }
      await lanes.idle();
    } catch (error) {
      this.#endOrThrow(error);
    } finally {
      await consumer.close({ abandon: true });
    }
    if (lanes.failure !== undefined) throw lanes.failure.error;
  }

  /** Undefined when its signal comes before it has begun. */
  async #start(): Promise<Consumer | undefined> {
    const isGivenUp = (): boolean => this.#options.signal?.aborted === true;
    if (isGivenUp()) return undefined;
    try {
      return await this.#open();
    } catch (error) {
      if (isGivenUp()) return undefined;
      throw error;
    }
  }

  /** Undefined when it is over. */
  async #next(consumer: Consumer): Promise<ConsumerRecord | undefined> {
    const { signal } = this.#options;
    try {
      while (signal?.aborted !== true) {
        const record = consumer.take();
        if (record !== undefined) return record;
        await consumer.wait(signal);
      }
      return undefined;
    } catch (error) {
      return this.#endOrThrow(error);
    }
  }

  readonly #endOrThrow = (error: unknown): undefined => {
    if (this.#isOver() || this.#options.signal?.aborted === true) return undefined;
    throw error;
  };

  /** Undefined when it is to be passed over. */
  async #decode(record: ConsumerRecord): Promise<Message<K, V> | undefined> {
    try {
      return await decodeMessage(this.#topic, record);
    } catch (error) {
      const { onInvalid = 'reject' } = this.#options;
      if (onInvalid === 'reject' || !(error instanceof SchemaMismatch)) throw error;
      if (onInvalid !== 'skip') await onInvalid(error, record);
      return undefined;
    }
  }
}

/** Keys are compared by their bytes. A record without one has no order to keep. */
function laneOf({ partition, key }: ConsumerRecord): string | undefined {
  if (key === null) return undefined;
  let text = `${partition}:`;
  for (const byte of key) text += String.fromCharCode(byte);
  return text;
}
