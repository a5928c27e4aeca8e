/**
 * The latest changes of the applications' subtree, for those who watch from a place in the log. Paths only: a value is read
 * when it is wanted, in its newest state.
 *
 * Steps (one batch of the log each) are kept whole and in the order of the log. What is no longer remembered is a gap, which is
 * told; nothing is ever told twice to whoever goes on where the last answer ended.
 */
import { TreeChangeKind } from '@odradek/protocol';
import type { TreeChange } from '@odradek/quorum';
import { toApp } from './app-paths.ts';
import type { WatchSet } from './watch-set.ts';

export interface AppChange {
  /** See TreeChangeKind. */
  readonly kind: number;
  /** As the application has it. */
  readonly path: string;
}

interface Step {
  /** Of its last record. */
  readonly offset: number;
  readonly changes: readonly AppChange[];
}

export interface ChangesFound {
  readonly changes: readonly (AppChange & { readonly offset: number })[];
  /** Behind the last step that was looked at. */
  readonly nextOffset: number;
}

const KINDS = {
  nodeCreated: TreeChangeKind.created,
  nodeChanged: TreeChangeKind.changed,
  nodeDeleted: TreeChangeKind.deleted,
} as const;

export class ChangeHistory {
  readonly #changesMax: number;
  #steps: Step[] = [];
  #count = 0;
  #startOffset: number;

  constructor(startOffset: number, changesMax: number) {
    this.#startOffset = startOffset;
    this.#changesMax = changesMax;
  }

  /** From here on everything is remembered. */
  get startOffset(): number {
    return this.#startOffset;
  }

  append(changes: readonly TreeChange[], offset: number): void {
    const found: AppChange[] = [];
    for (const change of changes) {
      if (change.kind === 'sessionOpened' || change.kind === 'sessionClosed') continue;
      const path = toApp(change.path);
      if (path !== undefined) found.push({ kind: KINDS[change.kind], path });
    }
    if (found.length === 0) return;
    this.#steps.push({ offset, changes: found });
    this.#count += found.length;
    this.#forget();
  }

  /** Undefined: it is not remembered so far back. `treeOffset` is where the tree is now. */
  since(
    fromOffset: number,
    watches: WatchSet,
    changesMax: number,
    treeOffset: number,
  ): ChangesFound | undefined {
    if (fromOffset < this.#startOffset) return undefined;
    const changes: (AppChange & { offset: number })[] = [];
    for (let index = this.#indexOf(fromOffset); index < this.#steps.length; index++) {
      const { offset, changes: all } = this.#steps[index]!;
      const concerned = all.filter((it) => watches.concerns(it));
      if (changes.length > 0 && changes.length + concerned.length > changesMax)
        return { changes, nextOffset: offset };
      for (const it of concerned) changes.push({ ...it, offset });
    }
    return { changes, nextOffset: Math.max(fromOffset, treeOffset) };
  }

  /** Of the first step at or behind the offset. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#steps.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#steps[middle]!.offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** In large pieces: cutting a long array at its front is not for every change. */
  #forget(): void {
    if (this.#count <= this.#changesMax * 2) return;
    let cut = 0;
    while (cut < this.#steps.length - 1 && this.#count > this.#changesMax)
      this.#count -= this.#steps[cut++]!.changes.length;
    if (cut === 0) return;
    this.#startOffset = this.#steps[cut - 1]!.offset + 1;
    this.#steps = this.#steps.slice(cut);
  }
}
