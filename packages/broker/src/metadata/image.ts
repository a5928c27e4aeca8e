/**
 * The cluster as this broker knows it: derived from the committed tree, change by change, and never written by anybody
 * else. Readers get plain maps; a change replaces the objects that it touches, so that a reader may keep what it holds.
 */
import type { PartitionAssignment } from '@odradek/replication';
import { collisionKey } from '../controller/topic-name.ts';
import type { NodeId, Uuid } from '@odradek/protocol';
import {
  decodeNode,
  type BrokerEpochsNode,
  type BrokerNode,
  type ClusterNode,
  type ConfigNode,
  type DeletionNode,
  type ProducerIdsNode,
  type TopicNode,
} from './nodes.ts';
import { parsePath } from './paths.ts';

export interface TopicImage {
  readonly name: string;
  readonly topicId: Uuid;
  readonly isInternal: boolean;
  /** By partition index, without holes. */
  readonly partitions: readonly PartitionAssignment[];
}

export interface PendingDeletion extends DeletionNode {
  readonly topicId: Uuid;
}

/** The part of a tree's change that the image needs. */
export interface NodeChange {
  readonly path: string;
  /** Null when the node was deleted. */
  readonly value: Uint8Array | null;
}

/** What a committed batch touched. */
export interface ImageDelta {
  readonly topics: Set<string>;
  readonly deletedTopics: { readonly name: string; readonly topicId: Uuid }[];
  readonly topicConfigs: Set<string>;
  readonly brokerConfigs: Set<string>;
  brokers: boolean;
}

/** The ensemble's log. Its folder lies among the partitions': no topic may have its name. */
export const METADATA_TOPIC = '__cluster_metadata';

/** Topics of the broker's own: hidden from pattern subscriptions, closed to client writes. */
export const INTERNAL_TOPICS: ReadonlySet<string> = new Set([
  '__consumer_offsets',
  '__transaction_state',
]);

export class MetadataImage {
  clusterId = '';
  nextProducerId = 0;
  /** Of brokers that were unregistered; undefined while none has been. */
  lastBrokerEpoch: number | undefined;
  readonly topics = new Map<string, TopicImage>();
  readonly topicsById = new Map<Uuid, TopicImage>();
  readonly brokers = new Map<NodeId, BrokerNode>();
  readonly topicConfigs = new Map<string, ConfigNode>();
  /** By node id as text, or 'default'. */
  readonly brokerConfigs = new Map<string, ConfigNode>();
  readonly deletions = new Map<string, PendingDeletion>();
  /** Names by what metrics systems make of them. */
  readonly #byCollisionKey = new Map<string, string>();
  #partitionCount = 0;

  get partitionCount(): number {
    return this.#partitionCount;
  }

  partition(topic: string, partition: number): PartitionAssignment | undefined {
    return this.topics.get(topic)?.partitions[partition];
  }

  /** A topic whose name differs from this one only in "." and "_". */
  topicLike(name: string): string | undefined {
    const other = this.#byCollisionKey.get(collisionKey(name));
    return other === name ? undefined : other;
  }

  /** Brokers that may be told to clients, by id. */
  liveBrokers(): readonly BrokerNode[] {
    return [...this.brokers.values()]
      .filter((it) => !it.fenced)
      .sort((a, b) => a.nodeId - b.nodeId);
  }

  /** Applies one committed batch, in order. */
  apply(changes: readonly NodeChange[]): ImageDelta {
    const delta: ImageDelta = {
      topics: new Set(),
      deletedTopics: [],
      topicConfigs: new Set(),
      brokerConfigs: new Set(),
      brokers: false,
    };
    // A topic with many partitions comes as many changes: its array is copied once a batch.
    const fresh = new Map<string, PartitionAssignment[]>();
    for (const change of changes) this.#applyOne(change, delta, fresh);
    return delta;
  }

  #applyOne(
    change: NodeChange,
    delta: ImageDelta,
    fresh: Map<string, PartitionAssignment[]>,
  ): void {
    const at = parsePath(change.path);
    const value = change.value;
    switch (at.kind) {
      case 'cluster':
        if (value) this.clusterId = decodeNode<ClusterNode>(value).clusterId;
        return;
      case 'broker':
        delta.brokers = true;
        if (value) this.brokers.set(at.nodeId, decodeNode<BrokerNode>(value));
        else this.brokers.delete(at.nodeId);
        return;
      case 'topic':
        this.#applyTopic(at.topic, value, delta, fresh);
        return;
      case 'partition':
        if (value)
          this.#applyPartition(
            at.topic,
            at.partition,
            decodeNode<PartitionAssignment>(value),
            delta,
            fresh,
          );
        return;
      case 'topicConfig':
        delta.topicConfigs.add(at.topic);
        if (value) this.topicConfigs.set(at.topic, decodeNode<ConfigNode>(value));
        else this.topicConfigs.delete(at.topic);
        return;
      case 'brokerConfig':
        delta.brokerConfigs.add(at.node);
        if (value) this.brokerConfigs.set(at.node, decodeNode<ConfigNode>(value));
        else this.brokerConfigs.delete(at.node);
        return;
      case 'producerIds':
        if (value) this.nextProducerId = decodeNode<ProducerIdsNode>(value).nextProducerId;
        return;
      case 'brokerEpochs':
        if (value) this.lastBrokerEpoch = decodeNode<BrokerEpochsNode>(value).lastBrokerEpoch;
        return;
      case 'deletion': {
        const key = `${at.nodeId}/${at.topicId}`;
        if (value)
          this.deletions.set(key, { topicId: at.topicId, ...decodeNode<DeletionNode>(value) });
        else this.deletions.delete(key);
        return;
      }
      case 'other':
    }
  }

  #applyTopic(
    name: string,
    value: Uint8Array | null,
    delta: ImageDelta,
    fresh: Map<string, PartitionAssignment[]>,
  ): void {
    const known = this.topics.get(name);
    if (value === null) {
      if (known === undefined) return;
      this.topics.delete(name);
      this.topicsById.delete(known.topicId);
      this.#byCollisionKey.delete(collisionKey(name));
      this.#partitionCount -= known.partitions.length;
      delta.topics.delete(name);
      delta.deletedTopics.push({ name, topicId: known.topicId });
      fresh.delete(name);
      return;
    }
    const { topicId } = decodeNode<TopicNode>(value);
    if (known?.topicId === topicId) return;
    this.#put({ name, topicId, isInternal: INTERNAL_TOPICS.has(name), partitions: [] });
    delta.topics.add(name);
  }

  #applyPartition(
    name: string,
    partition: number,
    assignment: PartitionAssignment,
    delta: ImageDelta,
    fresh: Map<string, PartitionAssignment[]>,
  ): void {
    const topic = this.topics.get(name);
    if (topic === undefined) throw new Error(`a partition of topic ${name}, which is not there`);
    let partitions = fresh.get(name);
    if (partitions === undefined) {
      partitions = [...topic.partitions];
      fresh.set(name, partitions);
      this.#put({ ...topic, partitions });
    }
    if (partitions[partition] === undefined) this.#partitionCount += 1;
    partitions[partition] = assignment;
    delta.topics.add(name);
  }

  #put(topic: TopicImage): void {
    this.topics.set(topic.name, topic);
    this.topicsById.set(topic.topicId, topic);
    this.#byCollisionKey.set(collisionKey(topic.name), topic.name);
  }
}
