/**
 * All chance of one history comes from its seed, in streams with names. What one part draws does not shift what another
 * gets, so that a change of the workload leaves the disks' fates as they were. sfc32 by Chris Doty-Humphrey (PractRand).
 */
import type { Random } from '@odradek/ports';

export class Chance implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, name: string) {
    this.#a = hashOf(name, 0x9e3779b9);
    this.#b = hashOf(name, 0x243f6a88);
    this.#c = seed | 0;
    for (let i = 0; i < 12; i += 1) this.uint32();
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i += 1) bytes[i] = this.uint32();
    return bytes;
  }

  /** In [0, 1). */
  fraction(): number {
    return this.uint32() / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + this.fraction() * (high - low);
  }

  /** A whole number in [0, count). */
  below(count: number): number {
    return Math.floor(this.fraction() * count);
  }

  happens(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /**
   * Waits between things that happen by themselves, `mean` on the average: a few fixed steps of the exponential distribution,
   * since Math.log may differ by a bit between engines.
   */
  waitAround(mean: number): number {
    const step = this.below(16);
    return mean * (WAITS[step]! + this.fraction() * (WAITS[step + 1]! - WAITS[step]!));
  }

  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let at = result.length - 1; at > 0; at -= 1) {
      const other = this.below(at + 1);
      [result[at], result[other]] = [result[other]!, result[at]!];
    }
    return result;
  }
}

/** Of the exponential distribution with mean 1, the 16-quantiles; the last one is where it is cut. */
const WAITS = [
  0, 0.065, 0.134, 0.208, 0.288, 0.375, 0.47, 0.575, 0.693, 0.827, 0.981, 1.163, 1.386, 1.674,
  2.079, 2.773, 5,
];

/** FNV-1a. */
const hashOf = (text: string, basis: number): number => {
  let hash = basis;
  for (let i = 0; i < text.length; i += 1)
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
};
