/**
 * Decides what a broker says of where its replicas are (AssignReplicasToDirs, KIP-858). A replica in the lost directory has a
 * log that failed or is damaged: it leaves the ISR, is eligible for nothing, and what it led others lead. One that is back in
 * the broker's own directory began anew, with nothing: it is to catch up, in a new epoch, so that what it once sent is not
 * taken for what it has.
 */
import {
  ErrorCode,
  nodeId,
  type AssignReplicasToDirsRequest,
  type AssignReplicasToDirsResponse,
  type NodeId,
  type Uuid,
} from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import { offlineOf, type PartitionAssignment } from '@odradek/replication';
import type { MetadataImage } from '../metadata/image.ts';
import { isActive, partitionOp } from './broker-changes.ts';
import { checkBrokerEpoch } from './broker-lifecycle.ts';
import { decided, type Decision } from './outcome.ts';
import { changePartition, type PartitionWish } from './partition-change.ts';
import type { TopicPolicy } from './topic-policy.ts';

/** Kafka's DirectoryId.LOST. */
export const LOST_DIRECTORY = '00000000000000000000000000000002' as Uuid;

export interface AssignedReplicas {
  readonly ops: readonly TreeOp[];
  /** To be sent when the operations are committed. */
  readonly response: AssignReplicasToDirsResponse;
}

export const decideDirectories = (
  request: AssignReplicasToDirsRequest,
  image: MetadataImage,
  policy: TopicPolicy,
): Decision<AssignedReplicas> => {
  const asker = nodeId(request.brokerId);
  const checked = checkBrokerEpoch(image, asker, request.brokerEpoch);
  if (!checked.ok) return checked;
  const ops: TreeOp[] = [];
  const assignOne = (directory: Uuid, topicId: Uuid, partition: number): ErrorCode => {
    const topic = image.topicsById.get(topicId);
    if (topic === undefined) return ErrorCode.UNKNOWN_TOPIC_ID;
    const known = topic.partitions[partition];
    if (known === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (!known.replicas.includes(asker)) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const isLost = directory === LOST_DIRECTORY;
    // Of the directories of a broker we know one: any other name is of a life that is over.
    if (!isLost && directory !== checked.value.incarnation) return ErrorCode.INVALID_REQUEST;
    const wish = isLost ? lostWish(known, asker) : foundWish(known, asker);
    const election = policy.isUncleanElectionEnabled(topic.name) ? 'unclean' : 'online';
    const next =
      wish &&
      changePartition(
        known,
        { election, ...wish },
        {
          canLead: (it) => isActive(image, it),
          minInsyncReplicas: policy.minInsyncReplicas(topic.name),
        },
      );
    if (next !== null) ops.push(partitionOp(topic.name, partition, next));
    return ErrorCode.NONE;
  };
  const directories = request.directories.map(({ id, topics }) => ({
    id,
    topics: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: assignOne(id, topicId, partitionIndex),
      })),
    })),
  }));
  return decided({
    ops,
    response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, directories },
  });
};

/** Null: it is so already. */
const lostWish = (known: PartitionAssignment, replica: NodeId): PartitionWish | null =>
  offlineOf(known).includes(replica) ? null : { offlineReplica: replica, uncleanReplica: replica };

const foundWish = (known: PartitionAssignment, replica: NodeId): PartitionWish | null =>
  offlineOf(known).includes(replica)
    ? { onlineReplica: replica, emptyReplica: replica, isNewEpoch: true }
    : null;
