/** KafkaJS's face: everything but the host. A host's binding gives its bytes and its network (@odradek/node/kafkajs). */
export {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  CompressionCodecs,
  CompressionTypes,
  ConfigResourceTypes,
  ConfigSource,
  ResourcePatternTypes,
  logLevel,
} from './constants.ts';
/** By Kafka's names. */
export { ErrorCode as ErrorCodes } from '@odradek/protocol';
export { assignerProtocolFor, PartitionAssigners } from './assigners.ts';
export type { AssignerProtocolOf } from './assigners.ts';
export { PortableBuffer } from './bytes.ts';
export {
  KafkaJSAggregateError,
  KafkaJSAlterPartitionReassignmentsError,
  KafkaJSBrokerNotFound,
  KafkaJSConnectionClosedError,
  KafkaJSConnectionError,
  KafkaJSCreateTopicError,
  KafkaJSDeleteGroupsError,
  KafkaJSDeleteTopicRecordsError,
  KafkaJSError,
  KafkaJSFetcherRebalanceError,
  KafkaJSGroupCoordinatorNotFound,
  KafkaJSInvalidLongError,
  KafkaJSInvalidVarIntError,
  KafkaJSInvariantViolation,
  KafkaJSLockTimeout,
  KafkaJSMemberIdRequired,
  KafkaJSMetadataNotLoaded,
  KafkaJSNoBrokerAvailableError,
  KafkaJSNonRetriableError,
  KafkaJSNotImplemented,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSOffsetOutOfRange,
  KafkaJSPartialMessageError,
  KafkaJSProtocolError,
  KafkaJSRequestTimeoutError,
  KafkaJSSASLAuthenticationError,
  KafkaJSServerDoesNotSupportApiKey,
  KafkaJSStaleTopicMetadataAssignment,
  KafkaJSTimeout,
  KafkaJSTopicMetadataNotLoaded,
  KafkaJSUnsupportedMagicByteInMessageSet,
} from './errors.ts';
export type { DeleteGroupsResult } from './errors.ts';
export type { KafkaJSHost } from './host.ts';
export { KafkaFace } from './kafka.ts';
export { Partitioners } from './partitioners.ts';
export { ConnectionSocket, urlOf } from './socket.ts';
export type { SocketFactoryArgs, SocketUrl } from './socket.ts';
export type * from './types.ts';
