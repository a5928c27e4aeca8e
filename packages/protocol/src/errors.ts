/** What Kafka's error codes mean, in sentences for logs and for people; where a reply has room for a message, the handler that knows more says more. */
import { ErrorCode, errorName, isRetriableCode } from './error-codes.ts';
import type { ErrorName } from './error-codes.ts';

export interface ErrorInfo {
  readonly name: ErrorName;
  readonly code: number;
  /** The same request may succeed later: after a pause, or after the metadata has been refreshed. */
  readonly retriable: boolean;
  readonly message: string;
}

export function errorInfo(code: number): ErrorInfo {
  const name = errorName(code);
  const isKnown = ErrorCode[name] === code;
  return {
    name,
    code,
    retriable: isRetriableCode(code),
    message: isKnown ? SENTENCES[name] : `Error code ${code} is not known here.`,
  };
}

const SENTENCES: Readonly<Record<ErrorName, string>> = {
  UNKNOWN_SERVER_ERROR: 'The broker failed in a way that it has no code for.',
  NONE: 'No error.',
  OFFSET_OUT_OF_RANGE: 'The offset lies before the start or beyond the end of the log.',
  CORRUPT_MESSAGE:
    'A record batch is damaged: its checksum or its sizes are wrong, or a key is missing where the topic is compacted.',
  UNKNOWN_TOPIC_OR_PARTITION: 'There is no such topic or partition on this broker.',
  INVALID_FETCH_SIZE: 'The fetch asks for a size that is not allowed.',
  LEADER_NOT_AVAILABLE: 'The partition has no leader at the moment; an election is under way.',
  NOT_LEADER_OR_FOLLOWER:
    'This broker does not lead the partition, or has no replica of it: refresh the metadata.',
  REQUEST_TIMED_OUT: 'The request was not done within its time.',
  BROKER_NOT_AVAILABLE: 'The broker cannot be reached.',
  REPLICA_NOT_AVAILABLE: "The partition's replica on this broker cannot be read.",
  MESSAGE_TOO_LARGE: 'A record batch is larger than the broker or the topic allows.',
  STALE_CONTROLLER_EPOCH: 'The sender follows a controller that has been replaced.',
  OFFSET_METADATA_TOO_LARGE: 'The text that goes with a committed offset is too long.',
  NETWORK_EXCEPTION: 'The connection was lost before the answer came.',
  COORDINATOR_LOAD_IN_PROGRESS: 'The coordinator is still reading its log.',
  COORDINATOR_NOT_AVAILABLE: 'The coordinator is not there yet, or cannot write.',
  NOT_COORDINATOR: 'Another broker coordinates this group or transaction.',
  INVALID_TOPIC_EXCEPTION:
    "The topic's name is not allowed, or the operation is not allowed on this topic.",
  RECORD_LIST_TOO_LARGE: 'The record batches together are larger than a segment of the log may be.',
  NOT_ENOUGH_REPLICAS:
    'Fewer replicas are in sync than min.insync.replicas asks for; nothing was written.',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    'The records were written, then too few replicas remained in sync to acknowledge them.',
  INVALID_REQUIRED_ACKS: 'acks must be 0, 1 or -1.',
  ILLEGAL_GENERATION: "The generation is not the group's current one.",
  INCONSISTENT_GROUP_PROTOCOL:
    "The member's protocols have none in common with the group's, or the member named none.",
  INVALID_GROUP_ID: 'The group id is empty or otherwise not allowed.',
  UNKNOWN_MEMBER_ID: 'The group has no member of this id.',
  INVALID_SESSION_TIMEOUT:
    'The session timeout lies outside group.min.session.timeout.ms to group.max.session.timeout.ms.',
  REBALANCE_IN_PROGRESS: 'The group is rebalancing; join it again.',
  INVALID_COMMIT_OFFSET_SIZE: 'The offset commit is too large to be stored.',
  TOPIC_AUTHORIZATION_FAILED: 'The principal may not do this with the topic.',
  GROUP_AUTHORIZATION_FAILED: 'The principal may not do this with the group.',
  CLUSTER_AUTHORIZATION_FAILED: 'The principal may not do this with the cluster.',
  INVALID_TIMESTAMP: "A record's timestamp is too far from the broker's time, or missing.",
  UNSUPPORTED_SASL_MECHANISM: 'The broker does not offer this SASL mechanism.',
  ILLEGAL_SASL_STATE: 'The request does not fit the state of the SASL exchange.',
  UNSUPPORTED_VERSION: 'The broker does not support this version of the API.',
  TOPIC_ALREADY_EXISTS: 'There is a topic of this name already.',
  INVALID_PARTITIONS: 'The number of partitions is not allowed.',
  INVALID_REPLICATION_FACTOR: 'The replication factor is below one or above the number of brokers.',
  INVALID_REPLICA_ASSIGNMENT:
    'The replicas named for the partitions do not make a valid assignment.',
  INVALID_CONFIG: 'A configuration value is not valid.',
  NOT_CONTROLLER: 'This node is not the active controller.',
  INVALID_REQUEST: 'The request contradicts itself or the protocol.',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: "The log's record format cannot serve this request.",
  POLICY_VIOLATION: 'The request breaks a policy that the broker was given.',
  OUT_OF_ORDER_SEQUENCE_NUMBER: "The producer's sequence number leaves a gap after its last batch.",
  DUPLICATE_SEQUENCE_NUMBER: "The producer's batch was appended before.",
  INVALID_PRODUCER_EPOCH: "The producer's epoch is older than the one that the broker knows.",
  INVALID_TXN_STATE: 'The operation does not fit the state of the transaction.',
  INVALID_PRODUCER_ID_MAPPING: 'The producer id does not belong to this transactional id.',
  INVALID_TRANSACTION_TIMEOUT: 'The transaction timeout is above transaction.max.timeout.ms.',
  CONCURRENT_TRANSACTIONS: 'The previous operation on this transaction has not ended yet.',
  TRANSACTION_COORDINATOR_FENCED:
    "The transaction's markers came from a coordinator that has been replaced.",
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'The principal may not use this transactional id.',
  SECURITY_DISABLED: 'The broker runs without an authorizer.',
  OPERATION_NOT_ATTEMPTED: 'Another part of the request failed first; this one was not tried.',
  KAFKA_STORAGE_ERROR: "The broker's storage failed.",
  LOG_DIR_NOT_FOUND: 'The broker has no such log directory.',
  SASL_AUTHENTICATION_FAILED: 'The credentials were refused.',
  UNKNOWN_PRODUCER_ID:
    'The broker keeps no state of this producer; its records may have been deleted.',
  REASSIGNMENT_IN_PROGRESS: "The partition's replicas are being reassigned.",
  DELEGATION_TOKEN_AUTH_DISABLED: 'Delegation tokens are not enabled.',
  DELEGATION_TOKEN_NOT_FOUND: 'There is no such delegation token.',
  DELEGATION_TOKEN_OWNER_MISMATCH: 'The principal is neither owner nor renewer of the token.',
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED:
    'Delegation tokens cannot be managed over this kind of connection.',
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: 'The principal may not do this with the delegation token.',
  DELEGATION_TOKEN_EXPIRED: 'The delegation token has expired.',
  INVALID_PRINCIPAL_TYPE: 'The type of principal is not supported.',
  NON_EMPTY_GROUP: 'The group still has members.',
  GROUP_ID_NOT_FOUND: 'There is no such group.',
  FETCH_SESSION_ID_NOT_FOUND: 'The fetch session is not known, or was evicted.',
  INVALID_FETCH_SESSION_EPOCH: "The fetch session's epoch is not the expected one.",
  LISTENER_NOT_FOUND: 'The leader has no listener of the kind that the request came by.',
  TOPIC_DELETION_DISABLED: 'delete.topic.enable is false.',
  FENCED_LEADER_EPOCH: "The request's leader epoch is older than the partition's.",
  UNKNOWN_LEADER_EPOCH: "The request's leader epoch is newer than this broker knows.",
  UNSUPPORTED_COMPRESSION_TYPE:
    'This version of the request cannot carry the codec of the records.',
  STALE_BROKER_EPOCH: 'The broker registered again since this request was made.',
  OFFSET_NOT_AVAILABLE: 'The new leader has not yet established its high watermark.',
  MEMBER_ID_REQUIRED: 'Join again with the member id that this answer carries.',
  PREFERRED_LEADER_NOT_AVAILABLE: 'The preferred leader cannot take over now.',
  GROUP_MAX_SIZE_REACHED: 'The group has as many members as it may have.',
  FENCED_INSTANCE_ID: 'Another member has taken over this group.instance.id.',
  ELIGIBLE_LEADERS_NOT_AVAILABLE: 'No replica that may become leader is alive.',
  ELECTION_NOT_NEEDED: 'The partition has the leader that was asked for.',
  NO_REASSIGNMENT_IN_PROGRESS: "The partition's replicas are not being reassigned.",
  GROUP_SUBSCRIBED_TO_TOPIC: 'The group still consumes the topic whose offsets are to be deleted.',
  INVALID_RECORD: "A record does not pass the broker's checks.",
  UNSTABLE_OFFSET_COMMIT: 'A transaction with an offset of this partition is still open.',
  THROTTLING_QUOTA_EXCEEDED: 'The quota of such requests is used up; try later.',
  PRODUCER_FENCED: 'A newer producer has taken over this transactional id.',
  RESOURCE_NOT_FOUND: 'The resource that the request names does not exist.',
  DUPLICATE_RESOURCE: 'The request names a resource twice.',
  UNACCEPTABLE_CREDENTIAL: "The credential does not meet the broker's rules.",
  INCONSISTENT_VOTER_SET: "Sender or receiver is not one of the quorum's voters.",
  INVALID_UPDATE_VERSION: 'The version to update to is not valid.',
  FEATURE_UPDATE_FAILED: 'The features could not be updated.',
  PRINCIPAL_DESERIALIZATION_FAILURE: 'The principal of a forwarded request could not be read.',
  SNAPSHOT_NOT_FOUND: 'There is no such snapshot.',
  POSITION_OUT_OF_RANGE: 'The position lies outside the snapshot.',
  UNKNOWN_TOPIC_ID: 'There is no topic of this id on this broker.',
  DUPLICATE_BROKER_REGISTRATION: 'A live broker already uses this id.',
  BROKER_ID_NOT_REGISTERED: 'No broker is registered under this id.',
  INCONSISTENT_TOPIC_ID: "The log belongs to another topic id than the request's.",
  INCONSISTENT_CLUSTER_ID: 'The request was meant for another cluster.',
  TRANSACTIONAL_ID_NOT_FOUND: 'There is no such transactional id.',
  FETCH_SESSION_TOPIC_ID_ERROR: 'The fetch session mixes topic names and topic ids.',
  INELIGIBLE_REPLICA: 'The proposed ISR has a replica that may not be in it.',
  NEW_LEADER_ELECTED: 'The partition was changed as asked, and has another leader now.',
  OFFSET_MOVED_TO_TIERED_STORAGE: 'The offset has been moved to tiered storage.',
  FENCED_MEMBER_EPOCH:
    "The member's epoch is not valid any more: give up all partitions and join again.",
  UNRELEASED_INSTANCE_ID: 'Another member still holds this instance id.',
  UNSUPPORTED_ASSIGNOR: 'The group does not support the assignor.',
  STALE_MEMBER_EPOCH: "The member's epoch is old; the next heartbeat brings the new one.",
  MISMATCHED_ENDPOINT_TYPE: 'The request was sent to the wrong kind of endpoint.',
  UNSUPPORTED_ENDPOINT_TYPE: 'This kind of endpoint is not supported.',
  UNKNOWN_CONTROLLER_ID: 'There is no controller of this id.',
  UNKNOWN_SUBSCRIPTION_ID: 'The telemetry subscription is not known or no longer valid.',
  TELEMETRY_TOO_LARGE: 'The pushed metrics are larger than the broker accepts.',
  INVALID_REGISTRATION: "The controller refused the broker's registration.",
  TRANSACTION_ABORTABLE:
    'The transaction failed; abort it, and the transactional id can be used again.',
  INVALID_RECORD_STATE: 'The record is not in a state in which it can be acknowledged.',
  SHARE_SESSION_NOT_FOUND: 'The share session is not known.',
  INVALID_SHARE_SESSION_EPOCH: "The share session's epoch is not the expected one.",
  FENCED_STATE_EPOCH: "The share group's state epoch has moved on.",
  INVALID_VOTER_KEY: "The voter's id and directory do not match the receiver's.",
  DUPLICATE_VOTER: 'The node is a voter already.',
  VOTER_NOT_FOUND: 'The node is not a voter.',
  INVALID_REGULAR_EXPRESSION: 'The regular expression is not valid.',
  REBOOTSTRAP_REQUIRED:
    "The client's metadata is too old to go on with: start again from the bootstrap servers.",
  STREAMS_INVALID_TOPOLOGY: 'The topology is not valid.',
  STREAMS_INVALID_TOPOLOGY_EPOCH: "The topology's epoch is not valid.",
  STREAMS_TOPOLOGY_FENCED: "The topology's epoch is out of date.",
  SHARE_SESSION_LIMIT_REACHED: 'The broker holds as many share sessions as it may.',
};
