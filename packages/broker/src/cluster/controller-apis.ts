/** What brokers ask of the controller, wherever it is, and it of them: Kafka's own requests, and one of ours. */
import {
  allocateProducerIdsRequest,
  allocateProducerIdsResponse,
  alterPartitionRequest,
  alterPartitionResponse,
  assignReplicasToDirsRequest,
  assignReplicasToDirsResponse,
  brokerHeartbeatRequest,
  brokerHeartbeatResponse,
  brokerRegistrationRequest,
  brokerRegistrationResponse,
  fields,
  message,
} from '@odradek/protocol';

export const BROKER_REGISTRATION = {
  request: brokerRegistrationRequest,
  response: brokerRegistrationResponse,
  version: 4,
};
export const BROKER_HEARTBEAT = {
  request: brokerHeartbeatRequest,
  response: brokerHeartbeatResponse,
  version: 1,
};
export const ALTER_PARTITION = {
  request: alterPartitionRequest,
  response: alterPartitionResponse,
  version: 3,
};
export const ALLOCATE_PRODUCER_IDS = {
  request: allocateProducerIdsRequest,
  response: allocateProducerIdsResponse,
  version: 0,
};

export const ASSIGN_REPLICAS_TO_DIRS = {
  request: assignReplicasToDirsRequest,
  response: assignReplicasToDirsResponse,
  version: 0,
};

const GET_REPLICA_LOG_INFO_KEY = 93;

/**
 * KIP-966: the controller asks what replicas hold, where nobody is sure to hold everything. No client may ask it. That a log
 * is whole is said in a tag: Kafka's replicas do not know it.
 */
export const GET_REPLICA_LOG_INFO = {
  request: message(
    {
      key: GET_REPLICA_LOG_INFO_KEY,
      name: 'GetReplicaLogInfoRequest',
      versions: [0, 0],
      flexible: 0,
    },
    () => ({
      brokerId: fields.int32(),
      topicPartitions: fields.array({
        topicId: fields.uuid(),
        partitions: fields.array(fields.int32()),
      }),
    }),
  ),
  response: message(
    {
      key: GET_REPLICA_LOG_INFO_KEY,
      name: 'GetReplicaLogInfoResponse',
      versions: [0, 0],
      flexible: 0,
    },
    () => ({
      throttleTimeMs: fields.int32({ default: 0 }),
      brokerEpoch: fields.int64(),
      topicPartitionLogInfoList: fields.array({
        topicId: fields.uuid(),
        partitionLogInfo: fields.array({
          partition: fields.int32(),
          lastWrittenLeaderEpoch: fields.int32({ default: -1 }),
          currentLeaderEpoch: fields.int32({ default: -1 }),
          logEndOffset: fields.int64({ default: -1 }),
          /** CORRUPT_MESSAGE: the log is damaged; where it ends is said if it is known. */
          errorCode: fields.errorCode(),
          isWhole: fields.boolean({ since: 0, tag: 0, default: false }),
          isFlushed: fields.boolean({ since: 0, tag: 1, default: false }),
        }),
      }),
    }),
  ),
  version: 0,
};

/** Kafka's keys are far below. */
const COMPLETE_DELETION_KEY = 20_000;

/** The files of a deleted topic are gone from a broker: the note that says so can go. Not Kafka's, which keeps no notes. */
export const COMPLETE_DELETION = {
  request: message(
    { key: COMPLETE_DELETION_KEY, name: 'CompleteDeletionRequest', versions: [0, 0], flexible: 0 },
    () => ({ brokerId: fields.int32(), topicId: fields.uuid() }),
  ),
  response: message(
    { key: COMPLETE_DELETION_KEY, name: 'CompleteDeletionResponse', versions: [0, 0], flexible: 0 },
    () => ({ errorCode: fields.errorCode() }),
  ),
  version: 0,
};
