/**
 * What OffsetCommit, OffsetDelete, deletion of groups and topics, and time do to committed offsets: the records to append, and the
 * reply once their fate is known. Nothing is done here.
 */
import { ErrorCode, ZERO_UUID } from '@odradek/protocol';
import type { GroupConfig } from './config.ts';
import type { CoordinatorHost } from './host.ts';
import type {
  OffsetCommitReply,
  OffsetCommitRequest,
  OffsetDeleteReply,
  OffsetDeleteRequest,
} from './messages.ts';
import type { TopicOffsets } from './offsets-image.ts';
import type { CommittedOffset, OffsetCommitRecord } from './records/records.ts';

export interface OffsetDecision<Reply> {
  readonly records: readonly OffsetCommitRecord[];
  /** The reply when the append came to this; each partition that was refused at once keeps its own code. */
  replyAfter(appendError: ErrorCode): Reply;
}

type Topics = Pick<CoordinatorHost, 'topicExists' | 'topicName'>;
type CommittedPartition = OffsetCommitRequest['topics'][number]['partitions'][number];

/** OffsetCommit v2-4: keep as long as the broker sees fit. */
const DEFAULT_RETENTION_MS = -1;
const NO_EXPIRY = -1;

export function decideCommit(
  request: OffsetCommitRequest,
  topics: Topics,
  config: GroupConfig,
  nowMs: number,
): OffsetDecision<OffsetCommitReply> {
  const { groupId, retentionTimeMs } = request;
  const expireTimestampMs =
    retentionTimeMs === DEFAULT_RETENTION_MS
      ? NO_EXPIRY
      : Math.max(0, Math.min(nowMs + retentionTimeMs, Number.MAX_SAFE_INTEGER));
  const records: OffsetCommitRecord[] = [];
  const results = request.topics.map(({ name, topicId, partitions }) => {
    const topic = topicId === ZERO_UUID ? name : topics.topicName(topicId);
    return {
      name: topic ?? name,
      topicId,
      partitions: partitions.map((partition) => {
        const { partitionIndex } = partition;
        const errorCode =
          topic === undefined
            ? ErrorCode.UNKNOWN_TOPIC_ID
            : refusalOf(topic, partition, topics, config);
        if (topic !== undefined && errorCode === ErrorCode.NONE) {
          const value = committedOffset(partition, topicId, nowMs, expireTimestampMs);
          records.push({ type: 'offsetCommit', groupId, topic, partition: partitionIndex, value });
        }
        return { partitionIndex, errorCode };
      }),
    };
  });
  return {
    records,
    replyAfter: (appendError) => ({ topics: withAppendError(results, appendError) }),
  };
}

function refusalOf(
  topic: string,
  partition: CommittedPartition,
  topics: Topics,
  config: GroupConfig,
): ErrorCode {
  if (!topics.topicExists(topic, partition.partitionIndex))
    return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  if ((partition.committedMetadata?.length ?? 0) > config.offsetMetadataMaxBytes)
    return ErrorCode.OFFSET_METADATA_TOO_LARGE;
  // No log has such offsets, and we could not keep them exactly.
  if (!Number.isSafeInteger(partition.committedOffset)) return ErrorCode.OFFSET_OUT_OF_RANGE;
  return ErrorCode.NONE;
}

function committedOffset(
  partition: CommittedPartition,
  topicId: CommittedOffset['topicId'],
  commitTimestampMs: number,
  expireTimestampMs: number,
): CommittedOffset {
  const { committedOffset: offset, committedLeaderEpoch, committedMetadata } = partition;
  const kept = { offset, metadata: committedMetadata ?? '', commitTimestampMs, expireTimestampMs };
  // The version of the record that can say when it expires can say no more.
  return expireTimestampMs === NO_EXPIRY
    ? { ...kept, leaderEpoch: committedLeaderEpoch, topicId }
    : { ...kept, leaderEpoch: -1, topicId: ZERO_UUID };
}

interface PartitionResult {
  readonly partitionIndex: number;
  readonly errorCode: ErrorCode;
}

function withAppendError<Topic extends { readonly partitions: readonly PartitionResult[] }>(
  topics: readonly Topic[],
  appendError: ErrorCode,
): readonly Topic[] {
  if (appendError === ErrorCode.NONE) return topics;
  return topics.map((topic) => ({
    ...topic,
    partitions: topic.partitions.map(({ partitionIndex, errorCode }) => ({
      partitionIndex,
      errorCode: errorCode === ErrorCode.NONE ? appendError : errorCode,
    })),
  }));
}

export function decideOffsetDelete(
  request: OffsetDeleteRequest,
  topics: Topics,
  isSubscribedTo: (topic: string) => boolean,
  hasOffset: (topic: string, partition: number) => boolean,
): OffsetDecision<OffsetDeleteReply> {
  const records: OffsetCommitRecord[] = [];
  const results = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => {
      if (!topics.topicExists(name, partitionIndex))
        return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
      if (isSubscribedTo(name))
        return { partitionIndex, errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC };
      if (hasOffset(name, partitionIndex))
        records.push(tombstone(request.groupId, name, partitionIndex));
      return { partitionIndex, errorCode: ErrorCode.NONE };
    }),
  }));
  return {
    records,
    replyAfter: (appendError) =>
      appendError === ErrorCode.NONE
        ? { errorCode: ErrorCode.NONE, topics: results }
        : { errorCode: appendError, topics: [] },
  };
}

export function tombstone(groupId: string, topic: string, partition: number): OffsetCommitRecord {
  return { type: 'offsetCommit', groupId, topic, partition, value: null };
}

/** What a group's offsets expire by (KIP-211). */
export interface ExpiryRule {
  readonly retentionMs: number;
  readonly nowMs: number;
  /** Since when the group has nobody left; undefined: each offset counts from its own commit. */
  readonly emptySinceMs: number | undefined;
  isSubscribedTo(topic: string): boolean;
}

/** The tombstones of what has expired, and whether anything of the group's is left. */
export function decideExpiry(
  groupId: string,
  offsets: TopicOffsets,
  rule: ExpiryRule,
): { readonly records: readonly OffsetCommitRecord[]; readonly isAll: boolean } {
  const records: OffsetCommitRecord[] = [];
  let left = 0;
  for (const [topic, partitions] of offsets) {
    if (rule.isSubscribedTo(topic)) {
      left += partitions.size;
      continue;
    }
    for (const [partition, committed] of partitions) {
      if (hasExpired(committed, rule)) records.push(tombstone(groupId, topic, partition));
      else left++;
    }
  }
  return { records, isAll: left === 0 };
}

function hasExpired(
  { commitTimestampMs, expireTimestampMs }: CommittedOffset,
  { retentionMs, nowMs, emptySinceMs }: ExpiryRule,
): boolean {
  if (expireTimestampMs !== NO_EXPIRY) return nowMs >= expireTimestampMs;
  return nowMs - (emptySinceMs ?? commitTimestampMs) >= retentionMs;
}
