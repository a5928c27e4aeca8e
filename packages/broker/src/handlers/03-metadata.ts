/**
 * Metadata: brokers at the addresses of the listener that was asked, topics with their partitions. A topic that is not there
 * is made when the client and the broker both allow it, and the answer waits until it can be written to.
 */
import {
  ErrorCode,
  ZERO_UUID,
  metadataRequest,
  metadataResponse,
  type Input,
  type Uuid,
} from '@odradek/protocol';
import {
  CLUSTER_OPERATIONS,
  OPERATIONS_NOT_ASKED,
  TOPIC_OPERATIONS,
} from '../authorized-operations.ts';
import { topicNameProblem } from '../controller/topic-name.ts';
import type { TopicImage } from '../metadata/image.ts';
import type { BrokerServices } from '../services.ts';
import { addressesOf } from './addresses.ts';
import { handler } from './handler.ts';

/** Versions 10 and 11 have the field for an id, and nothing to answer in when it is not known. */
const TOPIC_ID_VERSION = 12;

type Asked = { readonly name: string | null; readonly topicId: Uuid };
type Response = Input<typeof metadataResponse>;
type TopicResponse = Response['topics'][number];

export const metadata = handler({
  name: 'Metadata',
  request: metadataRequest,
  response: metadataResponse,
  versions: [0, 13],
  notes: 'Auto-create of topics; topic ids; addresses of the listener that was asked.',
  async handle(broker, request, context) {
    // Version 0 says "all" with an empty list, later ones with null.
    const isAll =
      request.topics === null || (context.apiVersion === 0 && request.topics.length === 0);
    const wants = { operations: request.includeTopicAuthorizedOperations };
    const mayCreate =
      (context.apiVersion < 4 || request.allowAutoTopicCreation) &&
      broker.settings.broker['auto.create.topics.enable'];
    const find = (asked: Asked): TopicResponse | Promise<TopicResponse> =>
      asked.name === null && context.apiVersion < TOPIC_ID_VERSION
        ? absent('', asked.topicId, ErrorCode.INVALID_REQUEST)
        : findTopic(broker, asked, mayCreate, wants);
    const topics = isAll
      ? [...broker.image.topics.values()].map((it) => describe(broker, it, wants))
      : // Those that come into being do so together.
        await Promise.all(eachOnce(request.topics!).map(find));
    return {
      brokers: addressesOf(broker, context.listenerName),
      clusterId: broker.image.clusterId,
      controllerId: broker.nodeId,
      topics,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? CLUSTER_OPERATIONS
        : OPERATIONS_NOT_ASKED,
      errorCode: ErrorCode.NONE,
    };
  },
});

const eachOnce = (asked: readonly Asked[]): readonly Asked[] => [
  ...new Map(asked.map((it) => [it.name ?? it.topicId, it])).values(),
];

const findTopic = (
  broker: BrokerServices,
  { name, topicId }: Asked,
  mayCreate: boolean,
  wants: { operations: boolean },
): TopicResponse | Promise<TopicResponse> => {
  if (name === null) {
    const topic = broker.image.topicsById.get(topicId);
    return topic === undefined
      ? absent(null, topicId, ErrorCode.UNKNOWN_TOPIC_ID)
      : describe(broker, topic, wants);
  }
  const known = broker.image.topics.get(name);
  if (known !== undefined) return describe(broker, known, wants);
  if (topicNameProblem(name) !== null)
    return absent(name, ZERO_UUID, ErrorCode.INVALID_TOPIC_EXCEPTION);
  return mayCreate
    ? create(broker, name, wants)
    : absent(name, ZERO_UUID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
};

const create = async (
  broker: BrokerServices,
  name: string,
  wants: { operations: boolean },
): Promise<TopicResponse> => {
  const errorCode = await broker.internalTopics.autoCreate(name);
  const made = broker.image.topics.get(name);
  if (made === undefined) {
    return absent(
      name,
      ZERO_UUID,
      errorCode === ErrorCode.NONE ? ErrorCode.LEADER_NOT_AVAILABLE : errorCode,
    );
  }
  return describe(broker, made, wants);
};

const absent = (name: string | null, topicId: Uuid, errorCode: ErrorCode): TopicResponse => ({
  errorCode,
  name,
  topicId,
  partitions: [],
  topicAuthorizedOperations: OPERATIONS_NOT_ASKED,
});

const describe = (
  broker: BrokerServices,
  topic: TopicImage,
  wants: { operations: boolean },
): TopicResponse => ({
  errorCode: ErrorCode.NONE,
  name: topic.name,
  topicId: topic.topicId,
  isInternal: topic.isInternal,
  partitions: topic.partitions.map((it, partitionIndex) => ({
    errorCode: it.leader < 0 ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE,
    partitionIndex,
    leaderId: it.leader,
    leaderEpoch: it.leaderEpoch,
    replicaNodes: it.replicas,
    isrNodes: it.isr,
    offlineReplicas: broker.replicas.offlineAmong(topic.name, partitionIndex, it.replicas),
  })),
  topicAuthorizedOperations: wants.operations ? TOPIC_OPERATIONS : OPERATIONS_NOT_ASKED,
});
