/**
 * Snappy as Kafka has it. Java clients write snappy-java's stream ("xerial"): a header of 16 bytes, then blocks of 32 KiB with
 * their length in front. librdkafka writes one bare block. Both are read; the bare block is written, since every client reads
 * it: Java's stream reader takes what has no header for one, and some clients know nothing else.
 */
import { corrupt, tooLarge } from './errors.ts';
import type { MatchTable } from './matches.ts';
import {
  snappyBlockBytesMax,
  snappyCompress,
  snappyDecompress,
  snappyLength,
} from './snappy-block.ts';

/** 0x82 "SNAPPY" 0. No bare block begins so: its first element would copy from before the data. */
const MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0];
/** With the version and the oldest compatible one. */
const HEADER_BYTES = 16;

export function snappyBareCompress(bytes: Uint8Array, table: MatchTable): Uint8Array {
  const block = new Uint8Array(snappyBlockBytesMax(bytes.length));
  return block.slice(0, snappyCompress(bytes, 0, bytes.length, block, 0, table));
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
  return (
    bytes.length - at >= HEADER_BYTES && MAGIC.every((byte, index) => bytes[at + index] === byte)
  );
}

/** Streams may stand end to end, each with its header: its first four bytes are no length that could be. */
function* blocksIn(bytes: Uint8Array): Generator<{ start: number; end: number }, void, undefined> {
  if (!isStream(bytes, 0)) {
    yield { start: 0, end: bytes.length };
    return;
  }
  for (let at = 0; at < bytes.length;) {
    if (isStream(bytes, at)) {
      at += HEADER_BYTES;
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
