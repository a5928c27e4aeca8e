export { Admin } from './admin.ts';
export type { NewTopic, TopicConfigEntry } from './admin.ts';
export { BrokerConnection } from './broker-connection.ts';
export { Cluster } from './cluster.ts';
export type { ClusterOptions, MetadataQuery, PartitionMetadata, TopicMetadata } from './cluster.ts';
export {
  BrokerError,
  ClientClosed,
  ClientError,
  ConnectionLost,
  NoBrokerReachable,
  ProtocolViolation,
  RequestTimedOut,
  UnsupportedApi,
} from './errors.ts';
export type { ClientHost } from './host.ts';
export { murmur2, partitionOfKey } from './murmur2.ts';
export { Producer } from './producer.ts';
export type { Delivery, ProducerOptions, ProducerRecord } from './producer.ts';
export { listOffsets, readTopic } from './reader.ts';
export type { ReadOptions, ReadRecord, StartingPoint } from './reader.ts';
export { RETRY_DEFAULT } from './retry.ts';
export type { RetryPolicy } from './retry.ts';
