/**
 * One run of a program on a machine, from its start to its end. Everything that runs belongs to one: its timers, what comes
 * to it from the network, the ends of its disk's work.
 *
 * A process that is killed does nothing any more: its events are dropped as their time comes, its disk is taken away, and what
 * it sends goes nowhere. Promises that waited for an event never settle, and the garbage collector takes the rest. One that is
 * paused (SIGSTOP, a long garbage collection, a frozen tab) keeps its events, and has them all at once when it goes on;
 * time goes on meanwhile.
 */
import type { PlannedEvent } from './event-queue.ts';

export class Process {
  readonly id: number;
  readonly name: string;
  /** The host that it runs on, for the network. */
  readonly machine: string;
  isAlive = true;
  isPaused = false;
  /** What came due while it stood still. */
  backlog: PlannedEvent[] = [];
  readonly #endings: (() => void)[] = [];

  constructor(id: number, name: string, machine: string) {
    this.id = id;
    this.name = name;
    this.machine = machine;
  }

  /** Runs when the process ends, in whatever way. */
  onEnd(listener: () => void): void {
    this.#endings.push(listener);
  }

  end(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.backlog = [];
    for (const listener of this.#endings) listener();
  }
}
