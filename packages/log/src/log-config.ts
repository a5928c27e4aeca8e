/**
 * Kafka's topic-level settings that a log heeds, under their own names in camelCase, units last. -1 means "no limit" where
 * Kafka says so; "for ever" (Java's Long.MAX_VALUE) is NEVER, a number that JSON can hold.
 */
import type { CompressionName } from '@odradek/ports';

export type CleanupPolicy = 'delete' | 'compact';
export type TimestampType = 'CreateTime' | 'LogAppendTime';
/** 'producer': kept as sent. */
export type TopicCompression = 'producer' | 'uncompressed' | CompressionName;

export interface LogConfig {
  /** segment.bytes: a segment that would grow beyond is rolled; no append may be larger. */
  readonly segmentBytes: number;
  /** segment.ms, by the records' timestamps. */
  readonly segmentMs: number;
  /** segment.jitter.ms: up to so much earlier, so that not all segments roll at once. */
  readonly segmentJitterMs: number;
  /** segment.index.bytes: how large an index may be; a full one rolls the segment. */
  readonly segmentIndexBytes: number;
  /** index.interval.bytes */
  readonly indexIntervalBytes: number;
  /** retention.ms, -1 for ever. */
  readonly retentionMs: number;
  /** retention.bytes, -1 no limit. */
  readonly retentionBytes: number;
  /** cleanup.policy; neither keeps everything. */
  readonly cleanupPolicy: readonly CleanupPolicy[];
  /** min.cleanable.dirty.ratio */
  readonly minCleanableDirtyRatio: number;
  /** min.compaction.lag.ms */
  readonly minCompactionLagMs: number;
  /** max.compaction.lag.ms */
  readonly maxCompactionLagMs: number;
  /** delete.retention.ms: how long tombstones and transaction markers outlive their first cleaning. */
  readonly deleteRetentionMs: number;
  /** file.delete.delay.ms: between a segment's leaving the log and its files' leaving the disk. */
  readonly fileDeleteDelayMs: number;
  /** max.message.bytes: the largest batch, compressed. */
  readonly maxMessageBytes: number;
  /** message.timestamp.type */
  readonly messageTimestampType: TimestampType;
  /** message.timestamp.before.max.ms */
  readonly messageTimestampBeforeMaxMs: number;
  /** message.timestamp.after.max.ms */
  readonly messageTimestampAfterMaxMs: number;
  /** compression.type */
  readonly compressionType: TopicCompression;
  /**
   * flush.messages. 1: an append is acknowledged when it is flushed, many by one flush. More: acknowledged when it is written
   * (the system's page cache may lose it with the machine), flushed after so many messages.
   */
  readonly flushMessages: number;
  /** flush.ms: a message is flushed after so long at the latest. */
  readonly flushMs: number;
  /** Taken for compatibility. Measured: reserving space gains nothing. */
  readonly preallocate: boolean;
}

/** Java's Long.MAX_VALUE: for ever, no limit. */
export const NEVER = Number.MAX_SAFE_INTEGER;

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** Kafka 4.2's, but for flushMessages. */
export const defaultLogConfig: LogConfig = {
  segmentBytes: 1024 * 1024 * 1024,
  segmentMs: 7 * DAY_MS,
  segmentJitterMs: 0,
  segmentIndexBytes: 10 * 1024 * 1024,
  indexIntervalBytes: 4096,
  retentionMs: 7 * DAY_MS,
  retentionBytes: -1,
  cleanupPolicy: ['delete'],
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: NEVER,
  deleteRetentionMs: DAY_MS,
  fileDeleteDelayMs: 60 * 1000,
  maxMessageBytes: 1024 * 1024 + 12,
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: NEVER,
  messageTimestampAfterMaxMs: HOUR_MS,
  compressionType: 'producer',
  flushMessages: 1,
  flushMs: NEVER,
  preallocate: false,
};

export const isCompacted = (config: LogConfig): boolean => config.cleanupPolicy.includes('compact');
export const isDeleted = (config: LogConfig): boolean => config.cleanupPolicy.includes('delete');

/** A compacted topic rolls no later than its longest compaction lag, since an active segment is never cleaned (KIP-354). */
export function maxSegmentMs(config: LogConfig): number {
  return isCompacted(config) && config.maxCompactionLagMs > 0
    ? Math.min(config.maxCompactionLagMs, config.segmentMs)
    : config.segmentMs;
}
