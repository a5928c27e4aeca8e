export { Admin } from './admin/admin.ts';
export type { ValidateOnly } from './admin/admin.ts';
export type { ActiveProducer, BrokerInfo, ClusterInfo, LogDir } from './admin/cluster-info.ts';
export type { ConfigChange, ConfigEntry, ConfigResource, ConfigSource } from './admin/configs.ts';
export type { GroupDescription, GroupLag, GroupListing, GroupMember } from './admin/groups.ts';
export type { QuorumInfo, QuorumMember } from './admin/quorum.ts';
export type {
  ElectionResult,
  ElectionType,
  OngoingReassignment,
  Reassignment,
} from './admin/replicas.ts';
export type { NewTopic, PartitionOffset } from './admin/topics.ts';
export { BrokerConnection } from './broker-connection.ts';
export { Cluster } from './cluster.ts';
export type {
  ClusterOptions,
  MetadataQuery,
  PartitionLeader,
  PartitionMetadata,
  TopicMetadata,
} from './cluster.ts';
export type { ClusterContext, ClusterState } from './cluster.machine.ts';
export {
  BrokerError,
  BufferFull,
  ClientClosed,
  ClientError,
  CodecUnavailable,
  CommitFailed,
  ConnectionLost,
  DeliveryTimedOut,
  LogTruncated,
  NoBrokerReachable,
  NoOffset,
  ProducerFenced,
  ProtocolViolation,
  RecordTooLarge,
  RequestTimedOut,
  SchemaMismatch,
  UnsupportedApi,
} from './errors.ts';
export type { ClientHost } from './host.ts';
export { murmur2, partitionOfKey } from './producer/murmur2.ts';
export type { Partitioner, PartitionerInput } from './producer/partitioner.ts';
export { Producer } from './producer/producer.ts';
export type { ProducerOptions, ProducerRecord } from './producer/producer-options.ts';
export type { Delivery, RecordMetadata } from './producer/sinks.ts';
export { listOffsets, readTopic } from './reader.ts';
export type { ReadOptions, ReadRecord, StartingPoint } from './reader.ts';
export { RETRY_DEFAULT } from './retry.ts';
export type { RetryPolicy, WaitOptions } from './retry.ts';
export type { Assignment, Assignor, Member, ToldPast } from './consumer/assignors/assignor.ts';
export type {
  AssignorName,
  ConsumerOptions,
  RebalanceListener,
} from './consumer/consumer-options.ts';
export { Consumer } from './consumer/consumer.ts';
export type { PolledBatch } from './consumer/consumer.ts';
export type { ConsumerRecord } from './consumer/fetched.ts';
export type { CommittedOffset, OffsetToCommit } from './consumer/group-coordinator.ts';
export type { StartingAt } from './consumer/partition-state.ts';
export type { TopicPartition } from './consumer/topic-partition.ts';
export { Bus, connect } from './bus/bus.ts';
export type { ConnectOptions, ConsumeOptions, OutgoingMessage } from './bus/bus.ts';
export type { Consumption, ConsumptionOptions, MessageBatch } from './bus/consumption.ts';
export type { Message } from './bus/message.ts';
export type { StandardSchema } from './bus/schema.ts';
export { serdes } from './bus/serde.ts';
export type { Serde, SerdeName } from './bus/serde.ts';
export type { BusSnapshot, BusStatus, ConsumerSnapshot, Unsubscribe } from './bus/status.ts';
export { topic } from './bus/topic.ts';
export type { Format, ReceivedAs, SentAs, Topic, TopicOptions } from './bus/topic.ts';
