/**
 * Decides the creation of one topic: names, counts, placement and configuration are checked against the image, and what
 * comes out is the one multi-operation that makes the topic whole or not at all.
 */
import type { Random } from '@odradek/ports';
import { ErrorCode, type NodeId, type Uuid } from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import type { MetadataImage } from '../metadata/image.ts';
import { encodeNode } from '../metadata/nodes.ts';
import { partitionPath, topicConfigPath, topicPath } from '../metadata/paths.ts';
import { PARTITIONS_PER_REQUEST_MAX } from '../limits.ts';
import { decided, refuse, type Decision } from './outcome.ts';
import { initialAssignment, placeReplicas } from './placement.ts';
import { collisionKey, topicNameProblem } from './topic-name.ts';

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
  /** Why the key or its value is refused; null when it is right. */
  readonly configProblem: (name: string, value: string) => string | null;
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
  const key = collisionKey(request.name);
  if (/[._]/.test(request.name)) {
    for (const other of image.topics.keys()) {
      if (collisionKey(other) === key) {
        return refuse(
          ErrorCode.INVALID_TOPIC_EXCEPTION,
          `topic "${request.name}" would collide with "${other}": names that differ only in "." and "_" are one`,
        );
      }
    }
  }
  const placed =
    request.assignments.length > 0
      ? byHand(request, image)
      : byRule(request, image, defaults, random);
  if (!placed.ok) return placed;
  if (
    image.partitionCount + placed.value.length >
    defaults.partitionsPerBrokerMax * Math.max(1, image.liveBrokers().length)
  ) {
    return refuse(
      ErrorCode.POLICY_VIOLATION,
      `the cluster would hold more than ${defaults.partitionsPerBrokerMax} partitions a broker`,
    );
  }
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
      value: encodeNode(initialAssignment(replicas)),
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
  if (count > PARTITIONS_PER_REQUEST_MAX) {
    return refuse(
      ErrorCode.INVALID_PARTITIONS,
      `one request makes at most ${PARTITIONS_PER_REQUEST_MAX} partitions of a topic`,
    );
  }
  const factorProblem = replicationFactorProblem(factor, image);
  if (factorProblem !== null) return refuse(ErrorCode.INVALID_REPLICATION_FACTOR, factorProblem);
  const brokers = image.liveBrokers().map((it) => it.nodeId);
  return decided(placeReplicas(brokers, { first: 0, count }, factor, random));
};

export const replicationFactorProblem = (factor: number, image: MetadataImage): string | null => {
  if (factor < 1) return 'the replication factor must be at least 1';
  const live = image.liveBrokers().length;
  return factor > live
    ? `the replication factor ${factor} is larger than the ${live} broker(s) that are up`
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
  if (sorted.length > PARTITIONS_PER_REQUEST_MAX) {
    return refuse(
      ErrorCode.INVALID_PARTITIONS,
      `one request makes at most ${PARTITIONS_PER_REQUEST_MAX} partitions of a topic`,
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

/** A list of replicas given by hand: live brokers, each once, as many as its siblings have. */
export const checkReplicas = (
  brokerIds: readonly number[],
  expectedLength: number | undefined,
  image: MetadataImage,
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
    const problem = defaults.configProblem(name, value);
    if (problem !== null) return refuse(ErrorCode.INVALID_CONFIG, problem);
    configs[name] = value;
  }
  return decided(configs);
};
