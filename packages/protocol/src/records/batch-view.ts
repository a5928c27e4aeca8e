/**
 * A view on one record batch where it lies: in a request, a segment, an answer. Nothing is copied, and a field is read
 * when it is asked for (a few ns), so that a view costs no more than an object of two fields.
 */
import { leaderEpoch, offset, producerEpoch, producerId } from '../ids.ts';
import type { LeaderEpoch, Offset, ProducerEpoch, ProducerId } from '../ids.ts';
import { codecName } from './codecs.ts';
import type { CompressionName } from './codecs.ts';
import * as at from './layout.ts';
import { readInt16, readInt32, readInt64 } from './layout.ts';

export class BatchView {
  readonly bytes: Uint8Array;
  readonly start: number;

  /** The caller has made sure that the 61 header bytes and `sizeBytes` are there: `batchesIn` does. */
  constructor(bytes: Uint8Array, start = 0) {
    this.bytes = bytes;
    this.start = start;
  }

  get baseOffset(): Offset {
    return offset(readInt64(this.bytes, this.start + at.BASE_OFFSET_AT));
  }

  /** Of the whole batch, header included. */
  get sizeBytes(): number {
    return readInt32(this.bytes, this.start + at.LENGTH_AT) + at.LENGTH_OVERHEAD_BYTES;
  }

  get leaderEpoch(): LeaderEpoch {
    return leaderEpoch(readInt32(this.bytes, this.start + at.LEADER_EPOCH_AT));
  }

  get magic(): number {
    return (this.bytes[this.start + at.MAGIC_AT]! << 24) >> 24;
  }

  get crc(): number {
    return readInt32(this.bytes, this.start + at.CRC_AT) >>> 0;
  }

  get attributes(): number {
    return readInt16(this.bytes, this.start + at.ATTRIBUTES_AT);
  }

  get lastOffsetDelta(): number {
    return readInt32(this.bytes, this.start + at.LAST_OFFSET_DELTA_AT);
  }

  get lastOffset(): Offset {
    return offset(this.baseOffset + this.lastOffsetDelta);
  }

  /** Where the next batch begins. */
  get nextOffset(): Offset {
    return offset(this.baseOffset + this.lastOffsetDelta + 1);
  }

  /** What the records' timestamps count from. With `hasDeleteHorizon` it is that horizon (KIP-534). */
  get baseTimestampMs(): number {
    return readInt64(this.bytes, this.start + at.BASE_TIMESTAMP_AT);
  }

  get maxTimestampMs(): number {
    return readInt64(this.bytes, this.start + at.MAX_TIMESTAMP_AT);
  }

  get producerId(): ProducerId {
    return producerId(readInt64(this.bytes, this.start + at.PRODUCER_ID_AT));
  }

  get producerEpoch(): ProducerEpoch {
    return producerEpoch(readInt16(this.bytes, this.start + at.PRODUCER_EPOCH_AT));
  }

  get baseSequence(): number {
    return readInt32(this.bytes, this.start + at.BASE_SEQUENCE_AT);
  }

  get lastSequence(): number {
    const base = this.baseSequence;
    return base === at.NO_SEQUENCE ? at.NO_SEQUENCE : incrementSequence(base, this.lastOffsetDelta);
  }

  get recordCount(): number {
    return readInt32(this.bytes, this.start + at.RECORD_COUNT_AT);
  }

  /** Undefined: not compressed. Throws MalformedBatch for a codec that Kafka does not have. */
  get compression(): CompressionName | undefined {
    return codecName(this.attributes & at.CODEC_MASK);
  }

  get isLogAppendTime(): boolean {
    return (this.attributes & at.LOG_APPEND_TIME_BIT) !== 0;
  }

  get isTransactional(): boolean {
    return (this.attributes & at.TRANSACTIONAL_BIT) !== 0;
  }

  get isControl(): boolean {
    return (this.attributes & at.CONTROL_BIT) !== 0;
  }

  get hasDeleteHorizon(): boolean {
    return (this.attributes & at.DELETE_HORIZON_BIT) !== 0;
  }

  /** When tombstones and markers in this batch may go (KIP-534); undefined until the first cleaning has set it. */
  get deleteHorizonMs(): number | undefined {
    return this.hasDeleteHorizon ? this.baseTimestampMs : undefined;
  }

  /** The batch's own bytes; a view. */
  slice(): Uint8Array {
    return this.bytes.subarray(this.start, this.start + this.sizeBytes);
  }

  /** What stands behind the header, compressed or not; a view. */
  payload(): Uint8Array {
    return this.bytes.subarray(this.start + at.BATCH_HEADER_BYTES, this.start + this.sizeBytes);
  }
}

/** Sequence numbers wrap from 2^31-1 to 0. */
export function incrementSequence(sequence: number, increment: number): number {
  const sum = sequence + increment;
  return sum > 0x7fffffff ? sum - 0x80000000 : sum;
}
