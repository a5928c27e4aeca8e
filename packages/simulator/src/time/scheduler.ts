/**
 * Virtual time: one queue of events, and one thread that goes from each to the next. Nothing waits for the host: the events of
 * an hour take the time that their code takes.
 *
 * Between two events the promises that can settle do. JavaScript does not tell when its queue of jobs is empty, and the
 * ways to ask (a message port, setImmediate) differ between hosts and cost more than most events. So `settle` gives way to
 * the other jobs again and again until QUIET_TURNS turns have passed in which nobody touched a port (set a timer, sent,
 * wrote, asked for chance). It is no matter of correctness: jobs run in the order that the language prescribes, the same in
 * every host, and a chain of promises that is longer than that goes on beside the next event, as if the processor had been
 * slow. It only keeps most chains within their moment.
 */
import { Process } from './process.ts';
import { EventQueue, type PlannedEvent } from './event-queue.ts';
import type { Trace } from '../trace.ts';

/** Measured: no chain of the broker's or the client's was longer than 20 between two touches of a port. A turn costs 26 ns. */
const QUIET_TURNS = 32;
const SETTLED = Promise.resolve();
/** With nothing planned, something may still be under way. */
const QUIET_TURNS_AT_END = 1000;

/** More than any moment has that goes over. */
const EVENTS_AT_ONCE_MAX = 100_000;

/** Events make events, and time does not go on. */
export class StandsStill extends Error {
  override readonly name = 'StandsStill';

  constructor({ kind, process, atMs }: PlannedEvent) {
    super(`${process?.name ?? 'the world'} does not come to an end of "${kind}" at ${atMs} ms`);
  }
}

export class Scheduler {
  readonly trace: Trace;
  nowMs = 0;
  /** How many events ran. */
  eventCount = 0;
  #activity = 0;
  #order = 0;
  /** Of this very moment. */
  #eventsNow = 0;
  #processes = 0;
  readonly #queue = new EventQueue();

  constructor(trace: Trace) {
    this.trace = trace;
  }

  startProcess(name: string, machine: string): Process {
    return new Process(++this.#processes, name, machine);
  }

  /** Somebody touched a port: what they do now is not at its end. */
  touch(): void {
    this.#activity += 1;
  }

  at(atMs: number, process: Process | undefined, kind: string, run: () => void): PlannedEvent {
    this.#activity += 1;
    const event = { atMs, order: ++this.#order, process, kind, run };
    this.#queue.push(event);
    return event;
  }

  after(
    delayMs: number,
    process: Process | undefined,
    kind: string,
    run: () => void,
  ): PlannedEvent {
    return this.at(this.nowMs + delayMs, process, kind, run);
  }

  cancel(event: PlannedEvent): void {
    this.#activity += 1;
    this.#queue.cancel(event);
  }

  /** Resolves so much later, unless the process has ended. */
  sleep(delayMs: number, process?: Process): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, process, 'sleep', resolve));
  }

  pause(process: Process): void {
    process.isPaused = true;
  }

  resume(process: Process): void {
    if (!process.isPaused) return;
    process.isPaused = false;
    const { backlog } = process;
    process.backlog = [];
    for (const event of backlog) {
      if (event.run === undefined) continue;
      // The same object: whoever holds it as a timer may still clear it.
      event.atMs = this.nowMs;
      this.#queue.push(event);
    }
  }

  /** Runs events until the condition holds or virtual time is up. Says which. */
  async run(untilMs: number, isDone: () => boolean = () => false): Promise<boolean> {
    await this.settle();
    while (!isDone()) {
      const event = this.#queue.pop() ?? (await this.#afterAll());
      if (event === undefined || event.atMs > untilMs) {
        if (event !== undefined) this.#queue.push(event);
        this.nowMs = untilMs;
        return false;
      }
      const { process } = event;
      if (process !== undefined) {
        if (!process.isAlive) {
          event.run = undefined;
          continue;
        }
        if (process.isPaused) {
          process.backlog.push(event);
          continue;
        }
      }
      if (event.atMs > this.nowMs) {
        this.nowMs = event.atMs;
        this.#eventsNow = 0;
      } else if (++this.#eventsNow > EVENTS_AT_ONCE_MAX) throw new StandsStill(event);
      this.eventCount += 1;
      this.trace.event(this.nowMs, process, event.kind);
      const { run } = event;
      event.run = undefined;
      run!();
      await this.settle();
    }
    return true;
  }

  /** Gives way until so many turns in a row were quiet. By `then`: half the cost of an `await` in a loop. */
  settle(turns = QUIET_TURNS): Promise<void> {
    return new Promise((resolve) => {
      let seen = this.#activity;
      let quiet = 0;
      const turn = (): void => {
        if (this.#activity !== seen) {
          seen = this.#activity;
          quiet = 0;
        } else if (++quiet >= turns) {
          resolve();
          return;
        }
        void SETTLED.then(turn);
      };
      turn();
    });
  }

  async #afterAll(): Promise<PlannedEvent | undefined> {
    await this.settle(QUIET_TURNS_AT_END);
    return this.#queue.pop();
  }
}
