/**
 * Which partition a record belongs to. A key always goes where Java's client puts it. Records without a key stay with one partition until
 * its batch is sent and then move to another one by chance: fewer, larger batches than in turn, and as even in the end (KIP-480).
 */
import type { Random } from '@odradek/ports';
import { partitionOfKey } from './murmur2.ts';

export interface PartitionerInput {
  readonly topic: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly partitionCount: number;
}

/** Undefined leaves the choice to the default. */
export type Partitioner = (input: PartitionerInput) => number | undefined;

export class StickyPartition {
  readonly #random: Random;
  #current = -1;
  #isUsedUp = true;

  constructor(random: Random) {
    this.#random = random;
  }

  choose(partitionCount: number): number {
    if (!this.#isUsedUp && this.#current < partitionCount) return this.#current;
    // Another one than before, when there is one.
    const others = this.#current >= 0 && partitionCount > 1 ? partitionCount - 1 : partitionCount;
    const drawn = Math.floor((this.#random.uint32() / 2 ** 32) * others);
    this.#current = others < partitionCount && drawn >= this.#current ? drawn + 1 : drawn;
    this.#isUsedUp = false;
    return this.#current;
  }

  /** The partition's batch is on its way. */
  batchSent(partition: number): void {
    if (partition === this.#current) this.#isUsedUp = true;
  }
}

export const defaultPartition = (
  key: Uint8Array | null,
  partitionCount: number,
  sticky: StickyPartition,
): number => (key === null ? sticky.choose(partitionCount) : partitionOfKey(key, partitionCount));
