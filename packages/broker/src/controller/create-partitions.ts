/** Decides more partitions for a topic: the count only grows, old partitions stay where they are. */
import type { Random } from '@odradek/ports';
import { ErrorCode, type NodeId } from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import { addingOf } from '@odradek/replication';
import type { MetadataImage, TopicImage } from '../metadata/image.ts';
import { encodeNode } from '../metadata/nodes.ts';
import { partitionPath, topicPath } from '../metadata/paths.ts';
import { PARTITIONS_PER_TOPIC_MAX } from '../limits.ts';
import {
  activeAmong,
  checkReplicas,
  partitionCountProblem,
  placeable,
  replicationFactorProblem,
  type TopicDefaults,
} from './create-topics.ts';
import { decided, refuse, type Decision } from './outcome.ts';
import { initialAssignment, placeReplicas } from './placement.ts';

export const decideCreatePartitions = (
  topic: TopicImage,
  count: number,
  assignments: readonly { readonly brokerIds: readonly number[] }[] | null,
  image: MetadataImage,
  defaults: TopicDefaults,
  random: Random,
): Decision<readonly TreeOp[]> => {
  const first = topic.partitions.length;
  if (count <= first) {
    return refuse(
      ErrorCode.INVALID_PARTITIONS,
      `topic "${topic.name}" has ${first} partition(s) already; the number can only grow`,
    );
  }
  const added = count - first;
  if (count > PARTITIONS_PER_TOPIC_MAX) {
    return refuse(
      ErrorCode.INVALID_PARTITIONS,
      `a topic has at most ${PARTITIONS_PER_TOPIC_MAX} partitions`,
    );
  }
  const problem = partitionCountProblem(added, image, defaults);
  if (problem !== null) return refuse(ErrorCode.POLICY_VIOLATION, problem);
  const factor = originalReplicaCount(topic);
  let placed: NodeId[][];
  if (assignments === null) {
    const factorProblem = replicationFactorProblem(factor, image);
    if (factorProblem !== null) return refuse(ErrorCode.INVALID_REPLICATION_FACTOR, factorProblem);
    placed = placeReplicas(placeable(image), { first, count: added }, factor, random);
  } else {
    if (assignments.length !== added) {
      return refuse(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `${added} partition(s) are to be added, and ${assignments.length} assignment(s) were given`,
      );
    }
    placed = [];
    for (const assignment of assignments) {
      const checked = checkReplicas(assignment.brokerIds, factor, image);
      if (!checked.ok) return checked;
      placed.push(checked.value);
    }
  }
  return decided([
    {
      op: 'set',
      path: topicPath(topic.name),
      value: encodeNode({ topicId: topic.topicId, partitionCount: count }),
    },
    ...placed.map((replicas, i): TreeOp => ({
      op: 'create',
      path: partitionPath(topic.name, first + i),
      value: encodeNode(initialAssignment(replicas, activeAmong(replicas, image))),
    })),
  ]);
};

/** A move under way does not count. */
const originalReplicaCount = ({ partitions }: TopicImage): number => {
  const first = partitions[0];
  return first === undefined ? 1 : first.replicas.length - addingOf(first).length;
};
