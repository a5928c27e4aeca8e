/** What a coordinator is configured with: Kafka's keys and defaults, and limits of our own on what Kafka leaves unbounded. */

/** Kafka's configuration, key by key. */
export interface GroupConfig {
  /** group.min.session.timeout.ms */
  readonly minSessionTimeoutMs: number;
  /** group.max.session.timeout.ms */
  readonly maxSessionTimeoutMs: number;
  /** group.initial.rebalance.delay.ms: how long an empty group waits for more members after its first. */
  readonly initialRebalanceDelayMs: number;
  /** group.max.size: members in a group. */
  readonly groupMaxSize: number;
  /** offsets.retention.minutes */
  readonly offsetsRetentionMinutes: number;
  /** offsets.retention.check.interval.ms */
  readonly offsetsRetentionCheckIntervalMs: number;
  /** offset.metadata.max.bytes; as in Kafka it counts UTF-16 units. */
  readonly offsetMetadataMaxBytes: number;
  /** offsets.topic.num.partitions: fixed once the topic exists, because it decides where a group lives. */
  readonly offsetsTopicPartitions: number;
  /** offsets.commit.timeout.ms: how long an answer waits for its records to be committed. */
  readonly offsetsCommitTimeoutMs: number;
  readonly limits: GroupLimits;
}

export interface GroupLimits {
  /** Groups with something in the log, on one broker; and as many that live in memory alone. Beyond: GROUP_MAX_SIZE_REACHED. */
  readonly groupsMax: number;
  /** Member ids of one group that were handed out and are not used yet (MEMBER_ID_REQUIRED). Beyond: GROUP_MAX_SIZE_REACHED. */
  readonly pendingJoinsMax: number;
  /** Names and metadata of all protocols in one JoinGroup. Beyond: INVALID_REQUEST. */
  readonly memberMetadataBytesMax: number;
  /** Appends of one partition whose outcome is not known. Beyond: COORDINATOR_NOT_AVAILABLE, which clients try again. */
  readonly appendsInFlightMax: number;
  /** Tombstones in one batch, when a group, a topic or time removes many offsets. */
  readonly tombstonesPerBatchMax: number;
}

export const defaultGroupLimits: GroupLimits = {
  groupsMax: 100_000,
  pendingJoinsMax: 10_000,
  memberMetadataBytesMax: 1024 * 1024,
  appendsInFlightMax: 10_000,
  tombstonesPerBatchMax: 1000,
};

export const defaultGroupConfig: GroupConfig = {
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 1_800_000,
  initialRebalanceDelayMs: 3_000,
  groupMaxSize: 2_147_483_647,
  offsetsRetentionMinutes: 7 * 24 * 60,
  offsetsRetentionCheckIntervalMs: 600_000,
  offsetMetadataMaxBytes: 4_096,
  offsetsTopicPartitions: 50,
  offsetsCommitTimeoutMs: 5_000,
  limits: defaultGroupLimits,
};

/** A new member cannot send heartbeats before it knows its id. If its JoinGroup waits longer than this, its client is taken for gone. */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000;

/** The longest delay that the timers of all hosts take; longer ones are waited for in turns. */
export const TIMER_DELAY_MS_MAX = 0x7fffffff;
