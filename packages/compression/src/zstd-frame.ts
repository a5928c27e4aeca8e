/**
 * How much a zstd input can become (RFC 8878, section 3.1), read from the headers of its frames and blocks alone: nothing is decompressed.
 * Java's client does not write the content size, so that the blocks must be asked: a raw or repeated block says its
 * size, a compressed one makes 128 KiB at most.
 */
import { corrupt } from './errors.ts';

export interface ZstdBound {
  readonly bytesMax: number;
  /** `bytesMax` is the size itself: it is declared, or no block is compressed. */
  readonly isExact: boolean;
}

export interface ZstdFrame extends ZstdBound {
  readonly start: number;
  readonly end: number;
}

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const BLOCK_BYTES_MAX = 131072;
const RAW = 0;
const REPEATED = 1;
const COMPRESSED = 2;

export function zstdBound(bytes: Uint8Array): ZstdBound {
  let bytesMax = 0;
  let isExact = true;
  for (const frame of zstdFrames(bytes)) {
    bytesMax += frame.bytesMax;
    isExact &&= frame.isExact;
  }
  return { bytesMax, isExact };
}

/** The frames that stand end to end, skippable ones left out. Throws CompressionError unless they are whole and nothing else is there. */
export function* zstdFrames(bytes: Uint8Array): Generator<ZstdFrame, void, undefined> {
  for (let at = 0; at < bytes.length;) {
    const magic = little(bytes, at, 4);
    if (magic - (magic % 16) === SKIPPABLE_MAGIC) {
      at += 8 + little(bytes, at + 4, 4);
      if (at > bytes.length) throw endsEarly();
      continue;
    }
    if (magic !== MAGIC) throw corrupt('no zstd frame begins here');
    const frame = frameAt(bytes, at);
    yield frame;
    at = frame.end;
  }
}

function frameAt(bytes: Uint8Array, start: number): ZstdFrame {
  const descriptor = little(bytes, start + 4, 1);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >>> 6;
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag;
  let at = start + 5;
  const windowBytes = isSingleSegment ? Infinity : windowOf(little(bytes, at++, 1));
  at += [0, 1, 2, 4][descriptor & 3]!;
  const declared =
    sizeBytes === 0 ? undefined : little(bytes, at, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  at += sizeBytes;

  let isExact = true;
  let bytesMax = 0;
  for (let isLast = false; !isLast;) {
    const header = little(bytes, at, 3);
    const size = header >>> 3;
    const kind = (header >>> 1) & 3;
    isLast = (header & 1) === 1;
    if (kind > COMPRESSED) throw corrupt('a zstd block of a reserved kind');
    at += 3 + (kind === REPEATED ? 1 : size);
    if (at > bytes.length) throw endsEarly();
    if (kind === RAW || kind === REPEATED) bytesMax += size;
    else {
      bytesMax += Math.min(windowBytes, BLOCK_BYTES_MAX);
      isExact = false;
    }
  }
  if (descriptor & 4) at += 4;
  if (at > bytes.length) throw endsEarly();
  if (declared === undefined) return { start, end: at, bytesMax, isExact };
  if (declared > bytesMax) throw corrupt('a zstd frame declares more than its blocks can hold');
  return { start, end: at, bytesMax: declared, isExact: true };
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}

function little(bytes: Uint8Array, at: number, length: number): number {
  if (at + length > bytes.length) throw endsEarly();
  let value = 0;
  for (let index = length - 1; index >= 0; index--) value = value * 256 + bytes[at + index]!;
  return value;
}

function endsEarly() {
  return corrupt('a zstd frame ends early');
}
