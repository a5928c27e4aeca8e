/**
 * What one node's log of one partition holds, as its broker has told it: batches by their offsets, each with a word that stands
 * for its bytes. Derived from appends and cuts alone, so that it is right also while the node is down.
 */
export class ReplicaModel {
  /** Of the next record. */
  endOffset = 0;
  /** As its broker has said last: what is below survives the end of the power. */
  flushedOffset = 0;
  /** In this life of the log. */
  highWatermark = 0;
  readonly #bases: number[] = [];
  readonly #words: number[] = [];
  readonly #epochs: number[] = [];

  opened(logStartOffset: number, logEndOffset: number): void {
    this.highWatermark = 0;
    if (logStartOffset > this.endOffset) this.#clear();
    this.cut(logEndOffset);
    // Of a cut that a crash has undone nothing is known but how far the log goes.
    this.endOffset = logEndOffset;
    this.flushedOffset = logEndOffset;
  }

  appended(baseOffset: number, nextOffset: number, epoch: number, word: number): void {
    this.#bases.push(baseOffset);
    this.#epochs.push(epoch);
    this.#words.push(word);
    this.endOffset = nextOffset;
  }

  cut(toOffset: number): void {
    while (this.#bases.length > 0 && this.#bases.at(-1)! >= toOffset) {
      this.#bases.pop();
      this.#epochs.pop();
      this.#words.pop();
    }
    if (toOffset < this.endOffset) this.endOffset = toOffset;
    if (toOffset < this.flushedOffset) this.flushedOffset = toOffset;
  }

  begunAnew(atOffset: number): void {
    this.#clear();
    this.endOffset = atOffset;
    this.flushedOffset = atOffset;
    this.highWatermark = atOffset;
  }

  /** The batches that begin in [from, to), in order. */
  *between(from: number, to: number): Iterable<{ readonly base: number; readonly word: number }> {
    for (let at = this.#firstFrom(from); at < this.#bases.length; at += 1) {
      const base = this.#bases[at]!;
      if (base >= to) return;
      yield { base, word: this.#words[at]! };
    }
  }

  /** The epoch of the last batch before this offset; undefined: there is none, or it is not known. */
  epochBefore(offset: number): number | undefined {
    return this.#epochs[this.#firstFrom(offset) - 1];
  }

  #firstFrom(offset: number): number {
    let low = 0;
    let high = this.#bases.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#bases[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #clear(): void {
    this.#bases.length = 0;
    this.#epochs.length = 0;
    this.#words.length = 0;
    this.endOffset = 0;
    this.flushedOffset = 0;
  }
}
