/** A growing run of fixed-size entries in the form in which their file holds them. Empty costs nothing. */
export class Entries {
  readonly entryBytes: number;
  count = 0;
  bytes: Uint8Array = EMPTY;
  view: DataView = EMPTY_VIEW;

  constructor(entryBytes: number) {
    this.entryBytes = entryBytes;
  }

  /** Makes room for one more and gives its place; the caller fills it. */
  push(): number {
    const at = this.count * this.entryBytes;
    if (at + this.entryBytes > this.bytes.length)
      this.#resize(Math.max(this.bytes.length * 2, FIRST_ENTRIES * this.entryBytes));
    this.count++;
    return at;
  }

  /** Takes over bytes that were read. */
  fill(bytes: Uint8Array, count: number): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.count = count;
  }

  truncate(count: number): void {
    this.count = Math.min(this.count, count);
  }

  /** What the file holds. A view. */
  get used(): Uint8Array {
    return this.bytes.subarray(0, this.count * this.entryBytes);
  }

  /** The first index in [0, count] for which `isBeyond` holds; it must be false, then true. */
  firstBeyond(isBeyond: (index: number) => boolean): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBeyond(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #resize(size: number): void {
    const grown = new Uint8Array(size);
    grown.set(this.used);
    this.fill(grown, this.count);
  }
}

const FIRST_ENTRIES = 8;
const EMPTY = new Uint8Array(0);
const EMPTY_VIEW = new DataView(EMPTY.buffer);
