/** Requests and responses as pairs, for the wire client. */
import * as wire from '@odradek/protocol';

export const api = {
  produce: { request: wire.produceRequest, response: wire.produceResponse },
  fetch: { request: wire.fetchRequest, response: wire.fetchResponse },
  listOffsets: { request: wire.listOffsetsRequest, response: wire.listOffsetsResponse },
  metadata: { request: wire.metadataRequest, response: wire.metadataResponse },
  apiVersions: { request: wire.apiVersionsRequest, response: wire.apiVersionsResponse },
  createTopics: { request: wire.createTopicsRequest, response: wire.createTopicsResponse },
  deleteTopics: { request: wire.deleteTopicsRequest, response: wire.deleteTopicsResponse },
  deleteRecords: { request: wire.deleteRecordsRequest, response: wire.deleteRecordsResponse },
  initProducerId: { request: wire.initProducerIdRequest, response: wire.initProducerIdResponse },
  findCoordinator: { request: wire.findCoordinatorRequest, response: wire.findCoordinatorResponse },
  offsetCommit: { request: wire.offsetCommitRequest, response: wire.offsetCommitResponse },
  offsetFetch: { request: wire.offsetFetchRequest, response: wire.offsetFetchResponse },
  offsetForLeaderEpoch: {
    request: wire.offsetForLeaderEpochRequest,
    response: wire.offsetForLeaderEpochResponse,
  },
  describeTopicPartitions: {
    request: wire.describeTopicPartitionsRequest,
    response: wire.describeTopicPartitionsResponse,
  },
} as const;
