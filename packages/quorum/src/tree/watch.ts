/**
 * Which changes a watch is about. Watches hold no state here: whoever follows the committed changes asks this for each, so a
 * watch fires in the order of the log and never twice for one change.
 */
import type { TreeChange } from './node.ts';
import { parentOf, ROOT } from './path.ts';

export interface Watch {
  readonly path: string;
  /** node: this path; children: which names it has below it; subtree: itself and everything below. */
  readonly scope: 'node' | 'children' | 'subtree';
}

export function concerns(change: TreeChange, { path, scope }: Watch): boolean {
  if (change.kind === 'sessionOpened' || change.kind === 'sessionClosed') return false;
  switch (scope) {
    case 'node':
      return change.path === path;
    case 'children':
      return (
        change.kind !== 'nodeChanged' && change.path !== ROOT && parentOf(change.path) === path
      );
    case 'subtree':
      return change.path === path || path === ROOT || change.path.startsWith(`${path}/`);
  }
}
