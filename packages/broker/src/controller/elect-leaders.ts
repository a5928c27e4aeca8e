/** Decides elections that an operator asks for, or the balancing of leaders (ElectLeaders, KIP-460). */
import { ErrorCode, type ElectLeadersRequest } from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import type { PartitionAssignment } from '@odradek/replication';
import type { MetadataImage } from '../metadata/image.ts';
import { isActive, partitionOp } from './broker-changes.ts';
import { decided, refuse, type Decision, type Refusal } from './outcome.ts';
import { changePartition } from './partition-change.ts';
import type { TopicPolicy } from './topic-policy.ts';

const PREFERRED = 0;
const UNCLEAN = 1;

export interface ElectionResult extends Refusal {
  readonly partition: number;
}

export interface Elections {
  readonly ops: readonly TreeOp[];
  /** By topic. Where all partitions were asked for, those that need nothing are left out. */
  readonly results: ReadonlyMap<string, readonly ElectionResult[]>;
}

export const decideElections = (
  request: Pick<ElectLeadersRequest, 'electionType' | 'topicPartitions'>,
  image: MetadataImage,
  policy: TopicPolicy,
): Decision<Elections> => {
  const { electionType, topicPartitions } = request;
  if (electionType !== PREFERRED && electionType !== UNCLEAN) {
    return refuse(ErrorCode.INVALID_REQUEST, `there is no election of type ${electionType}`);
  }
  const ops: TreeOp[] = [];
  const results = new Map<string, ElectionResult[]>();
  // One that is named twice is elected once.
  const decidedFor = new Set<string>();
  const electOne = (topic: string, partition: number, isNamed: boolean): void => {
    const key = `${topic}/${partition}`;
    if (decidedFor.has(key)) return;
    decidedFor.add(key);
    const known = image.partition(topic, partition);
    const refusal =
      known === undefined
        ? no(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `partition ${topic}-${partition} is not there`)
        : elect(topic, partition, known, electionType, image, policy, ops);
    if (!isNamed && refusal.errorCode === ErrorCode.ELECTION_NOT_NEEDED) return;
    const ofTopic = results.get(topic);
    if (ofTopic === undefined) results.set(topic, [{ partition, ...refusal }]);
    else ofTopic.push({ partition, ...refusal });
  };
  if (topicPartitions === null) {
    for (const { name, partitions } of image.topics.values()) {
      partitions.forEach((_, partition) => electOne(name, partition, false));
    }
  } else {
    for (const { topic, partitions } of topicPartitions) {
      for (const partition of partitions) electOne(topic, partition, true);
    }
  }
  return decided({ ops, results });
};

const elect = (
  topic: string,
  partition: number,
  known: PartitionAssignment,
  electionType: number,
  image: MetadataImage,
  policy: TopicPolicy,
  ops: TreeOp[],
): Refusal => {
  const isPreferred = electionType === PREFERRED;
  if (isPreferred ? known.leader === known.replicas[0] : known.leader >= 0) {
    return no(ErrorCode.ELECTION_NOT_NEEDED, null);
  }
  const next = changePartition(
    known,
    { election: isPreferred ? 'preferred' : 'unclean' },
    {
      canLead: (it) => isActive(image, it),
      minInsyncReplicas: policy.minInsyncReplicas(topic),
    },
  );
  if (next === null || next.leader === known.leader) {
    return isPreferred
      ? no(
          ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
          'the preferred replica is not in sync, or down',
        )
      : no(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, 'no replica is up');
  }
  ops.push(partitionOp(topic, partition, next));
  return no(ErrorCode.NONE, null);
};

const no = (errorCode: ErrorCode, message: string | null): Refusal => ({ errorCode, message });
