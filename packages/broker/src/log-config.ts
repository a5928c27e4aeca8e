/** From Kafka's keys to the log's own names for them. */
import type { LogConfig } from '@odradek/log';
import type { TopicConfig } from './config/index.ts';

export const logConfigOf = (topic: TopicConfig): LogConfig => ({
  segmentBytes: topic['segment.bytes'],
  segmentMs: topic['segment.ms'],
  segmentJitterMs: topic['segment.jitter.ms'],
  segmentIndexBytes: topic['segment.index.bytes'],
  indexIntervalBytes: topic['index.interval.bytes'],
  retentionMs: topic['retention.ms'],
  retentionBytes: topic['retention.bytes'],
  cleanupPolicy: topic['cleanup.policy'] as LogConfig['cleanupPolicy'],
  minCleanableDirtyRatio: topic['min.cleanable.dirty.ratio'],
  minCompactionLagMs: topic['min.compaction.lag.ms'],
  maxCompactionLagMs: topic['max.compaction.lag.ms'],
  deleteRetentionMs: topic['delete.retention.ms'],
  fileDeleteDelayMs: topic['file.delete.delay.ms'],
  maxMessageBytes: topic['max.message.bytes'],
  messageTimestampType: topic['message.timestamp.type'],
  messageTimestampBeforeMaxMs: topic['message.timestamp.before.max.ms'],
  messageTimestampAfterMaxMs: topic['message.timestamp.after.max.ms'],
  compressionType: topic['compression.type'] as LogConfig['compressionType'],
  flushMessages: topic['flush.messages'],
  flushMs: topic['flush.ms'],
  preallocate: topic.preallocate,
});

/** The metadata log is flushed before anything that rests on it is told; it is never cut by age or size, only by snapshots. */
export const metadataLogConfig = (base: LogConfig): LogConfig => ({
  ...base,
  segmentBytes: 64 * 1024 * 1024,
  retentionMs: -1,
  retentionBytes: -1,
  cleanupPolicy: ['delete'],
  maxMessageBytes: 16 * 1024 * 1024,
  messageTimestampType: 'CreateTime',
  compressionType: 'producer',
  flushMessages: 1,
});
