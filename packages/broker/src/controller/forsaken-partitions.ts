/**
 * Elections where everybody who was in sync or eligible has lost his tail (KIP-966's unclean recovery). What each replica's
 * log holds is asked first, because one of them may have been cut or damaged, and another hold all that was committed.
 *
 * Whoever lost his tail last, while too few were in sync for anything to be committed without him, and whose log came back
 * whole, may lead at once. Else everybody who is registered must have answered, and
 * whoever reaches furthest, by epoch and then by offset, leads: logs that agree by epoch are prefixes of one another, so that
 * his holds whatever any other one does. That holds of damaged logs too, as far as their end is known: a damaged log leads
 * nothing, and one that may reach further than all others keeps them from leading, unless one of the last in sync flushed what
 * it acknowledged: two disks do not rot at once, and then what was cut off that one was torn. Else a person has to decide.
 */
import type { NodeId } from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import { elrOf, lastKnownElrOf, type PartitionAssignment } from '@odradek/replication';
import type { MetadataImage } from '../metadata/image.ts';
import { isActive, partitionOp } from './broker-changes.ts';
import { changePartition } from './partition-change.ts';
import type { TopicPolicy } from './topic-policy.ts';

/** What a broker says of its replica's log. */
export interface ReplicaLogInfo {
  readonly nodeId: NodeId;
  /** The life in which it said so. */
  readonly brokerEpoch: number;
  /** -1 without records. */
  readonly lastEpoch: number;
  /** -1: a damaged log, of whose end nothing can be told. */
  readonly logEndOffset: number;
  readonly isDamaged: boolean;
  /** Each append was flushed before it was acknowledged: what a stop tears off its end was never told to anybody. */
  readonly isFlushed: boolean;
  /** Nothing of what it acknowledged can be missing: it is flushed, and nothing was cut when it was opened. */
  readonly isWhole: boolean;
}

export interface ForsakenPartition {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly known: PartitionAssignment;
}

export const isForsaken = (known: PartitionAssignment): boolean =>
  known.leader < 0 &&
  known.isr.length === 0 &&
  elrOf(known).length === 0 &&
  known.replicas.length > 1 &&
  lastKnownOf(known).length > 0;

export const forsakenPartitions = (image: MetadataImage): readonly ForsakenPartition[] => {
  const found: ForsakenPartition[] = [];
  for (const { name: topic, topicId, partitions } of image.topics.values()) {
    for (let partition = 0; partition < partitions.length; partition++) {
      const known = partitions[partition]!;
      if (isForsaken(known)) found.push({ topic, topicId, partition, known });
    }
  }
  return found;
};

/** `infos`: by topic id and partition (`forsakenKey`). */
export const decideForsaken = (
  infos: ReadonlyMap<string, readonly ReplicaLogInfo[]>,
  image: MetadataImage,
  policy: TopicPolicy,
): TreeOp[] => {
  const ops: TreeOp[] = [];
  for (const { topic, topicId, partition, known } of forsakenPartitions(image)) {
    const leader = furthest(known, infos.get(forsakenKey(topicId, partition)) ?? [], image);
    if (leader === undefined) continue;
    const next = changePartition(
      known,
      { furthestReplica: leader },
      {
        canLead: (it) => isActive(image, it),
        minInsyncReplicas: policy.minInsyncReplicas(topic),
      },
    );
    if (next !== null) ops.push(partitionOp(topic, partition, next));
  }
  return ops;
};

export const forsakenKey = (topicId: string, partition: number): string =>
  `${topicId}:${partition}`;

const furthest = (
  known: PartitionAssignment,
  infos: readonly ReplicaLogInfo[],
  image: MetadataImage,
): NodeId | undefined => {
  const valid = infos.filter(
    (it) =>
      known.replicas.includes(it.nodeId) &&
      image.brokers.get(it.nodeId)?.brokerEpoch === it.brokerEpoch,
  );
  const lastKnown = lastKnownOf(known);
  const whole = furthestOf(
    valid.filter((it) => it.isWhole && lastKnown.includes(it.nodeId) && isActive(image, it.nodeId)),
  );
  if (whole !== undefined) return whole.nodeId;
  const isAnswered = (it: NodeId): boolean => valid.some((info) => info.nodeId === it);
  if (!known.replicas.every((it) => !image.brokers.has(it) || isAnswered(it))) return undefined;
  const best = furthestOf(valid.filter((it) => !it.isDamaged && isActive(image, it.nodeId)));
  if (best === undefined) return undefined;
  const mayMiss = valid.some(
    (it) =>
      it.isDamaged &&
      lastKnown.includes(it.nodeId) &&
      (it.logEndOffset < 0 || reachesFurther(it, best)),
  );
  const isSpared = valid.some(
    (it) => !it.isDamaged && it.isFlushed && lastKnown.includes(it.nodeId),
  );
  return mayMiss && !isSpared ? undefined : best.nodeId;
};

const furthestOf = (infos: readonly ReplicaLogInfo[]): ReplicaLogInfo | undefined =>
  infos.reduce<ReplicaLogInfo | undefined>(
    (best, it) => (best === undefined || reachesFurther(it, best) ? it : best),
    undefined,
  );

const reachesFurther = (one: ReplicaLogInfo, other: ReplicaLogInfo): boolean =>
  one.lastEpoch > other.lastEpoch ||
  (one.lastEpoch === other.lastEpoch && one.logEndOffset > other.logEndOffset);

const lastKnownOf = (known: PartitionAssignment): readonly NodeId[] =>
  known.lastKnownLeader === undefined
    ? lastKnownElrOf(known)
    : [known.lastKnownLeader, ...lastKnownElrOf(known)];
