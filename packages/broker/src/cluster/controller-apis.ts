/** What brokers ask of the controller, wherever it is: Kafka's own requests, and one of ours. */
import {
  allocateProducerIdsRequest,
  allocateProducerIdsResponse,
  alterPartitionRequest,
  alterPartitionResponse,
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
