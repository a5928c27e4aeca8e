/**
 * Appends of one partition whose fate is not known yet, in order. When the head's is known it is replayed, if committed, and its
 * waiter told; so replay follows the order of the log, and whoever is told sees what it decided. A waiter is told
 * after offsets.commit.timeout.ms at the latest; its records stay in the queue and are replayed if they are committed after all.
 *
 * Invariant: `settled` is called once, and never before `append` has returned.
 */
import { ErrorCode } from '@odradek/protocol';
import type { Clock } from '@odradek/ports';
import { TIMER_DELAY_MS_MAX } from './config.ts';
import type { CoordinatorRecord } from './records/records.ts';

export type Settled = (errorCode: ErrorCode) => void;

export interface AppendQueueOptions {
  readonly clock: Clock;
  /** Settles when the records' fate is known; never rejects. */
  append(records: readonly CoordinatorRecord[]): Promise<ErrorCode>;
  replay(record: CoordinatorRecord): void;
  inFlightMax(): number;
  timeoutMs(): number;
}

interface Entry {
  readonly records: readonly CoordinatorRecord[];
  readonly deadlineMs: number;
  settled: Settled | undefined;
  /** Undefined: not known yet. */
  outcome: ErrorCode | undefined;
}

export class AppendQueue {
  readonly #options: AppendQueueOptions;
  readonly #entries: Entry[] = [];
  #timer: ReturnType<Clock['setTimeout']> | undefined;
  #isClosed = false;

  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  append(records: readonly CoordinatorRecord[], settled: Settled): void {
    const refusal = this.#refusal();
    const entry = this.#enqueue(refusal === ErrorCode.NONE ? records : [], settled);
    const outcome =
      refusal === ErrorCode.NONE ? this.#options.append(records) : Promise.resolve(refusal);
    void outcome.then((errorCode) => this.#conclude(entry, errorCode));
  }

  #refusal(): ErrorCode {
    if (this.#isClosed) return ErrorCode.NOT_COORDINATOR;
    return this.#entries.length >= this.#options.inFlightMax()
      ? ErrorCode.COORDINATOR_NOT_AVAILABLE
      : ErrorCode.NONE;
  }

  /** Settles when everything that was appended before is settled. */
  barrier(settled: Settled): void {
    const entry = this.#enqueue([], settled);
    void Promise.resolve(ErrorCode.NONE).then((errorCode) => this.#conclude(entry, errorCode));
  }

  /** Records that may yet be committed, in order. */
  *pending(): Generator<CoordinatorRecord, void, undefined> {
    for (const { records } of this.#entries) yield* records;
  }

  /** Everybody is told; what becomes of the records is the next leader's to find out. */
  close(errorCode: ErrorCode): void {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    for (const entry of this.#entries.splice(0)) tell(entry, errorCode);
  }

  #enqueue(records: readonly CoordinatorRecord[], settled: Settled): Entry {
    const deadlineMs = this.#options.clock.monotonicMs() + this.#options.timeoutMs();
    const entry: Entry = { records, deadlineMs, settled, outcome: undefined };
    if (this.#isClosed) return entry;
    this.#entries.push(entry);
    if (this.#timer === undefined) this.#startTimer(deadlineMs);
    return entry;
  }

  #conclude(entry: Entry, outcome: ErrorCode): void {
    entry.outcome = outcome;
    if (this.#isClosed) return tell(entry, ErrorCode.NOT_COORDINATOR);
    let head = this.#entries[0];
    while (head?.outcome !== undefined) {
      this.#entries.shift();
      if (head.outcome === ErrorCode.NONE)
        for (const record of head.records) this.#options.replay(record);
      tell(head, head.outcome);
      head = this.#entries[0];
    }
  }

  /** Deadlines rise along the queue, so that one timer does for all. It runs on when the queue is empty: most appends are faster. */
  #startTimer(deadlineMs: number): void {
    const { clock } = this.#options;
    const delayMs = Math.min(Math.max(deadlineMs - clock.monotonicMs(), 0), TIMER_DELAY_MS_MAX);
    this.#timer = clock.setTimeout(() => this.#expire(), delayMs);
  }

  #expire(): void {
    this.#timer = undefined;
    const nowMs = this.#options.clock.monotonicMs();
    for (const entry of [...this.#entries]) {
      if (entry.settled === undefined) continue;
      if (entry.deadlineMs > nowMs) return this.#startTimer(entry.deadlineMs);
      tell(entry, ErrorCode.REQUEST_TIMED_OUT);
    }
  }
}

function tell(entry: Entry, errorCode: ErrorCode): void {
  const { settled } = entry;
  entry.settled = undefined;
  settled?.(errorCode);
}
