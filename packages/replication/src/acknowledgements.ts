/**
 * Produces that wait for their records to be safe. Appends of one partition become safe in the order they were made, so
 * the queue is a line: a rise of the mark answers a prefix of it.
 *
 * The line is bounded by the log, which refuses appends when too many bytes wait for the disk, and by the requests that a
 * broker lets be under way.
 */
import { ErrorCode, type Offset } from '@odradek/protocol';

/** May itself wait anew or fail all: the line is sound before each call. It must not throw. */
export type Acknowledge = (errorCode: ErrorCode) => void;

interface Waiting {
  readonly nextOffset: Offset;
  readonly acknowledge: Acknowledge;
}

/** Answered places are given up when there are so many of them, and they are most of the line. */
const ANSWERED_KEPT_MAX = 1024;

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
    while (this.size > 0 && this.#line[this.#head]!.nextOffset <= mark) {
      this.#line[this.#head++]!.acknowledge(errorCode);
    }
    if (this.size === 0) {
      this.#line = [];
      this.#head = 0;
    } else if (this.#head > ANSWERED_KEPT_MAX && this.#head * 2 > this.#line.length) {
      this.#line = this.#line.slice(this.#head);
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
