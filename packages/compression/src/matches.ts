/**
 * What LZ4 and snappy share: both write a block as literals and copies of bytes that stand up to 64 KiB before, and differ in
 * how they write the two down. Here are the search for a match, and the two copies.
 */

/** A match of fewer is not worth its description, in either format. */
export const MATCH_BYTES_MIN = 4;

const HASH_BITS_MAX = 14;
/** Below this a call into the engine costs more than a loop. */
const LOOP_BYTES_MAX = 32;

/** Where each hash of four bytes was last seen. One for a codec, used again for each block. */
export class MatchTable {
  readonly #places = new Int32Array(1 << HASH_BITS_MAX);
  #shift = 32 - HASH_BITS_MAX;
  /** Places are kept as distances from here, plus one: 0 is never seen. */
  #base = 0;

  /** Forgets all, for a block of so many bytes from `start` on. */
  reset(start: number, length: number): void {
    const bits = Math.max(8, Math.min(HASH_BITS_MAX, 32 - Math.clz32(length)));
    this.#shift = 32 - bits;
    this.#base = start - 1;
    this.#places.fill(0, 0, 1 << bits);
  }

  /** Where these four bytes were last seen, or a place before the block; from now on it is `at`. */
  swap(four: number, at: number): number {
    const slot = Math.imul(four, 0x9e3779b1) >>> this.#shift;
    const before = this.#places[slot]! + this.#base;
    this.#places[slot] = at - this.#base;
    return before;
  }
}

export function fourBytes(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** How far the bytes at `at` are those at `before`, up to `end`. */
export function matchEnd(bytes: Uint8Array, before: number, at: number, end: number): number {
  while (at < end && bytes[before] === bytes[at]) {
    before++;
    at++;
  }
  return at;
}

export function copyLiterals(
  from: Uint8Array,
  start: number,
  length: number,
  to: Uint8Array,
  at: number,
): void {
  if (length > LOOP_BYTES_MAX) to.set(from.subarray(start, start + length), at);
  else for (let index = 0; index < length; index++) to[at + index] = from[start + index]!;
}

/** Repeats what stands `distance` before; when that is less than `length` the copy feeds on itself. */
export function copyMatch(bytes: Uint8Array, at: number, distance: number, length: number): void {
  if (length <= LOOP_BYTES_MAX) {
    for (const end = at + length; at < end; at++) bytes[at] = bytes[at - distance]!;
  } else if (distance === 1) {
    bytes.fill(bytes[at - 1]!, at, at + length);
  } else {
    // What is copied doubles what can be copied at once.
    const from = at - distance;
    for (let done = 0; done < length;) {
      const piece = Math.min(distance + done, length - done);
      bytes.copyWithin(at + done, from, from + piece);
      done += piece;
    }
  }
}
