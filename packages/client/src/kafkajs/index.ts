/** KafkaJS's face: everything but the host. A host's binding gives its bytes and its network (@odradek/node/kafkajs). */
export {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  CompressionTypes,
  ConfigResourceTypes,
  ConfigSource,
  ResourcePatternTypes,
  logLevel,
} from './constants.ts';
export { assignerProtocolFor, PartitionAssigners } from './assigners.ts';
export type { AssignerProtocolOf } from './assigners.ts';
export { PortableBuffer } from './bytes.ts';
export {
  KafkaJSAggregateError,
  KafkaJSBrokerNotFound,
  KafkaJSConnectionError,
  KafkaJSCreateTopicError,
  KafkaJSDeleteGroupsError,
  KafkaJSDeleteTopicRecordsError,
  KafkaJSError,
  KafkaJSGroupCoordinatorNotFound,
  KafkaJSNonRetriableError,
  KafkaJSNotImplemented,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSOffsetOutOfRange,
  KafkaJSProtocolError,
  KafkaJSRequestTimeoutError,
  KafkaJSServerDoesNotSupportApiKey,
  KafkaJSTopicMetadataNotLoaded,
} from './errors.ts';
export type { DeleteGroupsResult } from './errors.ts';
export type { KafkaJSHost } from './host.ts';
export { KafkaFace } from './kafka.ts';
export { Partitioners } from './partitioners.ts';
export { ConnectionSocket, urlOf } from './socket.ts';
export type { SocketFactoryArgs, SocketUrl } from './socket.ts';
export type * from './types.ts';
