export { BatchView, incrementSequence } from './batch-view.ts';
export { batchesIn, completeBatchesBytes } from './batches.ts';
export { buildBatch } from './build-batch.ts';
export type { BatchInput, HeaderInput, RecordInput } from './build-batch.ts';
export { endTxnMarker, parseEndTxnMarker } from './control-records.ts';
export type { EndTxnKind, EndTxnMarker } from './control-records.ts';
export type { Compress, CompressionName, Decompress } from './codecs.ts';
export {
  BATCH_HEADER_BYTES,
  LENGTH_OVERHEAD_BYTES,
  MAGIC_V2,
  NO_SEQUENCE,
  NO_TIMESTAMP_MS,
} from './layout.ts';
export { MalformedBatch } from './malformed-batch.ts';
export { recordsIn } from './records-in.ts';
export type { RecordHeader, RecordView } from './records-in.ts';
export {
  isCrcValid,
  setBaseOffset,
  setLeaderEpoch,
  setLogAppendTime,
  setMaxTimestamp,
} from './stamps.ts';
export { RECORD_ERRORS_MAX, validateBatch } from './validate-batch.ts';
export type {
  BatchAcceptance,
  BatchRefusal,
  BatchValidation,
  RecordError,
  ValidationOptions,
} from './validate-batch.ts';
export { filterBatch } from './filter-batch.ts';
export type { FilteredBatch, FilterOptions } from './filter-batch.ts';
