/**
 * KafkaJS 2.2.4's shapes, so that code typed against them goes on to compile. `B` is what the host gives for bytes: Node's Buffer, or a
 * Uint8Array with Buffer's `toString` in a page.
 *
 * Long, because it is a list.
 */
import type {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  CompressionTypes,
  ConfigResourceTypes,
  ConfigSource,
  ResourcePatternTypes,
  adminEvents,
  consumerEvents,
  logLevel,
  producerEvents,
} from './constants.ts';
import type { DeleteGroupsResult } from './errors.ts';

/** What applications do with a message's bytes most often. */
export type TextBytes = Uint8Array & { toString(encoding?: string): string };

// ---- configuration ----

export type BrokersFunction = () => string[] | Promise<string[]>;

export interface RetryOptions {
  maxRetryTime?: number;
  initialRetryTime?: number;
  factor?: number;
  multiplier?: number;
  retries?: number;
  restartOnFailure?: (error: Error) => Promise<boolean>;
}

export interface KafkaConfig {
  brokers: string[] | BrokersFunction;
  clientId?: string;
  connectionTimeout?: number;
  requestTimeout?: number;
  enforceRequestTimeout?: boolean;
  retry?: RetryOptions;
  logLevel?: logLevel;
  logCreator?: logCreator;
  /** Refused. */
  ssl?: unknown;
  /** Refused. */
  sasl?: unknown;
  /** Without `sasl` they mean nothing. */
  authenticationTimeout?: number;
  reauthenticationThreshold?: number;
  /** Refused: the host dials. */
  socketFactory?: unknown;
}

export interface ProducerConfig {
  createPartitioner?: ICustomPartitioner;
  retry?: RetryOptions;
  metadataMaxAge?: number;
  allowAutoTopicCreation?: boolean;
  idempotent?: boolean;
  /** Refused. */
  transactionalId?: string;
  transactionTimeout?: number;
  maxInFlightRequests?: number;
}

export interface ConsumerConfig {
  groupId: string;
  partitionAssigners?: PartitionAssigner[];
  metadataMaxAge?: number;
  sessionTimeout?: number;
  rebalanceTimeout?: number;
  heartbeatInterval?: number;
  maxBytesPerPartition?: number;
  minBytes?: number;
  maxBytes?: number;
  maxWaitTimeInMs?: number;
  retry?: RetryOptions;
  allowAutoTopicCreation?: boolean;
  maxInFlightRequests?: number;
  readUncommitted?: boolean;
  rackId?: string;
}

export interface AdminConfig {
  retry?: RetryOptions;
}

// ---- logging ----

export interface LoggerEntryContent {
  readonly timestamp: string;
  readonly message: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- KafkaJS's own shape: a creator may read any field.
  [key: string]: any;
}

export interface LogEntry {
  namespace: string;
  level: logLevel;
  label: string;
  log: LoggerEntryContent;
}

export type logCreator = (level: logLevel) => (entry: LogEntry) => void;

export interface Logger {
  info: (message: string, extra?: object) => void;
  error: (message: string, extra?: object) => void;
  warn: (message: string, extra?: object) => void;
  debug: (message: string, extra?: object) => void;
  namespace: (namespace: string, level?: logLevel) => Logger;
  setLogLevel: (level: logLevel) => void;
}

// ---- events ----

export interface InstrumentationEvent<T> {
  id: string;
  type: string;
  timestamp: number;
  payload: T;
}

export type RemoveInstrumentationEventListener<T> = (() => void) & { readonly __event?: T };

export type ConnectEvent = InstrumentationEvent<null>;
export type DisconnectEvent = InstrumentationEvent<null>;

export interface RequestPayload {
  apiKey: number;
  apiName: string;
  apiVersion: number;
  broker: string;
  clientId: string;
  correlationId: number;
  createdAt: number;
  duration: number;
  pendingDuration: number;
  sentAt: number;
  size: number;
}
export type RequestEvent = InstrumentationEvent<RequestPayload>;
export type RequestTimeoutEvent = InstrumentationEvent<Omit<RequestPayload, 'duration' | 'size'>>;
export type RequestQueueSizeEvent = InstrumentationEvent<{
  broker: string;
  clientId: string;
  queueSize: number;
}>;

export interface NetworkEventTypes<
  Names extends Readonly<Record<'REQUEST' | 'REQUEST_TIMEOUT' | 'REQUEST_QUEUE_SIZE', string>>,
> {
  on(
    eventName: Names['REQUEST'],
    listener: (event: RequestEvent) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
  on(
    eventName: Names['REQUEST_TIMEOUT'],
    listener: (event: RequestTimeoutEvent) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
  on(
    eventName: Names['REQUEST_QUEUE_SIZE'],
    listener: (event: RequestQueueSizeEvent) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
}

export interface ConnectionEventTypes<
  Names extends Readonly<Record<'CONNECT' | 'DISCONNECT', string>>,
> {
  on(
    eventName: Names['CONNECT'],
    listener: (event: ConnectEvent) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
  on(
    eventName: Names['DISCONNECT'],
    listener: (event: DisconnectEvent) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
}

export interface AnyEventType<Names extends Readonly<Record<string, string>>> {
  on(
    eventName: Names[keyof Names],
    // oxlint-disable-next-line typescript/no-explicit-any -- KafkaJS's own shape.
    listener: (event: InstrumentationEvent<any>) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
}

// ---- messages ----

export interface IHeaders<B extends Uint8Array = TextBytes> {
  [key: string]: B | string | (B | string)[] | undefined;
}

export interface Message {
  key?: Uint8Array | string | null;
  value: Uint8Array | string | null;
  partition?: number;
  headers?: IHeaders<Uint8Array>;
  timestamp?: string;
}

export interface KafkaMessage<B extends Uint8Array = TextBytes> {
  key: B | null;
  value: B | null;
  timestamp: string;
  attributes: number;
  offset: string;
  headers: IHeaders<B>;
  size?: never;
}

export type RecordMetadata = {
  topicName: string;
  partition: number;
  errorCode: number;
  offset?: string;
  timestamp?: string;
  baseOffset?: string;
  logAppendTime?: string;
  logStartOffset?: string;
};

export interface ProducerRecord {
  topic: string;
  messages: Message[];
  acks?: number;
  timeout?: number;
  compression?: CompressionTypes;
}

export interface TopicMessages {
  topic: string;
  messages: Message[];
}

export interface ProducerBatch {
  acks?: number;
  timeout?: number;
  compression?: CompressionTypes;
  topicMessages?: TopicMessages[];
}

export type PartitionMetadata = {
  partitionErrorCode: number;
  partitionId: number;
  leader: number;
  replicas: number[];
  isr: number[];
  offlineReplicas?: number[];
};

export interface PartitionerArgs {
  topic: string;
  partitionMetadata: PartitionMetadata[];
  message: Message;
}

export type ICustomPartitioner = () => (args: PartitionerArgs) => number;
export type DefaultPartitioner = ICustomPartitioner;
export type LegacyPartitioner = ICustomPartitioner;

// ---- places ----

export type TopicPartition = { topic: string; partition: number };
export type TopicPartitions = { topic: string; partitions: number[] };
export type TopicPartitionOffset = TopicPartition & { offset: string };
export type TopicPartitionOffsetAndMetadata = TopicPartitionOffset & { metadata?: string | null };
export interface PartitionOffset {
  partition: number;
  offset: string;
}
export type SeekEntry = PartitionOffset;
export interface TopicOffsets {
  topic: string;
  partitions: PartitionOffset[];
}
export interface Offsets {
  topics: TopicOffsets[];
}
export interface OffsetsByTopicPartition {
  topics: TopicOffsets[];
}
export type FetchOffsetsPartition = PartitionOffset & { metadata: string | null };

// ---- producer ----

export interface Sender {
  send(record: ProducerRecord): Promise<RecordMetadata[]>;
  sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]>;
}

export type ProducerEvents = typeof producerEvents;

export type Transaction = Sender & {
  sendOffsets(offsets: Offsets & { consumerGroupId: string }): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
  isActive(): boolean;
};

export type Producer = Sender & {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  isIdempotent(): boolean;
  readonly events: ProducerEvents;
  on: (ConnectionEventTypes<ProducerEvents> &
    NetworkEventTypes<ProducerEvents> &
    AnyEventType<ProducerEvents>)['on'];
  transaction(): Promise<Transaction>;
  logger(): Logger;
};

// ---- groups ----

export type Assignment = { [topic: string]: number[] };

export type GroupMember<B extends Uint8Array = TextBytes> = {
  memberId: string;
  memberMetadata: B;
};
export type GroupMemberAssignment = { memberId: string; memberAssignment: Uint8Array };
export type GroupState = { name: string; metadata: Uint8Array };

export type Assigner<B extends Uint8Array = TextBytes> = {
  name: string;
  version: number;
  assign(group: { members: GroupMember<B>[]; topics: string[] }): Promise<GroupMemberAssignment[]>;
  protocol(subscription: { topics: string[] }): GroupState;
};

/** The part of KafkaJS's cluster that assigners ask. */
export interface AssignerCluster {
  findTopicPartitionMetadata(topic: string): PartitionMetadata[];
  getNodeIds(): number[];
  isConnected(): boolean;
}

export type PartitionAssigner = (config: {
  cluster: AssignerCluster;
  groupId: string;
  logger: Logger;
  // oxlint-disable-next-line typescript/no-explicit-any -- an assigner written for KafkaJS's Buffer fits too.
}) => Assigner<any>;

export type MemberDescription<B extends Uint8Array = TextBytes> = {
  clientHost: string;
  clientId: string;
  memberId: string;
  memberAssignment: B;
  memberMetadata: B;
};

export type ConsumerGroupState =
  | 'Unknown'
  | 'PreparingRebalance'
  | 'CompletingRebalance'
  | 'Stable'
  | 'Dead'
  | 'Empty';

export type GroupDescription<B extends Uint8Array = TextBytes> = {
  groupId: string;
  members: MemberDescription<B>[];
  protocol: string;
  protocolType: string;
  state: ConsumerGroupState;
};

export type GroupDescriptions<B extends Uint8Array = TextBytes> = {
  groups: GroupDescription<B>[];
};
export type GroupOverview = { groupId: string; protocolType: string };

// ---- consumer ----

export type ConsumerEvents = typeof consumerEvents;

interface Membership {
  groupId: string;
  memberId: string;
}
export type ConsumerHeartbeatEvent = InstrumentationEvent<
  Membership & { groupGenerationId: number }
>;
export type ConsumerCommitOffsetsEvent = InstrumentationEvent<
  Membership & { groupGenerationId: number; topics: TopicOffsets[] }
>;
export interface IMemberAssignment {
  [key: string]: number[];
}
export type ConsumerGroupJoinEvent = InstrumentationEvent<
  Membership & {
    duration: number;
    isLeader: boolean;
    leaderId: string;
    groupProtocol: string;
    memberAssignment: IMemberAssignment;
  }
>;
export type ConsumerFetchStartEvent = InstrumentationEvent<{ nodeId: number }>;
export type ConsumerFetchEvent = InstrumentationEvent<{
  numberOfBatches: number;
  duration: number;
  nodeId: number;
}>;
export interface BatchProcessPayload {
  topic: string;
  partition: number;
  highWatermark: string;
  offsetLag: string;
  offsetLagLow: string;
  batchSize: number;
  firstOffset: string;
  lastOffset: string;
}
export type ConsumerStartBatchProcessEvent = InstrumentationEvent<BatchProcessPayload>;
export type ConsumerEndBatchProcessEvent = InstrumentationEvent<
  BatchProcessPayload & { duration: number }
>;
export type ConsumerCrashEvent = InstrumentationEvent<{
  error: Error;
  groupId: string;
  restart: boolean;
}>;
export type ConsumerRebalancingEvent = InstrumentationEvent<Membership>;

export interface EachMessagePayload<B extends Uint8Array = TextBytes> {
  topic: string;
  partition: number;
  message: KafkaMessage<B>;
  heartbeat(): Promise<void>;
  pause(): () => void;
}

export type Batch<B extends Uint8Array = TextBytes> = {
  topic: string;
  partition: number;
  highWatermark: string;
  messages: KafkaMessage<B>[];
  isEmpty(): boolean;
  firstOffset(): string | null;
  lastOffset(): string;
  offsetLag(): string;
  offsetLagLow(): string;
};

export interface EachBatchPayload<B extends Uint8Array = TextBytes> {
  batch: Batch<B>;
  resolveOffset(offset: string): void;
  heartbeat(): Promise<void>;
  pause(): () => void;
  commitOffsetsIfNecessary(offsets?: Offsets): Promise<void>;
  uncommittedOffsets(): OffsetsByTopicPartition;
  isRunning(): boolean;
  isStale(): boolean;
}

export type EachBatchHandler<B extends Uint8Array = TextBytes> = (
  payload: EachBatchPayload<B>,
) => Promise<void>;
export type EachMessageHandler<B extends Uint8Array = TextBytes> = (
  payload: EachMessagePayload<B>,
) => Promise<void>;

export type ConsumerRunConfig<B extends Uint8Array = TextBytes> = {
  autoCommit?: boolean;
  autoCommitInterval?: number | null;
  autoCommitThreshold?: number | null;
  eachBatchAutoResolve?: boolean;
  partitionsConsumedConcurrently?: number;
  eachBatch?: EachBatchHandler<B>;
  eachMessage?: EachMessageHandler<B>;
};

export type ConsumerSubscribeTopic = { topic: string | RegExp; fromBeginning?: boolean };
export type ConsumerSubscribeTopics = { topics: (string | RegExp)[]; fromBeginning?: boolean };

export interface ConsumerEventTypes {
  on(
    eventName: ConsumerEvents['HEARTBEAT'],
    listener: (event: ConsumerHeartbeatEvent) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
  on(
    eventName: ConsumerEvents['COMMIT_OFFSETS'],
    listener: (event: ConsumerCommitOffsetsEvent) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
  on(
    eventName: ConsumerEvents['GROUP_JOIN'],
    listener: (event: ConsumerGroupJoinEvent) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
  on(
    eventName: ConsumerEvents['FETCH_START'],
    listener: (event: ConsumerFetchStartEvent) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
  on(
    eventName: ConsumerEvents['FETCH'],
    listener: (event: ConsumerFetchEvent) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
  on(
    eventName: ConsumerEvents['START_BATCH_PROCESS'],
    listener: (event: ConsumerStartBatchProcessEvent) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
  on(
    eventName: ConsumerEvents['END_BATCH_PROCESS'],
    listener: (event: ConsumerEndBatchProcessEvent) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
  on(
    eventName: ConsumerEvents['STOP'],
    listener: (event: InstrumentationEvent<null>) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
  on(
    eventName: ConsumerEvents['CRASH'],
    listener: (event: ConsumerCrashEvent) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
  on(
    eventName: ConsumerEvents['REBALANCING'],
    listener: (event: ConsumerRebalancingEvent) => void,
  ): RemoveInstrumentationEventListener<typeof eventName>;
}

export type Consumer<B extends Uint8Array = TextBytes> = {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  subscribe(subscription: ConsumerSubscribeTopics | ConsumerSubscribeTopic): Promise<void>;
  stop(): Promise<void>;
  run(config?: ConsumerRunConfig<B>): Promise<void>;
  commitOffsets(topicPartitions: TopicPartitionOffsetAndMetadata[]): Promise<void>;
  seek(topicPartitionOffset: TopicPartitionOffset): void;
  describeGroup(): Promise<GroupDescription<B>>;
  pause(topics: { topic: string; partitions?: number[] }[]): void;
  paused(): TopicPartitions[];
  resume(topics: { topic: string; partitions?: number[] }[]): void;
  on: (ConsumerEventTypes &
    ConnectionEventTypes<ConsumerEvents> &
    NetworkEventTypes<ConsumerEvents> &
    AnyEventType<ConsumerEvents>)['on'];
  logger(): Logger;
  readonly events: ConsumerEvents;
};

// ---- admin ----

export interface IResourceConfigEntry {
  name: string;
  value: string;
}
export interface ReplicaAssignment {
  partition: number;
  replicas: number[];
}
export interface ITopicConfig {
  topic: string;
  numPartitions?: number;
  replicationFactor?: number;
  replicaAssignment?: ReplicaAssignment[];
  configEntries?: IResourceConfigEntry[];
}
export interface ITopicPartitionConfig {
  topic: string;
  count: number;
  assignments?: number[][];
}
export interface ITopicMetadata {
  name: string;
  partitions: PartitionMetadata[];
}
export interface ResourceConfigQuery {
  type: ConfigResourceTypes;
  name: string;
  configNames?: string[];
}
export interface ConfigSynonyms {
  configName: string;
  configValue: string;
  configSource: ConfigSource;
}
export interface ConfigEntries {
  configName: string;
  configValue: string;
  isDefault: boolean;
  configSource: ConfigSource;
  isSensitive: boolean;
  readOnly: boolean;
  configSynonyms: ConfigSynonyms[];
}
export interface DescribeConfigResponse {
  resources: {
    configEntries: ConfigEntries[];
    errorCode: number;
    errorMessage: string;
    resourceName: string;
    resourceType: ConfigResourceTypes;
  }[];
  throttleTime: number;
}
export interface IResourceConfig {
  type: ConfigResourceTypes;
  name: string;
  configEntries: IResourceConfigEntry[];
}
export interface AlterConfigsResponse {
  resources: {
    errorCode: number;
    errorMessage: string | null;
    resourceName: string;
    resourceType: ConfigResourceTypes;
  }[];
}

export interface Acl {
  principal: string;
  host: string;
  operation: AclOperationTypes;
  permissionType: AclPermissionTypes;
}
export interface AclResource {
  resourceType: AclResourceTypes;
  resourceName: string;
  resourcePatternType: ResourcePatternTypes;
}
export type AclEntry = Acl & AclResource;

export type AdminEvents = typeof adminEvents;

export type Admin<B extends Uint8Array = TextBytes> = {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  listTopics(): Promise<string[]>;
  createTopics(options: {
    validateOnly?: boolean;
    waitForLeaders?: boolean;
    timeout?: number;
    topics: ITopicConfig[];
  }): Promise<boolean>;
  deleteTopics(options: { topics: string[]; timeout?: number }): Promise<void>;
  createPartitions(options: {
    validateOnly?: boolean;
    timeout?: number;
    topicPartitions: ITopicPartitionConfig[];
  }): Promise<boolean>;
  fetchTopicMetadata(options?: { topics: string[] }): Promise<{ topics: ITopicMetadata[] }>;
  fetchOffsets(options: {
    groupId: string;
    topics?: string[];
    resolveOffsets?: boolean;
  }): Promise<{ topic: string; partitions: FetchOffsetsPartition[] }[]>;
  fetchTopicOffsets(topic: string): Promise<(SeekEntry & { high: string; low: string })[]>;
  fetchTopicOffsetsByTimestamp(topic: string, timestamp?: number): Promise<SeekEntry[]>;
  describeCluster(): Promise<{
    brokers: { nodeId: number; host: string; port: number }[];
    controller: number | null;
    clusterId: string;
  }>;
  setOffsets(options: { groupId: string; topic: string; partitions: SeekEntry[] }): Promise<void>;
  resetOffsets(options: { groupId: string; topic: string; earliest: boolean }): Promise<void>;
  describeConfigs(configs: {
    resources: ResourceConfigQuery[];
    includeSynonyms: boolean;
  }): Promise<DescribeConfigResponse>;
  alterConfigs(configs: {
    validateOnly: boolean;
    resources: IResourceConfig[];
  }): Promise<AlterConfigsResponse>;
  listGroups(): Promise<{ groups: GroupOverview[] }>;
  deleteGroups(groupIds: string[]): Promise<DeleteGroupsResult[]>;
  describeGroups(groupIds: string[]): Promise<GroupDescriptions<B>>;
  deleteTopicRecords(options: { topic: string; partitions: SeekEntry[] }): Promise<void>;
  /** Refused, as the four that follow are. */
  describeAcls(options: unknown): Promise<never>;
  deleteAcls(options: unknown): Promise<never>;
  createAcls(options: unknown): Promise<never>;
  alterPartitionReassignments(request: unknown): Promise<never>;
  listPartitionReassignments(request: unknown): Promise<never>;
  logger(): Logger;
  on: (ConnectionEventTypes<AdminEvents> &
    NetworkEventTypes<AdminEvents> &
    AnyEventType<AdminEvents>)['on'];
  readonly events: AdminEvents;
};

// ---- encodings of the group's protocol ----

export interface ISerializer<T, B extends Uint8Array = TextBytes> {
  encode(value: T): B;
  decode(buffer: Uint8Array): T | null;
}
export type MemberMetadata<B extends Uint8Array = TextBytes> = {
  version: number;
  topics: string[];
  userData: B;
};
export type MemberAssignment<B extends Uint8Array = TextBytes> = {
  version: number;
  assignment: Assignment;
  userData: B;
};
