/** All that an administrator can ask of a broker, under one name. Each is described where it is done. */
import type { Cluster, TopicMetadata } from '../cluster.ts';
import type { CommittedOffset, OffsetToCommit } from '../consumer/group-coordinator.ts';
import type { StartingAt } from '../consumer/partition-state.ts';
import type { TopicPartition } from '../consumer/topic-partition.ts';
import { describeCluster, describeLogDirs, describeProducers } from './cluster-info.ts';
import type { ActiveProducer, ClusterInfo, LogDir } from './cluster-info.ts';
import { alterConfig, describeConfig, listConfigResources } from './configs.ts';
import type { ConfigChange, ConfigEntry, ConfigResource } from './configs.ts';
import {
  deleteGroup,
  deleteGroupOffsets,
  describeGroup,
  groupLag,
  listGroupOffsets,
  listGroups,
  setGroupOffsets,
} from './groups.ts';
import type { GroupDescription, GroupLag, GroupListing } from './groups.ts';
import {
  createPartitions,
  createTopics,
  deleteRecords,
  deleteTopics,
  listTopicOffsets,
  listTopics,
} from './topics.ts';
import type { NewTopic, PartitionOffset } from './topics.ts';

export interface ValidateOnly {
  /** Only asks whether it could be done. */
  readonly validateOnly?: boolean;
}

export class Admin {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  createTopic(topic: NewTopic, options: ValidateOnly = {}): Promise<void> {
    return this.createTopics([topic], options);
  }

  createTopics(
    topics: readonly NewTopic[],
    { validateOnly = false }: ValidateOnly = {},
  ): Promise<void> {
    return createTopics(this.#cluster, topics, validateOnly);
  }

  deleteTopic(name: string): Promise<void> {
    return deleteTopics(this.#cluster, [name]);
  }

  deleteTopics(names: readonly string[]): Promise<void> {
    return deleteTopics(this.#cluster, names);
  }

  /** Sorted by name. */
  listTopics(): Promise<readonly TopicMetadata[]> {
    return listTopics(this.#cluster);
  }

  describeTopic(name: string): Promise<TopicMetadata> {
    return this.#cluster.topic(name);
  }

  /** `count` is what the topic is to have then. */
  createPartitions(
    topic: string,
    count: number,
    { validateOnly = false }: ValidateOnly = {},
  ): Promise<void> {
    return createPartitions(this.#cluster, topic, count, validateOnly);
  }

  /** -1 where nothing is that young. */
  listOffsets(
    topic: string,
    at: StartingAt,
    partitions?: readonly number[],
  ): Promise<readonly PartitionOffset[]> {
    return listTopicOffsets(this.#cluster, topic, at, partitions);
  }

  /** Everything before the offsets; gives the offsets at which the partitions begin then. */
  deleteRecords(before: readonly PartitionOffset[]): Promise<readonly PartitionOffset[]> {
    return deleteRecords(this.#cluster, before);
  }

  topicConfig(topic: string): Promise<readonly ConfigEntry[]> {
    return describeConfig(this.#cluster, { topic }, null);
  }

  describeConfig(
    resource: ConfigResource,
    keys: readonly string[] | null = null,
  ): Promise<readonly ConfigEntry[]> {
    return describeConfig(this.#cluster, resource, keys);
  }

  /** Only the keys that are named change. */
  alterConfig(
    resource: ConfigResource,
    changes: Readonly<Record<string, ConfigChange>>,
    { validateOnly = false }: ValidateOnly = {},
  ): Promise<void> {
    return alterConfig(this.#cluster, resource, changes, validateOnly);
  }

  listConfigResources(): Promise<readonly ConfigResource[]> {
    return listConfigResources(this.#cluster);
  }

  listGroups(): Promise<readonly GroupListing[]> {
    return listGroups(this.#cluster);
  }

  describeGroup(groupId: string): Promise<GroupDescription> {
    return describeGroup(this.#cluster, groupId);
  }

  listGroupOffsets(groupId: string): Promise<readonly CommittedOffset[]> {
    return listGroupOffsets(this.#cluster, groupId);
  }

  /** Kafka's lag columns. */
  groupLag(groupId: string): Promise<readonly GroupLag[]> {
    return groupLag(this.#cluster, groupId);
  }

  /** While the group has no members. */
  setGroupOffsets(groupId: string, offsets: readonly OffsetToCommit[]): Promise<void> {
    return setGroupOffsets(this.#cluster, groupId, offsets);
  }

  deleteGroupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
    return deleteGroupOffsets(this.#cluster, groupId, partitions);
  }

  deleteGroup(groupId: string): Promise<void> {
    return deleteGroup(this.#cluster, groupId);
  }

  describeCluster(): Promise<ClusterInfo> {
    return describeCluster(this.#cluster);
  }

  describeLogDirs(): Promise<readonly LogDir[]> {
    return describeLogDirs(this.#cluster);
  }

  describeProducers(partitions: readonly TopicPartition[]): Promise<readonly ActiveProducer[]> {
    return describeProducers(this.#cluster, partitions);
  }
}
