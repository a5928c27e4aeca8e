/**
 * Every API that has a schema, one file each: the number in front is its key. `apis` is for those
 * who walk over all of them; who needs a few imports those, and a bundler leaves the rest out.
 */
import type { Message } from '../schema/message.ts';
import { produceRequest, produceResponse } from './00-produce.ts';
import { fetchRequest, fetchResponse } from './01-fetch.ts';
import { listOffsetsRequest, listOffsetsResponse } from './02-list-offsets.ts';
import { metadataRequest, metadataResponse } from './03-metadata.ts';
import { offsetCommitRequest, offsetCommitResponse } from './08-offset-commit.ts';
import { offsetFetchRequest, offsetFetchResponse } from './09-offset-fetch.ts';
import { findCoordinatorRequest, findCoordinatorResponse } from './10-find-coordinator.ts';
import { joinGroupRequest, joinGroupResponse } from './11-join-group.ts';
import { heartbeatRequest, heartbeatResponse } from './12-heartbeat.ts';
import { leaveGroupRequest, leaveGroupResponse } from './13-leave-group.ts';
import { syncGroupRequest, syncGroupResponse } from './14-sync-group.ts';
import { describeGroupsRequest, describeGroupsResponse } from './15-describe-groups.ts';
import { listGroupsRequest, listGroupsResponse } from './16-list-groups.ts';
import { saslHandshakeRequest, saslHandshakeResponse } from './17-sasl-handshake.ts';
import { apiVersionsRequest, apiVersionsResponse } from './18-api-versions.ts';
import { createTopicsRequest, createTopicsResponse } from './19-create-topics.ts';
import { deleteTopicsRequest, deleteTopicsResponse } from './20-delete-topics.ts';
import { deleteRecordsRequest, deleteRecordsResponse } from './21-delete-records.ts';
import { initProducerIdRequest, initProducerIdResponse } from './22-init-producer-id.ts';
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from './23-offset-for-leader-epoch.ts';
import {
  addPartitionsToTxnRequest,
  addPartitionsToTxnResponse,
} from './24-add-partitions-to-txn.ts';
import { addOffsetsToTxnRequest, addOffsetsToTxnResponse } from './25-add-offsets-to-txn.ts';
import { endTxnRequest, endTxnResponse } from './26-end-txn.ts';
import { writeTxnMarkersRequest, writeTxnMarkersResponse } from './27-write-txn-markers.ts';
import { txnOffsetCommitRequest, txnOffsetCommitResponse } from './28-txn-offset-commit.ts';
import { describeAclsRequest, describeAclsResponse } from './29-describe-acls.ts';
import { createAclsRequest, createAclsResponse } from './30-create-acls.ts';
import { deleteAclsRequest, deleteAclsResponse } from './31-delete-acls.ts';
import { describeConfigsRequest, describeConfigsResponse } from './32-describe-configs.ts';
import { alterConfigsRequest, alterConfigsResponse } from './33-alter-configs.ts';
import {
  alterReplicaLogDirsRequest,
  alterReplicaLogDirsResponse,
} from './34-alter-replica-log-dirs.ts';
import { describeLogDirsRequest, describeLogDirsResponse } from './35-describe-log-dirs.ts';
import { saslAuthenticateRequest, saslAuthenticateResponse } from './36-sasl-authenticate.ts';
import { createPartitionsRequest, createPartitionsResponse } from './37-create-partitions.ts';
import {
  createDelegationTokenRequest,
  createDelegationTokenResponse,
} from './38-create-delegation-token.ts';
import {
  renewDelegationTokenRequest,
  renewDelegationTokenResponse,
} from './39-renew-delegation-token.ts';
import {
  expireDelegationTokenRequest,
  expireDelegationTokenResponse,
} from './40-expire-delegation-token.ts';
import {
  describeDelegationTokenRequest,
  describeDelegationTokenResponse,
} from './41-describe-delegation-token.ts';
import { deleteGroupsRequest, deleteGroupsResponse } from './42-delete-groups.ts';
import { electLeadersRequest, electLeadersResponse } from './43-elect-leaders.ts';
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from './44-incremental-alter-configs.ts';
import {
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
} from './45-alter-partition-reassignments.ts';
import {
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
} from './46-list-partition-reassignments.ts';
import { offsetDeleteRequest, offsetDeleteResponse } from './47-offset-delete.ts';
import {
  describeClientQuotasRequest,
  describeClientQuotasResponse,
} from './48-describe-client-quotas.ts';
import { alterClientQuotasRequest, alterClientQuotasResponse } from './49-alter-client-quotas.ts';
import {
  describeUserScramCredentialsRequest,
  describeUserScramCredentialsResponse,
} from './50-describe-user-scram-credentials.ts';
import {
  alterUserScramCredentialsRequest,
  alterUserScramCredentialsResponse,
} from './51-alter-user-scram-credentials.ts';
import { voteRequest, voteResponse } from './52-vote.ts';
import { beginQuorumEpochRequest, beginQuorumEpochResponse } from './53-begin-quorum-epoch.ts';
import { endQuorumEpochRequest, endQuorumEpochResponse } from './54-end-quorum-epoch.ts';
import { describeQuorumRequest, describeQuorumResponse } from './55-describe-quorum.ts';
import { alterPartitionRequest, alterPartitionResponse } from './56-alter-partition.ts';
import { updateFeaturesRequest, updateFeaturesResponse } from './57-update-features.ts';
import { fetchSnapshotRequest, fetchSnapshotResponse } from './59-fetch-snapshot.ts';
import { describeClusterRequest, describeClusterResponse } from './60-describe-cluster.ts';
import { describeProducersRequest, describeProducersResponse } from './61-describe-producers.ts';
import { brokerRegistrationRequest, brokerRegistrationResponse } from './62-broker-registration.ts';
import { brokerHeartbeatRequest, brokerHeartbeatResponse } from './63-broker-heartbeat.ts';
import { unregisterBrokerRequest, unregisterBrokerResponse } from './64-unregister-broker.ts';
import {
  describeTransactionsRequest,
  describeTransactionsResponse,
} from './65-describe-transactions.ts';
import { listTransactionsRequest, listTransactionsResponse } from './66-list-transactions.ts';
import {
  allocateProducerIdsRequest,
  allocateProducerIdsResponse,
} from './67-allocate-producer-ids.ts';
import {
  consumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
} from './68-consumer-group-heartbeat.ts';
import {
  consumerGroupDescribeRequest,
  consumerGroupDescribeResponse,
} from './69-consumer-group-describe.ts';
import {
  getTelemetrySubscriptionsRequest,
  getTelemetrySubscriptionsResponse,
} from './71-get-telemetry-subscriptions.ts';
import { pushTelemetryRequest, pushTelemetryResponse } from './72-push-telemetry.ts';
import {
  assignReplicasToDirsRequest,
  assignReplicasToDirsResponse,
} from './73-assign-replicas-to-dirs.ts';
import {
  listConfigResourcesRequest,
  listConfigResourcesResponse,
} from './74-list-config-resources.ts';
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from './75-describe-topic-partitions.ts';
import { addRaftVoterRequest, addRaftVoterResponse } from './80-add-raft-voter.ts';
import { removeRaftVoterRequest, removeRaftVoterResponse } from './81-remove-raft-voter.ts';
import { updateRaftVoterRequest, updateRaftVoterResponse } from './82-update-raft-voter.ts';
import { openTreeSessionRequest, openTreeSessionResponse } from './20100-open-tree-session.ts';
import { renewTreeSessionRequest, renewTreeSessionResponse } from './20101-renew-tree-session.ts';
import { closeTreeSessionRequest, closeTreeSessionResponse } from './20102-close-tree-session.ts';
import { readTreeRequest, readTreeResponse } from './20103-read-tree.ts';
import { writeTreeRequest, writeTreeResponse } from './20104-write-tree.ts';
import { watchTreeRequest, watchTreeResponse } from './20105-watch-tree.ts';

export * from './00-produce.ts';
export * from './01-fetch.ts';
export * from './02-list-offsets.ts';
export * from './03-metadata.ts';
export * from './08-offset-commit.ts';
export * from './09-offset-fetch.ts';
export * from './10-find-coordinator.ts';
export * from './11-join-group.ts';
export * from './12-heartbeat.ts';
export * from './13-leave-group.ts';
export * from './14-sync-group.ts';
export * from './15-describe-groups.ts';
export * from './16-list-groups.ts';
export * from './17-sasl-handshake.ts';
export * from './18-api-versions.ts';
export * from './19-create-topics.ts';
export * from './20-delete-topics.ts';
export * from './21-delete-records.ts';
export * from './22-init-producer-id.ts';
export * from './23-offset-for-leader-epoch.ts';
export * from './24-add-partitions-to-txn.ts';
export * from './25-add-offsets-to-txn.ts';
export * from './26-end-txn.ts';
export * from './27-write-txn-markers.ts';
export * from './28-txn-offset-commit.ts';
export * from './29-describe-acls.ts';
export * from './30-create-acls.ts';
export * from './31-delete-acls.ts';
export * from './32-describe-configs.ts';
export * from './33-alter-configs.ts';
export * from './34-alter-replica-log-dirs.ts';
export * from './35-describe-log-dirs.ts';
export * from './36-sasl-authenticate.ts';
export * from './37-create-partitions.ts';
export * from './38-create-delegation-token.ts';
export * from './39-renew-delegation-token.ts';
export * from './40-expire-delegation-token.ts';
export * from './41-describe-delegation-token.ts';
export * from './42-delete-groups.ts';
export * from './43-elect-leaders.ts';
export * from './44-incremental-alter-configs.ts';
export * from './45-alter-partition-reassignments.ts';
export * from './46-list-partition-reassignments.ts';
export * from './47-offset-delete.ts';
export * from './48-describe-client-quotas.ts';
export * from './49-alter-client-quotas.ts';
export * from './50-describe-user-scram-credentials.ts';
export * from './51-alter-user-scram-credentials.ts';
export * from './52-vote.ts';
export * from './53-begin-quorum-epoch.ts';
export * from './54-end-quorum-epoch.ts';
export * from './55-describe-quorum.ts';
export * from './56-alter-partition.ts';
export * from './57-update-features.ts';
export * from './59-fetch-snapshot.ts';
export * from './60-describe-cluster.ts';
export * from './61-describe-producers.ts';
export * from './62-broker-registration.ts';
export * from './63-broker-heartbeat.ts';
export * from './64-unregister-broker.ts';
export * from './65-describe-transactions.ts';
export * from './66-list-transactions.ts';
export * from './67-allocate-producer-ids.ts';
export * from './68-consumer-group-heartbeat.ts';
export * from './69-consumer-group-describe.ts';
export * from './71-get-telemetry-subscriptions.ts';
export * from './72-push-telemetry.ts';
export * from './73-assign-replicas-to-dirs.ts';
export * from './74-list-config-resources.ts';
export * from './75-describe-topic-partitions.ts';
export * from './80-add-raft-voter.ts';
export * from './81-remove-raft-voter.ts';
export * from './82-update-raft-voter.ts';
export * from './20100-open-tree-session.ts';
export * from './20101-renew-tree-session.ts';
export * from './20102-close-tree-session.ts';
export * from './20103-read-tree.ts';
export * from './20104-write-tree.ts';
export * from './20105-watch-tree.ts';
export {
  TreeChangeKind,
  TreeOpKind,
  TreeReadKind,
  TreeResult,
  TreeWatchScope,
} from './tree-words.ts';
export { AUTHORIZED_OPERATIONS_OMITTED } from './words.ts';

export interface ApiDefinition {
  readonly key: number;
  /** Kafka's: "Metadata". */
  readonly name: string;
  readonly request: Message;
  readonly response: Message;
}

/** By key. */
export const apis: readonly ApiDefinition[] = [
  { key: 0, name: 'Produce', request: produceRequest, response: produceResponse },
  { key: 1, name: 'Fetch', request: fetchRequest, response: fetchResponse },
  { key: 2, name: 'ListOffsets', request: listOffsetsRequest, response: listOffsetsResponse },
  { key: 3, name: 'Metadata', request: metadataRequest, response: metadataResponse },
  { key: 8, name: 'OffsetCommit', request: offsetCommitRequest, response: offsetCommitResponse },
  { key: 9, name: 'OffsetFetch', request: offsetFetchRequest, response: offsetFetchResponse },
  {
    key: 10,
    name: 'FindCoordinator',
    request: findCoordinatorRequest,
    response: findCoordinatorResponse,
  },
  { key: 11, name: 'JoinGroup', request: joinGroupRequest, response: joinGroupResponse },
  { key: 12, name: 'Heartbeat', request: heartbeatRequest, response: heartbeatResponse },
  { key: 13, name: 'LeaveGroup', request: leaveGroupRequest, response: leaveGroupResponse },
  { key: 14, name: 'SyncGroup', request: syncGroupRequest, response: syncGroupResponse },
  {
    key: 15,
    name: 'DescribeGroups',
    request: describeGroupsRequest,
    response: describeGroupsResponse,
  },
  { key: 16, name: 'ListGroups', request: listGroupsRequest, response: listGroupsResponse },
  {
    key: 17,
    name: 'SaslHandshake',
    request: saslHandshakeRequest,
    response: saslHandshakeResponse,
  },
  { key: 18, name: 'ApiVersions', request: apiVersionsRequest, response: apiVersionsResponse },
  { key: 19, name: 'CreateTopics', request: createTopicsRequest, response: createTopicsResponse },
  { key: 20, name: 'DeleteTopics', request: deleteTopicsRequest, response: deleteTopicsResponse },
  {
    key: 21,
    name: 'DeleteRecords',
    request: deleteRecordsRequest,
    response: deleteRecordsResponse,
  },
  {
    key: 22,
    name: 'InitProducerId',
    request: initProducerIdRequest,
    response: initProducerIdResponse,
  },
  {
    key: 23,
    name: 'OffsetForLeaderEpoch',
    request: offsetForLeaderEpochRequest,
    response: offsetForLeaderEpochResponse,
  },
  {
    key: 24,
    name: 'AddPartitionsToTxn',
    request: addPartitionsToTxnRequest,
    response: addPartitionsToTxnResponse,
  },
  {
    key: 25,
    name: 'AddOffsetsToTxn',
    request: addOffsetsToTxnRequest,
    response: addOffsetsToTxnResponse,
  },
  { key: 26, name: 'EndTxn', request: endTxnRequest, response: endTxnResponse },
  {
    key: 27,
    name: 'WriteTxnMarkers',
    request: writeTxnMarkersRequest,
    response: writeTxnMarkersResponse,
  },
  {
    key: 28,
    name: 'TxnOffsetCommit',
    request: txnOffsetCommitRequest,
    response: txnOffsetCommitResponse,
  },
  { key: 29, name: 'DescribeAcls', request: describeAclsRequest, response: describeAclsResponse },
  { key: 30, name: 'CreateAcls', request: createAclsRequest, response: createAclsResponse },
  { key: 31, name: 'DeleteAcls', request: deleteAclsRequest, response: deleteAclsResponse },
  {
    key: 32,
    name: 'DescribeConfigs',
    request: describeConfigsRequest,
    response: describeConfigsResponse,
  },
  { key: 33, name: 'AlterConfigs', request: alterConfigsRequest, response: alterConfigsResponse },
  {
    key: 34,
    name: 'AlterReplicaLogDirs',
    request: alterReplicaLogDirsRequest,
    response: alterReplicaLogDirsResponse,
  },
  {
    key: 35,
    name: 'DescribeLogDirs',
    request: describeLogDirsRequest,
    response: describeLogDirsResponse,
  },
  {
    key: 36,
    name: 'SaslAuthenticate',
    request: saslAuthenticateRequest,
    response: saslAuthenticateResponse,
  },
  {
    key: 37,
    name: 'CreatePartitions',
    request: createPartitionsRequest,
    response: createPartitionsResponse,
  },
  {
    key: 38,
    name: 'CreateDelegationToken',
    request: createDelegationTokenRequest,
    response: createDelegationTokenResponse,
  },
  {
    key: 39,
    name: 'RenewDelegationToken',
    request: renewDelegationTokenRequest,
    response: renewDelegationTokenResponse,
  },
  {
    key: 40,
    name: 'ExpireDelegationToken',
    request: expireDelegationTokenRequest,
    response: expireDelegationTokenResponse,
  },
  {
    key: 41,
    name: 'DescribeDelegationToken',
    request: describeDelegationTokenRequest,
    response: describeDelegationTokenResponse,
  },
  { key: 42, name: 'DeleteGroups', request: deleteGroupsRequest, response: deleteGroupsResponse },
  { key: 43, name: 'ElectLeaders', request: electLeadersRequest, response: electLeadersResponse },
  {
    key: 44,
    name: 'IncrementalAlterConfigs',
    request: incrementalAlterConfigsRequest,
    response: incrementalAlterConfigsResponse,
  },
  {
    key: 45,
    name: 'AlterPartitionReassignments',
    request: alterPartitionReassignmentsRequest,
    response: alterPartitionReassignmentsResponse,
  },
  {
    key: 46,
    name: 'ListPartitionReassignments',
    request: listPartitionReassignmentsRequest,
    response: listPartitionReassignmentsResponse,
  },
  { key: 47, name: 'OffsetDelete', request: offsetDeleteRequest, response: offsetDeleteResponse },
  {
    key: 48,
    name: 'DescribeClientQuotas',
    request: describeClientQuotasRequest,
    response: describeClientQuotasResponse,
  },
  {
    key: 49,
    name: 'AlterClientQuotas',
    request: alterClientQuotasRequest,
    response: alterClientQuotasResponse,
  },
  {
    key: 50,
    name: 'DescribeUserScramCredentials',
    request: describeUserScramCredentialsRequest,
    response: describeUserScramCredentialsResponse,
  },
  {
    key: 51,
    name: 'AlterUserScramCredentials',
    request: alterUserScramCredentialsRequest,
    response: alterUserScramCredentialsResponse,
  },
  { key: 52, name: 'Vote', request: voteRequest, response: voteResponse },
  {
    key: 53,
    name: 'BeginQuorumEpoch',
    request: beginQuorumEpochRequest,
    response: beginQuorumEpochResponse,
  },
  {
    key: 54,
    name: 'EndQuorumEpoch',
    request: endQuorumEpochRequest,
    response: endQuorumEpochResponse,
  },
  {
    key: 55,
    name: 'DescribeQuorum',
    request: describeQuorumRequest,
    response: describeQuorumResponse,
  },
  {
    key: 56,
    name: 'AlterPartition',
    request: alterPartitionRequest,
    response: alterPartitionResponse,
  },
  {
    key: 57,
    name: 'UpdateFeatures',
    request: updateFeaturesRequest,
    response: updateFeaturesResponse,
  },
  {
    key: 59,
    name: 'FetchSnapshot',
    request: fetchSnapshotRequest,
    response: fetchSnapshotResponse,
  },
  {
    key: 60,
    name: 'DescribeCluster',
    request: describeClusterRequest,
    response: describeClusterResponse,
  },
  {
    key: 61,
    name: 'DescribeProducers',
    request: describeProducersRequest,
    response: describeProducersResponse,
  },
  {
    key: 62,
    name: 'BrokerRegistration',
    request: brokerRegistrationRequest,
    response: brokerRegistrationResponse,
  },
  {
    key: 63,
    name: 'BrokerHeartbeat',
    request: brokerHeartbeatRequest,
    response: brokerHeartbeatResponse,
  },
  {
    key: 64,
    name: 'UnregisterBroker',
    request: unregisterBrokerRequest,
    response: unregisterBrokerResponse,
  },
  {
    key: 65,
    name: 'DescribeTransactions',
    request: describeTransactionsRequest,
    response: describeTransactionsResponse,
  },
  {
    key: 66,
    name: 'ListTransactions',
    request: listTransactionsRequest,
    response: listTransactionsResponse,
  },
  {
    key: 67,
    name: 'AllocateProducerIds',
    request: allocateProducerIdsRequest,
    response: allocateProducerIdsResponse,
  },
  {
    key: 68,
    name: 'ConsumerGroupHeartbeat',
    request: consumerGroupHeartbeatRequest,
    response: consumerGroupHeartbeatResponse,
  },
  {
    key: 69,
    name: 'ConsumerGroupDescribe',
    request: consumerGroupDescribeRequest,
    response: consumerGroupDescribeResponse,
  },
  {
    key: 71,
    name: 'GetTelemetrySubscriptions',
    request: getTelemetrySubscriptionsRequest,
    response: getTelemetrySubscriptionsResponse,
  },
  {
    key: 72,
    name: 'PushTelemetry',
    request: pushTelemetryRequest,
    response: pushTelemetryResponse,
  },
  {
    key: 73,
    name: 'AssignReplicasToDirs',
    request: assignReplicasToDirsRequest,
    response: assignReplicasToDirsResponse,
  },
  {
    key: 74,
    name: 'ListConfigResources',
    request: listConfigResourcesRequest,
    response: listConfigResourcesResponse,
  },
  {
    key: 75,
    name: 'DescribeTopicPartitions',
    request: describeTopicPartitionsRequest,
    response: describeTopicPartitionsResponse,
  },
  { key: 80, name: 'AddRaftVoter', request: addRaftVoterRequest, response: addRaftVoterResponse },
  {
    key: 81,
    name: 'RemoveRaftVoter',
    request: removeRaftVoterRequest,
    response: removeRaftVoterResponse,
  },
  {
    key: 82,
    name: 'UpdateRaftVoter',
    request: updateRaftVoterRequest,
    response: updateRaftVoterResponse,
  },
  {
    key: 20100,
    name: 'OpenTreeSession',
    request: openTreeSessionRequest,
    response: openTreeSessionResponse,
  },
  {
    key: 20101,
    name: 'RenewTreeSession',
    request: renewTreeSessionRequest,
    response: renewTreeSessionResponse,
  },
  {
    key: 20102,
    name: 'CloseTreeSession',
    request: closeTreeSessionRequest,
    response: closeTreeSessionResponse,
  },
  {
    key: 20103,
    name: 'ReadTree',
    request: readTreeRequest,
    response: readTreeResponse,
  },
  {
    key: 20104,
    name: 'WriteTree',
    request: writeTreeRequest,
    response: writeTreeResponse,
  },
  {
    key: 20105,
    name: 'WatchTree',
    request: watchTreeRequest,
    response: watchTreeResponse,
  },
];
