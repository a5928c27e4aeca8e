/**
 * `.snapshot`: the producers' state up to the offset in the file's name. Version (int16, 1), CRC-32C (uint32) of all that
 * follows, count (int32), 46 bytes an entry: producer id 8, epoch 2, last sequence 4, last offset 8, offset delta 4,
 * timestamp 8, coordinator epoch 4, current transaction's first offset 8. Of each producer's batches the last one alone is
 * kept: those before it are in `recent-batches` (recent-batches.ts).
 */
import { offset, producerEpoch, producerId } from '@odradek/protocol';
import type { Crc32c } from '@odradek/ports';
import { readInt64, writeInt64 } from './int64.ts';
import { NO_TRANSACTION } from './producer-state.ts';
import type { ProducerEntry } from './producer-state.ts';

const VERSION = 1;
const CRC_AT = 2;
const COUNT_AT = 6;
const ENTRIES_AT = 10;
const ENTRY_BYTES = 46;

export function encodeSnapshot(
  entries: Iterable<ProducerEntry>,
  count: number,
  crc32c: Crc32c,
): Uint8Array {
  const bytes = new Uint8Array(ENTRIES_AT + count * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt16(0, VERSION);
  view.setInt32(COUNT_AT, count);
  let at = ENTRIES_AT;
  for (const entry of entries) {
    const last = entry.batches.at(-1);
    writeInt64(view, at, entry.producerId);
    view.setInt16(at + 8, entry.epoch);
    view.setInt32(at + 10, last?.lastSequence ?? -1);
    writeInt64(view, at + 14, last?.lastOffset ?? -1);
    view.setInt32(at + 22, last?.offsetDelta ?? 0);
    writeInt64(view, at + 26, entry.lastTimestampMs);
    view.setInt32(at + 34, entry.coordinatorEpoch);
    writeInt64(view, at + 38, entry.txnFirstOffset);
    at += ENTRY_BYTES;
  }
  view.setUint32(CRC_AT, crc32c(bytes.subarray(COUNT_AT)));
  return bytes;
}

/** Undefined: damaged or of another version. An older snapshot and the log have what it held. */
export function decodeSnapshot(bytes: Uint8Array, crc32c: Crc32c): ProducerEntry[] | undefined {
  if (bytes.length < ENTRIES_AT) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = view.getInt32(COUNT_AT);
  if (
    view.getInt16(0) !== VERSION ||
    count < 0 ||
    bytes.length !== ENTRIES_AT + count * ENTRY_BYTES
  )
    return undefined;
  if (crc32c(bytes.subarray(COUNT_AT)) !== view.getUint32(CRC_AT)) return undefined;
  const entries: ProducerEntry[] = [];
  for (let at = ENTRIES_AT; at < bytes.length; at += ENTRY_BYTES) {
    const lastOffset = readInt64(view, at + 14);
    const timestampMs = readInt64(view, at + 26);
    const txnFirstOffset = readInt64(view, at + 38);
    entries.push({
      producerId: producerId(readInt64(view, at)),
      epoch: producerEpoch(view.getInt16(at + 8)),
      coordinatorEpoch: view.getInt32(at + 34),
      lastTimestampMs: timestampMs,
      txnFirstOffset: txnFirstOffset < 0 ? NO_TRANSACTION : offset(txnFirstOffset),
      batches:
        lastOffset < 0
          ? []
          : [
              {
                lastSequence: view.getInt32(at + 10),
                lastOffset: offset(lastOffset),
                offsetDelta: view.getInt32(at + 22),
                timestampMs,
              },
            ],
    });
  }
  return entries;
}
