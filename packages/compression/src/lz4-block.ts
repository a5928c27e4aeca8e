/**
 * LZ4 blocks (github.com/lz4/lz4, doc/lz4_Block_format.md): sequences of a token, literals, a two-byte distance and a match.
 * The last five bytes are literals, and no match begins in the last twelve.
 */
import { corrupt } from './errors.ts';
import { MATCH_BYTES_MIN, copyLiterals, copyMatch, fourBytes, matchEnd } from './matches.ts';
import type { MatchTable } from './matches.ts';

const LAST_LITERALS_BYTES = 5;
const MATCH_START_MARGIN_BYTES = 12;
const DISTANCE_MAX = 65535;
/** After so many (2^6) misses the search begins to skip: what does not compress is passed over quickly. */
const SKIP_SHIFT = 6;

/** How much a block of `length` bytes can grow to when nothing in it repeats. */
export function lz4BlockBytesMax(length: number): number {
  return length + Math.ceil(length / 255) + 16;
}

export const FULL = -1;

/** A byte of a length adds 255 at most: no block makes more of its bytes. */
export const LZ4_EXPANSION_MAX = 255;

/** Writes the block [start, end) of `from` into `to` from `at` on, which has room. Gives the place behind. */
export function lz4Compress(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  at: number,
  table: MatchTable,
): number {
  const matchStartEnd = end - MATCH_START_MARGIN_BYTES;
  const matchesEnd = end - LAST_LITERALS_BYTES;
  table.reset(start, end - start);
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
    const matched = matchEnd(from, before + MATCH_BYTES_MIN, place + MATCH_BYTES_MIN, matchesEnd);
    const matchLength = matched - place - MATCH_BYTES_MIN;
    at = writeLiterals(from, literals, place, to, at, matchLength);
    to[at++] = place - before;
    to[at++] = (place - before) >> 8;
    if (matchLength >= 15) at = writeLength(to, at, matchLength - 15);
    place = literals = matched;
    // The bytes just before are likely to be met again.
    if (place < matchStartEnd) table.swap(fourBytes(from, place - 2), place - 2);
  }
  return writeLiterals(from, literals, end, to, at, 0);
}

function writeLiterals(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  at: number,
  matchLength: number,
): number {
  const length = end - start;
  to[at++] = (Math.min(length, 15) << 4) | Math.min(matchLength, 15);
  if (length >= 15) at = writeLength(to, at, length - 15);
  copyLiterals(from, start, length, to, at);
  return at + length;
}

function writeLength(to: Uint8Array, at: number, rest: number): number {
  for (; rest >= 255; rest -= 255) to[at++] = 255;
  to[at] = rest;
  return at + 1;
}

/**
 * Reads the block [start, end) of `from` into `to` from `at` on. Matches reach back to `outStart` (before `at` when blocks
 * depend on those before). Gives the place behind, or FULL when it would be past `outEnd`; throws CompressionError.
 */
export function lz4Decompress(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  outStart: number,
  at: number,
  outEnd: number,
): number {
  let place = start;
  while (place < end) {
    const token = from[place++]!;
    let length = token >>> 4;
    if (length === 15) {
      let more = 255;
      while (more === 255 && place < end) length += more = from[place++]!;
    }
    if (length > end - place) throw corrupt('LZ4 literals reach past the end of their block');
    if (length > outEnd - at) return FULL;
    copyLiterals(from, place, length, to, at);
    place += length;
    at += length;
    if (place === end) return at;

    if (end - place < 2) throw corrupt('an LZ4 block ends within a match');
    const distance = from[place]! | (from[place + 1]! << 8);
    place += 2;
    length = (token & 15) + MATCH_BYTES_MIN;
    if (length === 15 + MATCH_BYTES_MIN) {
      let more = 255;
      while (more === 255 && place < end) length += more = from[place++]!;
    }
    if (distance === 0 || distance > at - outStart)
      throw corrupt('an LZ4 match begins before the data');
    if (length > outEnd - at) return FULL;
    copyMatch(to, at, distance, length);
    at += length;
  }
  throw corrupt('an LZ4 block ends without literals');
}
