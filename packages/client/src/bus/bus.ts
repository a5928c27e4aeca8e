/**
 * The face for applications: `connect`, `send`, `consume`. What it can do, the cluster, producer and consumers below it can do as well; here it
 * is typed by topics, and one close ends everything.
 */
import type { AbortSignalLike, Endpoint } from '@odradek/ports';
import type { HeaderInput } from '@odradek/protocol';
import { utf8Encode } from '@odradek/protocol';
import { Admin } from '../admin/admin.ts';
import { Cluster } from '../cluster.ts';
import type { ClusterOptions } from '../cluster.ts';
import { Consumer } from '../consumer/consumer.ts';
import type { ConsumerOptions } from '../consumer/consumer-options.ts';
import type { Coordination, CoordinationOptions } from '../coordination/coordination.ts';
import { ClientClosed, ConnectionLost, SchemaMismatch } from '../errors.ts';
import type { ClientHost } from '../host.ts';
import { Producer } from '../producer/producer.ts';
import type { ProducerOptions } from '../producer/producer-options.ts';
import type { RecordMetadata } from '../producer/sinks.ts';
import { abortable, throwIfAborted } from '../retry.ts';
import type { WaitOptions } from '../retry.ts';
import { Consumption } from './consumption.ts';
import type { ConsumptionOptions } from './consumption.ts';
import { BusStatus } from './status.ts';
import { topic as describeTopic } from './topic.ts';
import type { Topic } from './topic.ts';

export interface ConnectOptions extends Omit<ClusterOptions, 'bootstrap'> {
  /** Network, time, chance, compression and checksums of where it runs. */
  readonly host: ClientHost;
  /** "localhost:9092", several with commas between them or in a list. */
  readonly brokers: string | readonly (string | Endpoint)[];
  readonly producer?: ProducerOptions;
  /** Ends connecting, and later closes the bus. */
  readonly signal?: AbortSignalLike;
}

export interface OutgoingMessage<K, V> {
  readonly key?: K | null;
  readonly value: V;
  readonly headers?: Readonly<Record<string, string | Uint8Array | null>> | readonly HeaderInput[];
  readonly timestampMs?: number;
  readonly partition?: number;
}

export interface ConsumeOptions
  extends ConsumptionOptions, Omit<ConsumerOptions, 'onAssigned' | 'onRevoked' | 'onLost'> {
  /** Without a group: those to read, all when left out. */
  readonly partitions?: readonly number[];
  readonly rebalance?: Pick<ConsumerOptions, 'onAssigned' | 'onRevoked' | 'onLost'>;
}

const PORT_DEFAULT = 9092;

/** Rejects as soon as every address was tried in vain: whoever wants to wait for a broker calls it again. */
export async function connect({
  host,
  brokers,
  producer,
  signal,
  ...options
}: ConnectOptions): Promise<Bus> {
  throwIfAborted(signal);
  const cluster = new Cluster(host, { ...options, bootstrap: parseBrokers(brokers) });
  try {
    await abortable(cluster.metadata({ topics: [] }), signal);
  } catch (error) {
    cluster.close();
    throw error;
  }
  return new Bus(cluster, producer, signal);
}

export class Bus {
  readonly cluster: Cluster;
  readonly admin: Admin;
  readonly producer: Producer;
  readonly status: BusStatus;
  readonly #consumers = new Set<Consumer>();
  readonly #coordinations: Coordination[] = [];
  readonly #signal: AbortSignalLike | undefined;
  #closing: Promise<void> | undefined;

  constructor(cluster: Cluster, options: ProducerOptions = {}, signal?: AbortSignalLike) {
    this.cluster = cluster;
    this.admin = new Admin(cluster);
    this.producer = new Producer(cluster, options);
    this.status = new BusStatus(cluster, this.producer);
    this.#signal = signal;
    signal?.addEventListener('abort', this.#abort);
    if (signal?.aborted === true) this.#abort();
  }

  /** Resolves when it is acknowledged as the producer's `acks` say: by all in-sync replicas unless told otherwise. */
  async send<K, V>(
    to: Topic<K, V, unknown, unknown> | string,
    message: OutgoingMessage<NoInfer<K>, NoInfer<V>>,
    { signal }: WaitOptions = {},
  ): Promise<RecordMetadata> {
    throwIfAborted(signal);
    const { name, key: keys, value: values, tombstones } = asTopic<K, V>(to);
    const { key, value, headers, timestampMs, partition } = message;
    // Null and nothing are the same for a key; for a value only null is meant.
    if (value === null && !tombstones)
      throw new SchemaMismatch(
        `${name}'s value is null, which deletes its key in a compacted topic: say \`tombstones: true\` if that is meant`,
      );
    // Nothing is awaited that needs not be: what is sent in one turn stays in order.
    const encodedKey = key == null ? null : keys.encode(key);
    const encodedValue = value === null ? null : values.encode(value);
    const record = {
      key: encodedKey instanceof Promise ? await encodedKey : encodedKey,
      value: encodedValue instanceof Promise ? await encodedValue : encodedValue,
      ...(headers !== undefined && { headers: toHeaders(headers) }),
      ...(timestampMs !== undefined && { timestampMs }),
      ...(partition !== undefined && { partition }),
    };
    return this.producer.send(name, record, signal && { signal });
  }

  /** Reads when it is iterated. With a group it shares the topic with the group's other members, and the group remembers what is finished. */
  consume<K, V>(
    from: Topic<never, never, K, V> | string,
    options: ConsumeOptions = {},
  ): Consumption<K, V> {
    const topic = asTopic<K, V>(from as Topic<K, V>) as unknown as Topic<never, never, K, V>;
    const { signal, concurrency, batchRecordsMax, onInvalid, partitions, rebalance, ...rest } =
      options;
    const waiting = signal === undefined ? {} : { signal };
    const open = async (): Promise<Consumer> => {
      if (this.#closing !== undefined) throw new ClientClosed('the bus is closed');
      const consumer = new Consumer(this.cluster, { ...rest, ...rebalance });
      this.#consumers.add(consumer);
      consumer.onClosed(() => {
        this.#consumers.delete(consumer);
        this.status.removed(consumer);
      });
      try {
        if (rest.group !== undefined) await consumer.subscribe([topic.name], waiting);
        else {
          const all =
            partitions ??
            (await this.cluster.topic(topic.name)).partitions.map((each) => each.partitionIndex);
          await consumer.assign(
            all.map((partition) => ({ topic: topic.name, partition })),
            waiting,
          );
        }
      } catch (error) {
        await consumer.close();
        throw error;
      }
      this.status.added(consumer, rest.group);
      return consumer;
    };
    const given = { signal, concurrency, batchRecordsMax, onInvalid };
    const isGiven = ([, value]: [string, unknown]): boolean => value !== undefined;
    return new Consumption(
      topic,
      open,
      () => this.#closing !== undefined,
      Object.fromEntries(Object.entries(given).filter(isGiven)),
    );
  }

  /**
   * The cluster's coordination tree: nodes, a session of one's own, locks, elections, membership, counters. Closed with the bus. A page
   * fetches this part of the program when it is first asked for.
   */
  async coordination(options: CoordinationOptions = {}): Promise<Coordination> {
    const part = await import('../coordination/coordination.ts').catch((cause: unknown) => {
      const message = "the program's part for coordination cannot be fetched";
      throw new ConnectionLost(message, { cause });
    });
    if (this.#closing !== undefined) throw new ClientClosed('the bus is closed');
    const coordination = new part.Coordination(this.cluster, options);
    this.#coordinations.push(coordination);
    return coordination;
  }

  /** Sends what was taken, commits what is finished, leaves the groups. Records in work are not waited for: who is at them may be whoever calls this. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  readonly #abort = (): void => {
    void this.close();
  };

  async #close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#abort);
    await Promise.allSettled([
      this.producer.close(),
      ...[...this.#consumers].map((consumer) => consumer.close({ abandon: true })),
      ...this.#coordinations.map((coordination) => coordination.close()),
    ]);
    this.cluster.close();
  }
}

/** A name alone: keys are text, values JSON, and null is a value. */
const asTopic = <K, V>(of: Topic<K, V, unknown, unknown> | string): Topic<K, V, unknown, unknown> =>
  typeof of === 'string'
    ? (describeTopic(of, { tombstones: true }) as unknown as Topic<K, V, unknown, unknown>)
    : of;

const toHeaders = (
  headers: Readonly<Record<string, string | Uint8Array | null>> | readonly HeaderInput[],
): readonly HeaderInput[] =>
  Array.isArray(headers)
    ? (headers as readonly HeaderInput[])
    : Object.entries(headers as Readonly<Record<string, string | Uint8Array | null>>).map(
        ([key, value]) => ({ key, value: typeof value === 'string' ? utf8Encode(value) : value }),
      );

export function parseBrokers(brokers: ConnectOptions['brokers']): readonly Endpoint[] {
  const list = typeof brokers === 'string' ? brokers.split(',') : brokers;
  return list.map((broker) => {
    if (typeof broker !== 'string') return broker;
    const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:/[\]]+))(?::(\d{1,5}))?$/.exec(broker.trim());
    const port = Number(match?.[3] ?? PORT_DEFAULT);
    if (match === null || port > 65_535)
      throw new RangeError(`${JSON.stringify(broker)} is not host:port`);
    return { host: match[1] ?? match[2] ?? '', port };
  });
}
