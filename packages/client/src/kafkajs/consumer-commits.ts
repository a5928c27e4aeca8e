/** What of a run's progress is committed, and when: after each batch, at the intervals that `run` was given, and when the application says so. */
import type { Consumer } from '../consumer/consumer.ts';
import type { OffsetToCommit } from '../consumer/group-coordinator.ts';
import type { TopicPartition } from '../consumer/topic-partition.ts';
import { consumerEvents } from './constants.ts';
import { ConsumerOffsets } from './consumer-offsets.ts';
import { afterRetries, isRebalancing, toKafkaJS } from './error-mapping.ts';
import type { RunOptions } from './run-options.ts';
import type { TopicOffsets, TopicPartitionOffsetAndMetadata } from './types.ts';

export class ConsumerCommits<B extends Uint8Array> {
  readonly offsets = new ConsumerOffsets();
  /** Once there is one. */
  consumer: Consumer | undefined;
  readonly #options: RunOptions<B>;
  #lastCommitMs: number;

  constructor(options: RunOptions<B>) {
    this.#options = options;
    this.#lastCommitMs = options.host.clock.monotonicMs();
  }

  get isAutomatic(): boolean {
    return this.#options.handlers.autoCommit !== false;
  }

  async commit(offsets: readonly TopicPartitionOffsetAndMetadata[]): Promise<void> {
    const toCommit = offsets.map(({ topic, partition, offset, metadata }): OffsetToCommit => ({
      topic,
      partition,
      offset: Number(offset),
      ...(metadata != null && { metadata }),
    }));
    if (toCommit.length === 0 || this.consumer === undefined) return;
    const { emitter, groupId, host, session } = this.#options;
    try {
      await this.consumer.commit(toCommit);
    } catch (error) {
      const mapped = toKafkaJS(error);
      throw isRebalancing(mapped) ? mapped : afterRetries(error, session.plan);
    }
    this.offsets.committed(toCommit);
    this.#lastCommitMs = host.clock.monotonicMs();
    emitter.emit(consumerEvents.COMMIT_OFFSETS, {
      groupId,
      memberId: this.consumer.memberId,
      groupGenerationId: this.consumer.joined?.generation ?? -1,
      topics: byTopic(offsets),
    });
  }

  get isDue(): boolean {
    const { handlers, host } = this.#options;
    const { autoCommitInterval, autoCommitThreshold } = handlers;
    if (!this.isAutomatic) return false;
    return (
      (autoCommitInterval != null &&
        host.clock.monotonicMs() >= this.#lastCommitMs + autoCommitInterval) ||
      (autoCommitThreshold != null && this.offsets.pendingCount >= autoCommitThreshold)
    );
  }

  /** When the group has gone on, what is not committed is repeated by whoever has it now. */
  async commitResolved(places?: readonly TopicPartition[]): Promise<void> {
    try {
      await this.commit(flat(this.offsets.uncommitted(places)));
    } catch (error) {
      if (!isRebalancing(error)) throw error;
    }
  }
}

export const flat = (topics: readonly TopicOffsets[]): TopicPartitionOffsetAndMetadata[] =>
  topics.flatMap(({ topic, partitions }) => partitions.map((each) => ({ topic, ...each })));

function byTopic(offsets: readonly TopicPartitionOffsetAndMetadata[]): TopicOffsets[] {
  const topics = new Map<string, TopicOffsets>();
  for (const { topic, partition, offset } of offsets) {
    const entry = topics.get(topic) ?? { topic, partitions: [] };
    topics.set(topic, entry);
    entry.partitions.push({ partition, offset });
  }
  return [...topics.values()];
}
