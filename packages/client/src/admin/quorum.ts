/** The metadata quorum: who leads, who votes, and how far each of them is. */
import { UnsupportedApi } from '../errors.ts';
import type { Cluster } from '../cluster.ts';
import { describeQuorumApi } from './admin-api.ts';
import { asController, check } from './asking.ts';

export interface QuorumInfo {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly members: readonly QuorumMember[];
}

export interface QuorumMember {
  readonly nodeId: number;
  readonly role: 'leader' | 'voter' | 'observer';
  readonly logEndOffset: number;
  /** Records behind the furthest voter. */
  readonly lag: number;
}

const METADATA_TOPIC = '__cluster_metadata';

/** Undefined from brokers that have none, or do not tell. */
export const describeQuorum = (cluster: Cluster): Promise<QuorumInfo | undefined> =>
  asController(cluster, async () => {
    const body = { topics: [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }] };
    const answer = await cluster.askController(describeQuorumApi, body).catch((error: unknown) => {
      if (error instanceof UnsupportedApi) return undefined;
      throw error;
    });
    if (answer === undefined) return undefined;
    check(answer.errorCode, { api: 'DescribeQuorum', detail: answer.errorMessage });
    const partition = answer.topics[0]?.partitions[0];
    if (partition === undefined) return undefined;
    check(partition.errorCode, { api: 'DescribeQuorum', detail: partition.errorMessage });
    const { leaderId, leaderEpoch, highWatermark, currentVoters, observers } = partition;
    const end = Math.max(...currentVoters.map(({ logEndOffset }) => logEndOffset), highWatermark);
    const member = (
      { replicaId: nodeId, logEndOffset }: (typeof currentVoters)[number],
      role: QuorumMember['role'],
    ): QuorumMember => ({ nodeId, role, logEndOffset, lag: Math.max(0, end - logEndOffset) });
    return {
      leaderId,
      leaderEpoch,
      highWatermark,
      members: [
        ...currentVoters.map((it) => member(it, it.replicaId === leaderId ? 'leader' : 'voter')),
        ...observers.map((it) => member(it, 'observer')),
      ],
    };
  });
