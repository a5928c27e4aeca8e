/**
 * `recent-batches`: beside a snapshot, which by Kafka's format keeps the last batch of each producer alone, the ones before it.
 * A producer has up to five requests under way; when a broker stops it may repeat them all, and without this file all but the
 * last would be refused as out of order. One file a log, written before the snapshot that it belongs to, whose offset it
 * names: one of another snapshot is no use and does no harm.
 *
 * Version (int16, 1), CRC-32C (uint32) of what follows, the snapshot's offset (int64), count (int32); a producer: id (int64),
 * epoch (int16), count (int8), and a batch: last sequence (int32), last offset (int64), offset delta (int32), timestamp (int64).
 */
import type { Crc32c, Volume } from '@odradek/ports';
import { offset } from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import { readInt64, writeInt64 } from './int64.ts';
import { BATCHES_KEPT_PER_PRODUCER } from './limits.ts';
import type { ProducerEntry } from './producer-state.ts';

const FILE = 'recent-batches';
const VERSION = 1;
const CRC_AT = 2;
const OFFSET_AT = 6;
const COUNT_AT = 14;
const PRODUCERS_AT = 18;
const PRODUCER_BYTES = 11;
const BATCH_BYTES = 24;

export interface RecentBatches {
  readonly snapshotOffset: Offset;
  readonly producers: readonly Pick<ProducerEntry, 'producerId' | 'epoch' | 'batches'>[];
}

/** Undefined: the snapshot says all there is to say. */
export function encodeRecentBatches(
  snapshotOffset: Offset,
  entries: Iterable<ProducerEntry>,
  crc32c: Crc32c,
): Uint8Array | undefined {
  const producers = [...entries].filter(({ batches }) => batches.length > 1);
  if (producers.length === 0) return undefined;
  const batchCount = producers.reduce((sum, { batches }) => sum + batches.length, 0);
  const bytes = new Uint8Array(
    PRODUCERS_AT + producers.length * PRODUCER_BYTES + batchCount * BATCH_BYTES,
  );
  const view = new DataView(bytes.buffer);
  view.setInt16(0, VERSION);
  writeInt64(view, OFFSET_AT, snapshotOffset);
  view.setInt32(COUNT_AT, producers.length);
  let at = PRODUCERS_AT;
  for (const { producerId, epoch, batches } of producers) {
    writeInt64(view, at, producerId);
    view.setInt16(at + 8, epoch);
    view.setInt8(at + 10, batches.length);
    at += PRODUCER_BYTES;
    for (const batch of batches) {
      view.setInt32(at, batch.lastSequence);
      writeInt64(view, at + 4, batch.lastOffset);
      view.setInt32(at + 12, batch.offsetDelta);
      writeInt64(view, at + 16, batch.timestampMs);
      at += BATCH_BYTES;
    }
  }
  view.setUint32(CRC_AT, crc32c(bytes.subarray(OFFSET_AT)));
  return bytes;
}

/** Undefined: damaged. Then the snapshot alone counts. */
export function decodeRecentBatches(bytes: Uint8Array, crc32c: Crc32c): RecentBatches | undefined {
  if (bytes.length < PRODUCERS_AT) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getInt16(0) !== VERSION) return undefined;
  if (crc32c(bytes.subarray(OFFSET_AT)) !== view.getUint32(CRC_AT)) return undefined;
  const producers: { -readonly [K in 'producerId' | 'epoch' | 'batches']: ProducerEntry[K] }[] = [];
  let at = PRODUCERS_AT;
  for (let left = view.getInt32(COUNT_AT); left > 0; left--) {
    if (at + PRODUCER_BYTES > bytes.length) return undefined;
    const count = view.getInt8(at + 10);
    if (count < 0 || count > BATCHES_KEPT_PER_PRODUCER) return undefined;
    if (at + PRODUCER_BYTES + count * BATCH_BYTES > bytes.length) return undefined;
    const producerId = readInt64(view, at) as ProducerEntry['producerId'];
    const epoch = view.getInt16(at + 8) as ProducerEntry['epoch'];
    at += PRODUCER_BYTES;
    const batches: ProducerEntry['batches'] = Array.from({ length: count }, (_, n) => {
      const from = at + n * BATCH_BYTES;
      return {
        lastSequence: view.getInt32(from),
        lastOffset: offset(readInt64(view, from + 4)),
        offsetDelta: view.getInt32(from + 12),
        timestampMs: readInt64(view, from + 16),
      };
    });
    at += count * BATCH_BYTES;
    producers.push({ producerId, epoch, batches });
  }
  return at === bytes.length
    ? { snapshotOffset: offset(readInt64(view, OFFSET_AT)), producers }
    : undefined;
}

export async function writeRecentBatches(
  volume: Volume,
  folder: string,
  bytes: Uint8Array,
): Promise<void> {
  await volume.replace(`${folder}/${FILE}`, bytes);
}

/** The snapshot's entries, with what is known of the batches before each one's last. */
export async function withRecentBatches(
  entries: readonly ProducerEntry[],
  snapshotOffset: Offset,
  volume: Volume,
  folder: string,
  crc32c: Crc32c,
): Promise<readonly ProducerEntry[]> {
  if (entries.length === 0) return entries;
  const bytes = await volume.readSmall(`${folder}/${FILE}`);
  const recent = bytes === undefined ? undefined : decodeRecentBatches(bytes, crc32c);
  if (recent?.snapshotOffset !== snapshotOffset) return entries;
  const known = new Map(recent.producers.map((it) => [it.producerId, it]));
  return entries.map((entry) => {
    const found = known.get(entry.producerId);
    const isSame =
      found?.epoch === entry.epoch &&
      found.batches.at(-1)?.lastOffset === entry.batches.at(-1)?.lastOffset;
    return found !== undefined && isSame ? { ...entry, batches: found.batches } : entry;
  });
}
