/** The watches of one request, so that a change is asked about once and not for each of them. */
import { TreeChangeKind, TreeWatchScope } from '@odradek/protocol';
import type { AppChange } from './change-history.ts';

export interface WatchAsked {
  readonly path: string;
  /** See TreeWatchScope. */
  readonly scope: number;
}

const ROOT = '/';

export class WatchSet {
  readonly #nodes = new Set<string>();
  readonly #parents = new Set<string>();
  readonly #subtrees = new Set<string>();

  constructor(watches: readonly WatchAsked[]) {
    for (const { path, scope } of watches) this.#setOf(scope)?.add(path);
  }

  /** Whether there is such a scope. */
  static knows(scope: number): boolean {
    return scope >= TreeWatchScope.node && scope <= TreeWatchScope.subtree;
  }

  concerns({ kind, path }: AppChange): boolean {
    if (this.#nodes.has(path)) return true;
    if (kind !== TreeChangeKind.changed && path !== ROOT && this.#parents.has(parentOf(path)))
      return true;
    if (this.#subtrees.size === 0) return false;
    for (let at = path; ; at = parentOf(at)) {
      if (this.#subtrees.has(at)) return true;
      if (at === ROOT) return false;
    }
  }

  #setOf(scope: number): Set<string> | undefined {
    switch (scope) {
      case TreeWatchScope.node:
        return this.#nodes;
      case TreeWatchScope.children:
        return this.#parents;
      case TreeWatchScope.subtree:
        return this.#subtrees;
      default:
        return undefined;
    }
  }
}

/** Of any path but the root. */
function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? ROOT : path.slice(0, slash);
}
