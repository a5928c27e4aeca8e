/**
 * Produces that wait for their records to be safe. Appends of one partition become safe in the order they were made, so
 * the queue is a line: a rise of the mark answers a prefix of it.
 */
import { ErrorCode, type Offset } from '@odradek/protocol';

export type Acknowledge = (errorCode: ErrorCode) => void;

interface Waiting {
  readonly nextOffset: Offset;
  readonly acknowledge: Acknowledge;
}

export class Acknowledgements {
  #line: Waiting[] = [];
  #head = 0;

  get size(): number {
    return this.#line.length - this.#head;
  }

  /** Calls back once the mark has reached `nextOffset` (the offset after the last record). Duplicates may wait out of order: they are put in place. */
  wait(nextOffset: Offset, acknowledge: Acknowledge): void {
    const line = this.#line;
    line.push({ nextOffset, acknowledge });
    for (let i = line.length - 1; i > this.#head && line[i - 1]!.nextOffset > nextOffset; i--) {
      [line[i - 1], line[i]] = [line[i]!, line[i - 1]!];
    }
  }

  /** Answers all that the mark now covers. */
  reached(mark: Offset, errorCode: ErrorCode = ErrorCode.NONE): void {
    const line = this.#line;
    while (this.#head < line.length && line[this.#head]!.nextOffset <= mark) {
      line[this.#head++]!.acknowledge(errorCode);
    }
    if (this.#head === line.length) {
      this.#line = [];
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > line.length) {
      this.#line = line.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Answers everybody with an error: the leadership or the log is gone. */
  failAll(errorCode: ErrorCode): void {
    const rest = this.#line.slice(this.#head);
    this.#line = [];
    this.#head = 0;
    for (const waiting of rest) waiting.acknowledge(errorCode);
  }
}
