import { offset, utf8Encode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { treeDifference } from './difference.ts';
import { sessionId } from './node.ts';
import type { TreeRecord } from './record.ts';
import { Tree } from './tree.ts';

const treeOf = (records: readonly TreeRecord[]): Tree => {
  const tree = new Tree();
  records.forEach((record, at) => tree.apply(record, offset(at)));
  return tree;
};
const created = (path: string, ephemeralOwner: number | null = null): TreeRecord => ({
  type: 'nodeCreated',
  path,
  value: utf8Encode('1'),
  ephemeralOwner: ephemeralOwner === null ? null : sessionId(ephemeralOwner),
});
const changed = (path: string): TreeRecord => ({
  type: 'nodeChanged',
  path,
  value: utf8Encode('2'),
});
const told = (before: readonly TreeRecord[], after: readonly TreeRecord[]): string[] =>
  treeDifference(treeOf(before), treeOf(after)).map(
    (it) => `${it.kind} ${'path' in it ? it.path : it.session.id}`,
  );

describe('what differs between two trees', () => {
  it('is told in an order in which it could have happened', () => {
    const before = [created('/a'), created('/a/b'), created('/c'), created('/d')];
    const after = [...before, changed('/c'), created('/e'), created('/e/f')];
    expect(told(before, after)).toEqual(['nodeChanged /c', 'nodeCreated /e', 'nodeCreated /e/f']);
    const gone: TreeRecord[] = [
      ...before,
      { type: 'nodeDeleted', path: '/a/b' },
      { type: 'nodeDeleted', path: '/a' },
    ];
    expect(told(before, gone)).toEqual(['nodeDeleted /a/b', 'nodeDeleted /a']);
    expect(told(before, before)).toEqual([]);
  });

  it('tells of a node that was made anew that the old one is gone', () => {
    const before = [created('/a')];
    const after: TreeRecord[] = [...before, { type: 'nodeDeleted', path: '/a' }, created('/a')];
    expect(told(before, after)).toEqual(['nodeDeleted /a', 'nodeCreated /a']);
  });

  it('ends sessions behind their nodes, and opens them before', () => {
    const before: TreeRecord[] = [{ type: 'sessionOpened', timeoutMs: 1000 }, created('/e', 0)];
    const after: TreeRecord[] = [
      ...before,
      { type: 'sessionClosed', sessionId: sessionId(0), end: 'closed' },
      { type: 'sessionOpened', timeoutMs: 1000 },
      created('/e', 3),
    ];
    expect(told(before, after)).toEqual([
      'nodeDeleted /e',
      'sessionClosed 0',
      'sessionOpened 3',
      'nodeCreated /e',
    ]);
  });
});
