/**
 * Which records of a partition are finished, when several are worked on at once. Only the prefix may be committed: behind a record that is not
 * finished nothing counts, or a crash would lose it.
 */
export class FinishedPrefix {
  /** Offsets handed out and not known to be in the prefix, rising; those before `#head` are done with. */
  #pending: number[] = [];
  #head = 0;
  readonly #finished = new Set<number>();
  /** Behind the last that was handed out, records that are nobody's (markers, aborted ones) included. */
  #end: number;

  constructor(start: number) {
    this.#end = start;
  }

  /** What may be committed: the offset of the first record that is not finished. */
  get committable(): number {
    return this.#pending[this.#head] ?? this.#end;
  }

  get hasWork(): boolean {
    return this.#head < this.#pending.length;
  }

  /** Handed out, in order. */
  started(offset: number): void {
    this.#pending.push(offset);
    if (offset >= this.#end) this.#end = offset + 1;
  }

  /** Nothing before `offset` is left to hand out. */
  passed(offset: number): void {
    if (offset > this.#end) this.#end = offset;
  }

  finished(offset: number): void {
    this.#finished.add(offset);
    while (this.hasWork && this.#finished.delete(this.#pending[this.#head]!)) this.#head += 1;
    if (!this.hasWork) {
      this.#pending.length = 0;
      this.#head = 0;
      this.#finished.clear();
    } else if (this.#head > 1024 && this.#head * 2 > this.#pending.length) {
      this.#pending = this.#pending.slice(this.#head);
      this.#head = 0;
    }
  }
}
