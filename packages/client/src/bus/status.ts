/** What a page or a log may show of a bus, in the two functions that React, Svelte and XState expect: `subscribe` and `getSnapshot`. */
import type { Cluster } from '../cluster.ts';
import type { ClusterState } from '../cluster.machine.ts';
import type { Consumer } from '../consumer/consumer.ts';
import type { TopicPartition } from '../consumer/topic-partition.ts';
import type { Producer } from '../producer/producer.ts';
import type { ProducerState } from '../producer/producer.machine.ts';

export interface BusSnapshot {
  readonly connection: ClusterState;
  /** Why nobody could be reached the last time; undefined once somebody was. */
  readonly lastError: string | undefined;
  readonly producer: ProducerState;
  readonly consumers: readonly ConsumerSnapshot[];
}

export interface ConsumerSnapshot {
  readonly group: string | undefined;
  /** The membership's state; "assigned" without a group. */
  readonly state: string;
  /** Why it rebalanced the last time. */
  readonly reason: string | undefined;
  readonly assignment: readonly TopicPartition[];
}

/** Called without arguments it unsubscribes; so does its `unsubscribe`. */
export type Unsubscribe = (() => void) & { readonly unsubscribe: () => void };

export class BusStatus {
  readonly #cluster: Cluster;
  readonly #producer: Producer;
  readonly #consumers = new Map<Consumer, string | undefined>();
  readonly #listeners = new Set<(snapshot: BusSnapshot) => void>();
  #snapshot: BusSnapshot | undefined;

  constructor(cluster: Cluster, producer: Producer) {
    this.#cluster = cluster;
    this.#producer = producer;
    this.#follow(cluster.status);
    this.#follow(producer.status);
  }

  /** The same object until something changes. */
  readonly getSnapshot = (): BusSnapshot => (this.#snapshot ??= this.#take());

  readonly subscribe = (listener: (snapshot: BusSnapshot) => void): Unsubscribe => {
    this.#listeners.add(listener);
    const unsubscribe = (): void => {
      this.#listeners.delete(listener);
    };
    return Object.assign(unsubscribe, { unsubscribe });
  };

  added(consumer: Consumer, group: string | undefined): void {
    this.#consumers.set(consumer, group);
    if (consumer.membership !== undefined) this.#follow(consumer.membership);
    this.#changed();
  }

  removed(consumer: Consumer): void {
    if (this.#consumers.delete(consumer)) this.#changed();
  }

  #follow(status: { subscribe(listener: () => void): unknown }): void {
    status.subscribe(() => this.#changed());
  }

  #changed(): void {
    this.#snapshot = undefined;
    if (this.#listeners.size === 0) return;
    const snapshot = this.getSnapshot();
    for (const listener of [...this.#listeners]) listener(snapshot);
  }

  #take(): BusSnapshot {
    const { value, context } = this.#cluster.status.getSnapshot();
    return {
      connection: value,
      lastError: context.lastError,
      producer: this.#producer.status.getSnapshot().value,
      consumers: [...this.#consumers].map(([consumer, group]) => {
        const membership = consumer.membership?.getSnapshot();
        return {
          group,
          state: membership === undefined ? 'assigned' : nameOf(membership.value),
          reason: membership?.context.reason,
          assignment: consumer.assignment,
        };
      }),
    };
  }
}

/** The innermost: "stable" of { member: "stable" }. */
function nameOf(value: string | Readonly<Record<string, unknown>>): string {
  if (typeof value === 'string') return value;
  const [inner] = Object.values(value);
  return nameOf(inner as string);
}
