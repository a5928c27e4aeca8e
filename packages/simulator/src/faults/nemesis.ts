/**
 * Who does the harm, and when. Each seed leaves out some kinds (a swarm: faults that are always all on hide what only
 * some of them together bring out), and has a pace of its own. In the end everything is undone.
 */
import type { Chance } from '../chance.ts';
import type { Scheduler } from '../time/scheduler.ts';
import { FAULT_KINDS, MEAN_MS, inflict, once, type FaultKind, type World } from './faults.ts';

export interface NemesisOptions {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly world: World;
  /** All but these are left out, when given. */
  readonly only?: readonly FaultKind[] | undefined;
}

/** Between two faults. */
const PACES_MS = [2_000, 5_000, 10_000];
/** How much longer they last: lags and sessions end only in long ones. */
const STRETCHES = [1, 1, 4];
const SWARM_KEEPS = 0.6;

export class Nemesis {
  readonly counts = new Map<FaultKind, number>();
  readonly #options: NemesisOptions;
  readonly #kinds: readonly FaultKind[];
  readonly #paceMs: number;
  readonly #stretch: number;
  readonly #undone = new Set<() => void>();
  #isOver = false;

  constructor(options: NemesisOptions) {
    const { chance, only } = options;
    this.#options = options;
    const kept = FAULT_KINDS.filter(() => chance.happens(SWARM_KEEPS));
    this.#kinds = only ?? (kept.length > 0 ? kept : FAULT_KINDS);
    this.#paceMs = chance.pick(PACES_MS);
    this.#stretch = chance.pick(STRETCHES);
  }

  start(): void {
    const { scheduler, chance } = this.#options;
    if (this.#kinds.length === 0) return;
    scheduler.after(chance.waitAround(this.#paceMs), undefined, 'nemesis', () => {
      if (this.#isOver) return;
      this.#strike(chance.pick(this.#kinds));
      this.start();
    });
  }

  /** Everything is undone, and nothing more is done. */
  stop(): void {
    this.#isOver = true;
    for (const undo of [...this.#undone]) undo();
  }

  #strike(kind: FaultKind): void {
    const { scheduler, chance, world } = this.#options;
    const undo = inflict(kind, world);
    if (undo === undefined) return;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    const last = once(() => {
      this.#undone.delete(last);
      undo();
    });
    this.#undone.add(last);
    scheduler.after(chance.waitAround(MEAN_MS[kind] * this.#stretch), undefined, 'undo', last);
  }
}
