/**
 * Where an application sends a run: seeks and pauses, which it may ask for before the partition is there, or while a batch of it is in work.
 * Then they wait until it is there, or until the batch is left.
 */
import type { Consumer } from '../consumer/consumer.ts';
import type { StartingAt } from '../consumer/partition-state.ts';
import { groupByTopic, keyOf } from '../consumer/topic-partition.ts';
import type { TopicPartition } from '../consumer/topic-partition.ts';
import { ConsumerPauses } from './consumer-pauses.ts';
import type { TopicSelection } from './consumer-pauses.ts';
import type { TopicPartitions } from './types.ts';

export class ConsumerPlaces {
  /** Once there is one. */
  consumer: Consumer | undefined;
  readonly #onSought: (place: TopicPartition, to: number | StartingAt) => void;
  readonly #pauses = new ConsumerPauses();
  readonly #seeks = new Map<string, TopicPartition & { readonly to: number | StartingAt }>();
  /** With a worker. */
  readonly #busy = new Set<string>();

  constructor(onSought: (place: TopicPartition, to: number | StartingAt) => void) {
    this.#onSought = onSought;
  }

  seek(place: TopicPartition, to: number | StartingAt): void {
    this.#seeks.set(keyOf(place), { ...place, to });
    if (!this.#busy.has(keyOf(place))) this.applySeek(place);
  }

  pause(selections: readonly TopicSelection[]): void {
    this.#pauses.pause(selections);
    this.#applyPauses();
  }

  resume(selections: readonly TopicSelection[]): void {
    this.#pauses.resume(selections);
    this.#applyPauses();
  }

  paused(): TopicPartitions[] {
    const paused = (this.consumer?.assignment ?? []).filter((each) => this.isPaused(each));
    return [...groupByTopic(paused)].map(([topic, partitions]) => ({ topic, partitions }));
  }

  isPaused(place: TopicPartition): boolean {
    return this.#pauses.has(place);
  }

  isSought(place: TopicPartition): boolean {
    return this.#seeks.has(keyOf(place));
  }

  /** A worker has taken of it, or is done. */
  occupy(place: TopicPartition): void {
    this.#busy.add(keyOf(place));
  }

  release(place: TopicPartition): void {
    this.#busy.delete(keyOf(place));
  }

  /** With another assignment. */
  applyAll(): void {
    this.#applyPauses();
    for (const each of [...this.#seeks.values()]) this.applySeek(each);
  }

  applySeek(place: TopicPartition): void {
    const { consumer } = this;
    const seek = this.#seeks.get(keyOf(place));
    if (seek === undefined || consumer === undefined || !consumer.isAssigned(place)) return;
    this.#seeks.delete(keyOf(place));
    const { topic, partition, to } = seek;
    // A numeric place first: it gives up what is in work.
    consumer.seek({ topic, partition }, typeof to === 'number' ? to : 0);
    if (typeof to !== 'number') consumer.seek({ topic, partition }, to);
    this.#onSought({ topic, partition }, to);
  }

  #applyPauses(): void {
    const { consumer } = this;
    if (consumer === undefined) return;
    const { assignment } = consumer;
    consumer.pause(assignment.filter((each) => this.isPaused(each)));
    consumer.resume(
      assignment.filter((each) => !this.isPaused(each) && !this.#busy.has(keyOf(each))),
    );
  }
}
