/**
 * Decides the moving of partitions to other replicas (KIP-455): the new ones are added to the list, and when they are in sync
 * the old ones leave it (partition-change.ts). A move that is called off takes the new ones away again. KIP-860 may hold the
 * number of replicas.
 */
import {
  ErrorCode,
  nodeId,
  type AlterPartitionReassignmentsRequest,
  type NodeId,
} from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import { addingOf, removingOf, type PartitionAssignment } from '@odradek/replication';
import type { MetadataImage, TopicImage } from '../metadata/image.ts';
import { isActive, partitionOp } from './broker-changes.ts';
import { checkReplicas } from './create-topics.ts';
import { decided, refuse, type Decision, type Refusal } from './outcome.ts';
import { changePartition, type PartitionWish } from './partition-change.ts';
import type { TopicPolicy } from './topic-policy.ts';

export interface ReassignmentResult extends Refusal {
  readonly topic: string;
  readonly partition: number;
}

export interface Reassignments {
  readonly ops: readonly TreeOp[];
  /** In the order of the request. */
  readonly results: readonly ReassignmentResult[];
}

export const decideReassignments = (
  request: Pick<AlterPartitionReassignmentsRequest, 'topics' | 'allowReplicationFactorChange'>,
  image: MetadataImage,
  policy: TopicPolicy,
): Reassignments => {
  const ops: TreeOp[] = [];
  const results: ReassignmentResult[] = [];
  const decidedFor = new Set<string>();
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex: partition, replicas } of partitions) {
      const key = `${name}/${partition}`;
      const decision = decidedFor.has(key)
        ? refuse(ErrorCode.INVALID_REQUEST, `partition ${name}-${partition} is named twice`)
        : reassignOne(
            name,
            partition,
            replicas,
            request.allowReplicationFactorChange,
            image,
            policy,
          );
      decidedFor.add(key);
      if (!decision.ok) {
        const { errorCode, message } = decision;
        results.push({ topic: name, partition, errorCode, message });
        continue;
      }
      if (decision.value !== null) ops.push(partitionOp(name, partition, decision.value));
      results.push({ topic: name, partition, errorCode: ErrorCode.NONE, message: null });
    }
  }
  return { ops, results };
};

export interface OngoingReassignment {
  readonly topic: string;
  readonly partition: number;
  readonly replicas: readonly NodeId[];
  readonly addingReplicas: readonly NodeId[];
  readonly removingReplicas: readonly NodeId[];
}

/** `topics` null: all. */
export const listReassignments = (
  topics: readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null,
  image: MetadataImage,
): readonly OngoingReassignment[] => {
  const found: OngoingReassignment[] = [];
  const look = ({ name, partitions }: TopicImage, partition: number): void => {
    const known = partitions[partition];
    if (known === undefined || !isReassigned(known)) return;
    found.push({
      topic: name,
      partition,
      replicas: known.replicas,
      addingReplicas: addingOf(known),
      removingReplicas: removingOf(known),
    });
  };
  if (topics === null) {
    for (const topic of image.topics.values()) {
      topic.partitions.forEach((_, partition) => look(topic, partition));
    }
    return found;
  }
  for (const { name, partitionIndexes } of topics) {
    const topic = image.topics.get(name);
    if (topic === undefined) continue;
    for (const partition of new Set(partitionIndexes)) look(topic, partition);
  }
  return found;
};

const isReassigned = (known: PartitionAssignment): boolean =>
  addingOf(known).length > 0 || removingOf(known).length > 0;

/** Null: it is so already. */
const reassignOne = (
  topic: string,
  partition: number,
  wanted: readonly number[] | null,
  mayChangeFactor: boolean,
  image: MetadataImage,
  policy: TopicPolicy,
): Decision<PartitionAssignment | null> => {
  const known = image.partition(topic, partition);
  if (known === undefined) {
    return refuse(
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      `partition ${topic}-${partition} is not there`,
    );
  }
  const isUncleanAllowed = policy.isUncleanElectionEnabled(topic);
  const wish =
    wanted === null
      ? cancellation(known, isUncleanAllowed)
      : move(known, wanted, mayChangeFactor, image);
  if (!wish.ok) return wish;
  return decided(
    changePartition(
      known,
      { election: isUncleanAllowed ? 'unclean' : 'online', ...wish.value },
      {
        canLead: (it) => isActive(image, it),
        minInsyncReplicas: policy.minInsyncReplicas(topic),
      },
    ),
  );
};

const move = (
  known: PartitionAssignment,
  wanted: readonly number[],
  mayChangeFactor: boolean,
  image: MetadataImage,
): Decision<PartitionWish> => {
  const checked = checkReplicas(wanted, undefined, image, { mustLead: false });
  if (!checked.ok) return checked;
  const target = checked.value;
  const original = known.replicas.filter((it) => !addingOf(known).includes(it));
  if (!mayChangeFactor && target.length !== original.length) {
    return refuse(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `the partition has ${original.length} replica(s), and their number may not change`,
    );
  }
  const removing = known.replicas.filter((it) => !target.includes(it)).sort((a, b) => a - b);
  // Those that an earlier move still adds are as new as they were.
  const adding = target.filter((it) => !original.includes(it));
  return decided({ replicas: [...target, ...removing], adding, removing });
};

const cancellation = (
  known: PartitionAssignment,
  isUncleanAllowed: boolean,
): Decision<PartitionWish> => {
  if (!isReassigned(known)) {
    return refuse(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, 'the partition is not being moved');
  }
  const adding = addingOf(known);
  const replicas = known.replicas.filter((it) => !adding.includes(it));
  const isr = known.isr.filter((it) => !adding.includes(it));
  if (isr.length === 0 && known.isr.length > 0) {
    if (!isUncleanAllowed || replicas.length === 0) {
      return refuse(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        'only new replicas are in sync: to call the move off would lose records',
      );
    }
  }
  return decided({ replicas, isr: isr.map(nodeId), adding: [], removing: [] });
};
