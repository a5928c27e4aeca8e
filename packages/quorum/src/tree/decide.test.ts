import { offset, utf8Encode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { TREE_LIMITS, type TreeLimits } from '../limits.ts';
import { decide, deleteAll, type Decision } from './decide.ts';
import { sessionId, type SessionId, type TreeChange } from './node.ts';
import type { SessionOp, TreeErrorCode, TreeOp } from './operation.ts';
import { Tree } from './tree.ts';

/** A tree whose decisions are applied as soon as they are made. */
class Grove {
  readonly tree = new Tree();
  readonly limits: TreeLimits;
  nextOffset = 1;

  constructor(limits: Partial<TreeLimits> = {}) {
    this.limits = { ...TREE_LIMITS, ...limits };
  }

  decide(ops: readonly (TreeOp | SessionOp)[], session?: SessionId): Decision {
    return decide(this.tree, ops, {
      nextOffset: offset(this.nextOffset),
      sessionId: session,
      limits: this.limits,
    });
  }

  do(ops: readonly (TreeOp | SessionOp)[], session?: SessionId) {
    const decision = this.decide(ops, session);
    if (decision.status === 'refused') throw new Error(decision.error.message);
    const changes: TreeChange[] = [];
    for (const record of decision.records)
      changes.push(...this.tree.apply(record, offset(this.nextOffset++)));
    return { results: decision.results, changes };
  }

  refusal(ops: readonly (TreeOp | SessionOp)[], session?: SessionId): TreeErrorCode | undefined {
    const decision = this.decide(ops, session);
    return decision.status === 'refused' ? decision.error.code : undefined;
  }

  session(timeoutMs = 6000): SessionId {
    const { results } = this.do([{ op: 'openSession', timeoutMs }]);
    return (results[0] as { session: { id: SessionId } }).session.id;
  }
}

const bytes = utf8Encode;

describe('creating', () => {
  it('gives a node version 0 and the offset of its record', () => {
    const grove = new Grove();
    grove.do([{ op: 'create', path: '/topics' }]);
    grove.do([{ op: 'create', path: '/topics/words', value: bytes('w') }]);
    expect(grove.tree.get('/topics/words')).toEqual({
      value: bytes('w'),
      version: 0,
      childrenVersion: 0,
      childCount: 0,
      createdAt: 2,
      modifiedAt: 2,
      ephemeralOwner: null,
    });
    expect(grove.tree.get('/topics')).toMatchObject({
      version: 0,
      childrenVersion: 1,
      childCount: 1,
      modifiedAt: 1,
    });
  });

  it('is refused where the node is, or its parent is not', () => {
    const grove = new Grove();
    grove.do([{ op: 'create', path: '/a' }]);
    expect(grove.refusal([{ op: 'create', path: '/a' }])).toBe('nodeExists');
    expect(grove.refusal([{ op: 'create', path: '/' }])).toBe('nodeExists');
    expect(grove.refusal([{ op: 'create', path: '/b/c' }])).toBe('noParent');
  });

  it('numbers sequential nodes by what came and went under their parent', () => {
    const grove = new Grove();
    grove.do([{ op: 'create', path: '/locks' }]);
    const first = grove.do([{ op: 'create', path: '/locks/lock-', sequential: true }]);
    const second = grove.do([{ op: 'create', path: '/locks/', sequential: true }]);
    expect(first.results).toMatchObject([{ path: '/locks/lock-0000000000' }]);
    expect(second.results).toMatchObject([{ path: '/locks/0000000001' }]);
    grove.do([{ op: 'delete', path: '/locks/lock-0000000000' }]);
    const third = grove.do([{ op: 'create', path: '/locks/lock-', sequential: true }]);
    expect(third.results).toMatchObject([{ path: '/locks/lock-0000000003' }]);
    expect(grove.refusal([{ op: 'create', path: '/nowhere/n-', sequential: true }])).toBe(
      'noParent',
    );
    expect(grove.refusal([{ op: 'create', path: 'n-', sequential: true }])).toBe('invalidPath');
  });
});

describe('changing and deleting', () => {
  it('compares versions when one is expected', () => {
    const grove = new Grove();
    grove.do([{ op: 'create', path: '/a' }]);
    grove.do([{ op: 'set', path: '/a', value: bytes('1'), expectedVersion: 0 }]);
    expect(grove.tree.get('/a')).toMatchObject({ version: 1, createdAt: 1, modifiedAt: 2 });
    expect(grove.refusal([{ op: 'set', path: '/a', value: bytes('2'), expectedVersion: 0 }])).toBe(
      'badVersion',
    );
    expect(grove.refusal([{ op: 'delete', path: '/a', expectedVersion: 0 }])).toBe('badVersion');
    expect(grove.refusal([{ op: 'check', path: '/a', expectedVersion: 0 }])).toBe('badVersion');
    expect(grove.refusal([{ op: 'check', path: '/b' }])).toBe('noNode');
    expect(grove.refusal([{ op: 'set', path: '/b', value: bytes('') }])).toBe('noNode');
    expect(grove.refusal([{ op: 'delete', path: '/b' }])).toBe('noNode');
    grove.do([{ op: 'delete', path: '/a', expectedVersion: 1 }]);
    expect(grove.tree.has('/a')).toBe(false);
  });

  it('leaves a node with children, and the root', () => {
    const grove = new Grove();
    grove.do([
      { op: 'create', path: '/a' },
      { op: 'create', path: '/a/b' },
    ]);
    expect(grove.refusal([{ op: 'delete', path: '/a' }])).toBe('notEmpty');
    expect(grove.refusal([{ op: 'delete', path: '/' }])).toBe('invalidPath');
    grove.do([{ op: 'set', path: '/', value: bytes('root') }]);
    expect(grove.tree.get('/')).toMatchObject({ version: 1, value: bytes('root') });
  });

  it('deletes a whole branch, unless something grew there meanwhile', () => {
    const grove = new Grove();
    grove.do(['/t', '/t/a', '/t/a/0', '/t/a/1', '/t/ab'].map((path) => ({ op: 'create', path })));
    const ops = deleteAll(grove.tree.descend('/t/a'));
    expect(ops.map((op) => (op as { path: string }).path)).toEqual(['/t/a/1', '/t/a/0', '/t/a']);
    grove.do([{ op: 'create', path: '/t/a/2' }]);
    expect(grove.refusal(ops)).toBe('notEmpty');
    grove.do(deleteAll(grove.tree.descend('/t/a')));
    expect([...grove.tree.descend('/')].map(([path]) => path)).toEqual(['/', '/t', '/t/ab']);
  });
});

describe('a multi', () => {
  it('sees its own earlier operations', () => {
    const grove = new Grove();
    const { results, changes } = grove.do([
      { op: 'create', path: '/a' },
      { op: 'create', path: '/a/b', value: bytes('1') },
      { op: 'set', path: '/a/b', value: bytes('2'), expectedVersion: 0 },
      { op: 'check', path: '/a/b', expectedVersion: 1 },
      { op: 'delete', path: '/a/b' },
      { op: 'delete', path: '/a' },
    ]);
    expect(results.map((it) => it.op)).toEqual([
      'create',
      'create',
      'set',
      'check',
      'delete',
      'delete',
    ]);
    expect(results[3]).toMatchObject({ node: { version: 1, createdAt: 2, modifiedAt: 3 } });
    expect(changes.map((it) => it.kind)).toEqual([
      'nodeCreated',
      'nodeCreated',
      'nodeChanged',
      'nodeDeleted',
      'nodeDeleted',
    ]);
    expect(grove.tree.nodeCount).toBe(1);
  });

  it('is done whole or not at all, and says which operation stood in the way', () => {
    const grove = new Grove();
    const decision = grove.decide([
      { op: 'create', path: '/a' },
      { op: 'create', path: '/b' },
      { op: 'set', path: '/c', value: bytes('') },
    ]);
    expect(decision).toEqual({
      status: 'refused',
      error: { code: 'noNode', message: '/c is not there', opIndex: 2 },
    });
    expect(grove.tree.nodeCount).toBe(1);
  });

  it('that only checks writes one record that does nothing', () => {
    const grove = new Grove();
    grove.do([{ op: 'create', path: '/a' }]);
    const decision = grove.decide([{ op: 'check', path: '/a', expectedVersion: 0 }]);
    expect(decision).toMatchObject({ status: 'decided', records: [{ type: 'noOp' }] });
  });
});

describe('sessions', () => {
  it('are named by their record and take their ephemeral nodes with them', () => {
    const grove = new Grove();
    grove.do([{ op: 'create', path: '/live' }]);
    const session = grove.session();
    expect(session).toBe(2);
    grove.do([{ op: 'create', path: '/live/b', ephemeral: true }], session);
    grove.do(
      [
        { op: 'create', path: '/live/a', ephemeral: true },
        { op: 'create', path: '/live/stays' },
      ],
      session,
    );
    expect(grove.tree.ephemeralsOf(session)).toEqual(['/live/a', '/live/b']);
    const { changes } = grove.do([{ op: 'closeSession', sessionId: session, end: 'expired' }]);
    expect(changes).toMatchObject([
      { kind: 'nodeDeleted', path: '/live/a' },
      { kind: 'nodeDeleted', path: '/live/b' },
      { kind: 'sessionClosed', session: { id: session }, end: 'expired' },
    ]);
    expect(grove.tree.children('/live')).toEqual(['stays']);
    expect(grove.tree.get('/live')).toMatchObject({ childCount: 1, childrenVersion: 5 });
    expect(grove.refusal([{ op: 'create', path: '/live/a', ephemeral: true }], session)).toBe(
      'sessionExpired',
    );
    expect(grove.refusal([{ op: 'closeSession', sessionId: session, end: 'closed' }])).toBe(
      'sessionExpired',
    );
  });

  it('are asked for by ephemeral nodes, which have no children', () => {
    const grove = new Grove();
    expect(grove.refusal([{ op: 'create', path: '/a', ephemeral: true }])).toBe('sessionExpired');
    const session = grove.session();
    expect(grove.refusal([{ op: 'create', path: '/a' }], sessionId(99))).toBe('sessionExpired');
    const under: TreeOp[] = [
      { op: 'create', path: '/a', ephemeral: true },
      { op: 'create', path: '/a/b' },
    ];
    expect(grove.refusal(under, session)).toBe('ephemeralParent');
  });

  it('have timeouts within the limits', () => {
    const grove = new Grove({ sessionTimeoutMsMin: 1000, sessionTimeoutMsMax: 60_000 });
    expect(grove.tree.session(grove.session(1))!.timeoutMs).toBe(1000);
    expect(grove.tree.session(grove.session(5000.5))!.timeoutMs).toBe(5001);
    expect(grove.tree.session(grove.session(3_600_000))!.timeoutMs).toBe(60_000);
  });

  it('lose a node by deletion and gain it again by another creation', () => {
    const grove = new Grove();
    const [one, two] = [grove.session(), grove.session()];
    grove.do([{ op: 'create', path: '/a', ephemeral: true }], one);
    grove.do(
      [
        { op: 'delete', path: '/a' },
        { op: 'create', path: '/a', ephemeral: true },
      ],
      two,
    );
    expect(grove.tree.ephemeralsOf(one)).toEqual([]);
    grove.do([{ op: 'closeSession', sessionId: one, end: 'closed' }]);
    expect(grove.tree.get('/a')).toMatchObject({ ephemeralOwner: two });
  });
});

describe('limits', () => {
  it('are each refused by name', () => {
    const value = new Uint8Array(11);
    expect(new Grove({ valueBytesMax: 10 }).refusal([{ op: 'create', path: '/a', value }])).toBe(
      'tooLarge',
    );
    expect(new Grove({ valueBytesMax: 10 }).refusal([{ op: 'set', path: '/', value }])).toBe(
      'tooLarge',
    );
    expect(new Grove({ pathLengthMax: 3 }).refusal([{ op: 'create', path: '/abc' }])).toBe(
      'invalidPath',
    );
    expect(
      new Grove({ opsPerMultiMax: 1 }).refusal([
        { op: 'check', path: '/' },
        { op: 'check', path: '/' },
      ]),
    ).toBe('tooLarge');
    const two: TreeOp[] = [
      { op: 'create', path: '/a', value },
      { op: 'create', path: '/b', value },
    ];
    expect(new Grove({ multiBytesMax: 20 }).refusal(two)).toBe('tooLarge');
    expect(new Grove({ childrenMax: 1 }).refusal(two)).toBe('tooLarge');
    expect(new Grove({ nodesMax: 2 }).refusal(two)).toBe('tooLarge');
    const open: SessionOp = { op: 'openSession', timeoutMs: 1000 };
    expect(new Grove({ sessionsMax: 1 }).refusal([open, open])).toBe('tooLarge');
  });
});
