/** The APIs that this client calls: request and response side by side, and the versions that it can speak. */
import {
  apiVersionsRequest,
  apiVersionsResponse,
  createTopicsRequest,
  createTopicsResponse,
  deleteTopicsRequest,
  deleteTopicsResponse,
  describeConfigsRequest,
  describeConfigsResponse,
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
  describeGroupsRequest,
  describeGroupsResponse,
  listGroupsRequest,
  listGroupsResponse,
  deleteRecordsRequest,
  deleteRecordsResponse,
  describeLogDirsRequest,
  describeLogDirsResponse,
  createPartitionsRequest,
  createPartitionsResponse,
  deleteGroupsRequest,
  deleteGroupsResponse,
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
  offsetDeleteRequest,
  offsetDeleteResponse,
  describeClusterRequest,
  describeClusterResponse,
  describeProducersRequest,
  describeProducersResponse,
  listConfigResourcesRequest,
  listConfigResourcesResponse,
  fetchRequest,
  fetchResponse,
  initProducerIdRequest,
  initProducerIdResponse,
  listOffsetsRequest,
  listOffsetsResponse,
  metadataRequest,
  metadataResponse,
  produceRequest,
  produceResponse,
} from '@odradek/protocol';
import type { Message } from '@odradek/protocol';

export interface Api<In, Out> {
  readonly request: Message<unknown, In>;
  readonly response: Message<Out>;
  /** The highest version in which the client fills all that the version asks for. */
  readonly maxVersion: number;
}

export const api = <In, Out>(
  request: Message<unknown, In>,
  response: Message<Out>,
  maxVersion = request.info.versions[1],
): Api<In, Out> => ({ request, response, maxVersion });

export const apiVersionsApi = /*@__PURE__*/ api(apiVersionsRequest, apiVersionsResponse, 3);
export const metadataApi = /*@__PURE__*/ api(metadataRequest, metadataResponse, 12);
// Topics are named, not numbered by id: that begins with Produce 13 and Fetch 13. 12 is for transactions.
export const produceApi = /*@__PURE__*/ api(produceRequest, produceResponse, 11);
export const fetchApi = /*@__PURE__*/ api(fetchRequest, fetchResponse, 12);
export const listOffsetsApi = /*@__PURE__*/ api(listOffsetsRequest, listOffsetsResponse, 7);
export const initProducerIdApi = /*@__PURE__*/ api(
  initProducerIdRequest,
  initProducerIdResponse,
  4,
);
export const createTopicsApi = /*@__PURE__*/ api(createTopicsRequest, createTopicsResponse);
export const deleteTopicsApi = /*@__PURE__*/ api(deleteTopicsRequest, deleteTopicsResponse, 5);
export const describeConfigsApi = /*@__PURE__*/ api(
  describeConfigsRequest,
  describeConfigsResponse,
);

export const offsetForLeaderEpochApi = /*@__PURE__*/ api(
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
  4,
);

export const describeGroupsApi = /*@__PURE__*/ api(describeGroupsRequest, describeGroupsResponse);
export const listGroupsApi = /*@__PURE__*/ api(listGroupsRequest, listGroupsResponse);
export const deleteRecordsApi = /*@__PURE__*/ api(deleteRecordsRequest, deleteRecordsResponse);
export const describeLogDirsApi = /*@__PURE__*/ api(
  describeLogDirsRequest,
  describeLogDirsResponse,
);
export const createPartitionsApi = /*@__PURE__*/ api(
  createPartitionsRequest,
  createPartitionsResponse,
);
export const deleteGroupsApi = /*@__PURE__*/ api(deleteGroupsRequest, deleteGroupsResponse);
export const incrementalAlterConfigsApi = /*@__PURE__*/ api(
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
);
export const offsetDeleteApi = /*@__PURE__*/ api(offsetDeleteRequest, offsetDeleteResponse);
export const describeClusterApi = /*@__PURE__*/ api(
  describeClusterRequest,
  describeClusterResponse,
);
export const describeProducersApi = /*@__PURE__*/ api(
  describeProducersRequest,
  describeProducersResponse,
);
export const listConfigResourcesApi = /*@__PURE__*/ api(
  listConfigResourcesRequest,
  listConfigResourcesResponse,
);
