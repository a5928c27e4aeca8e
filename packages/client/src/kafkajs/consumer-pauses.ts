/** What an application has paused: whole topics with the partitions that are still to come, or single partitions, and exceptions of either. */
import type { TopicPartition } from '../consumer/topic-partition.ts';
import { KafkaJSNonRetriableError } from './errors.ts';

export interface TopicSelection {
  readonly topic: string;
  readonly partitions?: number[];
}

interface Pause {
  readonly isWhole: boolean;
  readonly exceptions: Set<number>;
}

export class ConsumerPauses {
  readonly #pauses = new Map<string, Pause>();

  pause(selections: readonly TopicSelection[]): void {
    this.#set(selections, true);
  }

  resume(selections: readonly TopicSelection[]): void {
    this.#set(selections, false);
  }

  has({ topic, partition }: TopicPartition): boolean {
    const pause = this.#pauses.get(topic);
    return pause !== undefined && pause.isWhole !== pause.exceptions.has(partition);
  }

  #set(selections: readonly TopicSelection[], isPaused: boolean): void {
    for (const { topic, partitions } of selections) {
      if (partitions === undefined) {
        this.#pauses.set(topic, { isWhole: isPaused, exceptions: new Set() });
        continue;
      }
      const pause = this.#pauses.get(topic) ?? { isWhole: false, exceptions: new Set() };
      this.#pauses.set(topic, pause);
      for (const partition of partitions)
        if (pause.isWhole === isPaused) pause.exceptions.delete(partition);
        else pause.exceptions.add(partition);
    }
  }
}

export function checkSelections(selections: readonly TopicSelection[]): void {
  for (const { topic, partitions } of selections) {
    if (!topic) throw new KafkaJSNonRetriableError(`Invalid topic ${String(topic)}`);
    if (partitions !== undefined && (!Array.isArray(partitions) || partitions.some(Number.isNaN)))
      throw new KafkaJSNonRetriableError(
        `Array of valid partitions required to pause specific partitions instead of ${String(partitions)}`,
      );
  }
}
