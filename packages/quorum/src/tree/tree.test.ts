import { offset } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { sessionId } from './node.ts';
import { Tree } from './tree.ts';
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
