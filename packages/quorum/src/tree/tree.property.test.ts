/**
 * Random histories against a model so plain that it cannot be wrong in the same way: one Map from path to a few numbers,
 * copied before each multi and put back when the multi fails.
 */
import fc from 'fast-check';
import { offset, utf8Decode, utf8Encode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../testing/ensemble.ts';
import { decide } from './decide.ts';
import { Draft } from './draft.ts';
import type { SessionId, TreeView } from './node.ts';
import type { SessionOp, TreeErrorCode, TreeOp } from './operation.ts';
import { decodeRecord, encodeRecord } from './record-codec.ts';
import type { TreeRecord } from './record.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';
import { Tree } from './tree.ts';

interface ModelNode {
  value: string;
  version: number;
  childrenVersion: number;
  owner: number | null;
}

class Model {
  nodes = new Map<string, ModelNode>([
    ['/', { value: '', version: 0, childrenVersion: 0, owner: null }],
  ]);
  sessions = new Set<number>();

  /** The code of the first refusal, after which nothing has changed; else undefined. */
  multi(
    ops: readonly (TreeOp | SessionOp)[],
    session: number | undefined,
    at: number,
  ): TreeErrorCode | undefined {
    if (session !== undefined && !this.sessions.has(session)) return 'sessionExpired';
    const nodes = new Map([...this.nodes].map(([path, node]) => [path, { ...node }]));
    const sessions = new Set(this.sessions);
    let next = at;
    for (const op of ops) {
      const code = this.#one(op, session, next);
      if (code !== undefined) {
        this.nodes = nodes;
        this.sessions = sessions;
        return code;
      }
      if (op.op !== 'check') next += 1;
    }
    return undefined;
  }

  #one(op: TreeOp | SessionOp, session: number | undefined, at: number): TreeErrorCode | undefined {
    switch (op.op) {
      case 'openSession':
        this.sessions.add(at);
        return undefined;
      case 'closeSession':
        if (!this.sessions.delete(op.sessionId)) return 'sessionExpired';
        for (const [path, node] of [...this.nodes])
          if (node.owner === op.sessionId) this.#remove(path);
        return undefined;
      case 'create': {
        const parentPath = op.path.slice(0, op.path.lastIndexOf('/')) || '/';
        const parent = this.nodes.get(parentPath);
        if (parent === undefined) return 'noParent';
        if (parent.owner !== null) return 'ephemeralParent';
        const path = op.sequential
          ? op.path + `${parent.childrenVersion}`.padStart(10, '0')
          : op.path;
        if (this.nodes.has(path)) return 'nodeExists';
        if (op.ephemeral && session === undefined) return 'sessionExpired';
        const owner = op.ephemeral ? session! : null;
        this.nodes.set(path, {
          value: utf8Decode(op.value ?? new Uint8Array()),
          version: 0,
          childrenVersion: 0,
          owner,
        });
        parent.childrenVersion += 1;
        return undefined;
      }
      default: {
        const node = this.nodes.get(op.path);
        if (node === undefined) return 'noNode';
        if (op.expectedVersion !== undefined && op.expectedVersion !== node.version)
          return 'badVersion';
        if (op.op === 'delete') {
          if (op.path === '/') return 'invalidPath';
          if (this.childrenOf(op.path).length > 0) return 'notEmpty';
          this.#remove(op.path);
        } else if (op.op === 'set') {
          node.value = utf8Decode(op.value);
          node.version += 1;
        }
        return undefined;
      }
    }
  }

  childrenOf(path: string): string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    const below = [...this.nodes.keys()].filter((it) => it !== '/' && it.startsWith(prefix));
    return below
      .map((it) => it.slice(prefix.length))
      .filter((it) => !it.includes('/'))
      .sort();
  }

  #remove(path: string): void {
    this.nodes.delete(path);
    this.nodes.get(path.slice(0, path.lastIndexOf('/')) || '/')!.childrenVersion += 1;
  }
}

// Few names, so that operations meet.
const path = fc.constantFrom('/a', '/b', '/a/x', '/a/y', '/b/x', '/a/x/1', '/a/x/2');
const value = fc.constantFrom('', 'v', 'w').map(utf8Encode);
const expectedVersion = fc.option(fc.nat(2), { nil: undefined });
/** Sessions are named by their place among those that were ever opened. */
const sessionIndex = fc.nat(2);
type Step =
  | { kind: 'multi'; ops: TreeOp[]; session: number | undefined }
  | { kind: 'open' }
  | { kind: 'close'; session: number }
  | { kind: 'commit'; count: number };
const op: fc.Arbitrary<TreeOp> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('create' as const),
      path,
      value,
      sequential: fc.constant(false),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('create' as const),
      path,
      value,
      ephemeral: fc.constant(true),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('create' as const),
      path: path.map((it) => `${it}/n`),
      sequential: fc.constant(true),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('set' as const),
      path,
      value,
      expectedVersion,
    }) as fc.Arbitrary<TreeOp>,
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('delete' as const),
      path,
      expectedVersion,
    }) as fc.Arbitrary<TreeOp>,
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('check' as const),
      path,
      expectedVersion,
    }) as fc.Arbitrary<TreeOp>,
  },
);
const ops = fc.oneof(
  { weight: 2, arbitrary: op.map((it) => [it]) },
  { weight: 1, arbitrary: fc.array(op, { minLength: 2, maxLength: 4 }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('multi' as const),
      ops,
      session: fc.option(sessionIndex, { freq: 6, nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'open' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('close' as const), session: sessionIndex }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('commit' as const), count: fc.nat(3) }) },
);

/** Long enough for names to come, go and come again. */
const history = fc.array(step, { minLength: 30, maxLength: 80 });

/** As the leader does it: decided over a sheet of pending ones, committed later, in order. */
class Pipeline {
  readonly tree = new Tree();
  readonly decided = new Draft(this.tree);
  readonly log: TreeRecord[][] = [];
  readonly pending: { records: readonly TreeRecord[]; baseOffset: number; draft: Draft }[] = [];
  nextOffset = 1;

  propose(
    ops: readonly (TreeOp | SessionOp)[],
    session: number | undefined,
  ): TreeErrorCode | undefined {
    const decision = decide(this.decided, ops, {
      nextOffset: offset(this.nextOffset),
      sessionId: session as SessionId | undefined,
    });
    if (decision.status === 'refused') return decision.error.code;
    this.decided.take(decision.draft);
    this.pending.push({
      records: decision.records,
      baseOffset: this.nextOffset,
      draft: decision.draft,
    });
    this.log.push([...decision.records]);
    this.nextOffset += decision.records.length;
    return undefined;
  }

  commit(count: number): void {
    for (const { records, baseOffset, draft } of this.pending.splice(0, count)) {
      records.forEach((record, index) => this.tree.apply(record, offset(baseOffset + index)));
      this.decided.settle(draft);
    }
  }
}

/** Everything that can be asked, as text: comparing texts is what makes a comparison after each step cheap. */
const ofView = (view: TreeView, model: Model): string =>
  [
    `${view.nodeCount} nodes, ${view.sessionCount} sessions`,
    ...[...model.nodes.keys()].map((at) => {
      const node = view.get(at);
      if (node === undefined) return `${at}: nothing`;
      const { version, childrenVersion, childCount, ephemeralOwner } = node;
      return `${at}: ${[utf8Decode(node.value), version, childrenVersion, childCount, ephemeralOwner].join()}`;
    }),
    ...[...model.sessions].map((id) => `${id}: ${view.ephemeralsOf(id as SessionId).join()}`),
  ].join('\n');

const ofModel = (model: Model): string =>
  [
    `${model.nodes.size} nodes, ${model.sessions.size} sessions`,
    ...[...model.nodes].map(([at, { value, version, childrenVersion, owner }]) => {
      return `${at}: ${[value, version, childrenVersion, model.childrenOf(at).length, owner].join()}`;
    }),
    ...[...model.sessions].map((id) => {
      const owned = [...model.nodes].filter(([, node]) => node.owner === id).map(([at]) => at);
      return `${id}: ${owned.sort().join()}`;
    }),
  ].join('\n');

const run = (
  steps: readonly Step[],
  check: (pipeline: Pipeline, model: Model) => void,
): Pipeline => {
  const pipeline = new Pipeline();
  const model = new Model();
  const opened: number[] = [];
  for (const it of steps) {
    const at = pipeline.nextOffset;
    if (it.kind === 'commit') {
      pipeline.commit(it.count);
    } else if (it.kind === 'open') {
      const ops: SessionOp[] = [{ op: 'openSession', timeoutMs: 6000 }];
      expect(pipeline.propose(ops, undefined)).toBe(model.multi(ops, undefined, at));
      opened.push(at);
    } else if (it.kind === 'close') {
      const ops: SessionOp[] = [
        { op: 'closeSession', sessionId: (opened[it.session] ?? 999) as SessionId, end: 'closed' },
      ];
      expect(pipeline.propose(ops, undefined)).toBe(model.multi(ops, undefined, at));
    } else {
      const session = it.session === undefined ? undefined : (opened[it.session] ?? 999);
      expect(pipeline.propose(it.ops, session)).toBe(model.multi(it.ops, session, at));
    }
    check(pipeline, model);
  }
  return pipeline;
};

describe('the tree, over random histories', () => {
  it('decides as the model does, with any number of decisions uncommitted', () => {
    let answered = 0;
    fc.assert(
      fc.property(history, (steps) => {
        const pipeline = run(
          steps,
          ({ decided }, model) => void expect(ofView(decided, model)).toBe(ofModel(model)),
        );
        answered += pipeline.log.length;
        pipeline.commit(Infinity);
        expect(pipeline.decided.isBlank).toBe(true);
        for (const [at] of pipeline.tree.descend('/')) {
          expect(pipeline.tree.children(at)).toHaveLength(pipeline.tree.get(at)!.childCount);
        }
      }),
      { numRuns: 200 },
    );
    // Histories in which nearly everything is refused would show nothing.
    expect(answered / 200).toBeGreaterThan(6);
  });

  it('is the same from a snapshot and the rest of the log as from the whole log', () => {
    fc.assert(
      fc.property(history, fc.nat(), (steps, cut) => {
        const pipeline = run(steps, () => {});
        pipeline.commit(Infinity);
        const id = { nextOffset: offset(pipeline.nextOffset), epoch: 3 as never };
        const whole = encodeSnapshot(pipeline.tree, id, crc32c);

        let rebuilt = new Tree();
        let at = 1;
        const snapshotAt = cut % (pipeline.log.length + 1);
        pipeline.log.forEach((batch, index) => {
          if (index === snapshotAt) {
            const part = encodeSnapshot(
              rebuilt,
              { nextOffset: offset(at), epoch: 3 as never },
              crc32c,
            );
            rebuilt = decodeSnapshot(part, crc32c, 'part').tree;
          }
          for (const record of batch)
            rebuilt.apply(decodeRecord(encodeRecord(record), 'a record'), offset(at++));
        });
        expect(encodeSnapshot(rebuilt, id, crc32c)).toEqual(whole);
        expect(encodeSnapshot(decodeSnapshot(whole, crc32c, 'whole').tree, id, crc32c)).toEqual(
          whole,
        );
      }),
      { numRuns: 100 },
    );
  });
});
