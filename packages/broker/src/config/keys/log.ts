/** How logs are kept: segments, flushing, retention, compaction, times. Most are defaults for a topic's own keys (topic-keys.ts). */
import {
  UNLIMITED,
  atLeast,
  between,
  boolean,
  double,
  int,
  list,
  listOf,
  long,
  unlimitedOrPositive,
  word,
} from '../key.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const CODEC_WORDS = ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

export const logKeys = {
  'log.dir': list(['.odradek'], {
    importance: 'high',
    valid: listOf([], { mayBeEmpty: false }),
    doc: 'The data folder, when log.dirs is not set.',
  }),
  'log.dirs': list([], {
    importance: 'high',
    valid: listOf([], { mayBeEmpty: false }),
    fallbacks: [{ key: 'log.dir', factor: 1 }],
    doc: 'The data folder. This version keeps everything in one.',
  }),

  'log.segment.bytes': int(1024 ** 3, {
    importance: 'high',
    updateMode: 'cluster-wide',
    valid: atLeast(1024 ** 2),
    doc: 'A segment file that would pass this size is closed and a new one begun. Only closed segments are deleted or compacted.',
  }),
  'log.roll.ms': long(7 * DAY_MS, {
    importance: 'high',
    updateMode: 'cluster-wide',
    valid: atLeast(1),
    fallbacks: [{ key: 'log.roll.hours', factor: HOUR_MS }],
    doc: 'A segment older than this is closed even if it is small.',
  }),
  'log.roll.hours': int(168, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'log.roll.ms in hours.',
  }),
  'log.roll.jitter.ms': long(0, {
    importance: 'high',
    updateMode: 'cluster-wide',
    valid: atLeast(0),
    fallbacks: [{ key: 'log.roll.jitter.hours', factor: HOUR_MS }],
    doc: 'Up to so much, by chance, is taken off log.roll.ms, so that many segments do not close at once.',
  }),
  'log.roll.jitter.hours': int(0, {
    importance: 'high',
    valid: atLeast(0),
    doc: 'log.roll.jitter.ms in hours.',
  }),
  'log.index.size.max.bytes': int(10 * 1024 ** 2, {
    updateMode: 'cluster-wide',
    valid: atLeast(4),
    doc: 'A segment whose offset index would pass this size is closed.',
  }),
  'log.index.interval.bytes': int(4096, {
    updateMode: 'cluster-wide',
    valid: atLeast(0),
    doc: 'About how many bytes of log lie between two entries of the offset index.',
  }),

  'log.flush.interval.messages': long(1, {
    importance: 'high',
    updateMode: 'cluster-wide',
    valid: atLeast(1),
    doc: "After so many records the log is flushed, and they are acknowledged only then: 1, our default, means that what is acknowledged is on the disk (appends that wait together share one flush). Kafka's default is 9223372036854775807: acknowledge from memory and leave the disk to the system.",
  }),
  'log.flush.interval.ms': long(UNLIMITED, {
    importance: 'high',
    updateMode: 'cluster-wide',
    valid: atLeast(0),
    fallbacks: [{ key: 'log.flush.scheduler.interval.ms', factor: 1 }],
    doc: 'The longest that a record stays unflushed.',
  }),
  'log.flush.scheduler.interval.ms': long(UNLIMITED, {
    importance: 'high',
    doc: 'Gives log.flush.interval.ms when that is not set.',
  }),
  'log.flush.offset.checkpoint.interval.ms': int(60_000, {
    importance: 'high',
    valid: atLeast(0),
    doc: 'How often the recovery points are written; recovery after a crash reads from there.',
  }),

  'log.retention.ms': long(7 * DAY_MS, {
    importance: 'high',
    updateMode: 'cluster-wide',
    valid: unlimitedOrPositive,
    fallbacks: [
      { key: 'log.retention.minutes', factor: 60_000 },
      { key: 'log.retention.hours', factor: HOUR_MS },
    ],
    doc: 'Segments whose newest record is older are deleted, where the policy is delete; -1 for never.',
  }),
  'log.retention.minutes': int(null, {
    importance: 'high',
    doc: 'log.retention.ms in minutes; goes before hours.',
  }),
  'log.retention.hours': int(168, { importance: 'high', doc: 'log.retention.ms in hours.' }),
  'log.retention.bytes': long(-1, {
    importance: 'high',
    updateMode: 'cluster-wide',
    doc: 'Old segments are deleted while a partition stays at least so large; -1 for no limit.',
  }),
  'log.retention.check.interval.ms': long(300_000, {
    valid: atLeast(1),
    doc: 'How often retention looks for segments to delete.',
  }),
  'log.segment.delete.delay.ms': long(60_000, {
    importance: 'high',
    updateMode: 'cluster-wide',
    valid: atLeast(0),
    doc: 'How long the files of a deleted segment stay, for readers that are still in them.',
  }),

  'log.cleanup.policy': list(['delete'], {
    updateMode: 'cluster-wide',
    valid: listOf(['compact', 'delete'], { mayBeEmpty: true }),
    doc: 'delete: old segments go, by time and size. compact: of each key the last record stays. Both may be named.',
  }),
  'log.cleaner.enable': boolean(true, { doc: 'Whether compaction runs at all.' }),
  'log.cleaner.backoff.ms': long(15_000, {
    updateMode: 'cluster-wide',
    valid: atLeast(0),
    doc: 'How long compaction rests when nothing needs it.',
  }),
  'log.cleaner.dedupe.buffer.size': long(128 * 1024 ** 2, {
    updateMode: 'cluster-wide',
    valid: atLeast(1024 ** 2),
    doc: 'Memory for the table of keys while a log is compacted.',
  }),
  'log.cleaner.min.cleanable.ratio': double(0.5, {
    updateMode: 'cluster-wide',
    valid: between(0, 1),
    doc: 'The part of a log that must be new since the last compaction before it is compacted again.',
  }),
  'log.cleaner.delete.retention.ms': long(DAY_MS, {
    updateMode: 'cluster-wide',
    valid: atLeast(0),
    doc: 'How long a tombstone stays after compaction has met it, so that a slow reader learns of the deletion.',
  }),
  'log.cleaner.min.compaction.lag.ms': long(0, {
    updateMode: 'cluster-wide',
    valid: atLeast(0),
    doc: 'A record younger than this is not compacted away.',
  }),
  'log.cleaner.max.compaction.lag.ms': long(UNLIMITED, {
    updateMode: 'cluster-wide',
    valid: atLeast(1),
    doc: 'A record older than this makes its log due for compaction, whatever the ratio.',
  }),

  'log.message.timestamp.type': word('CreateTime', ['CreateTime', 'LogAppendTime'], {
    updateMode: 'cluster-wide',
    doc: "Whose time a record bears: the producer's, or the broker's at the append.",
  }),
  'log.message.timestamp.before.max.ms': long(UNLIMITED, {
    updateMode: 'cluster-wide',
    valid: atLeast(0),
    doc: "A record whose time lies further behind the broker's clock is refused (CreateTime only).",
  }),
  'log.message.timestamp.after.max.ms': long(HOUR_MS, {
    updateMode: 'cluster-wide',
    valid: atLeast(0),
    doc: "A record whose time lies further ahead of the broker's clock is refused (CreateTime only).",
  }),

  'message.max.bytes': int(1024 ** 2 + 12, {
    importance: 'high',
    updateMode: 'cluster-wide',
    valid: atLeast(0),
    doc: 'The largest batch that is taken, as it comes, compressed or not.',
  }),
  'compression.type': word('producer', CODEC_WORDS, {
    importance: 'high',
    updateMode: 'cluster-wide',
    doc: 'How batches are kept: as the producer sent them (producer), uncompressed, or in one codec.',
  }),
  'producer.id.expiration.ms': int(86_400_000, {
    importance: 'low',
    updateMode: 'cluster-wide',
    valid: atLeast(1),
    doc: 'How long a partition remembers an idempotent producer that sends nothing.',
  }),
} as const;
