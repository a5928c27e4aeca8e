export type {
  AppendAsLeaderOptions,
  AppendOutcome,
  AppendRefusal,
  AppendedRange,
} from './append.ts';
export {
  decodeLeaderEpochs,
  decodeOffsetCheckpoints,
  decodePartitionMetadata,
  encodeLeaderEpochs,
  encodeOffsetCheckpoints,
  encodePartitionMetadata,
} from './checkpoints.ts';
export type { OffsetCheckpoint } from './checkpoints.ts';
export type { CompactionNeed, CompactionOptions, CompactionOutcome } from './cleaner/compaction.ts';
export { InconsistentTopicIdError, LogClosedError, LogCorruptError } from './errors.ts';
export type { LogEnd } from './errors.ts';
export { UNDEFINED_EPOCH_END } from './leader-epochs.ts';
export type { EpochEnd, EpochStart } from './leader-epochs.ts';
export { PENDING_BYTES_MAX } from './limits.ts';
export { NEVER, defaultLogConfig } from './log-config.ts';
export type { CleanupPolicy, LogConfig, TimestampType, TopicCompression } from './log-config.ts';
export type { FoundOffset } from './lookup.ts';
export { INCOMPLETE, folderOf, segmentFile } from './names.ts';
export { PartitionLog } from './partition-log.ts';
export type { LogOptions, ProducerDescription } from './partition-log.ts';
export type { AppendOrigin } from './producer-state.ts';
export type { ReadOptions, ReadResult } from './reader.ts';
export { LogResources } from './resources.ts';
export type { LogResourcesOptions } from './resources.ts';
export type { RetentionOutcome } from './retention.ts';
export type { AbortedTransaction } from './transaction-index.ts';
