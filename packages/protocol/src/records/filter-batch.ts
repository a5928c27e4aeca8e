/**
 * Compaction's work on one batch: keeps the records that are wanted and everything that the batch says of its producer.
 * Offsets stay as they were, with gaps; base offset, last offset delta, sequence and epoch stay, so that a
 * duplicate or an out-of-order sequence is still seen after a cleaning (Kafka's MemoryRecords.filterTo).
 *
 * Kept records are copied byte by byte from the old batch, whose base timestamp stays. The exception is a delete horizon
 * (KIP-534): it takes the base timestamp's place, and each kept record's timestamp delta is written anew against it.
 */
import type { Crc32c } from '../crc32c/crc32c.ts';
import type { BatchView } from './batch-view.ts';
import { compressed, withHeader } from './build-batch.ts';
import type { Compress, Decompress } from './codecs.ts';
import { BATCH_HEADER_BYTES, CODEC_MASK, DELETE_HORIZON_BIT, NO_TIMESTAMP_MS } from './layout.ts';
import { RecordView, payloadOf, recordPlaces } from './records-in.ts';
import type { Payload } from './records-in.ts';
import { varintBytes, varlongBytes, writeVarint, writeVarlong } from './varint.ts';

export interface FilterOptions {
  readonly keep: (record: RecordView) => boolean;
  /** When none is kept: 'keepHeader' leaves an empty batch, for a producer whose last batch it is. */
  readonly whenEmpty: 'keepHeader' | 'drop';
  /** Set on a batch that has none yet and keeps a tombstone (a record without a value), or when `horizonNeeded` says so. */
  readonly deleteHorizonMs?: number;
  /** A control batch whose transaction has no records left: its marker gets a horizon too. */
  readonly horizonNeeded?: boolean;
  readonly crc32c: Crc32c;
  readonly decompress?: Decompress;
  readonly compress?: Compress;
  readonly limitBytes?: number;
}

export interface FilteredBatch {
  /** Undefined: nothing is left of it. The old batch's own bytes (a view) when nothing changes. */
  readonly bytes: Uint8Array | undefined;
  readonly recordsRead: number;
  readonly recordsKept: number;
}

/** What is kept: pieces of the payload, [start, end) each, and what the new header needs to know. */
interface Kept {
  readonly ranges: number[];
  readonly count: number;
  readonly readCount: number;
  readonly maxTimestampMs: number;
  readonly hasTombstone: boolean;
}

export function filterBatch(batch: BatchView, options: FilterOptions): FilteredBatch {
  const payload = payloadOf(batch, options.decompress, options.limitBytes ?? 0x7fffffff);
  const kept = select(batch, payload, options.keep);
  const counts = { recordsRead: kept.readCount, recordsKept: kept.count };
  if (kept.count === 0) {
    return {
      bytes: options.whenEmpty === 'keepHeader' ? emptyBatch(batch, options.crc32c) : undefined,
      ...counts,
    };
  }
  const wantsHorizon =
    options.deleteHorizonMs !== undefined &&
    !batch.hasDeleteHorizon &&
    (kept.hasTombstone || options.horizonNeeded === true);
  if (kept.count === kept.readCount && !wantsHorizon) return { bytes: batch.slice(), ...counts };
  const rebuilt = wantsHorizon
    ? rebased(batch, payload, kept, options.deleteHorizonMs!)
    : joined(payload, kept);
  return {
    bytes: assemble(
      batch,
      rebuilt,
      kept,
      options,
      wantsHorizon ? options.deleteHorizonMs : undefined,
    ),
    ...counts,
  };
}

function select(batch: BatchView, payload: Payload, keep: (record: RecordView) => boolean): Kept {
  const { baseOffset, baseTimestampMs, isLogAppendTime } = batch;
  const ranges: number[] = [];
  let readCount = 0;
  let count = 0;
  let maxTimestampMs = NO_TIMESTAMP_MS;
  let hasTombstone = false;
  for (const place of recordPlaces(batch, payload)) {
    readCount++;
    const timestampMs = isLogAppendTime
      ? batch.maxTimestampMs
      : baseTimestampMs + place.timestampDelta;
    if (!keep(new RecordView(place, payload.bytes, baseOffset, timestampMs))) continue;
    count++;
    if (timestampMs > maxTimestampMs) maxTimestampMs = timestampMs;
    if (place.valueBytes < 0) hasTombstone = true;
    if (ranges.at(-1) === place.start) ranges[ranges.length - 1] = place.end;
    else ranges.push(place.start, place.end);
  }
  return { ranges, count, readCount, maxTimestampMs, hasTombstone };
}

/** The kept pieces end to end, behind room for a header. */
function joined(payload: Payload, { ranges }: Kept): Uint8Array {
  let size = BATCH_HEADER_BYTES;
  for (let index = 0; index < ranges.length; index += 2)
    size += ranges[index + 1]! - ranges[index]!;
  const bytes = new Uint8Array(size);
  let at = BATCH_HEADER_BYTES;
  for (let index = 0; index < ranges.length; index += 2) {
    const piece = payload.bytes.subarray(ranges[index]!, ranges[index + 1]!);
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The same with every timestamp delta counted from `horizonMs`, which changes lengths. */
function rebased(batch: BatchView, payload: Payload, kept: Kept, horizonMs: number): Uint8Array {
  const shiftMs = batch.baseTimestampMs - horizonMs;
  let size = BATCH_HEADER_BYTES;
  for (const place of keptPlaces(batch, payload, kept)) {
    const body = rebasedBodyBytes(place, shiftMs);
    size += varintBytes(body) + body;
  }
  const bytes = new Uint8Array(size);
  let at = BATCH_HEADER_BYTES;
  for (const place of keptPlaces(batch, payload, kept)) {
    at = writeVarint(bytes, at, rebasedBodyBytes(place, shiftMs));
    bytes[at++] = payload.bytes[place.timestampAt - 1]!;
    at = writeVarlong(bytes, at, place.timestampDelta + shiftMs);
    const rest = payload.bytes.subarray(place.offsetDeltaAt, place.end);
    bytes.set(rest, at);
    at += rest.length;
  }
  return bytes;
}

function rebasedBodyBytes(
  place: { timestampDelta: number; offsetDeltaAt: number; end: number },
  shiftMs: number,
): number {
  return 1 + varlongBytes(place.timestampDelta + shiftMs) + place.end - place.offsetDeltaAt;
}

/** Those places of the batch that lie in the kept ranges. */
function* keptPlaces(batch: BatchView, payload: Payload, { ranges }: Kept) {
  let index = 0;
  for (const place of recordPlaces(batch, payload)) {
    while (index < ranges.length && ranges[index + 1]! <= place.start) index += 2;
    if (index < ranges.length && place.start >= ranges[index]!) yield place;
  }
}

function assemble(
  batch: BatchView,
  uncompressed: Uint8Array,
  kept: Kept,
  options: FilterOptions,
  horizonMs: number | undefined,
): Uint8Array {
  const codec = batch.compression;
  let bytes = uncompressed;
  if (codec !== undefined) {
    if (options.compress === undefined)
      throw new TypeError(
        `the batch at offset ${batch.baseOffset} is compressed (${codec}) and no compress was given`,
      );
    bytes = compressed(uncompressed.subarray(BATCH_HEADER_BYTES), {
      codec,
      compress: options.compress,
    });
  }
  return withHeader(bytes, {
    ...identityOf(batch),
    attributes: batch.attributes | (horizonMs === undefined ? 0 : DELETE_HORIZON_BIT),
    baseTimestampMs: horizonMs ?? batch.baseTimestampMs,
    maxTimestampMs: kept.maxTimestampMs,
    recordCount: kept.count,
    crc32c: options.crc32c,
  });
}

/** A header without records. It is not compressed and has no horizon, since there is nothing that could expire. */
function emptyBatch(batch: BatchView, crc32c: Crc32c): Uint8Array {
  return withHeader(new Uint8Array(BATCH_HEADER_BYTES), {
    ...identityOf(batch),
    attributes: batch.attributes & ~(CODEC_MASK | DELETE_HORIZON_BIT),
    baseTimestampMs: NO_TIMESTAMP_MS,
    maxTimestampMs: batch.maxTimestampMs,
    recordCount: 0,
    crc32c,
  });
}

function identityOf(batch: BatchView) {
  return {
    baseOffset: batch.baseOffset,
    leaderEpoch: batch.leaderEpoch,
    lastOffsetDelta: batch.lastOffsetDelta,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
  };
}
