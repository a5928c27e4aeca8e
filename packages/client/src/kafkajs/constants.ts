/** The numbers that applications name: KafkaJS's constants, as plain objects whose types stand where its enums stood. */
import type { CompressionName } from '@odradek/protocol';

type Values<T> = T[keyof T];

export const logLevel = { NOTHING: 0, ERROR: 1, WARN: 2, INFO: 4, DEBUG: 5 } as const;
export type logLevel = Values<typeof logLevel>;

export const CompressionTypes = { None: 0, GZIP: 1, Snappy: 2, LZ4: 3, ZSTD: 4 } as const;
export type CompressionTypes = Values<typeof CompressionTypes>;

/**
 * Where applications put KafkaJS's plug-ins for Snappy, LZ4 and ZSTD. All four codecs are built in here: what is put there is taken and not
 * used, so that such a line may stay.
 */
export const CompressionCodecs: Record<number, unknown> = {
  get [CompressionTypes.GZIP]() {
    return undefined;
  },
  set [CompressionTypes.GZIP](_codec) {},
  get [CompressionTypes.Snappy]() {
    return undefined;
  },
  set [CompressionTypes.Snappy](_codec) {},
  get [CompressionTypes.LZ4]() {
    return undefined;
  },
  set [CompressionTypes.LZ4](_codec) {},
  get [CompressionTypes.ZSTD]() {
    return undefined;
  },
  set [CompressionTypes.ZSTD](_codec) {},
};

export const ConfigResourceTypes = {
  UNKNOWN: 0,
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
} as const;
export type ConfigResourceTypes = Values<typeof ConfigResourceTypes>;

export const ConfigSource = {
  UNKNOWN: 0,
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
} as const;
export type ConfigSource = Values<typeof ConfigSource>;

export const AclResourceTypes = {
  UNKNOWN: 0,
  ANY: 1,
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
} as const;
export type AclResourceTypes = Values<typeof AclResourceTypes>;

export const AclPermissionTypes = { UNKNOWN: 0, ANY: 1, DENY: 2, ALLOW: 3 } as const;
export type AclPermissionTypes = Values<typeof AclPermissionTypes>;

export const AclOperationTypes = {
  UNKNOWN: 0,
  ANY: 1,
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
} as const;
export type AclOperationTypes = Values<typeof AclOperationTypes>;

export const ResourcePatternTypes = {
  UNKNOWN: 0,
  ANY: 1,
  MATCH: 2,
  LITERAL: 3,
  PREFIXED: 4,
} as const;
export type ResourcePatternTypes = Values<typeof ResourcePatternTypes>;

/** By compression type; none is undefined. */
export const CODEC_NAMES: readonly (CompressionName | undefined)[] = [
  undefined,
  'gzip',
  'snappy',
  'lz4',
  'zstd',
];

/** What KafkaJS's offsets say instead of a place. */
export const LATEST_OFFSET = -1;
export const EARLIEST_OFFSET = -2;

export const producerEvents = {
  CONNECT: 'producer.connect',
  DISCONNECT: 'producer.disconnect',
  REQUEST: 'producer.network.request',
  REQUEST_TIMEOUT: 'producer.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'producer.network.request_queue_size',
} as const;

export const adminEvents = {
  CONNECT: 'admin.connect',
  DISCONNECT: 'admin.disconnect',
  REQUEST: 'admin.network.request',
  REQUEST_TIMEOUT: 'admin.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'admin.network.request_queue_size',
} as const;

export const consumerEvents = {
  HEARTBEAT: 'consumer.heartbeat',
  COMMIT_OFFSETS: 'consumer.commit_offsets',
  GROUP_JOIN: 'consumer.group_join',
  FETCH: 'consumer.fetch',
  FETCH_START: 'consumer.fetch_start',
  START_BATCH_PROCESS: 'consumer.start_batch_process',
  END_BATCH_PROCESS: 'consumer.end_batch_process',
  CONNECT: 'consumer.connect',
  DISCONNECT: 'consumer.disconnect',
  STOP: 'consumer.stop',
  CRASH: 'consumer.crash',
  REBALANCING: 'consumer.rebalancing',
  RECEIVED_UNSUBSCRIBED_TOPICS: 'consumer.received_unsubscribed_topics',
  REQUEST: 'consumer.network.request',
  REQUEST_TIMEOUT: 'consumer.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'consumer.network.request_queue_size',
} as const;
