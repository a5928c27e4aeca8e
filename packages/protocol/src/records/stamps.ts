/**
 * What a broker writes into a batch that it keeps as the producer sent it. Base offset and leader epoch lie outside the
 * checksum; timestamps lie inside, and writing one costs a pass over the batch.
 */
import type { Crc32c } from '../crc32c/crc32c.ts';
import type { LeaderEpoch, Offset } from '../ids.ts';
import type { BatchView } from './batch-view.ts';
import * as at from './layout.ts';
import { writeInt16, writeInt32, writeInt64 } from './layout.ts';

export function setBaseOffset(batch: BatchView, baseOffset: Offset): void {
  writeInt64(batch.bytes, batch.start + at.BASE_OFFSET_AT, baseOffset);
}

export function setLeaderEpoch(batch: BatchView, epoch: LeaderEpoch): void {
  writeInt32(batch.bytes, batch.start + at.LEADER_EPOCH_AT, epoch);
}

/** message.timestamp.type=LogAppendTime: every record of the batch has this time, whatever its delta says. */
export function setLogAppendTime(batch: BatchView, timestampMs: number, crc32c: Crc32c): void {
  if (batch.isLogAppendTime && batch.maxTimestampMs === timestampMs) return;
  writeInt16(
    batch.bytes,
    batch.start + at.ATTRIBUTES_AT,
    batch.attributes | at.LOG_APPEND_TIME_BIT,
  );
  writeInt64(batch.bytes, batch.start + at.MAX_TIMESTAMP_AT, timestampMs);
  setCrc(batch, crc32c);
}

/** Corrects a header whose producer named another maximum than its records have; free when it is right already. */
export function setMaxTimestamp(batch: BatchView, timestampMs: number, crc32c: Crc32c): void {
  if (batch.maxTimestampMs === timestampMs) return;
  writeInt64(batch.bytes, batch.start + at.MAX_TIMESTAMP_AT, timestampMs);
  setCrc(batch, crc32c);
}

export function isCrcValid(batch: BatchView, crc32c: Crc32c): boolean {
  return crcOf(batch, crc32c) === batch.crc;
}

export function setCrc(batch: BatchView, crc32c: Crc32c): void {
  writeInt32(batch.bytes, batch.start + at.CRC_AT, crcOf(batch, crc32c));
}

function crcOf(batch: BatchView, crc32c: Crc32c): number {
  return crc32c(
    batch.bytes.subarray(batch.start + at.ATTRIBUTES_AT, batch.start + batch.sizeBytes),
  );
}
