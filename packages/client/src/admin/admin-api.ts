/** The APIs of the administration. Apart from the others, since few pages administer. */
import {
  createTopicsRequest,
  createTopicsResponse,
  deleteTopicsRequest,
  deleteTopicsResponse,
  describeConfigsRequest,
  describeConfigsResponse,
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
  addRaftVoterRequest,
  addRaftVoterResponse,
  describeQuorumRequest,
  describeQuorumResponse,
  electLeadersRequest,
  electLeadersResponse,
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
  removeRaftVoterRequest,
  removeRaftVoterResponse,
  unregisterBrokerRequest,
  unregisterBrokerResponse,
} from '@odradek/protocol';
import { api } from '../api.ts';

export const createTopicsApi = /*@__PURE__*/ api(createTopicsRequest, createTopicsResponse);
export const deleteTopicsApi = /*@__PURE__*/ api(deleteTopicsRequest, deleteTopicsResponse, 5);
export const describeConfigsApi = /*@__PURE__*/ api(
  describeConfigsRequest,
  describeConfigsResponse,
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
export const addRaftVoterApi = /*@__PURE__*/ api(addRaftVoterRequest, addRaftVoterResponse);
export const removeRaftVoterApi = /*@__PURE__*/ api(
  removeRaftVoterRequest,
  removeRaftVoterResponse,
);
export const describeQuorumApi = /*@__PURE__*/ api(describeQuorumRequest, describeQuorumResponse);
export const electLeadersApi = /*@__PURE__*/ api(electLeadersRequest, electLeadersResponse);
export const alterPartitionReassignmentsApi = /*@__PURE__*/ api(
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
);
export const listPartitionReassignmentsApi = /*@__PURE__*/ api(
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
);
export const unregisterBrokerApi = /*@__PURE__*/ api(
  unregisterBrokerRequest,
  unregisterBrokerResponse,
);
