/** What is asked of a cluster beyond what the client's Admin offers. What a broker does not serve is undefined. */
import { UnsupportedApi } from '@odradek/client';
import type { Cluster, TopicMetadata } from '@odradek/client';
import {
  apiVersionsRequest,
  apiVersionsResponse,
  describeQuorumRequest,
  describeQuorumResponse,
} from '@odradek/protocol';
import type { DescribeQuorumResponse } from '@odradek/protocol';

export interface Feature {
  readonly name: string;
  readonly supported: readonly [min: number, max: number];
  /** Undefined when the cluster has not agreed on one. */
  readonly finalized: number | undefined;
}

export type QuorumRole = 'leader' | 'voter' | 'observer';

export interface Quorum {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly members: readonly {
    readonly nodeId: number;
    readonly role: QuorumRole;
    readonly logEndOffset: number;
    readonly lag: number;
  }[];
}

export interface TroubledPartition {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

const apiVersionsApi = {
  request: apiVersionsRequest,
  response: apiVersionsResponse,
  maxVersion: 4,
};
const describeQuorumApi = {
  request: describeQuorumRequest,
  response: describeQuorumResponse,
  maxVersion: 2,
};
const METADATA_TOPIC = '__cluster_metadata';

export async function readFeatures(client: Cluster): Promise<readonly Feature[]> {
  const { supportedFeatures, finalizedFeatures } = await client.askAny(apiVersionsApi, {
    clientSoftwareName: 'odradek',
    clientSoftwareVersion: 'cli',
  });
  const finalized = new Map(
    finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]),
  );
  return supportedFeatures
    .map(({ name, minVersion, maxVersion }) => ({
      name,
      supported: [minVersion, maxVersion] as const,
      finalized: finalized.get(name),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export async function readQuorum(client: Cluster): Promise<Quorum | undefined> {
  const body = { topics: [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }] };
  let answer: DescribeQuorumResponse;
  try {
    answer = await client.askController(describeQuorumApi, body);
  } catch (error) {
    if (error instanceof UnsupportedApi) return undefined;
    throw error;
  }
  const partition = answer.topics[0]?.partitions[0];
  if (answer.errorCode !== 0 || partition === undefined || partition.errorCode !== 0)
    return undefined;
  const { leaderId, leaderEpoch, highWatermark, currentVoters, observers } = partition;
  const end = Math.max(...currentVoters.map(({ logEndOffset }) => logEndOffset), highWatermark);
  const member = (
    { replicaId: nodeId, logEndOffset }: (typeof currentVoters)[number],
    role: QuorumRole,
  ) => ({ nodeId, role, logEndOffset, lag: Math.max(0, end - logEndOffset) });
  return {
    leaderId,
    leaderEpoch,
    highWatermark,
    members: [
      ...currentVoters.map((each) =>
        member(each, each.replicaId === leaderId ? 'leader' : 'voter'),
      ),
      ...observers.map((each) => member(each, 'observer')),
    ],
  };
}

export const troubledPartitions = (
  topics: readonly TopicMetadata[],
): readonly TroubledPartition[] =>
  topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(
        ({ leaderId, replicaNodes, isrNodes }) =>
          leaderId < 0 || isrNodes.length < replicaNodes.length,
      )
      .map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
        topic: name ?? '',
        partition: partitionIndex,
        leader: leaderId,
        replicas: replicaNodes,
        isr: isrNodes,
      })),
  );
