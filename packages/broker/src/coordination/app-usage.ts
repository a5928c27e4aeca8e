/** How much of the tree applications have filled: counted once, then with each change. */
import { utf8Length } from '@odradek/protocol';
import type { ReadonlyTree, TreeChange, TreeNode } from '@odradek/quorum';
import { APP_ROOT, toApp } from './app-paths.ts';

export class AppUsage {
  #nodes = 0;
  #bytes = 0;

  constructor(tree: Pick<ReadonlyTree, 'descend'>) {
    for (const [path, node] of tree.descend(APP_ROOT)) this.#count(path, node, 1);
  }

  get nodes(): number {
    return this.#nodes;
  }

  /** Paths and values. */
  get bytes(): number {
    return this.#bytes;
  }

  apply(changes: readonly TreeChange[]): void {
    for (const change of changes) {
      if (change.kind === 'sessionOpened' || change.kind === 'sessionClosed') continue;
      if (toApp(change.path) === undefined) continue;
      if (change.kind === 'nodeChanged')
        this.#bytes += change.node.value.length - change.previous.value.length;
      else this.#count(change.path, change.node, change.kind === 'nodeCreated' ? 1 : -1);
    }
  }

  #count(path: string, node: TreeNode, sign: 1 | -1): void {
    this.#nodes += sign;
    this.#bytes += sign * (utf8Length(path) + node.value.length);
  }
}
