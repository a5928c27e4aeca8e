import { offset } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { sessionId } from './node.ts';
import { Tree } from './tree.ts';
import { concerns, type Watch } from './watch.ts';
import type { TreeChange } from './node.ts';
import type { TreeRecord } from './record.ts';

const NO_BYTES = new Uint8Array(0);
const create = (path: string): TreeRecord => ({
  type: 'nodeCreated',
  path,
  value: NO_BYTES,
  ephemeralOwner: null,
});

describe('the tree', () => {
  it('lists children sorted, also after they came and went', () => {
    const tree = new Tree();
    ['/b', '/a', '/c', '/a/z', '/a/y'].forEach((path, at) => tree.apply(create(path), offset(at)));
    expect(tree.children('/')).toEqual(['a', 'b', 'c']);
    tree.apply({ type: 'nodeDeleted', path: '/b' }, offset(9));
    expect(tree.children('/')).toEqual(['a', 'c']);
    tree.apply(create('/aa'), offset(10));
    expect(tree.children('/')).toEqual(['a', 'aa', 'c']);
    expect(tree.children('/a')).toEqual(['y', 'z']);
    expect(tree.children('/c')).toEqual([]);
    expect(tree.children('/b')).toBeUndefined();
    expect([...tree.descend('/a')].map(([path]) => path)).toEqual(['/a', '/a/y', '/a/z']);
    expect([...tree.descend('/nowhere')]).toEqual([]);
  });

  it('gives nodes that a reader may keep', () => {
    const tree = new Tree();
    tree.apply(create('/a'), offset(1));
    const held = tree.get('/a');
    tree.apply({ type: 'nodeChanged', path: '/a', value: NO_BYTES }, offset(2));
    expect(held).toMatchObject({ version: 0 });
    expect(tree.get('/a')).toMatchObject({ version: 1 });
  });

  it('stops at a record that cannot follow', () => {
    const tree = new Tree();
    tree.apply(create('/a'), offset(1));
    tree.apply(create('/a/b'), offset(2));
    const impossible: TreeRecord[] = [
      create('/a'),
      create('/x/y'),
      { type: 'nodeCreated', path: '/e', value: NO_BYTES, ephemeralOwner: sessionId(77) },
      { type: 'nodeChanged', path: '/x', value: NO_BYTES },
      { type: 'nodeDeleted', path: '/x' },
      { type: 'nodeDeleted', path: '/a' },
      { type: 'nodeDeleted', path: '/' },
      { type: 'sessionClosed', sessionId: sessionId(77), end: 'closed' },
    ];
    for (const record of impossible)
      expect(() => tree.apply(record, offset(3)), `${record.type}`).toThrow(/invariant/);
  });
});

describe('a watch', () => {
  const changes = (records: readonly TreeRecord[]): TreeChange[] => {
    const tree = new Tree();
    return records.flatMap((record, at) => tree.apply(record, offset(at)));
  };
  const history = changes([
    create('/a'),
    create('/ab'),
    create('/a/b'),
    create('/a/b/c'),
    { type: 'nodeChanged', path: '/a', value: NO_BYTES },
    { type: 'nodeChanged', path: '/a/b', value: NO_BYTES },
    { type: 'sessionOpened', timeoutMs: 1000 },
    { type: 'nodeDeleted', path: '/a/b/c' },
    { type: 'nodeDeleted', path: '/a/b' },
  ]);
  const seen = (watch: Watch) =>
    history
      .filter((it) => concerns(it, watch))
      .map((it) => `${it.kind.slice(4)} ${(it as { path: string }).path}`);

  it('of a node sees that node alone', () => {
    expect(seen({ path: '/a', scope: 'node' })).toEqual(['Created /a', 'Changed /a']);
  });

  it('of children sees who comes and goes right below', () => {
    expect(seen({ path: '/a', scope: 'children' })).toEqual(['Created /a/b', 'Deleted /a/b']);
    expect(seen({ path: '/', scope: 'children' })).toEqual(['Created /a', 'Created /ab']);
  });

  it('of a subtree sees everything in it, and no neighbour whose name begins alike', () => {
    expect(seen({ path: '/a/b', scope: 'subtree' })).toEqual([
      'Created /a/b',
      'Created /a/b/c',
      'Changed /a/b',
      'Deleted /a/b/c',
      'Deleted /a/b',
    ]);
    expect(seen({ path: '/a', scope: 'subtree' })).not.toContain('Created /ab');
    expect(seen({ path: '/', scope: 'subtree' })).toHaveLength(8);
  });
});
