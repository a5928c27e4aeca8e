/** All that an administrator can ask of a broker, under one name. Each is described where it is done. */
import type { AbortSignalLike } from '@odradek/ports';
import type { Uuid } from '@odradek/protocol';
import type { Cluster, TopicMetadata } from '../cluster.ts';
import type { CommittedOffset, OffsetToCommit } from '../consumer/group-coordinator.ts';
import type { StartingAt } from '../consumer/partition-state.ts';
import type { TopicPartition } from '../consumer/topic-partition.ts';
import { abortable, throwIfAborted } from '../retry.ts';
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
import { addVoter, describeQuorum, removeVoter } from './quorum.ts';
import type { QuorumInfo } from './quorum.ts';
import {
  alterReassignments,
  electLeaders,
  listReassignments,
  unregisterBroker,
} from './replicas.ts';
import type {
  ElectionResult,
  ElectionType,
  OngoingReassignment,
  Reassignment,
} from './replicas.ts';
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
  readonly #signal: AbortSignalLike | undefined;

  constructor(cluster: Cluster, { signal }: { readonly signal?: AbortSignalLike } = {}) {
    this.#cluster = cluster;
    this.#signal = signal;
  }

  /** The same administrator, who stops waiting at the signal: what was asked of the broker may be done all the same. */
  with(options: { readonly signal: AbortSignalLike }): Admin {
    return new Admin(this.#cluster, options);
  }

  createTopic(topic: NewTopic, options: ValidateOnly = {}): Promise<void> {
    return this.createTopics([topic], options);
  }

  createTopics(
    topics: readonly NewTopic[],
    { validateOnly = false }: ValidateOnly = {},
  ): Promise<void> {
    return this.#do((cluster) => createTopics(cluster, topics, validateOnly));
  }

  deleteTopic(name: string): Promise<void> {
    return this.#do((cluster) => deleteTopics(cluster, [name]));
  }

  deleteTopics(names: readonly string[]): Promise<void> {
    return this.#do((cluster) => deleteTopics(cluster, names));
  }

  /** Sorted by name. */
  listTopics(): Promise<readonly TopicMetadata[]> {
    return this.#do((cluster) => listTopics(cluster));
  }

  describeTopic(name: string): Promise<TopicMetadata> {
    return this.#do((cluster) => cluster.topic(name));
  }

  /** `count` is what the topic is to have then. */
  createPartitions(
    topic: string,
    count: number,
    { validateOnly = false }: ValidateOnly = {},
  ): Promise<void> {
    return this.#do((cluster) => createPartitions(cluster, topic, count, validateOnly));
  }

  /** -1 where nothing is that young. */
  listOffsets(
    topic: string,
    at: StartingAt,
    partitions?: readonly number[],
  ): Promise<readonly PartitionOffset[]> {
    return this.#do((cluster) => listTopicOffsets(cluster, topic, at, partitions));
  }

  /** Everything before the offsets; gives the offsets at which the partitions begin then. */
  deleteRecords(before: readonly PartitionOffset[]): Promise<readonly PartitionOffset[]> {
    return this.#do((cluster) => deleteRecords(cluster, before));
  }

  topicConfig(topic: string): Promise<readonly ConfigEntry[]> {
    return this.#do((cluster) => describeConfig(cluster, { topic }, null));
  }

  describeConfig(
    resource: ConfigResource,
    keys: readonly string[] | null = null,
  ): Promise<readonly ConfigEntry[]> {
    return this.#do((cluster) => describeConfig(cluster, resource, keys));
  }

  /** Only the keys that are named change. */
  alterConfig(
    resource: ConfigResource,
    changes: Readonly<Record<string, ConfigChange>>,
    { validateOnly = false }: ValidateOnly = {},
  ): Promise<void> {
    return this.#do((cluster) => alterConfig(cluster, resource, changes, validateOnly));
  }

  listConfigResources(): Promise<readonly ConfigResource[]> {
    return this.#do((cluster) => listConfigResources(cluster));
  }

  listGroups(): Promise<readonly GroupListing[]> {
    return this.#do((cluster) => listGroups(cluster));
  }

  describeGroup(groupId: string): Promise<GroupDescription> {
    return this.#do((cluster) => describeGroup(cluster, groupId));
  }

  listGroupOffsets(groupId: string): Promise<readonly CommittedOffset[]> {
    return this.#do((cluster) => listGroupOffsets(cluster, groupId));
  }

  /** Kafka's lag columns. */
  groupLag(groupId: string): Promise<readonly GroupLag[]> {
    return this.#do((cluster) => groupLag(cluster, groupId));
  }

  /** While the group has no members. */
  setGroupOffsets(groupId: string, offsets: readonly OffsetToCommit[]): Promise<void> {
    return this.#do((cluster) => setGroupOffsets(cluster, groupId, offsets));
  }

  deleteGroupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
    return this.#do((cluster) => deleteGroupOffsets(cluster, groupId, partitions));
  }

  deleteGroup(groupId: string): Promise<void> {
    return this.#do((cluster) => deleteGroup(cluster, groupId));
  }

  describeCluster(): Promise<ClusterInfo> {
    return this.#do((cluster) => describeCluster(cluster));
  }

  describeLogDirs(): Promise<readonly LogDir[]> {
    return this.#do((cluster) => describeLogDirs(cluster));
  }

  describeProducers(partitions: readonly TopicPartition[]): Promise<readonly ActiveProducer[]> {
    return this.#do((cluster) => describeProducers(cluster, partitions));
  }

  /** Undefined from brokers that have no quorum, or do not tell. */
  describeQuorum(): Promise<QuorumInfo | undefined> {
    return this.#do((cluster) => describeQuorum(cluster));
  }

  /** Of the metadata quorum: a node that follows its log. `describeQuorum` tells the directory id. */
  addVoter(nodeId: number, directoryId: Uuid): Promise<void> {
    return this.#do((cluster) => addVoter(cluster, nodeId, directoryId));
  }

  /** It may be down. Where the configuration names it, it does not become a voter again by itself. */
  removeVoter(nodeId: number, directoryId: Uuid): Promise<void> {
    return this.#do((cluster) => removeVoter(cluster, nodeId, directoryId));
  }

  /** Begins to move partitions to other replicas, or calls moves off: `listReassignments` tells what is still under way. */
  alterReassignments(reassignments: readonly Reassignment[]): Promise<void> {
    return this.#do((cluster) => alterReassignments(cluster, reassignments));
  }

  listReassignments(): Promise<readonly OngoingReassignment[]> {
    return this.#do((cluster) => listReassignments(cluster));
  }

  /** Null for all partitions. What could not be elected is in the results. */
  electLeaders(
    type: ElectionType,
    partitions: readonly TopicPartition[] | null,
  ): Promise<readonly ElectionResult[]> {
    return this.#do((cluster) => electLeaders(cluster, type, partitions));
  }

  /** A broker that is gone for good. */
  unregisterBroker(nodeId: number): Promise<void> {
    return this.#do((cluster) => unregisterBroker(cluster, nodeId));
  }

  async #do<T>(work: (cluster: Cluster) => Promise<T>): Promise<T> {
    throwIfAborted(this.#signal);
    return abortable(work(this.#cluster), this.#signal);
  }
}
