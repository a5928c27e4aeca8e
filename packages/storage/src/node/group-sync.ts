/**
 * Many who ask for a sync, one sync under way. Those who ask meanwhile share the next one, or the one under way when it covers
 * all that they asked for. A sync covers the calls before it and runs beside the writes after it.
 *
 * The first one that fails is the last: the system may have dropped what it could not write and report success the next time
 * (fsyncgate). Whoever waits fails too.
 */
import type { VolumeError } from '@odradek/ports';

interface Asked {
  readonly era: number;
  /** The last call that it covers. */
  readonly call: number;
  resolve(): void;
  reject(error: VolumeError): void;
}

export interface GroupSyncHost {
  /** Brings to the disk what is written; `isDirty` tells whether bytes were written since the last time. */
  sync(isDirty: boolean): Promise<void>;
  /** True when a sync has nothing to do but the file's bytes. */
  areEntriesSettled(): boolean;
  /** Gives the error for those who shared the sync, and the one for those who only waited. */
  failed(cause: unknown): { shared: VolumeError; waited: VolumeError };
  /** Nothing is under way any more. */
  idle(): void;
}

export class GroupSync {
  readonly #host: GroupSyncHost;
  #waiting: Asked[] = [];
  #running: Asked[] = [];
  #isRunning = false;
  /** Calls are numbered: the last one that is written, the last one that is on the disk. */
  #lastWritten: number;
  #lastSynced: number;

  /** Begins with a file of which nobody knows whether it was ever synced. */
  constructor(host: GroupSyncHost, firstCall: number) {
    this.#host = host;
    this.#lastWritten = firstCall;
    this.#lastSynced = firstCall - 1;
  }

  get isIdle(): boolean {
    return !this.#isRunning && this.#waiting.length === 0;
  }

  /** Settles when all up to `call` is on the disk. */
  ask(era: number, call: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ era, call, resolve, reject });
      this.#runWhenDue();
    });
  }

  /** All up to `call` is written, or has failed. */
  written(call: number): void {
    this.#lastWritten = call;
    if (this.#waiting.length > 0) this.#runWhenDue();
  }

  /** Fails those of the era who would have covered the call. */
  refuse(era: number, call: number, cause: VolumeError): void {
    const covers = (asked: Asked): boolean => asked.era === era && asked.call >= call;
    for (const asked of this.#take(covers)) asked.reject(cause);
  }

  #runWhenDue(): void {
    if (this.#isRunning) return;
    const covered = this.#lastWritten;
    this.#running = this.#take((asked) => asked.call <= covered);
    if (this.#running.length === 0) return;
    this.#isRunning = true;
    this.#host.sync(covered > this.#lastSynced).then(
      () => this.#succeeded(covered),
      (error: unknown) => this.#failed(error),
    );
  }

  #succeeded(covered: number): void {
    this.#lastSynced = covered;
    const joined = this.#host.areEntriesSettled()
      ? this.#take((asked) => asked.call <= covered)
      : [];
    for (const asked of [...this.#running.splice(0), ...joined]) asked.resolve();
    this.#isRunning = false;
    this.#runWhenDue();
    if (this.isIdle) this.#host.idle();
  }

  #failed(cause: unknown): void {
    const { shared, waited } = this.#host.failed(cause);
    for (const asked of this.#running.splice(0)) asked.reject(shared);
    for (const asked of this.#waiting.splice(0)) asked.reject(waited);
    this.#isRunning = false;
    this.#host.idle();
  }

  #take(isTaken: (asked: Asked) => boolean): Asked[] {
    const taken = this.#waiting.filter(isTaken);
    if (taken.length > 0) this.#waiting = this.#waiting.filter((asked) => !isTaken(asked));
    return taken;
  }
}
