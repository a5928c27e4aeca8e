/**
 * Cuts bytes into record batches: the records of a Produce request, a read of a segment, the answer of a Fetch. What is
 * checked here is what makes a BatchView safe to read (magic and length); contents are `validateBatch`'s matter.
 */
import { ErrorCode } from '../error-codes.ts';
import { BatchView } from './batch-view.ts';
import {
  BATCH_HEADER_BYTES,
  LENGTH_AT,
  LENGTH_OVERHEAD_BYTES,
  MAGIC_AT,
  MAGIC_V2,
  readInt32,
} from './layout.ts';
import { MalformedBatch } from './malformed-batch.ts';

/**
 * Stops without a word before a last batch that is not all there: Fetch answers and segment reads may end so. The caller
 * knows by `start + sizeBytes` of the last view how far it came. Throws MalformedBatch where a length cannot be, and at
 * messages of magic 0 and 1, which Kafka 4 no longer takes either (KIP-724).
 */
export function* batchesIn(bytes: Uint8Array, start = 0): Generator<BatchView, void, undefined> {
  const end = bytes.length;
  let at = start;
  while (end - at >= LENGTH_OVERHEAD_BYTES) {
    const sizeBytes = checkedSizeBytes(bytes, at);
    if (sizeBytes > end - at) return;
    yield new BatchView(bytes, at);
    at += sizeBytes;
  }
}

/** How many bytes from `start` on are whole batches. */
export function completeBatchesBytes(bytes: Uint8Array, start = 0): number {
  let at = start;
  while (bytes.length - at >= LENGTH_OVERHEAD_BYTES) {
    const sizeBytes = checkedSizeBytes(bytes, at);
    if (sizeBytes > bytes.length - at) break;
    at += sizeBytes;
  }
  return at - start;
}

function checkedSizeBytes(bytes: Uint8Array, at: number): number {
  const length = readInt32(bytes, at + LENGTH_AT);
  if (at + MAGIC_AT < bytes.length) {
    const magic = bytes[at + MAGIC_AT]!;
    if (magic < MAGIC_V2) {
      throw new MalformedBatch(
        `message format ${magic} at byte ${at}; only record batches (magic 2) are taken`,
        { errorCode: ErrorCode.INVALID_RECORD },
      );
    }
  }
  if (length < BATCH_HEADER_BYTES - LENGTH_OVERHEAD_BYTES) {
    throw new MalformedBatch(`batch length ${length} at byte ${at} is less than a header's`);
  }
  return length + LENGTH_OVERHEAD_BYTES;
}
