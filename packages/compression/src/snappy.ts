/**
 * Snappy as Kafka has it. Java clients write snappy-java's stream ("xerial"): a header of 16 bytes, then blocks of 32 KiB with
 * their length in front. librdkafka writes one bare block. Both are read; the stream is written, since every client reads it.
 */
import { corrupt, tooLarge } from './errors.ts';
import type { MatchTable } from './matches.ts';
import {
  snappyBlockBytesMax,
  snappyCompress,
  snappyDecompress,
  snappyLength,
} from './snappy-block.ts';

/** 0x82 "SNAPPY" 0, then version 1 and the oldest compatible version 1. */
const HEADER = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1];
const MAGIC_BYTES = 8;
const BLOCK_BYTES = 32768;

export function snappyStreamCompress(bytes: Uint8Array, table: MatchTable): Uint8Array {
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES);
  const stream = new Uint8Array(
    HEADER.length + snappyBlockBytesMax(bytes.length) + blocks * (4 + snappyBlockBytesMax(0) + 1),
  );
  stream.set(HEADER);
  let at = HEADER.length;
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const end = snappyCompress(
      bytes,
      start,
      Math.min(start + BLOCK_BYTES, bytes.length),
      stream,
      at + 4,
      table,
    );
    writeInt32(stream, at, end - at - 4);
    at = end;
  }
  return stream.slice(0, at);
}

export function snappyAnyDecompress(bytes: Uint8Array, limitBytes: number): Uint8Array {
  let length = 0;
  for (const { start, end } of blocksIn(bytes)) {
    length += snappyLength(bytes, start, end).length;
    if (length > limitBytes) throw tooLarge(limitBytes);
  }
  const output = new Uint8Array(length);
  let at = 0;
  for (const { start, end } of blocksIn(bytes)) {
    const block = snappyLength(bytes, start, end);
    snappyDecompress(bytes, block.next, end, output, at, at + block.length);
    at += block.length;
  }
  return output;
}

function isStream(bytes: Uint8Array, at: number): boolean {
  if (bytes.length - at < HEADER.length) return false;
  for (let index = 0; index < MAGIC_BYTES; index++)
    if (bytes[at + index] !== HEADER[index]) return false;
  return true;
}

/** Streams may stand end to end, each with its header: its first four bytes are no length that could be. */
function* blocksIn(bytes: Uint8Array): Generator<{ start: number; end: number }, void, undefined> {
  if (!isStream(bytes, 0)) {
    yield { start: 0, end: bytes.length };
    return;
  }
  for (let at = 0; at < bytes.length;) {
    if (isStream(bytes, at)) {
      at += HEADER.length;
      continue;
    }
    const start = at + 4;
    const size = start > bytes.length ? -1 : readInt32(bytes, at);
    if (size <= 0 || size > bytes.length - start)
      throw corrupt('a block of a snappy stream is cut short');
    yield { start, end: start + size };
    at = start + size;
  }
}

function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
