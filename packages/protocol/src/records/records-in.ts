/**
 * A batch's records, for those who need each of them: replay, compaction, tests, consumers. Keys, values and headers are
 * views into the batch (or its decompressed payload), cut when they are asked for. Offsets may have gaps, which
 * compaction leaves; a header whose count says 0 has none.
 */
import { utf8Decode } from '../bytes/utf8.ts';
import { ErrorCode } from '../error-codes.ts';
import { offset } from '../ids.ts';
import type { Offset } from '../ids.ts';
import type { BatchView } from './batch-view.ts';
import type { Decompress } from './codecs.ts';
import { BATCH_HEADER_BYTES } from './layout.ts';
import { MalformedBatch } from './malformed-batch.ts';
import { RecordCursor } from './varint.ts';

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** One record where it lies. Holds its batch's bytes: copy what is kept for long. */
export class RecordView {
  readonly offset: Offset;
  readonly timestampMs: number;
  readonly #bytes: Uint8Array;
  readonly #keyAt: number;
  readonly #keyBytes: number;
  readonly #valueAt: number;
  readonly #valueBytes: number;
  readonly #headersAt: number;

  constructor(place: RecordPlace, bytes: Uint8Array, baseOffset: number, timestampMs: number) {
    this.offset = offset(baseOffset + place.offsetDelta);
    this.timestampMs = timestampMs;
    this.#bytes = bytes;
    this.#keyAt = place.keyAt;
    this.#keyBytes = place.keyBytes;
    this.#valueAt = place.valueAt;
    this.#valueBytes = place.valueBytes;
    this.#headersAt = place.headersAt;
  }

  get key(): Uint8Array | null {
    return this.#keyBytes < 0
      ? null
      : this.#bytes.subarray(this.#keyAt, this.#keyAt + this.#keyBytes);
  }

  get value(): Uint8Array | null {
    return this.#valueBytes < 0
      ? null
      : this.#bytes.subarray(this.#valueAt, this.#valueAt + this.#valueBytes);
  }

  get headers(): readonly RecordHeader[] {
    const cursor = new RecordCursor(this.#bytes, this.#headersAt);
    const headers: RecordHeader[] = [];
    for (let left = cursor.varint(); left > 0; left--) {
      const key = utf8Decode(this.#take(cursor)!);
      headers.push({ key, value: this.#take(cursor) });
    }
    return headers;
  }

  #take(cursor: RecordCursor): Uint8Array | null {
    const length = cursor.varint();
    if (length < 0) return null;
    const start = cursor.at;
    cursor.at = start + length;
    return this.#bytes.subarray(start, cursor.at);
  }
}

/** Where one record's parts lie; filled anew for each record of a walk. */
export interface RecordPlace {
  /** From the first byte of its length on. */
  start: number;
  /** Where its timestamp delta begins, and where the offset delta behind it. */
  timestampAt: number;
  offsetDeltaAt: number;
  end: number;
  timestampDelta: number;
  offsetDelta: number;
  keyAt: number;
  keyBytes: number;
  valueAt: number;
  valueBytes: number;
  headersAt: number;
}

export function* recordsIn(
  batch: BatchView,
  decompress?: Decompress,
  limitBytes = 0x7fffffff,
): Generator<RecordView, void, undefined> {
  const payload = payloadOf(batch, decompress, limitBytes);
  const { baseOffset } = batch;
  const baseTimestampMs = batch.baseTimestampMs;
  const appendTimeMs = batch.isLogAppendTime ? batch.maxTimestampMs : undefined;
  for (const place of recordPlaces(batch, payload)) {
    yield new RecordView(
      place,
      payload.bytes,
      baseOffset,
      appendTimeMs ?? baseTimestampMs + place.timestampDelta,
    );
  }
}

export interface Payload {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** The records' bytes, decompressed where they must be. A batch that is not compressed is read in its place. */
export function payloadOf(
  batch: BatchView,
  decompress: Decompress | undefined,
  limitBytes: number,
): Payload {
  const codec = batch.compression;
  if (codec === undefined || batch.recordCount === 0) {
    return {
      bytes: batch.bytes,
      start: batch.start + BATCH_HEADER_BYTES,
      end: batch.start + batch.sizeBytes,
    };
  }
  if (decompress === undefined)
    throw new TypeError(
      `the batch at offset ${batch.baseOffset} is compressed (${codec}) and no decompress was given`,
    );
  let bytes: Uint8Array;
  try {
    bytes = decompress(codec, batch.payload(), limitBytes);
  } catch (cause) {
    throw new MalformedBatch(
      `the ${codec} payload cannot be decompressed: ${cause instanceof Error ? cause.message : String(cause)}`,
      { errorCode: ErrorCode.INVALID_RECORD, cause },
    );
  }
  return { bytes, start: 0, end: bytes.length };
}

/** Walks over the framing of every record. The place is one object, valid until the next step. Throws MalformedBatch. */
export function* recordPlaces(
  batch: BatchView,
  payload: Payload,
): Generator<RecordPlace, void, undefined> {
  const { recordCount } = batch;
  if (recordCount < 0)
    throw new MalformedBatch(`record count ${recordCount}`, {
      errorCode: ErrorCode.INVALID_RECORD,
    });
  const { bytes, end } = payload;
  const cursor = new RecordCursor(bytes, payload.start);
  const place: RecordPlace = {
    start: 0,
    timestampAt: 0,
    offsetDeltaAt: 0,
    end: 0,
    timestampDelta: 0,
    offsetDelta: 0,
    keyAt: 0,
    keyBytes: 0,
    valueAt: 0,
    valueBytes: 0,
    headersAt: 0,
  };
  for (let index = 0; index < recordCount; index++) {
    place.start = cursor.at;
    const size = cursor.varint();
    const recordEnd = cursor.at + size;
    if (size < 0 || !(recordEnd <= end))
      throw malformedRecord(index, 'its size does not fit in the batch');
    // One byte of attributes, unused.
    place.timestampAt = ++cursor.at;
    place.timestampDelta = cursor.varlong();
    place.offsetDeltaAt = cursor.at;
    place.offsetDelta = cursor.varint();
    place.keyBytes = cursor.varint();
    place.keyAt = cursor.at;
    if (place.keyBytes > 0) cursor.at += place.keyBytes;
    if (!(cursor.at < recordEnd)) throw malformedRecord(index, 'its key does not fit');
    place.valueBytes = cursor.varint();
    place.valueAt = cursor.at;
    if (place.valueBytes > 0) cursor.at += place.valueBytes;
    if (!(cursor.at < recordEnd)) throw malformedRecord(index, 'its value does not fit');
    place.headersAt = cursor.at;
    if (!skipHeaders(cursor, recordEnd)) throw malformedRecord(index, 'its headers do not fit');
    if (cursor.at !== recordEnd)
      throw malformedRecord(index, 'it is shorter or longer than its size says');
    place.end = recordEnd;
    yield place;
  }
  if (recordCount > 0 && cursor.at !== end)
    throw new MalformedBatch(
      `${end - cursor.at} bytes are left behind the last of ${recordCount} records`,
      { errorCode: ErrorCode.INVALID_RECORD },
    );
}

/** False when they do not fit before `end`. Each header takes two bytes at least, so that a false count ends early. */
export function skipHeaders(cursor: RecordCursor, end: number): boolean {
  const count = cursor.varint();
  if (count < 0 || count > (end - cursor.at) / 2) return false;
  for (let left = count; left > 0; left--) {
    const keyBytes = cursor.varint();
    if (keyBytes < 0) return false;
    cursor.at += keyBytes;
    if (!(cursor.at < end)) return false;
    const valueBytes = cursor.varint();
    if (valueBytes > 0) cursor.at += valueBytes;
    if (!(cursor.at <= end)) return false;
  }
  return true;
}

function malformedRecord(index: number, what: string): MalformedBatch {
  return new MalformedBatch(`record ${index} of the batch is malformed: ${what}`, {
    errorCode: ErrorCode.INVALID_RECORD,
  });
}
