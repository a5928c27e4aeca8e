/**
 * Snappy blocks (github.com/google/snappy, format_description.txt): the length as a varint, then elements, each a literal run or a
 * copy. We never write the third kind of copy, which reaches further back than 64 KiB.
 */
import { corrupt } from './errors.ts';
import { MATCH_BYTES_MIN, copyLiterals, copyMatch, fourBytes, matchEnd } from './matches.ts';
import type { MatchTable } from './matches.ts';

const LITERAL = 0;
const COPY_1 = 1;
const COPY_2 = 2;
const DISTANCE_MAX = 65535;
/** Two bytes write a short copy from near by, three one of up to 64 bytes; longer matches are several. */
const COPY_1_BYTES_MAX = 11;
const COPY_1_DISTANCE_MAX = 2047;
const COPY_2_BYTES_MAX = 64;
const SKIP_SHIFT = 6;

/** How much a block of `length` bytes can grow to. */
export function snappyBlockBytesMax(length: number): number {
  return 32 + length + Math.ceil(length / 6);
}

/** Three bytes copy 64 at most, and one literal byte takes more than itself. */
const EXPANSION_MAX = 22;

export function snappyCompress(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  at: number,
  table: MatchTable,
): number {
  at = writeVarint(to, at, end - start);
  table.reset(start, end - start);
  const matchStartEnd = end - MATCH_BYTES_MIN;
  let literals = start;
  let place = start;
  let misses = 1 << SKIP_SHIFT;
  while (place < matchStartEnd) {
    const four = fourBytes(from, place);
    const before = table.swap(four, place);
    if (before < start || place - before > DISTANCE_MAX || fourBytes(from, before) !== four) {
      place += misses++ >>> SKIP_SHIFT;
      continue;
    }
    misses = 1 << SKIP_SHIFT;
    const matched = matchEnd(from, before + MATCH_BYTES_MIN, place + MATCH_BYTES_MIN, end);
    at = writeLiterals(from, literals, place, to, at);
    at = writeCopies(to, at, place - before, matched - place);
    place = literals = matched;
    if (place < matchStartEnd) table.swap(fourBytes(from, place - 2), place - 2);
  }
  return writeLiterals(from, literals, end, to, at);
}

function writeLiterals(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  at: number,
): number {
  if (start === end) return at;
  const rest = end - start - 1;
  if (rest < 60) {
    to[at++] = (rest << 2) | LITERAL;
  } else {
    const lengthBytes = rest < 0x100 ? 1 : rest < 0x10000 ? 2 : rest < 0x1000000 ? 3 : 4;
    to[at++] = ((59 + lengthBytes) << 2) | LITERAL;
    for (let index = 0; index < lengthBytes; index++) to[at++] = rest >>> (8 * index);
  }
  copyLiterals(from, start, end - start, to, at);
  return at + end - start;
}

function writeCopies(to: Uint8Array, at: number, distance: number, length: number): number {
  while (length > COPY_1_BYTES_MAX || (length > 0 && distance > COPY_1_DISTANCE_MAX)) {
    // What is left for the next piece is nothing or as much as a copy must have.
    const piece =
      length <= COPY_2_BYTES_MAX ? length : Math.min(COPY_2_BYTES_MAX, length - MATCH_BYTES_MIN);
    to[at++] = ((piece - 1) << 2) | COPY_2;
    to[at++] = distance;
    to[at++] = distance >> 8;
    length -= piece;
  }
  if (length > 0) {
    to[at++] = ((distance >> 8) << 5) | ((length - MATCH_BYTES_MIN) << 2) | COPY_1;
    to[at++] = distance;
  }
  return at;
}

export interface SnappyLength {
  /** Of the content. */
  readonly length: number;
  /** Where the elements begin. */
  readonly next: number;
}

/** The length that the block [start, end) declares, refused when so few bytes cannot make it. */
export function snappyLength(bytes: Uint8Array, start: number, end: number): SnappyLength {
  let length = 0;
  for (let next = start, weight = 1; next < end && next < start + 5; weight *= 128) {
    const byte = bytes[next++]!;
    length += (byte & 0x7f) * weight;
    if (byte < 0x80) {
      if (length > 0xffffffff || length > (end - next) * EXPANSION_MAX) break;
      return { length, next };
    }
  }
  throw corrupt('the length of a snappy block cannot be');
}

/** Reads elements [start, end) of `from` into `to`, which they must fill from `outStart` to `outEnd`. */
export function snappyDecompress(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  outStart: number,
  outEnd: number,
): void {
  let place = start;
  let at = outStart;
  while (place < end) {
    const tag = from[place++]!;
    let length = (tag >>> 2) + 1;
    let distance = 0;
    switch (tag & 3) {
      case LITERAL: {
        if (length > 60) {
          const lengthBytes = length - 60;
          if (lengthBytes > end - place) throw corrupt('a snappy block ends within a literal');
          length = 1;
          for (let index = 0, weight = 1; index < lengthBytes; index++, weight *= 256)
            length += from[place++]! * weight;
        }
        if (length > end - place || length > outEnd - at)
          throw corrupt('a snappy literal is longer than its block');
        copyLiterals(from, place, length, to, at);
        place += length;
        at += length;
        continue;
      }
      case COPY_1:
        if (end - place < 1) throw corrupt('a snappy block ends within a copy');
        length = ((tag >>> 2) & 7) + 4;
        distance = ((tag >>> 5) << 8) | from[place]!;
        place += 1;
        break;
      case COPY_2:
        if (end - place < 2) throw corrupt('a snappy block ends within a copy');
        distance = from[place]! | (from[place + 1]! << 8);
        place += 2;
        break;
      default:
        if (end - place < 4) throw corrupt('a snappy block ends within a copy');
        distance = fourBytes(from, place) >>> 0;
        place += 4;
    }
    if (distance === 0 || distance > at - outStart)
      throw corrupt('a snappy copy begins before the data');
    if (length > outEnd - at) throw corrupt('a snappy copy is longer than its block');
    copyMatch(to, at, distance, length);
    at += length;
  }
  if (at !== outEnd) throw corrupt('a snappy block is shorter than it says');
}

function writeVarint(to: Uint8Array, at: number, value: number): number {
  for (; value >= 0x80; value >>>= 7) to[at++] = value | 0x80;
  to[at] = value;
  return at + 1;
}
