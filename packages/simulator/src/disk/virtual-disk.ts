/**
 * A machine's disk: the memory disk with its fault model (what a power cut leaves of unflushed bytes), which takes virtual
 * time. Writes go to a page cache and take none; what reaches the platter does. A slow disk makes everything wait.
 */
import { MemoryDisk, type MemoryOperation, type MemoryVolume } from '@odradek/storage/memory';
import type { Chance } from '../chance.ts';
import type { Process } from '../time/process.ts';
import type { Scheduler } from '../time/scheduler.ts';

const SYNC_MS = [0.2, 2] as const;
/** A file written, flushed, renamed, its folder flushed. */
const REPLACE_MS = [0.5, 4] as const;
/** What others take when the disk is slow. */
const SLOW_MS = [0.02, 0.2] as const;

export class VirtualDisk {
  memory: MemoryDisk;
  /** It was broken, and another one was put in its place. */
  isRenewed = false;
  /** A bit of it has turned, once or more often. */
  isRotten = false;
  /** 1: as usual. */
  slowness = 1;
  readonly #scheduler: Scheduler;
  readonly #chance: Chance;
  readonly #name: string;
  #process: Process | undefined;
  #trap: { left: number; readonly spring: () => void } | undefined;

  constructor(scheduler: Scheduler, chance: Chance, name: string) {
    this.#scheduler = scheduler;
    this.#chance = chance;
    this.#name = name;
    this.memory = this.#createDisk();
  }

  #createDisk(): MemoryDisk {
    return new MemoryDisk({
      random: this.#chance,
      traits: { durability: 'disk', location: this.#name },
      pace: (operation) => this.#pace(operation),
    });
  }

  /** An empty one, while nobody has it. */
  renew(): void {
    this.memory = this.#createDisk();
    this.isRenewed = true;
  }

  mount(process: Process): MemoryVolume {
    this.#process = process;
    return this.memory.mount();
  }

  /** The program is gone, the machine is not: the page cache stays. */
  kill(): void {
    this.#process = undefined;
    this.memory.kill();
  }

  cutPower(): void {
    this.#process = undefined;
    this.memory.crash();
  }

  /** No room for more than this, until it is given back. */
  fill(freeBytes: number): void {
    this.memory.capacityBytes = this.memory.usedBytes + freeBytes;
  }

  empty(): void {
    this.memory.capacityBytes = Number.POSITIVE_INFINITY;
  }

  /** One bit of one of the files that the filter takes; says which. */
  rot(takes: (name: string) => boolean): string | undefined {
    const names = [...this.memory.files]
      .filter(([name, state]) => state.sizeBytes > 0 && takes(name))
      .map(([name]) => name)
      .sort();
    if (names.length === 0) return undefined;
    const name = this.#chance.pick(names);
    const position = this.#chance.below(this.memory.files.get(name)!.sizeBytes);
    this.isRotten = true;
    this.memory.corrupt(name, position, 1 << this.#chance.below(8));
    return `${name} at ${position}`;
  }

  /** While the so-manieth flush from now is under way, this happens: what harms most, harms then. */
  setTrap(flushes: number, spring: () => void): void {
    this.#trap = { left: flushes, spring };
  }

  clearTrap(): void {
    this.#trap = undefined;
  }

  #pace(operation: MemoryOperation): Promise<void> | undefined {
    const range = operation === 'sync' ? SYNC_MS : operation === 'replace' ? REPLACE_MS : SLOW_MS;
    if (range === SLOW_MS && this.slowness === 1) {
      this.#scheduler.touch();
      return undefined;
    }
    const delayMs = this.#chance.between(range[0], range[1]) * this.slowness;
    const process = this.#process;
    const trap = this.#trap;
    if (trap !== undefined && range !== SLOW_MS && --trap.left <= 0) {
      this.#trap = undefined;
      this.#scheduler.after(delayMs * this.#chance.fraction(), process, 'trap', trap.spring);
    }
    return new Promise((resolve) => this.#scheduler.after(delayMs, process, operation, resolve));
  }
}
