/**
 * Is this batch fit to be appended by a leader? Kafka's rules for magic 2 (its LogValidator and the checks before it), in
 * one pass over the bytes and without an object a record: the hot path of Produce. Nothing is changed; what a header
 * says wrongly but harmlessly (its max timestamp) is reported for the caller to correct.
 *
 * Stricter than Kafka where no client goes and what came would be stored: offset deltas must be 0, 1, 2... in uncompressed
 * batches too; refused are lengths below -1, the LogAppendTime bit from a client, a transactional batch without a producer
 * id, a producer id without an epoch, and times and ids beyond ±2^53.
 */
import type { Crc32c } from '../crc32c/crc32c.ts';
import { ErrorCode } from '../error-codes.ts';
import type { BatchView } from './batch-view.ts';
import type { Decompress } from './codecs.ts';
import {
  BATCH_HEADER_BYTES,
  CODEC_MASK,
  LENGTH_OVERHEAD_BYTES,
  MAGIC_V2,
  NO_TIMESTAMP_MS,
} from './layout.ts';
import { MalformedBatch } from './malformed-batch.ts';
import { payloadOf, skipHeaders } from './records-in.ts';
import type { Payload } from './records-in.ts';
import { isCrcValid } from './stamps.ts';
import { RecordCursor } from './varint.ts';

export interface ValidationOptions {
  readonly crc32c: Crc32c;
  readonly decompress?: Decompress;
  /** The largest payload that is decompressed. */
  readonly limitBytes: number;
  /** A coordinator may write control batches and need not begin at offset 0. */
  readonly origin?: 'client' | 'coordinator';
  /** cleanup.policy=compact: every record has a key. */
  readonly requireKeys?: boolean;
  /** message.timestamp.type=LogAppendTime: the records' own times will not count, so that they are not looked at. */
  readonly isLogAppendTime?: boolean;
  /** message.timestamp.before.max.ms and .after.max.ms as points in time. A record without a time (-1) passes. */
  readonly timestampMinMs?: number;
  readonly timestampMaxMs?: number;
}

export interface RecordError {
  /** Which record of the batch. */
  readonly batchIndex: number;
  readonly message: string;
}

export interface BatchRefusal {
  readonly ok: false;
  readonly errorCode: ErrorCode;
  readonly message: string;
  readonly recordErrors: readonly RecordError[];
}

export interface BatchAcceptance {
  readonly ok: true;
  /** Of the records, -1 if none has a time. The header's may differ: `setMaxTimestamp`. */
  readonly maxTimestampMs: number;
  /** The first record that has it, counted from the base offset; -1 if none has a time. */
  readonly maxTimestampOffsetDelta: number;
  /** Of the payload, decompressed. */
  readonly payloadBytes: number;
}

export type BatchValidation = BatchAcceptance | BatchRefusal;

/** A batch of keyless records would otherwise be answered with more bytes than it has. Kafka has no such bound. */
export const RECORD_ERRORS_MAX = 100;

const {
  CORRUPT_MESSAGE,
  MESSAGE_TOO_LARGE,
  INVALID_TIMESTAMP,
  UNSUPPORTED_COMPRESSION_TYPE,
  INVALID_RECORD,
} = ErrorCode;

/** Codecs 1 to 4. */
const CODEC_ID_MAX = 4;

export function validateBatch(batch: BatchView, options: ValidationOptions): BatchValidation {
  const refusal = headerRefusal(batch, options);
  if (refusal !== undefined) return refusal;
  let payload: Payload;
  try {
    payload = payloadOf(batch, options.decompress, options.limitBytes);
  } catch (error) {
    if (!(error instanceof MalformedBatch)) throw error;
    return isTooLarge(error.cause)
      ? refused(
          MESSAGE_TOO_LARGE,
          `the batch decompresses to more than ${options.limitBytes} bytes`,
        )
      : refused(INVALID_RECORD, error.message);
  }
  return walk(batch, payload, options);
}

function headerRefusal(
  batch: BatchView,
  { crc32c, origin = 'client' }: ValidationOptions,
): BatchRefusal | undefined {
  if (batch.magic !== MAGIC_V2)
    return refused(
      INVALID_RECORD,
      `message format ${batch.magic} is not taken, only record batches (magic 2)`,
    );
  if (batch.sizeBytes < BATCH_HEADER_BYTES || batch.start + batch.sizeBytes > batch.bytes.length) {
    return refused(
      CORRUPT_MESSAGE,
      `batch length ${batch.sizeBytes - LENGTH_OVERHEAD_BYTES} cannot be`,
    );
  }
  if (!isCrcValid(batch, crc32c))
    return refused(CORRUPT_MESSAGE, `the batch's bytes do not match its checksum ${batch.crc}`);
  if ((batch.attributes & CODEC_MASK) > CODEC_ID_MAX) {
    return refused(
      UNSUPPORTED_COMPRESSION_TYPE,
      `compression type ${batch.attributes & CODEC_MASK} is not known`,
    );
  }
  const { recordCount, lastOffsetDelta, producerId } = batch;
  if (recordCount <= 0) return refused(INVALID_RECORD, `a batch of ${recordCount} records`);
  if (lastOffsetDelta !== recordCount - 1) {
    return refused(
      INVALID_RECORD,
      `last offset delta ${lastOffsetDelta} does not fit ${recordCount} records`,
    );
  }
  // Java's longs reach further than exact numbers do. Nobody is that far; what is stored must be rewritable by compaction.
  if (!Number.isSafeInteger(producerId))
    return refused(INVALID_RECORD, `producer id ${producerId} is out of range`);
  if (!Number.isSafeInteger(batch.baseTimestampMs)) {
    return refused(INVALID_TIMESTAMP, `base timestamp ${batch.baseTimestampMs} is out of range`, [
      { batchIndex: 0, message: `base timestamp ${batch.baseTimestampMs} is out of range` },
    ]);
  }
  if (origin !== 'client') return undefined;
  if (batch.baseOffset !== 0)
    return refused(
      INVALID_RECORD,
      `a producer's batch begins at offset 0, not ${batch.baseOffset}`,
    );
  if (batch.isControl) return refused(INVALID_RECORD, 'clients may not write control records');
  if (producerId >= 0 && batch.baseSequence < 0) {
    return refused(
      INVALID_RECORD,
      `base sequence ${batch.baseSequence} from producer ${producerId}`,
    );
  }
  if (producerId >= 0 && batch.producerEpoch < 0) {
    return refused(INVALID_RECORD, `epoch ${batch.producerEpoch} from producer ${producerId}`);
  }
  if (producerId < 0 && batch.isTransactional)
    return refused(INVALID_RECORD, 'a transactional batch without a producer id');
  if (batch.isLogAppendTime) {
    return refused(
      INVALID_TIMESTAMP,
      'the timestamp type LogAppendTime is not for producers to set',
      [{ batchIndex: 0, message: 'the timestamp type LogAppendTime is not for producers to set' }],
    );
  }
  return undefined;
}

/** The one pass. Every number read is checked against the record's own end before it moves anything. */
function walk(batch: BatchView, payload: Payload, options: ValidationOptions): BatchValidation {
  const { bytes, end } = payload;
  const { recordCount, baseTimestampMs } = batch;
  const requireKeys = options.requireKeys === true;
  const checksTime = options.isLogAppendTime !== true;
  const minMs = Math.max(options.timestampMinMs ?? -Infinity, -Number.MAX_SAFE_INTEGER);
  const maxMs = Math.min(options.timestampMaxMs ?? Infinity, Number.MAX_SAFE_INTEGER);
  const faults = new RecordFaults();
  const cursor = new RecordCursor(bytes, payload.start);
  let maxTimestampMs = NO_TIMESTAMP_MS;
  let maxTimestampOffsetDelta = -1;

  for (let index = 0; index < recordCount; index++) {
    const size = cursor.varint();
    const recordEnd = cursor.at + size;
    if (size < 0 || !(recordEnd <= end))
      return misframed(index, 'its size does not fit in the batch');
    // One byte of attributes, unused.
    cursor.at++;
    const timestampMs = baseTimestampMs + cursor.varlong();
    if (cursor.varint() !== index)
      return misframed(index, 'offset deltas must count 0, 1, 2 and on');
    const keyBytes = cursor.varint();
    if (keyBytes > 0) cursor.at += keyBytes;
    if (keyBytes < -1 || !(cursor.at < recordEnd)) return misframed(index, 'its key does not fit');
    const valueBytes = cursor.varint();
    if (valueBytes > 0) cursor.at += valueBytes;
    if (valueBytes < -1 || !(cursor.at < recordEnd))
      return misframed(index, 'its value does not fit');
    if (bytes[cursor.at] === 0) cursor.at++;
    else if (!skipHeaders(cursor, recordEnd)) return misframed(index, 'its headers do not fit');
    if (cursor.at !== recordEnd)
      return misframed(index, 'it is shorter or longer than its size says');

    if (requireKeys && keyBytes < 0) {
      faults.add(INVALID_RECORD, index, 'a compacted topic takes no record without a key');
    } else if (
      checksTime &&
      timestampMs !== NO_TIMESTAMP_MS &&
      (timestampMs < minMs || timestampMs > maxMs)
    ) {
      faults.add(
        INVALID_TIMESTAMP,
        index,
        `timestamp ${timestampMs} is not within [${minMs}, ${maxMs}]`,
      );
    } else if (timestampMs > maxTimestampMs) {
      maxTimestampMs = timestampMs;
      maxTimestampOffsetDelta = index;
    }
  }
  if (cursor.at !== end)
    return refused(
      INVALID_RECORD,
      `${end - cursor.at} bytes are left behind the last of ${recordCount} records`,
    );
  return (
    faults.refusal() ?? {
      ok: true,
      maxTimestampMs,
      maxTimestampOffsetDelta,
      payloadBytes: end - payload.start,
    }
  );
}

/** Records that are well formed and not wanted: all are named, up to a bound, in one answer (KIP-467). */
class RecordFaults {
  readonly #errors: RecordError[] = [];
  #count = 0;
  #hasBadTime = false;

  add(errorCode: ErrorCode, batchIndex: number, message: string): void {
    this.#count++;
    this.#hasBadTime ||= errorCode === INVALID_TIMESTAMP;
    if (this.#errors.length < RECORD_ERRORS_MAX) this.#errors.push({ batchIndex, message });
  }

  refusal(): BatchRefusal | undefined {
    if (this.#count === 0) return undefined;
    return refused(
      this.#hasBadTime ? INVALID_TIMESTAMP : INVALID_RECORD,
      `${this.#count} of the batch's records are refused; record ${this.#errors[0]!.batchIndex}: ${this.#errors[0]!.message}`,
      this.#errors,
    );
  }
}

function misframed(index: number, what: string): BatchRefusal {
  return refused(INVALID_RECORD, `record ${index} of the batch is malformed: ${what}`);
}

function refused(
  errorCode: ErrorCode,
  message: string,
  recordErrors: readonly RecordError[] = [],
): BatchRefusal {
  return { ok: false, errorCode, message, recordErrors };
}

/** The Compression port's error, known by its shape: this package imports nothing. */
function isTooLarge(cause: unknown): boolean {
  return cause instanceof Error && (cause as { kind?: unknown }).kind === 'tooLarge';
}
