/** Who waits for records: the caller of one `send`, for one record or for many; and those who flush. */
import type { Sink } from './partition-queue.ts';

export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /** -1 when nobody was asked to acknowledge, or when the broker knows only that it has the record already. */
  readonly offset: number;
  readonly timestampMs: number;
}

/** Records that lie one behind the other in a partition. */
export interface Delivery {
  readonly partition: number;
  readonly baseOffset: number;
  readonly recordCount: number;
}

/** Counts what `flush` waits for: everything since the flush before, and what that one still waits for. */
export class WaitCounter {
  #pending = 0;
  #isClosed = false;
  readonly #before: Promise<void> | undefined;
  #resolve: (() => void) | undefined;
  #promise: Promise<void> | undefined;

  constructor(before?: WaitCounter) {
    this.#before = before?.settled();
  }

  add(): void {
    this.#pending += 1;
  }

  done(): void {
    this.#pending -= 1;
    if (this.#pending === 0 && this.#isClosed) this.#resolve?.();
  }

  settled(): Promise<void> {
    this.#isClosed = true;
    this.#promise ??= Promise.all([
      this.#before,
      this.#pending === 0
        ? undefined
        : new Promise<void>((resolve) => {
            this.#resolve = resolve;
          }),
    ]).then(() => {});
    return this.#promise;
  }
}

export class RecordSink implements Sink {
  readonly #topic: string;
  readonly #resolve: (metadata: RecordMetadata) => void;
  readonly #reject: (error: Error) => void;
  readonly #counter: WaitCounter;

  constructor(
    topic: string,
    resolve: (metadata: RecordMetadata) => void,
    reject: (error: Error) => void,
    counter: WaitCounter,
  ) {
    this.#topic = topic;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#counter = counter;
    counter.add();
  }

  delivered(partition: number, offset: number, timestampMs: number): void {
    this.#resolve({ topic: this.#topic, partition, offset, timestampMs });
    this.#counter.done();
  }

  failed(error: Error): void {
    this.#reject(error);
    this.#counter.done();
  }
}

export class DeliverySink implements Sink {
  readonly #resolve: (deliveries: readonly Delivery[]) => void;
  readonly #reject: (error: Error) => void;
  readonly #counter: WaitCounter;
  readonly #deliveries: Delivery[] = [];
  #left: number;
  #error: Error | undefined;

  constructor(
    count: number,
    resolve: (deliveries: readonly Delivery[]) => void,
    reject: (error: Error) => void,
    counter: WaitCounter,
  ) {
    this.#left = count;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#counter = counter;
    counter.add();
  }

  delivered(partition: number, offset: number): void {
    const last = this.#deliveries.at(-1);
    if (
      last?.partition === partition &&
      (offset < 0 ? last.baseOffset < 0 : last.baseOffset + last.recordCount === offset)
    )
      this.#deliveries[this.#deliveries.length - 1] = {
        ...last,
        recordCount: last.recordCount + 1,
      };
    else this.#deliveries.push({ partition, baseOffset: offset, recordCount: 1 });
    this.#settle();
  }

  failed(error: Error): void {
    this.#error ??= error;
    this.#settle();
  }

  #settle(): void {
    this.#left -= 1;
    if (this.#left > 0) return;
    if (this.#error === undefined) this.#resolve(this.#deliveries);
    else this.#reject(this.#error);
    this.#counter.done();
  }
}
