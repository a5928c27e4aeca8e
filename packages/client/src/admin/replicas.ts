/** Where partitions are kept and who leads them: moved, elected, and a broker that is gone for good forgotten. */
import { ErrorCode } from '@odradek/protocol';
import type { Cluster } from '../cluster.ts';
import { comparePartitions } from '../consumer/topic-partition.ts';
import type { TopicPartition } from '../consumer/topic-partition.ts';
import {
  alterPartitionReassignmentsApi,
  electLeadersApi,
  listPartitionReassignmentsApi,
  unregisterBrokerApi,
} from './admin-api.ts';
import { ADMIN_TIMEOUT_MS, asController, check, missing } from './asking.ts';

export interface Reassignment extends TopicPartition {
  /** The first is preferred as leader. Null calls a move off. */
  readonly replicas: readonly number[] | null;
}

export interface OngoingReassignment extends TopicPartition {
  /** All of this moment: those that were, and those that are to be. */
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

/** 'preferred': the first replica, if it is in sync. 'unclean': any, where there is no leader; records may be lost. */
export type ElectionType = 'preferred' | 'unclean';

export interface ElectionResult extends TopicPartition {
  /** 0 when a leader was elected, ELECTION_NOT_NEEDED when the right one leads already. */
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const ELECTION_TYPES = { preferred: 0, unclean: 1 } as const;

/** Begins the moves: they go on after the answer. */
export const alterReassignments = (
  cluster: Cluster,
  reassignments: readonly Reassignment[],
): Promise<void> =>
  asController(cluster, async () => {
    const names = [...new Set(reassignments.map(({ topic }) => topic))];
    const answer = await cluster.askController(alterPartitionReassignmentsApi, {
      timeoutMs: ADMIN_TIMEOUT_MS,
      topics: names.map((name) => ({
        name,
        partitions: reassignments
          .filter(({ topic }) => topic === name)
          .map(({ partition: partitionIndex, replicas }) => ({ partitionIndex, replicas })),
      })),
    });
    check(answer.errorCode, { api: 'AlterPartitionReassignments', detail: answer.errorMessage });
    for (const { name, partitions } of answer.responses)
      for (const { partitionIndex, errorCode, errorMessage } of partitions)
        check(errorCode, {
          topic: name,
          partition: partitionIndex,
          detail: errorMessage,
          ...missing(errorCode),
        });
  });

/** Of all topics. */
export const listReassignments = (cluster: Cluster): Promise<readonly OngoingReassignment[]> =>
  asController(cluster, async () => {
    const answer = await cluster.askController(listPartitionReassignmentsApi, {
      timeoutMs: ADMIN_TIMEOUT_MS,
      topics: null,
    });
    check(answer.errorCode, { api: 'ListPartitionReassignments', detail: answer.errorMessage });
    return answer.topics
      .flatMap(({ name: topic, partitions }) =>
        partitions.map(({ partitionIndex: partition, ...replicas }) => ({
          topic,
          partition,
          ...replicas,
        })),
      )
      .sort(comparePartitions);
  });

/** Of all partitions where none are named: then those that need no election are left out. */
export const electLeaders = (
  cluster: Cluster,
  type: ElectionType,
  partitions: readonly TopicPartition[] | null,
): Promise<readonly ElectionResult[]> =>
  asController(cluster, async () => {
    const names = [...new Set(partitions?.map(({ topic }) => topic))];
    const answer = await cluster.askController(electLeadersApi, {
      electionType: ELECTION_TYPES[type],
      topicPartitions:
        partitions &&
        names.map((name) => ({
          topic: name,
          partitions: partitions
            .filter(({ topic }) => topic === name)
            .map(({ partition }) => partition),
        })),
      timeoutMs: ADMIN_TIMEOUT_MS,
    });
    check(answer.errorCode, { api: 'ElectLeaders' });
    const results = answer.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
      partitionResult.map(({ partitionId: partition, errorCode, errorMessage }) => ({
        topic,
        partition,
        errorCode,
        errorMessage,
      })),
    );
    for (const { topic, errorCode } of results)
      if (errorCode === ErrorCode.NONE) cluster.forgetLeaders(topic);
    return results.sort(comparePartitions);
  });

export const unregisterBroker = (cluster: Cluster, nodeId: number): Promise<void> =>
  asController(cluster, async () => {
    const { errorCode, errorMessage } = await cluster.askController(unregisterBrokerApi, {
      brokerId: nodeId,
    });
    check(errorCode, { api: `UnregisterBroker of ${nodeId}`, detail: errorMessage });
  });
