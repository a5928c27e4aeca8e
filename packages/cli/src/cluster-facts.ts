/** What is asked of a cluster beyond what the client's Admin offers. What a broker does not serve is undefined. */
import type { Cluster, ClusterInfo, QuorumInfo, TopicMetadata } from '@odradek/client';
import { apiVersionsRequest, apiVersionsResponse } from '@odradek/protocol';

export interface Feature {
  readonly name: string;
  readonly supported: readonly [min: number, max: number];
  /** Undefined when the cluster has not agreed on one. */
  readonly finalized: number | undefined;
}

/** A broker and what it has to do with; one that is not heard of has no address. */
export interface BrokerFacts {
  readonly nodeId: number;
  readonly address: string | undefined;
  readonly rack: string | null;
  readonly isController: boolean;
  /** A voter of the quorum that follows it, and no broker (process.roles=controller). */
  readonly isVoterOnly: boolean;
  /** Known by its vote or its replicas, and not served by: fenced, or gone. */
  readonly isAway: boolean;
  readonly leads: number;
  readonly replicas: number;
  /** Of its replicas, those that are not in sync. */
  readonly outOfSync: number;
}

/** A voter asks its leader for news twice a second. */
const VOTER_SILENCE_MS_MAX = 5_000;

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

export function brokerFacts(
  info: ClusterInfo,
  topics: readonly TopicMetadata[],
  quorum: QuorumInfo | undefined,
): readonly BrokerFacts[] {
  // A broker of KRaft names any broker as the controller: what is sent there is forwarded. The quorum knows.
  const controllerId = quorum?.leaderId ?? info.controllerId;
  const partitions = topics.flatMap((topic) => topic.partitions);
  const known = new Set([
    ...info.brokers.map(({ nodeId }) => nodeId),
    ...(quorum?.members.map(({ nodeId }) => nodeId) ?? []),
    ...partitions.flatMap(({ replicaNodes }) => replicaNodes),
  ]);
  return [...known]
    .sort((a, b) => a - b)
    .map((nodeId) => {
      const broker = info.brokers.find((it) => it.nodeId === nodeId);
      const held = partitions.filter(({ replicaNodes }) => replicaNodes.includes(nodeId));
      const isVoterOnly =
        broker === undefined &&
        held.length === 0 &&
        quorum?.members.some(
          (it) =>
            it.nodeId === nodeId &&
            it.role !== 'observer' &&
            (it.silentMs ?? Infinity) < VOTER_SILENCE_MS_MAX,
        ) === true;
      return {
        nodeId,
        address: broker && formatAddress(broker),
        rack: broker?.rack ?? null,
        isController: nodeId === controllerId,
        isVoterOnly,
        isAway: broker === undefined && !isVoterOnly,
        leads: partitions.filter(({ leaderId }) => leaderId === nodeId).length,
        replicas: held.length,
        outOfSync: held.filter(({ isrNodes }) => !isrNodes.includes(nodeId)).length,
      };
    });
}

const formatAddress = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

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
