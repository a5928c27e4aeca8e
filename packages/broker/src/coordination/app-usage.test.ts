import type { TreeChange, TreeNode } from '@odradek/quorum';
import { describe, expect, it } from 'vitest';
import { AppUsage } from './app-usage.ts';

const node = (bytes: number): TreeNode => ({ value: new Uint8Array(bytes) }) as TreeNode;

describe('what applications have filled', () => {
  it('is counted once, and then with each change of their own', () => {
    const found: (readonly [string, TreeNode])[] = [
      ['/app', node(2)],
      ['/app/ä', node(10)],
    ];
    const usage = new AppUsage({ descend: (path) => (path === '/app' ? found : []) });
    const isNow = (nodes: number, bytes: number): void =>
      expect([usage.nodes, usage.bytes]).toEqual([nodes, bytes]);
    isNow(2, 4 + 2 + 7 + 10);
    const changes: TreeChange[] = [
      { kind: 'nodeCreated', path: '/app/b', node: node(5) },
      { kind: 'nodeChanged', path: '/app/ä', node: node(3), previous: node(10) },
      { kind: 'nodeCreated', path: '/topics/app', node: node(1000) },
      { kind: 'nodeDeleted', path: '/application', node: node(1000) },
    ];
    usage.apply(changes);
    isNow(3, 4 + 2 + 7 + 3 + 6 + 5);
    usage.apply([{ kind: 'nodeDeleted', path: '/app/ä', node: node(3) }]);
    isNow(2, 4 + 2 + 6 + 5);
  });
});
