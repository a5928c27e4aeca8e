/**
 * LZ4 frames (github.com/lz4/lz4, doc/lz4_Frame_format.md), as Kafka's Java client writes them: independent blocks of 64 KiB, no
 * sizes or checksums but the header's. Everything that the format has is read: block and content checksums, content
 * size, larger and dependent blocks, skippable frames, several frames end to end.
 */
import { corrupt, tooLarge } from './errors.ts';
import {
  FULL,
  LZ4_EXPANSION_MAX,
  lz4BlockBytesMax,
  lz4Compress,
  lz4Decompress,
} from './lz4-block.ts';
import { fourBytes } from './matches.ts';
import type { MatchTable } from './matches.ts';
import { xxh32 } from './xxh32.ts';

const MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** Magic; version 1, independent blocks; blocks of 64 KiB; xxh32 of the two. */
const HEADER = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
const BLOCK_BYTES = 65536;
/** Set in a block's size when its bytes are as they were. */
const STORED_BIT = 0x80000000;

export function lz4FrameCompress(bytes: Uint8Array, table: MatchTable): Uint8Array {
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES);
  const frame = new Uint8Array(
    HEADER.length + blocks * 4 + lz4BlockBytesMax(bytes.length) + blocks * 16 + 4,
  );
  frame.set(HEADER);
  let at = HEADER.length;
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const end = Math.min(start + BLOCK_BYTES, bytes.length);
    const size = lz4Compress(bytes, start, end, frame, at + 4, table) - at - 4;
    if (size < end - start) {
      writeWord(frame, at, size);
      at += 4 + size;
    } else {
      writeWord(frame, at, (end - start) | STORED_BIT);
      frame.set(bytes.subarray(start, end), at + 4);
      at += 4 + end - start;
    }
  }
  // A size of 0 ends the frame.
  writeWord(frame, at, 0);
  return frame.slice(0, at + 4);
}

export function lz4FrameDecompress(bytes: Uint8Array, limitBytes: number): Uint8Array {
  // No valid block can write more than this, so that there is room for all or the limit is passed.
  const output = new Uint8Array(Math.min(contentBytesMax(bytes), limitBytes));
  let at = 0;
  for (const part of frameParts(bytes)) {
    if (part.kind === 'block') {
      at = writeBlock(bytes, part, output, at, limitBytes);
    } else if (part.kind === 'end') {
      const { header } = part;
      if (header.contentBytes !== undefined && header.contentBytes !== at - header.outStart)
        throw corrupt('an LZ4 frame is not as long as it says');
      if (part.checksum !== undefined && part.checksum !== xxh32(output, header.outStart, at))
        throw corrupt('the checksum of an LZ4 frame is wrong');
    } else {
      part.outStart = at;
    }
  }
  return at === output.length ? output : output.subarray(0, at);
}

interface FrameHeader {
  readonly kind: 'header';
  readonly hasBlockChecksums: boolean;
  readonly hasContentChecksum: boolean;
  readonly blocksDepend: boolean;
  readonly contentBytes: number | undefined;
  readonly blockBytesMax: number;
  /** Where its first block begins. */
  readonly end: number;
  /** Where its content begins in the output; told by the reader. */
  outStart: number;
}

interface Block {
  readonly kind: 'block';
  readonly header: FrameHeader;
  readonly isStored: boolean;
  readonly start: number;
  readonly end: number;
  readonly checksum: number | undefined;
}

interface FrameEnd {
  readonly kind: 'end';
  readonly header: FrameHeader;
  readonly checksum: number | undefined;
}

function contentBytesMax(bytes: Uint8Array): number {
  let sum = 0;
  for (const part of frameParts(bytes)) {
    if (part.kind !== 'block') continue;
    const size = part.end - part.start;
    sum += part.isStored ? size : Math.min(part.header.blockBytesMax, size * LZ4_EXPANSION_MAX);
  }
  return sum;
}

function writeBlock(
  bytes: Uint8Array,
  block: Block,
  output: Uint8Array,
  at: number,
  limitBytes: number,
): number {
  const { header, start, end } = block;
  if (block.checksum !== undefined && block.checksum !== xxh32(bytes, start, end))
    throw corrupt('the checksum of an LZ4 block is wrong');
  if (block.isStored) {
    if (end - start > output.length - at) throw tooLarge(limitBytes);
    output.set(bytes.subarray(start, end), at);
    return at + end - start;
  }
  const blockEnd = at + header.blockBytesMax;
  const outEnd = lz4Decompress(
    bytes,
    start,
    end,
    output,
    header.blocksDepend ? header.outStart : at,
    at,
    Math.min(blockEnd, output.length),
  );
  if (outEnd !== FULL) return outEnd;
  throw blockEnd > output.length
    ? tooLarge(limitBytes)
    : corrupt('an LZ4 block is longer than its frame allows');
}

/** Headers, blocks and ends, in order. What is skippable is skipped. */
function* frameParts(
  bytes: Uint8Array,
): Generator<FrameHeader | Block | FrameEnd, void, undefined> {
  let at = 0;
  while (at < bytes.length) {
    if ((word(bytes, at) & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + word(bytes, at + 4);
      if (at > bytes.length) throw endsEarly();
      continue;
    }
    const header = readHeader(bytes, at);
    yield header;
    at = header.end;
    for (let size = word(bytes, at); size !== 0; size = word(bytes, at)) {
      const start = at + 4;
      const end = start + (size & ~STORED_BIT);
      if (end - start > header.blockBytesMax)
        throw corrupt('an LZ4 block is longer than its frame allows');
      if (end > bytes.length) throw endsEarly();
      yield {
        kind: 'block',
        header,
        isStored: size >= STORED_BIT,
        start,
        end,
        checksum: header.hasBlockChecksums ? word(bytes, end) : undefined,
      };
      at = header.hasBlockChecksums ? end + 4 : end;
    }
    at += 4;
    yield {
      kind: 'end',
      header,
      checksum: header.hasContentChecksum ? word(bytes, at) : undefined,
    };
    if (header.hasContentChecksum) at += 4;
  }
}

function readHeader(bytes: Uint8Array, at: number): FrameHeader {
  if (word(bytes, at) !== MAGIC) throw corrupt('no LZ4 frame begins here');
  if (at + 7 > bytes.length) throw endsEarly();
  const flags = bytes[at + 4]!;
  const blockSizeId = (bytes[at + 5]! >>> 4) & 7;
  if (flags >>> 6 !== 1) throw corrupt(`LZ4 frames of version ${flags >>> 6} are not known`);
  if (flags & 1) throw corrupt('LZ4 frames with dictionaries are not taken');
  if (blockSizeId < 4) throw corrupt(`LZ4 block size ${blockSizeId} is not known`);
  let end = at + 6;
  let contentBytes: number | undefined;
  if (flags & 8) {
    contentBytes = word(bytes, end) + word(bytes, end + 4) * 4294967296;
    end += 8;
  }
  if (end >= bytes.length) throw endsEarly();
  if (bytes[end] !== ((xxh32(bytes, at + 4, end) >>> 8) & 0xff))
    throw corrupt('the checksum of an LZ4 frame header is wrong');
  return {
    kind: 'header',
    hasBlockChecksums: (flags & 16) !== 0,
    hasContentChecksum: (flags & 4) !== 0,
    blocksDepend: (flags & 32) === 0,
    contentBytes,
    blockBytesMax: 1 << (8 + 2 * blockSizeId),
    end: end + 1,
    outStart: 0,
  };
}

function word(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) throw endsEarly();
  return fourBytes(bytes, at) >>> 0;
}

function endsEarly() {
  return corrupt('an LZ4 frame ends early');
}

function writeWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
