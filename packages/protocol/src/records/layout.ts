/**
 * A record batch, magic 2 (KIP-98), byte by byte. All integers are big-endian. The CRC-32C covers everything from
 * `attributes` to the end, so that a broker may write base offset and leader epoch without touching it.
 *
 *    0 baseOffset int64            27 baseTimestampMs int64 (the delete horizon when attribute bit 6 is set)
 *    8 length int32, from 12 on    35 maxTimestampMs int64
 *   12 leaderEpoch int32           43 producerId int64
 *   16 magic int8                  51 producerEpoch int16
 *   17 crc uint32                  53 baseSequence int32
 *   21 attributes int16            57 recordCount int32
 *   23 lastOffsetDelta int32       61 records
 */
export const BASE_OFFSET_AT = 0;
export const LENGTH_AT = 8;
export const LEADER_EPOCH_AT = 12;
export const MAGIC_AT = 16;
export const CRC_AT = 17;
export const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
export const BASE_TIMESTAMP_AT = 27;
export const MAX_TIMESTAMP_AT = 35;
export const PRODUCER_ID_AT = 43;
export const PRODUCER_EPOCH_AT = 51;
export const BASE_SEQUENCE_AT = 53;
export const RECORD_COUNT_AT = 57;

/** What stands before the first record. */
export const BATCH_HEADER_BYTES = 61;
/** `length` does not count itself nor what stands before it. */
export const LENGTH_OVERHEAD_BYTES = 12;
export const MAGIC_V2 = 2;

/** Kafka reads the low byte of the attributes alone. */
export const CODEC_MASK = 0x07;
export const LOG_APPEND_TIME_BIT = 0x08;
export const TRANSACTIONAL_BIT = 0x10;
export const CONTROL_BIT = 0x20;
export const DELETE_HORIZON_BIT = 0x40;

export const NO_TIMESTAMP_MS = -1;
export const NO_SEQUENCE = -1;

const TWO_TO_32 = 4294967296;

export function readInt16(bytes: Uint8Array, at: number): number {
  return (((bytes[at]! << 8) | bytes[at + 1]!) << 16) >> 16;
}

export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** As a number: exact within ±2^53, the nearest double beyond. */
export function readInt64(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at) * TWO_TO_32 + (readInt32(bytes, at + 4) >>> 0);
}

export function writeInt16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}

export function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 24;
  bytes[at + 1] = value >> 16;
  bytes[at + 2] = value >> 8;
  bytes[at + 3] = value;
}

export function writeInt64(bytes: Uint8Array, at: number, value: number): void {
  if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${value}`);
  const high = Math.floor(value / TWO_TO_32);
  writeInt32(bytes, at, high | 0);
  writeInt32(bytes, at + 4, (value - high * TWO_TO_32) | 0);
}
