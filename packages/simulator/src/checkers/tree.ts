/**
 * What applications are told of the coordination tree is linearizable: each operation names its place in the order of all changes
 * (a write its own, a read how far the tree went that it saw), that order agrees with real time, and everybody saw what it says.
 * A write whose outcome is not known has no place; a read that sees its value gives it one. A lock has one holder, and fences grow.
 *
 * Looked at as each operation ends, so that a history stops where it went wrong.
 */
import type { History } from './history.ts';

interface Ended {
  readonly atMs: number;
  /** Whatever begins later has its place here or behind. */
  readonly placeAfter: number;
  readonly what: string;
}

interface Read {
  readonly modifiedAt: number;
  readonly upTo: number;
  readonly what: string;
}

interface Holder {
  readonly who: string;
  readonly isHeld: () => boolean;
}

export class TreeCheck {
  readonly #history: History;
  readonly #cluster: string;
  /** In the order of their ends; of each the largest place until then. */
  readonly #ended: Ended[] = [];
  /** By path, then by place: the value. */
  readonly #writes = new Map<string, Map<number, string>>();
  readonly #attempted = new Set<string>();
  readonly #reads = new Map<string, Read[]>();
  #holder: Holder | undefined;
  #fence = -1;

  constructor(history: History, cluster: string) {
    this.#history = history;
    this.#cluster = cluster;
  }

  writeInvoked(path: string, value: string): void {
    this.#attempted.add(`${path}=${value}`);
  }

  wrote(path: string, value: string, offset: number, beganMs: number, nowMs: number): void {
    const what = `the write ${path}=${value} at ${offset}`;
    this.#comesAfter(beganMs, offset, what);
    const writes = this.#of(this.#writes, path, () => new Map<number, string>());
    writes.set(offset, value);
    for (const read of this.#of(this.#reads, path, (): Read[] => []))
      if (offset > read.modifiedAt && offset < read.upTo) this.#passedOver(read.what, what);
    this.#end(nowMs, offset + 1, what);
  }

  /** `modifiedAt` is the place of the write that it saw; -1 and undefined: of none. */
  read(
    path: string,
    value: string | undefined,
    modifiedAt: number,
    upTo: number,
    beganMs: number,
    nowMs: number,
  ): void {
    const what = `the read ${path}=${value} of ${modifiedAt}, up to ${upTo}`;
    this.#comesAfter(beganMs, upTo, what);
    const writes = this.#of(this.#writes, path, () => new Map<number, string>());
    for (const [offset, written] of writes)
      if (offset > modifiedAt && offset < upTo)
        this.#passedOver(what, `the write ${path}=${written} at ${offset}`);
    const known = writes.get(modifiedAt);
    if (value !== undefined && known !== value) {
      if (known !== undefined || !this.#attempted.has(`${path}=${value}`))
        this.#wrong(`${what} saw what nobody wrote there`);
      else writes.set(modifiedAt, value);
    }
    this.#of(this.#reads, path, (): Read[] => []).push({ modifiedAt, upTo, what });
    this.#end(nowMs, upTo, what);
  }

  holds(who: string, fence: number, isHeld: () => boolean): void {
    const before = this.#holder;
    if (before !== undefined && before.who !== who && before.isHeld())
      this.#history.violate(
        'two-holders',
        `${this.#cluster}: ${who} holds the lock while ${before.who} does`,
      );
    if (fence <= this.#fence)
      this.#history.violate(
        'two-holders',
        `${this.#cluster}: ${who} is given fence ${fence} after ${this.#fence}`,
      );
    this.#fence = fence;
    this.#holder = { who, isHeld };
  }

  /** Given back, or its process has ended. */
  released(who: string): void {
    if (this.#holder?.who === who) this.#holder = undefined;
  }

  #comesAfter(beganMs: number, place: number, what: string): void {
    // The last that had ended before it began.
    let low = 0;
    let high = this.#ended.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ended[middle]!.atMs < beganMs) low = middle + 1;
      else high = middle;
    }
    const before = this.#ended[low - 1];
    if (before !== undefined && place < before.placeAfter)
      this.#wrong(`${what} came after ${before.what} had ended, and does not know of it`);
  }

  #end(atMs: number, placeAfter: number, what: string): void {
    this.#history.counts.tree += 1;
    const last = this.#ended.at(-1);
    this.#ended.push(
      last !== undefined && last.placeAfter > placeAfter
        ? { ...last, atMs }
        : { atMs, placeAfter, what },
    );
  }

  #passedOver(read: string, write: string): void {
    this.#wrong(`${read} has passed over ${write}`);
  }

  #wrong(text: string): void {
    this.#history.violate('stale-tree', `${this.#cluster}: ${text}`);
  }

  #of<T>(map: Map<string, T>, path: string, make: () => T): T {
    let found = map.get(path);
    if (found === undefined) map.set(path, (found = make()));
    return found;
  }
}
