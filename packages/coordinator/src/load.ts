/**
 * Reads a partition of __consumer_offsets from its first batch on. Records that this version does not know (newer ones, other kinds of
 * groups) are passed over and counted, so that a log that a newer Kafka wrote still gives its classic groups.
 */
import { batchesIn, MalformedFrame, recordsIn } from '@odradek/protocol';
import type { BatchView } from '@odradek/protocol';
import type { Compression, Logger } from '@odradek/ports';
import { decodeRecord } from './records/records.ts';
import type { CoordinatorRecord } from './records/records.ts';

/** One batch decompressed. Offsets of thousands of partitions fit. */
const DECOMPRESSED_BATCH_BYTES_MAX = 64 * 1024 * 1024;

export interface LoadOptions {
  readonly compression: Compression;
  readonly logger: Logger;
  replay(record: CoordinatorRecord): void;
  /** Asked between batches; false ends the reading. */
  isWanted(): boolean;
}

/** True when the log was read to its end. */
export async function replayLog(
  batches: AsyncIterable<Uint8Array>,
  options: LoadOptions,
): Promise<boolean> {
  const passedOver = new Map<string, number>();
  for await (const bytes of batches) {
    if (!options.isWanted()) return false;
    for (const batch of batchesIn(bytes)) replayBatch(batch, options, passedOver);
  }
  for (const [reason, records] of passedOver)
    options.logger.warn('records passed over', { reason, records });
  return options.isWanted();
}

function replayBatch(
  batch: BatchView,
  { compression, logger, replay }: LoadOptions,
  passedOver: Map<string, number>,
): void {
  if (batch.isControl) return;
  const pass = (reason: string, records = 1): void =>
    void passedOver.set(reason, (passedOver.get(reason) ?? 0) + records);
  // Offsets that a transaction commits count from its end on only; transactions are not coordinated yet.
  if (batch.isTransactional) return pass('transactional offsets', batch.recordCount);
  const decompress = (
    codec: Parameters<Compression['decompress']>[0],
    bytes: Uint8Array,
    limitBytes: number,
  ): Uint8Array => compression.decompress(codec, bytes, limitBytes);
  for (const { key, value, offset } of recordsIn(batch, decompress, DECOMPRESSED_BATCH_BYTES_MAX)) {
    if (key === null) {
      pass('no key');
      continue;
    }
    try {
      const record = decodeRecord(key, value);
      if (record.type === 'unknown') pass(record.reason);
      else replay(record);
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      logger.error('a record that cannot be read is passed over', { offset, error });
    }
  }
}
