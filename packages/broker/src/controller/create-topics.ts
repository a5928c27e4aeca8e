/**
 * Decides the creation of one topic: names, counts, placement and configuration are checked against the image, and what
 * comes out is the one multi-operation that makes the topic whole or not at all.
 */
import type { Random } from '@odradek/ports';
import { ErrorCode, type NodeId, type Uuid } from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import { METADATA_TOPIC, type MetadataImage } from '../metadata/image.ts';
import { encodeNode } from '../metadata/nodes.ts';
import { partitionPath, topicConfigPath, topicPath } from '../metadata/paths.ts';
import { PARTITIONS_PER_TOPIC_MAX } from '../limits.ts';
import { isActive } from './broker-changes.ts';
import { decided, refuse, type Decision } from './outcome.ts';
import { initialAssignment, placeReplicas, type PlaceableBroker } from './placement.ts';
import { topicNameProblem } from './topic-name.ts';

export interface TopicRequest {
  readonly name: string;
  /** -1: the broker's default. */
  readonly numPartitions: number;
  /** -1: the broker's default. */
  readonly replicationFactor: number;
  readonly assignments: readonly {
    readonly partitionIndex: number;
    readonly brokerIds: readonly number[];
  }[];
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

export interface TopicDefaults {
  readonly numPartitions: number;
  readonly replicationFactor: number;
  /** Partitions that the cluster may hold for each of its brokers. */
  readonly partitionsPerBrokerMax: number;
  /** Why the configuration as a whole is refused; null when it is right. */
  readonly configProblem: (
    entries: readonly { readonly key: string; readonly value: string }[],
  ) => string | null;
  /** Partitions of topics that are being made and are not in the image yet. */
  readonly partitionsUnderWay: number;
}

export interface NewTopic {
  readonly ops: readonly TreeOp[];
  readonly topicId: Uuid;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

export const decideCreateTopic = (
  request: TopicRequest,
  image: MetadataImage,
  defaults: TopicDefaults,
  topicId: Uuid,
  random: Random,
): Decision<NewTopic> => {
  const nameProblem = topicNameProblem(request.name);
  if (nameProblem !== null) return refuse(ErrorCode.INVALID_TOPIC_EXCEPTION, nameProblem);
  if (image.topics.has(request.name)) {
    return refuse(ErrorCode.TOPIC_ALREADY_EXISTS, `topic "${request.name}" exists already`);
  }
  if (request.name === METADATA_TOPIC) {
    return refuse(ErrorCode.INVALID_REQUEST, `"${METADATA_TOPIC}" is the cluster's own log`);
  }
  const other = image.topicLike(request.name);
  if (other !== undefined) {
    return refuse(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `topic "${request.name}" would collide with "${other}": names that differ only in "." and "_" are one`,
    );
  }
  const placed =
    request.assignments.length > 0
      ? byHand(request, image)
      : byRule(request, image, defaults, random);
  if (!placed.ok) return placed;
  const problem = partitionCountProblem(placed.value.length, image, defaults);
  if (problem !== null) return refuse(ErrorCode.POLICY_VIOLATION, problem);
  const configs = decideConfigs(request.configs, defaults);
  if (!configs.ok) return configs;
  const ops: TreeOp[] = [
    {
      op: 'create',
      path: topicPath(request.name),
      value: encodeNode({ topicId, partitionCount: placed.value.length }),
    },
  ];
  placed.value.forEach((replicas, partition) => {
    ops.push({
      op: 'create',
      path: partitionPath(request.name, partition),
      value: encodeNode(initialAssignment(replicas, activeAmong(replicas, image))),
    });
  });
  if (Object.keys(configs.value).length > 0) {
    ops.push({
      op: 'create',
      path: topicConfigPath(request.name),
      value: encodeNode(configs.value),
    });
  }
  return decided({
    ops,
    topicId,
    numPartitions: placed.value.length,
    replicationFactor: placed.value[0]!.length,
    configs: configs.value,
  });
};

/** Why the cluster may not hold so many more partitions, or null. */
export const partitionCountProblem = (
  added: number,
  image: MetadataImage,
  { partitionsPerBrokerMax, partitionsUnderWay }: TopicDefaults,
): string | null => {
  const count = image.partitionCount + partitionsUnderWay + added;
  return count > partitionsPerBrokerMax * Math.max(1, image.liveBrokers().length)
    ? `the cluster would hold more than ${partitionsPerBrokerMax} partitions a broker`
    : null;
};

const byRule = (
  request: TopicRequest,
  image: MetadataImage,
  defaults: TopicDefaults,
  random: Random,
): Decision<NodeId[][]> => {
  const count = request.numPartitions === -1 ? defaults.numPartitions : request.numPartitions;
  const factor =
    request.replicationFactor === -1 ? defaults.replicationFactor : request.replicationFactor;
  if (count < 1)
    return refuse(ErrorCode.INVALID_PARTITIONS, 'the number of partitions must be at least 1');
  if (count > PARTITIONS_PER_TOPIC_MAX) {
    return refuse(
      ErrorCode.INVALID_PARTITIONS,
      `a topic has at most ${PARTITIONS_PER_TOPIC_MAX} partitions`,
    );
  }
  const factorProblem = replicationFactorProblem(factor, image);
  if (factorProblem !== null) return refuse(ErrorCode.INVALID_REPLICATION_FACTOR, factorProblem);
  return decided(placeReplicas(placeable(image), { first: 0, count }, factor, random));
};

/** Whom a new replica may be given to: a broker that is down counts on its return, one that is about to stop does not. */
export const placeable = (image: MetadataImage): readonly PlaceableBroker[] =>
  [...image.brokers.values()].filter((it) => it.inControlledShutdown !== true);

export const activeAmong = (replicas: readonly NodeId[], image: MetadataImage): readonly NodeId[] =>
  replicas.filter((it) => isActive(image, it));

export const replicationFactorProblem = (factor: number, image: MetadataImage): string | null => {
  if (factor < 1) return 'the replication factor must be at least 1';
  const there = placeable(image);
  if (there.every((it) => it.fenced)) return 'no broker is up';
  return factor > there.length
    ? `the replication factor ${factor} is larger than the number of brokers, ${there.length}`
    : null;
};

const byHand = (request: TopicRequest, image: MetadataImage): Decision<NodeId[][]> => {
  if (request.numPartitions !== -1 || request.replicationFactor !== -1) {
    return refuse(
      ErrorCode.INVALID_REQUEST,
      'an assignment by hand excludes a number of partitions and a replication factor: leave both at -1',
    );
  }
  const sorted = [...request.assignments].sort((a, b) => a.partitionIndex - b.partitionIndex);
  if (sorted.length > PARTITIONS_PER_TOPIC_MAX) {
    return refuse(
      ErrorCode.INVALID_PARTITIONS,
      `a topic has at most ${PARTITIONS_PER_TOPIC_MAX} partitions`,
    );
  }
  const placed: NodeId[][] = [];
  for (const [expected, assignment] of sorted.entries()) {
    if (assignment.partitionIndex !== expected) {
      return refuse(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        'partitions must be numbered from 0 without holes or repetition',
      );
    }
    const checked = checkReplicas(assignment.brokerIds, placed[0]?.length, image);
    if (!checked.ok) return checked;
    placed.push(checked.value);
  }
  return decided(placed);
};

/** A list of replicas given by hand: brokers of the cluster, each once, as many as its siblings have; one can lead at once. */
export const checkReplicas = (
  brokerIds: readonly number[],
  expectedLength: number | undefined,
  image: MetadataImage,
  { mustLead = true } = {},
): Decision<NodeId[]> => {
  const replicas = brokerIds as readonly NodeId[];
  const problem =
    replicas.length === 0
      ? 'a partition needs at least one replica'
      : new Set(replicas).size !== replicas.length
        ? 'a broker may hold a partition only once'
        : replicas.some((it) => !image.brokers.has(it))
          ? `unknown broker among ${replicas.join(', ')}`
          : expectedLength !== undefined && replicas.length !== expectedLength
            ? 'all partitions of a topic must have the same number of replicas'
            : mustLead && activeAmong(replicas, image).length === 0
              ? `none of the brokers ${replicas.join(', ')} is up`
              : null;
  return problem === null
    ? decided([...replicas])
    : refuse(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
};

const decideConfigs = (
  entries: TopicRequest['configs'],
  defaults: TopicDefaults,
): Decision<Record<string, string>> => {
  const configs: Record<string, string> = {};
  for (const { name, value } of entries) {
    if (value === null) return refuse(ErrorCode.INVALID_CONFIG, `null value for ${name}`);
    configs[name] = value;
  }
  const problem = defaults.configProblem(
    Object.entries(configs).map(([key, value]) => ({ key, value })),
  );
  return problem === null ? decided(configs) : refuse(ErrorCode.INVALID_CONFIG, problem);
};
