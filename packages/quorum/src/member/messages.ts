/**
 * The bodies of the ensemble's requests and answers, from the few things that differ and back. All of them are about one
 * partition of one topic; whatever names another is no request of ours.
 */
import {
  ErrorCode,
  leaderEpoch,
  nodeId,
  offset,
  ZERO_UUID,
  type BeginQuorumEpochRequest,
  type EndQuorumEpochRequest,
  type FetchRequest,
  type FetchResponse,
  type FetchSnapshotRequest,
  type FetchSnapshotResponse,
  type LeaderEpoch,
  type NodeId,
  type Offset,
  type Uuid,
  type VoteRequest,
} from '@odradek/protocol';
import type { SnapshotId } from '../tree/snapshot.ts';
import type { Voter } from './voters.ts';

export const METADATA_TOPIC_NAME = '__cluster_metadata';
/** Kafka's, fixed. */
export const METADATA_TOPIC_ID = '00000000000000000000000000000001' as Uuid;
const PARTITION = 0;
const NOBODY = -1;
const NO_BYTES = new Uint8Array(0);

/** Where an answer's sender stands. */
export interface Standing {
  readonly epoch: LeaderEpoch;
  readonly leaderId: NodeId | null;
}

export const leaderOrNull = (id: number): NodeId | null => (id < 0 ? null : nodeId(id));

export interface VoteAsked {
  readonly clusterId: string | null;
  readonly voter: Voter;
  readonly candidate: { readonly id: NodeId; readonly incarnation: Uuid };
  readonly epoch: LeaderEpoch;
  readonly lastEpoch: LeaderEpoch;
  readonly endOffset: Offset;
  readonly isPreVote: boolean;
}

export function voteRequestOf(asked: VoteAsked): VoteRequest {
  const partition = {
    partitionIndex: PARTITION,
    replicaEpoch: asked.epoch,
    replicaId: asked.candidate.id,
    replicaDirectoryId: asked.candidate.incarnation,
    voterDirectoryId: asked.voter.incarnation,
    lastOffsetEpoch: asked.lastEpoch,
    lastOffset: asked.endOffset,
    preVote: asked.isPreVote,
  };
  return {
    clusterId: asked.clusterId,
    voterId: asked.voter.id,
    topics: [{ topicName: METADATA_TOPIC_NAME, partitions: [partition] }],
  };
}

/** An answer that is about the sender's standing: those of Vote, BeginQuorumEpoch and EndQuorumEpoch. */
export function standingAnswer(errorCode: ErrorCode, { epoch, leaderId }: Standing) {
  const partition = {
    partitionIndex: PARTITION,
    errorCode,
    leaderId: leaderId ?? NOBODY,
    leaderEpoch: epoch,
  };
  return {
    errorCode: ErrorCode.NONE,
    topics: [{ topicName: METADATA_TOPIC_NAME, partitions: [partition] }],
    nodeEndpoints: [],
  };
}

export const refusedWhole = (errorCode: ErrorCode) => ({
  errorCode,
  topics: [],
  nodeEndpoints: [],
});

export function voteAnswer(errorCode: ErrorCode, standing: Standing, voteGranted: boolean) {
  const answer = standingAnswer(errorCode, standing);
  return {
    ...answer,
    topics: answer.topics.map((topic) => ({
      ...topic,
      partitions: topic.partitions.map((it) => ({ ...it, voteGranted })),
    })),
  };
}

export function beginQuorumEpochRequestOf(
  clusterId: string | null,
  voter: Voter,
  leader: { readonly id: NodeId; readonly epoch: LeaderEpoch },
): BeginQuorumEpochRequest {
  const partition = {
    partitionIndex: PARTITION,
    voterDirectoryId: voter.incarnation,
    leaderId: leader.id,
    leaderEpoch: leader.epoch,
  };
  return {
    clusterId,
    voterId: voter.id,
    topics: [{ topicName: METADATA_TOPIC_NAME, partitions: [partition] }],
    leaderEndpoints: [],
  };
}

/** `successors`: best first. */
export function endQuorumEpochRequestOf(
  clusterId: string | null,
  leader: { readonly id: NodeId; readonly epoch: LeaderEpoch },
  successors: readonly Voter[],
): EndQuorumEpochRequest {
  const partition = {
    partitionIndex: PARTITION,
    leaderId: leader.id,
    leaderEpoch: leader.epoch,
    preferredSuccessors: successors.map((it) => it.id),
    preferredCandidates: successors.map((it) => ({
      candidateId: it.id,
      candidateDirectoryId: it.incarnation,
    })),
  };
  return {
    clusterId,
    topics: [{ topicName: METADATA_TOPIC_NAME, partitions: [partition] }],
    leaderEndpoints: [],
  };
}

/** The one partition of a request, or of an answer; undefined where it is about something else. */
export function partitionOf<Partition extends { readonly partitionIndex: number }>(message: {
  readonly topics: readonly {
    readonly topicName: string;
    readonly partitions: readonly Partition[];
  }[];
}): Partition | undefined {
  const topic = message.topics[0];
  const partition = topic?.partitions[0];
  if (message.topics.length !== 1 || topic!.partitions.length !== 1) return undefined;
  if (topic!.topicName !== METADATA_TOPIC_NAME || partition!.partitionIndex !== PARTITION)
    return undefined;
  return partition;
}

// Fetch.

/** -1: whoever asks is no replica, and only wants to know who leads and what is committed. */
export const PROBE_ID = nodeId(-1);
const ANY_EPOCH = leaderEpoch(-1);

export interface FetchAsked {
  readonly clusterId: string | null;
  readonly replicaId: NodeId;
  readonly incarnation: Uuid;
  readonly epoch: LeaderEpoch;
  readonly fetchOffset: Offset;
  readonly lastEpoch: LeaderEpoch;
  readonly highWatermark: Offset;
  readonly maxWaitMs: number;
  readonly maxBytes: number;
}

export function fetchRequestOf(asked: FetchAsked): FetchRequest {
  const partition = {
    partition: PARTITION,
    currentLeaderEpoch: asked.epoch,
    fetchOffset: asked.fetchOffset,
    lastFetchedEpoch: asked.lastEpoch,
    logStartOffset: -1,
    partitionMaxBytes: asked.maxBytes,
    replicaDirectoryId: asked.incarnation,
    highWatermark: asked.highWatermark,
  };
  return {
    clusterId: asked.clusterId,
    replicaId: asked.replicaId,
    replicaState: { replicaId: asked.replicaId, replicaEpoch: -1 },
    maxWaitMs: asked.maxWaitMs,
    minBytes: 0,
    maxBytes: asked.maxBytes,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic: METADATA_TOPIC_NAME, topicId: METADATA_TOPIC_ID, partitions: [partition] }],
    forgottenTopicsData: [],
    rackId: '',
  };
}

/** Who leads, and what has it committed? Takes no records and makes nobody a replica. */
export const probeOf = (clusterId: string | null): FetchRequest =>
  fetchRequestOf({
    clusterId,
    replicaId: PROBE_ID,
    incarnation: ZERO_UUID,
    epoch: ANY_EPOCH,
    fetchOffset: offset(0),
    lastEpoch: leaderEpoch(0),
    highWatermark: offset(0),
    maxWaitMs: 0,
    maxBytes: 0,
  });

/** The members' requests name the sender twice: until version 14, and from 15 on. */
export const replicaIdOf = ({ replicaId, replicaState }: FetchRequest): NodeId =>
  nodeId(replicaState.replicaId >= 0 ? replicaState.replicaId : replicaId);

export function fetchPartitionOf(request: FetchRequest) {
  const [topic, ...otherTopics] = request.topics;
  const [partition, ...others] = topic?.partitions ?? [];
  if (otherTopics.length + others.length > 0 || partition?.partition !== PARTITION)
    return undefined;
  const isOurs = topic!.topic === METADATA_TOPIC_NAME || topic!.topicId === METADATA_TOPIC_ID;
  return isOurs ? partition : undefined;
}

export interface FetchAnswered {
  readonly errorCode?: ErrorCode;
  readonly standing: Standing;
  readonly highWatermark: Offset;
  readonly logStartOffset: Offset;
  readonly records?: Uint8Array;
  readonly divergingEpoch?: { readonly epoch: number; readonly endOffset: number };
  readonly snapshotId?: SnapshotId;
}

export const fetchRefused = (errorCode: ErrorCode): FetchResponse => ({
  throttleTimeMs: 0,
  errorCode,
  sessionId: 0,
  responses: [],
  nodeEndpoints: [],
});

export function fetchAnswer(answered: FetchAnswered): FetchResponse {
  const { standing, snapshotId } = answered;
  const partition = {
    partitionIndex: PARTITION,
    errorCode: answered.errorCode ?? ErrorCode.NONE,
    highWatermark: answered.highWatermark,
    lastStableOffset: answered.highWatermark,
    logStartOffset: answered.logStartOffset,
    divergingEpoch: answered.divergingEpoch ?? { epoch: -1, endOffset: -1 },
    currentLeader: { leaderId: standing.leaderId ?? NOBODY, leaderEpoch: standing.epoch },
    snapshotId:
      snapshotId === undefined
        ? { endOffset: -1, epoch: -1 }
        : { endOffset: snapshotId.nextOffset, epoch: snapshotId.epoch },
    abortedTransactions: null,
    preferredReadReplica: -1,
    records: answered.records ?? NO_BYTES,
  };
  return {
    ...fetchRefused(ErrorCode.NONE),
    responses: [
      { topic: METADATA_TOPIC_NAME, topicId: METADATA_TOPIC_ID, partitions: [partition] },
    ],
  };
}

export const fetchedPartitionOf = (response: FetchResponse) => response.responses[0]?.partitions[0];

// FetchSnapshot.

export interface SnapshotAsked {
  readonly clusterId: string | null;
  readonly replicaId: NodeId;
  readonly incarnation: Uuid;
  readonly epoch: LeaderEpoch;
  readonly id: SnapshotId;
  readonly position: number;
  readonly maxBytes: number;
}

export function fetchSnapshotRequestOf(asked: SnapshotAsked): FetchSnapshotRequest {
  const partition = {
    partition: PARTITION,
    currentLeaderEpoch: asked.epoch,
    snapshotId: { endOffset: asked.id.nextOffset, epoch: asked.id.epoch },
    position: asked.position,
    replicaDirectoryId: asked.incarnation,
  };
  return {
    clusterId: asked.clusterId,
    replicaId: asked.replicaId,
    maxBytes: asked.maxBytes,
    topics: [{ name: METADATA_TOPIC_NAME, partitions: [partition] }],
  };
}

export interface SnapshotAnswered {
  readonly errorCode?: ErrorCode;
  readonly standing: Standing;
  readonly id: SnapshotId;
  readonly sizeBytes?: number;
  readonly position?: number;
  readonly bytes?: Uint8Array;
}

export const fetchSnapshotRefused = (errorCode: ErrorCode): FetchSnapshotResponse => ({
  throttleTimeMs: 0,
  errorCode,
  topics: [],
  nodeEndpoints: [],
});

export function fetchSnapshotAnswer(answered: SnapshotAnswered): FetchSnapshotResponse {
  const { standing, id } = answered;
  const partition = {
    index: PARTITION,
    errorCode: answered.errorCode ?? ErrorCode.NONE,
    snapshotId: { endOffset: id.nextOffset, epoch: id.epoch },
    currentLeader: { leaderId: standing.leaderId ?? NOBODY, leaderEpoch: standing.epoch },
    size: answered.sizeBytes ?? 0,
    position: answered.position ?? 0,
    unalignedRecords: answered.bytes ?? NO_BYTES,
  };
  return {
    ...fetchSnapshotRefused(ErrorCode.NONE),
    topics: [{ name: METADATA_TOPIC_NAME, partitions: [partition] }],
  };
}
