/**
 * Decides what leaders wish of their ISRs (AlterPartition, KIP-497). The leader, its epoch and the registration that it
 * decided on must be the present ones, and everybody in the new ISR must be up, in the life that the leader knows (KIP-903).
 * An ISR that is already so is written again: a wish that was given up cannot come true afterwards.
 */
import {
  ErrorCode,
  leaderEpoch,
  nodeId,
  type AlterPartitionRequest,
  type AlterPartitionResponse,
  type NodeId,
} from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import { offlineOf, type PartitionAssignment, type ReplicationMutant } from '@odradek/replication';
import type { MetadataImage, TopicImage } from '../metadata/image.ts';
import { isActive, partitionOp } from './broker-changes.ts';
import { checkBrokerEpoch } from './broker-lifecycle.ts';
import { decided, type Decision } from './outcome.ts';
import { changePartition } from './partition-change.ts';
import type { TopicPolicy } from './topic-policy.ts';

type PartitionRequest = AlterPartitionRequest['topics'][number]['partitions'][number];
type PartitionResponse = AlterPartitionResponse['topics'][number]['partitions'][number];
type Member = { readonly brokerId: NodeId; readonly brokerEpoch: number };

export interface AlteredPartitions {
  readonly ops: readonly TreeOp[];
  /** To be sent when the operations are committed. */
  readonly response: AlterPartitionResponse;
}

export const decideAlterPartition = (
  request: AlterPartitionRequest,
  image: MetadataImage,
  policy: TopicPolicy,
  mutant?: ReplicationMutant,
): Decision<AlteredPartitions> => {
  const asker = nodeId(request.brokerId);
  const checked = checkBrokerEpoch(image, asker, request.brokerEpoch);
  if (!checked.ok) return checked;
  const ops: TreeOp[] = [];
  const topics = request.topics.map(({ topicId, partitions }) => {
    const topic = image.topicsById.get(topicId);
    return {
      topicId,
      partitions: partitions.map((asked) =>
        topic === undefined
          ? refused(asked.partitionIndex, ErrorCode.UNKNOWN_TOPIC_ID)
          : alterOne(asker, topic, asked, image, policy, ops, mutant),
      ),
    };
  });
  return decided({ ops, response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, topics } });
};

const alterOne = (
  asker: NodeId,
  topic: TopicImage,
  asked: PartitionRequest,
  image: MetadataImage,
  policy: TopicPolicy,
  ops: TreeOp[],
  mutant: ReplicationMutant | undefined,
): PartitionResponse => {
  const index = asked.partitionIndex;
  const known = topic.partitions[index];
  if (known === undefined) return refused(index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const members = membersOf(asked);
  const error = problemOf(asker, known, asked, members, image, mutant);
  if (error !== ErrorCode.NONE) return refused(index, error);
  const isr = members.map((it) => it.brokerId);
  const next = changePartition(
    known,
    {
      isr,
      election: policy.isUncleanElectionEnabled(topic.name) ? 'unclean' : 'online',
      isRecovered: asked.leaderRecoveryState === 0,
      isFence: true,
    },
    {
      canLead: (it) => isActive(image, it),
      minInsyncReplicas: policy.minInsyncReplicas(topic.name),
    },
  )!;
  ops.push(partitionOp(topic.name, index, next));
  // It may be that the leader's own wish completes a reassignment that takes him off the list.
  if (next.leader !== asker && mutant !== 'zombieLeader') {
    return refused(index, ErrorCode.NEW_LEADER_ELECTED);
  }
  return {
    partitionIndex: index,
    errorCode: ErrorCode.NONE,
    leaderId: next.leader,
    leaderEpoch: next.leaderEpoch,
    isr: next.isr,
    leaderRecoveryState: next.isRecovering === true ? 1 : 0,
    partitionEpoch: next.partitionEpoch,
  };
};

const problemOf = (
  asker: NodeId,
  known: PartitionAssignment,
  asked: PartitionRequest,
  members: readonly Member[],
  image: MetadataImage,
  mutant: ReplicationMutant | undefined,
): ErrorCode => {
  if (mutant !== 'zombieLeader') {
    // The leader knows more than we do: we are the controller no longer.
    if (asked.leaderEpoch > known.leaderEpoch) return ErrorCode.NOT_CONTROLLER;
    if (asked.partitionEpoch > known.partitionEpoch) return ErrorCode.NOT_CONTROLLER;
    if (asked.leaderEpoch < known.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
    if (asker !== known.leader) return ErrorCode.INVALID_REQUEST;
    if (asked.partitionEpoch < known.partitionEpoch) return ErrorCode.INVALID_UPDATE_VERSION;
  }
  const isr = members.map((it) => it.brokerId);
  const isSound =
    isr.includes(asker) &&
    new Set(isr).size === isr.length &&
    isr.every((it) => known.replicas.includes(it));
  if (!isSound) return ErrorCode.INVALID_REQUEST;
  const isStillRecovering = asked.leaderRecoveryState !== 0;
  if (isStillRecovering && (isr.length > 1 || known.isRecovering !== true)) {
    return ErrorCode.INVALID_REQUEST;
  }
  const isEligible = members.every(({ brokerId, brokerEpoch }) => {
    const broker = image.brokers.get(brokerId);
    return (
      broker !== undefined &&
      isActive(image, brokerId) &&
      !offlineOf(known).includes(brokerId) &&
      (brokerEpoch === -1 || brokerEpoch === broker.brokerEpoch)
    );
  });
  return isEligible || mutant === 'zombieLeader' ? ErrorCode.NONE : ErrorCode.INELIGIBLE_REPLICA;
};

/** Up to version 2 the members come without their epochs. */
const membersOf = (asked: PartitionRequest): readonly Member[] =>
  asked.newIsrWithEpochs.length > 0
    ? asked.newIsrWithEpochs.map((it) => ({
        brokerId: nodeId(it.brokerId),
        brokerEpoch: it.brokerEpoch,
      }))
    : asked.newIsr.map((it) => ({ brokerId: nodeId(it), brokerEpoch: -1 }));

const refused = (partitionIndex: number, errorCode: ErrorCode): PartitionResponse => ({
  partitionIndex,
  errorCode,
  leaderId: -1,
  leaderEpoch: leaderEpoch(-1),
  isr: [],
  leaderRecoveryState: 0,
  partitionEpoch: -1,
});
