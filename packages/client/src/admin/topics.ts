/** Topics: made, grown, cut, deleted, listed. */
import { ErrorCode } from '@odradek/protocol';
import {
  createPartitionsApi,
  createTopicsApi,
  deleteRecordsApi,
  deleteTopicsApi,
} from './admin-api.ts';
import type { Cluster, TopicMetadata } from '../cluster.ts';
import { BrokerError } from '../errors.ts';
import { withRetries } from '../retry.ts';
import { lookUpOffsets, timestampOf } from '../consumer/offset-lookup.ts';
import type { StartingAt } from '../consumer/partition-state.ts';
import { comparePartitions, groupByTopic, partitionKey } from '../consumer/topic-partition.ts';
import type { TopicPartition } from '../consumer/topic-partition.ts';
import { ADMIN_TIMEOUT_MS, asController, check, missing } from './asking.ts';

export interface NewTopic {
  readonly name: string;
  /** The broker's default when left out. */
  readonly partitions?: number;
  /** The broker's default when left out. */
  readonly replicationFactor?: number;
  /** By hand: the brokers of each partition, in order. */
  readonly assignments?: readonly (readonly number[])[];
  readonly configs?: Readonly<Record<string, string>>;
}

export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
}

const BROKER_DEFAULT = -1;

export const createTopics = (
  cluster: Cluster,
  topics: readonly NewTopic[],
  validateOnly: boolean,
): Promise<void> =>
  asController(cluster, async () => {
    const answer = await cluster.askController(createTopicsApi, {
      topics: topics.map(
        ({ name, partitions, replicationFactor, assignments = [], configs = {} }) => ({
          name,
          numPartitions: partitions ?? BROKER_DEFAULT,
          replicationFactor: replicationFactor ?? BROKER_DEFAULT,
          assignments: assignments.map((brokerIds, partitionIndex) => ({
            partitionIndex,
            brokerIds,
          })),
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        }),
      ),
      timeoutMs: ADMIN_TIMEOUT_MS,
      validateOnly,
    });
    for (const { name, errorCode, errorMessage } of answer.topics)
      check(errorCode, { topic: name, detail: errorMessage });
  });

export const deleteTopics = (cluster: Cluster, names: readonly string[]): Promise<void> =>
  asController(cluster, async () => {
    const { responses } = await cluster.askController(deleteTopicsApi, {
      topicNames: names,
      timeoutMs: ADMIN_TIMEOUT_MS,
    });
    for (const { name, errorCode, errorMessage } of responses)
      check(errorCode, {
        topic: name ?? '',
        detail: errorMessage,
        ...missing(errorCode),
      });
    for (const name of names) cluster.forgetLeaders(name);
  });

export const createPartitions = (
  cluster: Cluster,
  name: string,
  count: number,
  validateOnly: boolean,
): Promise<void> =>
  asController(cluster, async () => {
    const { results } = await cluster.askController(createPartitionsApi, {
      topics: [{ name, count, assignments: null }],
      timeoutMs: ADMIN_TIMEOUT_MS,
      validateOnly,
    });
    for (const { errorCode, errorMessage } of results)
      check(errorCode, { topic: name, detail: errorMessage, ...missing(errorCode) });
    cluster.forgetLeaders(name);
  });

/** Sorted by name. */
export const listTopics = (cluster: Cluster): Promise<readonly TopicMetadata[]> =>
  withRetries(cluster.host, cluster.retry, async () => {
    const { topics } = await cluster.metadata({ topics: null });
    return topics
      .filter(({ errorCode }) => errorCode === ErrorCode.NONE)
      .sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
  });

/** Of all partitions, or of those given; in their order. */
export async function listTopicOffsets(
  cluster: Cluster,
  topic: string,
  at: StartingAt,
  partitions?: readonly number[],
): Promise<readonly PartitionOffset[]> {
  const wanted =
    partitions ?? (await cluster.topic(topic)).partitions.map((each) => each.partitionIndex);
  const asked = wanted.map((partition) => ({ topic, partition, timestamp: timestampOf(at) }));
  const found = await withRetries(cluster.host, cluster.retry, () =>
    lookUpOffsets(cluster, asked, false),
  );
  return asked.sort(comparePartitions).map(({ partition }) => ({
    topic,
    partition,
    offset: found.get(partitionKey(topic, partition))?.offset ?? -1,
  }));
}

/** Everything before the offsets goes; what is left begins at the offsets returned. */
export async function deleteRecords(
  cluster: Cluster,
  before: readonly PartitionOffset[],
): Promise<readonly PartitionOffset[]> {
  const offsets = new Map(
    before.map(({ topic, partition, offset }) => [partitionKey(topic, partition), offset]),
  );
  return withRetries(cluster.host, cluster.retry, async () => {
    const topics = [...new Set(before.map(({ topic }) => topic))];
    if (before.some(({ topic, partition }) => cluster.leaderOf(topic, partition) === undefined))
      await cluster.metadata({ topics });
    const byLeader = new Map<number, PartitionOffset[]>();
    for (const each of before) {
      const leader = cluster.leaderOf(each.topic, each.partition);
      if (leader === undefined)
        throw new BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, {
          topic: each.topic,
          partition: each.partition,
          retriable: false,
        });
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), each]);
    }
    const left: PartitionOffset[] = [];
    for (const [leader, led] of byLeader) {
      const answer = await cluster.ask(leader, deleteRecordsApi, {
        topics: [...groupByTopic(led)].map(([name, partitions]) => ({
          name,
          partitions: partitions.map((partitionIndex) => ({
            partitionIndex,
            offset: offsets.get(partitionKey(name, partitionIndex))!,
          })),
        })),
        timeoutMs: ADMIN_TIMEOUT_MS,
      });
      for (const { name, partitions } of answer.topics)
        for (const { partitionIndex, lowWatermark, errorCode } of partitions) {
          if (errorCode !== ErrorCode.NONE) cluster.forgetLeaders(name);
          check(errorCode, { topic: name, partition: partitionIndex });
          left.push({ topic: name, partition: partitionIndex, offset: lowWatermark });
        }
    }
    return left.sort(comparePartitions);
  });
}
