/** One broker behind a door, and the words in which the suite's stories are told. */
import { Admin, Bus, Cluster, Consumer, Producer } from '@odradek/client';
import type { ClientHost, ClusterOptions, ConsumerOptions, TopicPartition } from '@odradek/client';
import type { AbortSignalLike } from '@odradek/ports';
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import type { ControlledBroker } from '../../support/broker-control.ts';
import type { Door } from './door.ts';

/** What all stories of the suite can live with, so that one broker serves them all. */
export const SUITE_CONFIG: Readonly<Record<string, string>> = {
  'auto.create.topics.enable': 'false',
  'group.min.session.timeout.ms': '100',
  'group.initial.rebalance.delay.ms': '0',
};
const PATIENCE_MS = 20_000;

export class World {
  readonly door: Door;
  broker!: ControlledBroker;
  cluster!: Cluster;
  admin!: Admin;
  readonly #opened: Cluster[] = [];
  #topics = 0;
  /** Brokers that keep their data are shared by several runs of the suite. */
  readonly #run = Math.random().toString(36).slice(2, 7);

  constructor(door: Door) {
    this.door = door;
  }

  async start(): Promise<void> {
    this.broker = await this.door.brokers.start({ config: SUITE_CONFIG });
    this.cluster = this.open();
    this.admin = new Admin(this.cluster);
  }

  async stop(): Promise<void> {
    for (const cluster of this.#opened) cluster.close();
    if (this.broker !== undefined) await this.door.brokers.dispose(this.broker);
  }

  /** Closed when the suite ends, if not before. */
  open(options: Partial<ClusterOptions> = {}, host: ClientHost = this.door.host()): Cluster {
    const cluster = new Cluster(host, {
      bootstrap: [this.door.endpointOf(this.broker)],
      ...options,
      retry: { timeoutMs: PATIENCE_MS, ...options.retry },
    });
    this.#opened.push(cluster);
    return cluster;
  }

  bus(options: Partial<ClusterOptions> = {}): Bus {
    return new Bus(this.open(options));
  }

  /** Its partitions have leaders: a broker may tell of a new topic a little later than of its creation. */
  async newTopic(partitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<string> {
    const name = this.unusedName();
    await this.admin.createTopic({ name, partitions, configs });
    await until(`${name} has its leaders`, async () => {
      const { topics } = await this.cluster.metadata({ topics: [name] });
      const found = topics[0]?.partitions ?? [];
      return found.length === partitions && found.every(({ leaderId }) => leaderId >= 0);
    });
    return name;
  }

  unusedName(): string {
    return `t${(this.#topics += 1)}-${this.#run}`;
  }

  async fill(topic: string, values: readonly string[], partition = 0): Promise<void> {
    await using producer = new Producer(this.cluster);
    await producer.send(
      topic,
      values.map((value) => ({ ...text(value), partition })),
    );
  }

  /** A member of a group that rebalances quickly. */
  member(group: string, options: ConsumerOptions = {}, cluster = this.cluster): Consumer {
    return new Consumer(cluster, {
      group,
      from: 'earliest',
      heartbeatIntervalMs: 30,
      sessionTimeoutMs: 6000,
      rebalanceTimeoutMs: 10_000,
      ...options,
    });
  }
}

export const text = (value: string): { readonly value: Uint8Array } => ({
  value: utf8Encode(value),
});

export const numbered = (count: number, from = 0): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${from + index}`);

export const placesOf = (partitions: readonly TopicPartition[]): readonly string[] =>
  partitions.map(({ topic, partition }) => `${topic}-${partition}`);

export const soon = (): AbortSignalLike => AbortSignal.timeout(PATIENCE_MS);

/** Reads so many, finishing each. */
export async function read(consumer: Consumer, count: number): Promise<readonly string[]> {
  const values: string[] = [];
  while (values.length < count) {
    const batch = await consumer.poll(soon());
    for (const record of batch!.records) {
      values.push(record.value === null ? 'null' : utf8Decode(record.value));
      consumer.finished(record);
    }
  }
  return values;
}

/** Waits for a fact. */
export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  timeoutMs = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`it never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const reasonOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it was done',
    (error: unknown) => error,
  );

/** In how many milliseconds. */
export async function timed<T>(work: Promise<T>): Promise<readonly [T, number]> {
  const start = performance.now();
  const result = await work;
  return [result, performance.now() - start];
}
