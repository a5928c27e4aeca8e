/** The metadata quorum: who leads, who votes, how far each of them is; voters added and removed. */
import type { Uuid } from '@odradek/protocol';
import { UnsupportedApi } from '../errors.ts';
import type { Cluster } from '../cluster.ts';
import { addRaftVoterApi, describeQuorumApi, removeRaftVoterApi } from './admin-api.ts';
import { ADMIN_TIMEOUT_MS, asController, check } from './asking.ts';

export interface QuorumInfo {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly members: readonly QuorumMember[];
}

export interface QuorumMember {
  readonly nodeId: number;
  /** Of its storage; zeros from brokers that do not tell. */
  readonly directoryId: Uuid;
  readonly role: 'leader' | 'voter' | 'observer';
  readonly logEndOffset: number;
  /** How long it has not asked the leader for news; undefined from brokers that do not tell. */
  readonly silentMs: number | undefined;
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
    // By the leader's clock, which notes the same of itself.
    const nowMs = currentVoters.find((it) => it.replicaId === leaderId)?.lastFetchTimestamp ?? -1;
    const member = (
      {
        replicaId: nodeId,
        replicaDirectoryId: directoryId,
        logEndOffset,
        lastFetchTimestamp,
      }: (typeof currentVoters)[number],
      role: QuorumMember['role'],
    ): QuorumMember => ({
      nodeId,
      directoryId,
      role,
      logEndOffset,
      silentMs: lastFetchTimestamp < 0 || nowMs < 0 ? undefined : nowMs - lastFetchTimestamp,
      lag: Math.max(0, end - logEndOffset),
    });
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

/** A node that follows the metadata log becomes a voter. Resolves when that is committed. */
export const addVoter = (cluster: Cluster, nodeId: number, directoryId: Uuid): Promise<void> =>
  asController(cluster, async () => {
    const { errorCode, errorMessage } = await cluster.askController(addRaftVoterApi, {
      clusterId: null,
      timeoutMs: ADMIN_TIMEOUT_MS,
      voterId: nodeId,
      voterDirectoryId: directoryId,
      listeners: [],
    });
    check(errorCode, { api: `AddRaftVoter of ${nodeId}`, detail: errorMessage });
  });

/** A voter is one no more, whether it is up or not. Resolves when that is committed. */
export const removeVoter = (cluster: Cluster, nodeId: number, directoryId: Uuid): Promise<void> =>
  asController(cluster, async () => {
    const { errorCode, errorMessage } = await cluster.askController(removeRaftVoterApi, {
      clusterId: null,
      voterId: nodeId,
      voterDirectoryId: directoryId,
    });
    check(errorCode, { api: `RemoveRaftVoter of ${nodeId}`, detail: errorMessage });
  });
