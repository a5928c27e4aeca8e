/** The APIs that the stories speak, as pairs. */
import * as wire from '@odradek/protocol';

export const api = {
  produce: { request: wire.produceRequest, response: wire.produceResponse },
  fetch: { request: wire.fetchRequest, response: wire.fetchResponse },
  listOffsets: { request: wire.listOffsetsRequest, response: wire.listOffsetsResponse },
  metadata: { request: wire.metadataRequest, response: wire.metadataResponse },
  apiVersions: { request: wire.apiVersionsRequest, response: wire.apiVersionsResponse },
  createTopics: { request: wire.createTopicsRequest, response: wire.createTopicsResponse },
  deleteTopics: { request: wire.deleteTopicsRequest, response: wire.deleteTopicsResponse },
  createPartitions: {
    request: wire.createPartitionsRequest,
    response: wire.createPartitionsResponse,
  },
  deleteRecords: { request: wire.deleteRecordsRequest, response: wire.deleteRecordsResponse },
  initProducerId: { request: wire.initProducerIdRequest, response: wire.initProducerIdResponse },
  describeConfigs: { request: wire.describeConfigsRequest, response: wire.describeConfigsResponse },
  alterConfigs: { request: wire.alterConfigsRequest, response: wire.alterConfigsResponse },
  incrementalAlterConfigs: {
    request: wire.incrementalAlterConfigsRequest,
    response: wire.incrementalAlterConfigsResponse,
  },
  findCoordinator: { request: wire.findCoordinatorRequest, response: wire.findCoordinatorResponse },
  joinGroup: { request: wire.joinGroupRequest, response: wire.joinGroupResponse },
  syncGroup: { request: wire.syncGroupRequest, response: wire.syncGroupResponse },
  heartbeat: { request: wire.heartbeatRequest, response: wire.heartbeatResponse },
  offsetCommit: { request: wire.offsetCommitRequest, response: wire.offsetCommitResponse },
  offsetFetch: { request: wire.offsetFetchRequest, response: wire.offsetFetchResponse },
  describeTopicPartitions: {
    request: wire.describeTopicPartitionsRequest,
    response: wire.describeTopicPartitionsResponse,
  },
  offsetForLeaderEpoch: {
    request: wire.offsetForLeaderEpochRequest,
    response: wire.offsetForLeaderEpochResponse,
  },
  describeProducers: {
    request: wire.describeProducersRequest,
    response: wire.describeProducersResponse,
  },
  describeLogDirs: { request: wire.describeLogDirsRequest, response: wire.describeLogDirsResponse },
  describeCluster: { request: wire.describeClusterRequest, response: wire.describeClusterResponse },
  listConfigResources: {
    request: wire.listConfigResourcesRequest,
    response: wire.listConfigResourcesResponse,
  },
} as const;
