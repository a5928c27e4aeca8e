import { TreeChangeKind, TreeWatchScope } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { WatchSet } from './watch-set.ts';

const { created, changed, deleted } = TreeChangeKind;
const HISTORY = [
  { kind: created, path: '/a' },
  { kind: created, path: '/ab' },
  { kind: created, path: '/a/b' },
  { kind: created, path: '/a/b/c' },
  { kind: changed, path: '/a' },
  { kind: changed, path: '/a/b' },
  { kind: deleted, path: '/a/b/c' },
  { kind: deleted, path: '/a/b' },
];

const seen = (scope: keyof typeof TreeWatchScope, ...paths: readonly string[]) => {
  const watches = new WatchSet(paths.map((path) => ({ path, scope: TreeWatchScope[scope] })));
  return HISTORY.filter((it) => watches.concerns(it)).map(({ kind, path }) => `${kind} ${path}`);
};

describe('a set of watches', () => {
  it('of nodes sees those nodes alone', () => {
    expect(seen('node', '/a', '/ab')).toEqual(['0 /a', '0 /ab', '1 /a']);
  });

  it('of children sees who comes and goes right below', () => {
    expect(seen('children', '/a')).toEqual(['0 /a/b', '2 /a/b']);
    expect(seen('children', '/')).toEqual(['0 /a', '0 /ab']);
  });

  it('of a subtree sees everything in it, and no neighbour whose name begins alike', () => {
    expect(seen('subtree', '/a/b')).toEqual(['0 /a/b', '0 /a/b/c', '1 /a/b', '2 /a/b/c', '2 /a/b']);
    expect(seen('subtree', '/a')).not.toContain('0 /ab');
    expect(seen('subtree', '/')).toHaveLength(HISTORY.length);
  });
});
