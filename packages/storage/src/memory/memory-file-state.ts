/**
 * One file's bytes on a simulated disk: what programs see now, and what a power cut may leave of it.
 *
 * Invariant: bytes [0, durableBytes) are on the disk for good. Behind them come bytes that only the page cache holds. A cut
 * that was not yet synced is remembered with what it cut off, since a crash may undo it.
 */
import type { Random } from '@odradek/ports';

/** The unit in which a disk loses what was on its way. */
export const SECTOR_BYTES = 512;

/**
 * What a crash leaves of bytes that were not synced. lost: nothing. whole: everything. prefix: a random part from the front.
 * holes: as prefix, and any unsynced sector of it may hold zeros or garbage, sound sectors behind it (size written before data).
 */
export type TornTail = 'lost' | 'whole' | 'prefix' | 'holes';

/** The file as it was before the first cut that is not synced: `bytes` followed position `from`. */
interface UndoneCut {
  from: number;
  bytes: Uint8Array;
  durableBytes: number;
}

export interface SyncMark {
  readonly sizeBytes: number;
  readonly cuts: number;
}

const smallestBuffer = 256;
const tails: readonly TornTail[] = ['lost', 'whole', 'prefix', 'holes'];

export class MemoryFileState {
  #buffer: Uint8Array;
  #sizeBytes: number;
  #durableBytes: number;
  #cuts = 0;
  #undoneCut: UndoneCut | undefined;

  /** `bytes` are taken over, and are on the disk from the start. */
  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#buffer = bytes;
    this.#sizeBytes = bytes.length;
    this.#durableBytes = bytes.length;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(chunk: Uint8Array): void {
    const end = this.#sizeBytes + chunk.length;
    if (end > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(end, this.#buffer.length * 2, smallestBuffer));
      grown.set(this.#buffer.subarray(0, this.#sizeBytes));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.#sizeBytes);
    this.#sizeBytes = end;
  }

  read(position: number, length: number): Uint8Array {
    return this.#buffer.slice(
      Math.min(position, this.#sizeBytes),
      Math.min(position + length, this.#sizeBytes),
    );
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes >= this.#sizeBytes) return;
    this.#cuts += 1;
    const cut = this.#undoneCut;
    if (cut === undefined) {
      this.#undoneCut = {
        from: sizeBytes,
        bytes: this.#buffer.slice(sizeBytes, this.#sizeBytes),
        durableBytes: this.#durableBytes,
      };
    } else if (sizeBytes < cut.from) {
      const bytes = new Uint8Array(cut.from - sizeBytes + cut.bytes.length);
      bytes.set(this.#buffer.subarray(sizeBytes, cut.from));
      bytes.set(cut.bytes, cut.from - sizeBytes);
      this.#undoneCut = { from: sizeBytes, bytes, durableBytes: cut.durableBytes };
    }
    this.#sizeBytes = sizeBytes;
    this.#durableBytes = Math.min(this.#durableBytes, sizeBytes);
  }

  /** What a sync that begins now has to bring down. */
  get mark(): SyncMark {
    return { sizeBytes: this.#sizeBytes, cuts: this.#cuts };
  }

  /** Brings down what the mark saw, and no more unless the file was cut since. */
  sync({ sizeBytes, cuts }: SyncMark): void {
    this.#durableBytes =
      cuts === this.#cuts ? Math.max(this.#durableBytes, sizeBytes) : this.#sizeBytes;
    this.#undoneCut = undefined;
  }

  /** Flips bits of one byte, as a rotten sector does. */
  corrupt(position: number, mask: number): void {
    const byte = position < this.#sizeBytes ? this.#buffer[position] : undefined;
    if (byte === undefined)
      throw new RangeError(`no byte at ${position}: the file has ${this.#sizeBytes}`);
    this.#buffer[position] = byte ^ mask;
  }

  /** What a power cut now leaves. This state stays as it is. */
  afterCrash(random: Random, torn: TornTail | undefined): MemoryFileState {
    const cut = this.#undoneCut;
    if (cut === undefined || random.uint32() % 2 === 0) {
      return new MemoryFileState(
        tear(this.#buffer.slice(0, this.#sizeBytes), this.#durableBytes, random, torn),
      );
    }
    const before = new Uint8Array(cut.from + cut.bytes.length);
    before.set(this.#buffer.subarray(0, cut.from));
    before.set(cut.bytes, cut.from);
    return new MemoryFileState(tear(before, cut.durableBytes, random, torn));
  }
}

/** Damages `bytes` (the callee's) behind `durableBytes` within the fault model. */
function tear(
  bytes: Uint8Array,
  durableBytes: number,
  random: Random,
  torn: TornTail | undefined,
): Uint8Array {
  const unsynced = bytes.length - durableBytes;
  if (unsynced === 0) return bytes;
  switch (torn ?? tails[random.uint32() % tails.length]) {
    case 'lost':
      return bytes.slice(0, durableBytes);
    case 'whole':
      return bytes;
    case 'prefix':
      return bytes.slice(0, durableBytes + (random.uint32() % (unsynced + 1)));
    default: {
      const left = bytes.slice(0, durableBytes + (random.uint32() % (unsynced + 1)));
      punchHoles(left, durableBytes, random);
      return left;
    }
  }
}

function punchHoles(bytes: Uint8Array, from: number, random: Random): void {
  for (let start = from; start < bytes.length;) {
    const end = Math.min((Math.floor(start / SECTOR_BYTES) + 1) * SECTOR_BYTES, bytes.length);
    const fate = random.uint32() % 8;
    if (fate === 0) bytes.set(random.bytes(end - start), start);
    else if (fate <= 2) bytes.fill(0, start, end);
    start = end;
  }
}
