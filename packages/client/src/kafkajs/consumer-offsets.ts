/** How far an application is with each partition: what it has resolved, and what of that is committed. Offsets are those of the next record. */
import { groupByTopic, keyOf, partitionKey } from '../consumer/topic-partition.ts';
import type { TopicPartition } from '../consumer/topic-partition.ts';
import type { TopicOffsets } from './types.ts';

interface Progress extends TopicPartition {
  resolved: number;
  /** Or where it began, as long as nothing was committed. */
  committed: number;
}

export class ConsumerOffsets {
  readonly #progress = new Map<string, Progress>();

  /** The first record of a partition that is held anew. */
  begin({ topic, partition }: TopicPartition, offset: number): void {
    const key = partitionKey(topic, partition);
    if (!this.#progress.has(key))
      this.#progress.set(key, { topic, partition, resolved: offset, committed: offset });
  }

  resolve(place: TopicPartition, next: number): void {
    const progress = this.#progress.get(keyOf(place));
    if (progress !== undefined) progress.resolved = next;
  }

  resolvedOf(place: TopicPartition): number | undefined {
    return this.#progress.get(keyOf(place))?.resolved;
  }

  /** Records that are resolved and not committed. */
  get pendingCount(): number {
    let count = 0;
    for (const { resolved, committed } of this.#progress.values())
      count += Math.max(0, resolved - committed);
    return count;
  }

  uncommitted(places?: readonly TopicPartition[]): TopicOffsets[] {
    const wanted = places && new Set(places.map(keyOf));
    const changed = [...this.#progress].filter(
      ([key, { resolved, committed }]) =>
        resolved !== committed && (wanted === undefined || wanted.has(key)),
    );
    const byTopic = groupByTopic(changed.map(([, each]) => each));
    return [...byTopic].map(([topic, partitions]) => ({
      topic,
      partitions: partitions.map((partition) => ({
        partition,
        offset: String(this.#progress.get(partitionKey(topic, partition))!.resolved),
      })),
    }));
  }

  committed(offsets: readonly (TopicPartition & { readonly offset: number })[]): void {
    for (const each of offsets) {
      const progress = this.#progress.get(keyOf(each));
      if (progress !== undefined) progress.committed = each.offset;
    }
  }

  drop(places: readonly TopicPartition[]): void {
    for (const each of places) this.#progress.delete(keyOf(each));
  }
}
