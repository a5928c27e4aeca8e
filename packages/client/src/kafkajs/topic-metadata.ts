/** Topics' partitions in KafkaJS's words, kept for as long as `metadataMaxAge` says. */
import type { Cluster, TopicMetadata } from '../cluster.ts';
import type { PartitionMetadata } from './types.ts';

interface Known {
  readonly partitions: PartitionMetadata[];
  readonly untilMs: number;
}

export class TopicPartitionings {
  readonly #cluster: Cluster;
  readonly #mayCreate: boolean;
  readonly #maxAgeMs: number;
  readonly #known = new Map<string, Known>();
  readonly #loading = new Map<string, Promise<PartitionMetadata[]>>();

  constructor(cluster: Cluster, mayCreate: boolean, maxAgeMs: number) {
    this.#cluster = cluster;
    this.#mayCreate = mayCreate;
    this.#maxAgeMs = maxAgeMs;
  }

  known(topic: string): PartitionMetadata[] | undefined {
    const known = this.#known.get(topic);
    return known !== undefined && known.untilMs > this.#cluster.host.clock.monotonicMs()
      ? known.partitions
      : undefined;
  }

  forget(topic: string): void {
    this.#known.delete(topic);
  }

  load(topic: string): Promise<PartitionMetadata[]> {
    const loading = this.#loading.get(topic) ?? this.#load(topic);
    this.#loading.set(topic, loading);
    return loading;
  }

  async #load(topic: string): Promise<PartitionMetadata[]> {
    try {
      const found = await this.#cluster.topic(topic, { mayCreate: this.#mayCreate });
      const partitions = toPartitions(found);
      const untilMs = this.#cluster.host.clock.monotonicMs() + this.#maxAgeMs;
      this.#known.set(topic, { partitions, untilMs });
      return partitions;
    } finally {
      this.#loading.delete(topic);
    }
  }
}

export const toPartitions = ({ partitions }: TopicMetadata): PartitionMetadata[] =>
  partitions.map(
    ({ errorCode, partitionIndex, leaderId, replicaNodes, isrNodes, offlineReplicas }) => ({
      partitionErrorCode: errorCode,
      partitionId: partitionIndex,
      leader: leaderId,
      replicas: [...replicaNodes],
      isr: [...isrNodes],
      offlineReplicas: [...offlineReplicas],
    }),
  );
