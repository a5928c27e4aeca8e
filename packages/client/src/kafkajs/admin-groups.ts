/** Groups and their offsets in KafkaJS's words. */
import { Admin as Administrator } from '../admin/admin.ts';
import { GroupCoordinator } from '../consumer/group-coordinator.ts';
import { groupByTopic, partitionKey } from '../consumer/topic-partition.ts';
import { BrokerError } from '../errors.ts';
import { EARLIEST_OFFSET, LATEST_OFFSET } from './constants.ts';
import { protocolError } from './error-mapping.ts';
import { KafkaJSDeleteGroupsError, KafkaJSNonRetriableError } from './errors.ts';
import type { DeleteGroupsResult } from './errors.ts';
import { describeGroup } from './group-description.ts';
import type { Session } from './session.ts';
import type {
  FetchOffsetsPartition,
  GroupDescriptions,
  GroupOverview,
  SeekEntry,
} from './types.ts';

type TopicOffsetsOf = (topic: string) => Promise<(SeekEntry & { high: string; low: string })[]>;

const NO_OFFSET = -1;

export class AdminGroups<B extends Uint8Array> {
  readonly #session: Session<B>;
  readonly #toBuffer: (bytes: Uint8Array) => B;
  readonly #topicOffsets: TopicOffsetsOf;

  constructor(
    session: Session<B>,
    toBuffer: (bytes: Uint8Array) => B,
    topicOffsets: TopicOffsetsOf,
  ) {
    this.#session = session;
    this.#toBuffer = toBuffer;
    this.#topicOffsets = topicOffsets;
  }

  list(): Promise<{ groups: GroupOverview[] }> {
    return this.#session.run(async (cluster) => ({
      groups: (await new Administrator(cluster).listGroups()).map(({ groupId, protocolType }) => ({
        groupId,
        protocolType,
      })),
    }));
  }

  describe(groupIds: readonly string[]): Promise<GroupDescriptions<B>> {
    return this.#session.run(async (cluster) => ({
      groups: await Promise.all(
        groupIds.map((groupId) => describeGroup(cluster, groupId, this.#toBuffer)),
      ),
    }));
  }

  async delete(groupIds: readonly string[]): Promise<DeleteGroupsResult[]> {
    if (!Array.isArray(groupIds) || groupIds.some((groupId) => typeof groupId !== 'string'))
      throw new KafkaJSNonRetriableError(`Invalid groupIds array ${String(groupIds)}`);
    return this.#session.run(async (cluster) => {
      const administrator = new Administrator(cluster);
      const results = await Promise.all(
        (groupIds as readonly string[]).map(async (groupId): Promise<DeleteGroupsResult> => {
          try {
            await administrator.deleteGroup(groupId);
            return { groupId, errorCode: 0 };
          } catch (error) {
            if (!(error instanceof BrokerError)) throw error;
            const { code, message } = error;
            return { groupId, errorCode: code, error: protocolError(code, error, message) };
          }
        }),
      );
      const failures = results.filter(({ errorCode }) => errorCode !== 0);
      if (failures.length > 0)
        throw new KafkaJSDeleteGroupsError('Error in DeleteGroups', failures);
      return results;
    });
  }

  async fetchOffsets({
    groupId,
    topics = [],
    resolveOffsets = false,
  }: {
    groupId: string;
    topics?: string[];
    resolveOffsets?: boolean;
  }): Promise<{ topic: string; partitions: FetchOffsetsPartition[] }[]> {
    checkGroup(groupId);
    if (!Array.isArray(topics))
      throw new KafkaJSNonRetriableError('Expected topics array to be set');
    const found = await this.#session.run(async (cluster) => {
      const coordinator = new GroupCoordinator(cluster, groupId);
      if (topics.length === 0) {
        const committed = await coordinator.committed(null);
        return [...groupByTopic(committed.values())].map(([topic, partitions]) => ({
          topic,
          partitions: partitions.map((partition) => ({ partition, committed })),
        }));
      }
      return Promise.all(
        topics.map(async (topic) => {
          const { partitions } = await cluster.topic(topic);
          const places = partitions.map((each) => ({ topic, partition: each.partitionIndex }));
          const committed = await coordinator.committed(places);
          return {
            topic,
            partitions: places.map(({ partition }) => ({ partition, committed })),
          };
        }),
      );
    });
    const offsets = found.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, committed }): FetchOffsetsPartition => {
        const entry = committed.get(partitionKey(topic, partition));
        return {
          partition,
          offset: String(entry?.offset ?? NO_OFFSET),
          metadata: entry?.metadata || null,
        };
      }),
    }));
    if (!resolveOffsets) return offsets;
    // KafkaJS's: "none" becomes the end of the log, and is committed.
    for (const { topic, partitions } of offsets) {
      const ends = new Map((await this.#topicOffsets(topic)).map((each) => [each.partition, each]));
      for (const each of partitions) each.offset = resolved(each.offset, ends.get(each.partition));
      await this.setOffsets({ groupId, topic, partitions });
    }
    return offsets;
  }

  /** -1 and -2 are the end and the beginning of the log. */
  async setOffsets({
    groupId,
    topic,
    partitions,
  }: {
    groupId: string;
    topic: string;
    partitions: readonly SeekEntry[];
  }): Promise<void> {
    checkGroup(groupId);
    if (!topic) throw new KafkaJSNonRetriableError(`Invalid topic ${String(topic)}`);
    if (!Array.isArray(partitions) || partitions.length === 0)
      throw new KafkaJSNonRetriableError('Invalid partitions');
    const ends = new Map((await this.#topicOffsets(topic)).map((each) => [each.partition, each]));
    await this.#session.run(async (cluster) => {
      const { state } = await describeGroup(cluster, groupId, this.#toBuffer);
      if (state !== 'Empty' && state !== 'Dead')
        throw new KafkaJSNonRetriableError(
          `The consumer group must have no running instances, current state: ${state}`,
        );
      await new Administrator(cluster).setGroupOffsets(
        groupId,
        partitions.map(({ partition, offset }: SeekEntry) => ({
          topic,
          partition,
          offset: Number(resolved(offset, ends.get(partition))),
        })),
      );
    });
  }

  async resetOffsets(groupId: string, topic: string, earliest: boolean): Promise<void> {
    checkGroup(groupId);
    if (!topic) throw new KafkaJSNonRetriableError(`Invalid topic ${String(topic)}`);
    const ends = await this.#topicOffsets(topic);
    const partitions = ends.map(({ partition, low, high }) => ({
      partition,
      offset: earliest ? low : high,
    }));
    await this.setOffsets({ groupId, topic, partitions });
  }
}

function resolved(offset: string, ends: { high: string; low: string } | undefined): string {
  if (ends === undefined) return offset;
  if (Number(offset) === EARLIEST_OFFSET) return ends.low;
  return Number(offset) === LATEST_OFFSET ? ends.high : offset;
}

function checkGroup(groupId: string): void {
  if (!groupId) throw new KafkaJSNonRetriableError(`Invalid groupId ${String(groupId)}`);
}
