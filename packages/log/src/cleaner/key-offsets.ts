/**
 * The last offset of each key, for one round of compaction. Keys are kept whole, so that no two are ever taken for each other
 * (Kafka keeps 16-byte digests). Bounded: an entry costs 24 bytes and its key, the sum may reach `bytesMax`, and then the map
 * says that it is full; what lies behind waits for the next round. Growing by doubling, it may hold twice that for a moment.
 *
 * Open addressing with linear probing over at most three quarters of the slots. The hash is MurmurHash3 (32 bits) with a seed
 * that producers do not know, so that they cannot choose keys that collide.
 */
const ENTRY_BYTES = 24;
const FIRST_SLOTS = 1024;
const FIRST_KEY_BYTES = 64 * 1024;

export class KeyOffsets {
  readonly #bytesMax: number;
  readonly #seed: number;
  /** Entry number plus one; 0 is free. */
  #slots = new Int32Array(FIRST_SLOTS);
  #hashes = new Int32Array(FIRST_SLOTS);
  #offsets = new Float64Array(FIRST_SLOTS);
  /** Where each key begins; it ends where the next one does. */
  #starts = new Float64Array(FIRST_SLOTS + 1);
  #keys = new Uint8Array(FIRST_KEY_BYTES);
  #count = 0;

  constructor(bytesMax: number, seed: number) {
    this.#bytesMax = bytesMax;
    this.#seed = seed;
  }

  get size(): number {
    return this.#count;
  }

  /** False: there is no room for another key. One key always fits. */
  put(key: Uint8Array, offset: number): boolean {
    const hash = murmur3(key, this.#seed);
    const found = this.#find(key, hash);
    if (found >= 0) {
      this.#offsets[found] = offset;
      return true;
    }
    const keyEnd = this.#starts[this.#count]! + key.length;
    if (this.#count > 0 && (this.#count + 1) * ENTRY_BYTES + keyEnd > this.#bytesMax) return false;
    this.#reserve(keyEnd);
    this.#keys.set(key, this.#starts[this.#count]!);
    this.#starts[this.#count + 1] = keyEnd;
    this.#hashes[this.#count] = hash;
    this.#offsets[this.#count] = offset;
    this.#count++;
    this.#occupy(this.#count - 1, hash);
    return true;
  }

  /** -1: the key is not there. */
  get(key: Uint8Array): number {
    const found = this.#find(key, murmur3(key, this.#seed));
    return found < 0 ? -1 : this.#offsets[found]!;
  }

  #find(key: Uint8Array, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0) return -1;
      if (this.#hashes[entry] === hash && this.#isKey(entry, key)) return entry;
    }
  }

  #isKey(entry: number, key: Uint8Array): boolean {
    const start = this.#starts[entry]!;
    if (this.#starts[entry + 1]! - start !== key.length) return false;
    for (let n = 0; n < key.length; n++) if (this.#keys[start + n] !== key[n]) return false;
    return true;
  }

  #occupy(entry: number, hash: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  #reserve(keyEnd: number): void {
    if (keyEnd > this.#keys.length) {
      const keys = new Uint8Array(Math.max(this.#keys.length * 2, keyEnd));
      keys.set(this.#keys.subarray(0, this.#starts[this.#count]));
      this.#keys = keys;
    }
    if (this.#count === this.#offsets.length) {
      const length = this.#count * 2;
      this.#hashes = grown(this.#hashes, new Int32Array(length));
      this.#offsets = grown(this.#offsets, new Float64Array(length));
      this.#starts = grown(this.#starts, new Float64Array(length + 1));
    }
    if ((this.#count + 1) * 4 <= this.#slots.length * 3) return;
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let entry = 0; entry < this.#count; entry++) this.#occupy(entry, this.#hashes[entry]!);
  }
}

function grown<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Austin Appleby's MurmurHash3_x86_32. */
function murmur3(bytes: Uint8Array, seed: number): number {
  const blocksEnd = bytes.length - (bytes.length % 4);
  let hash = seed | 0;
  for (let at = 0; at < blocksEnd; at += 4) {
    hash ^= mixed(
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24),
    );
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let at = bytes.length - 1; at >= blocksEnd; at--) rest = (rest << 8) | bytes[at]!;
  if (blocksEnd < bytes.length) hash ^= mixed(rest);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function mixed(block: number): number {
  const product = Math.imul(block, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}
