import {
  ErrorCode,
  TreeChangeKind,
  TreeOpKind,
  TreeReadKind,
  TreeResult,
  TreeWatchScope,
  readTreeRequest,
  readTreeResponse,
  utf8Decode,
  utf8Encode,
  watchTreeRequest,
  watchTreeResponse,
  writeTreeRequest,
  writeTreeResponse,
  openTreeSessionRequest,
  openTreeSessionResponse,
  closeTreeSessionRequest,
  closeTreeSessionResponse,
  renewTreeSessionRequest,
  renewTreeSessionResponse,
  type Input,
} from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { startTestBroker, type TestClient } from '../testing/test-broker.ts';
import { APP_LIMITS } from './limits.ts';

const OPEN = { request: openTreeSessionRequest, response: openTreeSessionResponse };
const RENEW = { request: renewTreeSessionRequest, response: renewTreeSessionResponse };
const CLOSE = { request: closeTreeSessionRequest, response: closeTreeSessionResponse };
const READ = { request: readTreeRequest, response: readTreeResponse };
const WRITE = { request: writeTreeRequest, response: writeTreeResponse };
const WATCH = { request: watchTreeRequest, response: watchTreeResponse };

type Ops = Input<typeof writeTreeRequest>['ops'];

const create = (path: string, value = '', more: object = {}): Ops[number] => ({
  kind: TreeOpKind.create,
  path,
  value: utf8Encode(value),
  ...more,
});
const set = (path: string, value: string, expectedVersion = -1): Ops[number] => ({
  kind: TreeOpKind.set,
  path,
  value: utf8Encode(value),
  expectedVersion,
});
const remove = (path: string): Ops[number] => ({ kind: TreeOpKind.delete, path });

const write = (client: TestClient, ops: Ops, sessionId = -1) =>
  client.request(WRITE, 0, { sessionId, timeoutMs: 5000, ops });

const valueOf = async (client: TestClient, path: string, more: object = {}) => {
  const { results } = await client.request(READ, 0, {
    maxWaitMs: 5000,
    reads: [{ kind: TreeReadKind.value, path }],
    ...more,
  });
  const { result, value } = results[0]!;
  return result === TreeResult.ok ? utf8Decode(value!) : undefined;
};

const childrenOf = async (client: TestClient, path: string) =>
  (
    await client.request(READ, 0, {
      maxWaitMs: 0,
      reads: [{ kind: TreeReadKind.children, path }],
    })
  ).results[0]!.children;

async function scene() {
  const world = await startTestBroker();
  return { ...world, client: world.connect() };
}

describe('an application', () => {
  it('writes, reads, and is told in a word why not', async () => {
    const { client, stop } = await scene();
    const made = await write(client, [create('/a', 'one'), create('/a/b')]);
    expect(made).toMatchObject({
      result: TreeResult.ok,
      results: [{ path: '/a' }, { path: '/a/b' }],
    });
    expect(await valueOf(client, '/a', { minOffset: made.offset + 1 })).toBe('one');
    const said = async (...ops: Ops) => {
      const { errorCode, result, failedOp } = await write(client, ops);
      return { errorCode, result, failedOp };
    };
    const no = (result: number, failedOp = 0) => ({ errorCode: ErrorCode.NONE, result, failedOp });
    expect(await said(create('/a'))).toEqual(no(TreeResult.nodeExists));
    expect(await said(set('/x', ''))).toEqual(no(TreeResult.noNode));
    expect(await said(set('/a', 'two', 7))).toEqual(no(TreeResult.badVersion));
    expect(await said(remove('/a'))).toEqual(no(TreeResult.notEmpty));
    expect(await said(create('/x/y'))).toEqual(no(TreeResult.noParent));
    expect(await said(create('/e', '', { isEphemeral: true }))).toEqual(
      no(TreeResult.sessionExpired),
    );
    // All or nothing.
    expect(await said(set('/a', 'two'), create('/a/b'))).toEqual(no(TreeResult.nodeExists, 1));
    expect(await valueOf(client, '/a', { isFresh: true })).toBe('one');
    expect((await write(client, [remove('/x')])).errorMessage).toMatch(/^\/x /);
    await stop();
  });

  it('never comes out of its own subtree', async () => {
    const { client, broker, stop } = await scene();
    const before = [...broker.image.topics.keys()];
    for (const path of ['', 'x', 'topics', '/..', '/../topics', '//', '/a/', '/.'])
      expect((await write(client, [create(path, 'x')])).result).toBe(TreeResult.invalidPath);
    expect((await write(client, [remove('/')])).result).toBe(TreeResult.invalidPath);
    // A sequential node's path is a beginning: that of the root must not become a sibling of the subtree.
    const { results } = await write(client, [create('/', 'x', { isSequential: true })]);
    expect(results[0]!.path).toMatch(/^\/\d{10}$/);
    expect((await write(client, [create('/topics'), create('/topics/stolen')])).result).toBe(
      TreeResult.ok,
    );
    expect([...broker.image.topics.keys()]).toEqual(before);
    expect(await childrenOf(client, '/')).toEqual(['0000000000', 'topics']);
    expect(await valueOf(client, '/cluster')).toBeUndefined();
    await stop();
  });

  it('has limits with names', async () => {
    const { client, stop } = await scene();
    const large = new Uint8Array(APP_LIMITS.valueBytesMax + 1);
    const tooLarge = await write(client, [{ kind: TreeOpKind.create, path: '/a', value: large }]);
    expect(tooLarge).toMatchObject({ result: TreeResult.tooLarge });
    expect(tooLarge.errorMessage).toContain(String(APP_LIMITS.valueBytesMax));
    const deep = '/d'.repeat(APP_LIMITS.pathDepthMax + 1);
    expect((await write(client, [create(deep)])).result).toBe(TreeResult.invalidPath);
    const many = Array.from({ length: APP_LIMITS.opsPerWriteMax + 1 }, () => create('/x'));
    expect((await write(client, many)).errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect((await write(client, [])).errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect((await write(client, [{ kind: 9, path: '/a' }])).errorCode).toBe(
      ErrorCode.INVALID_REQUEST,
    );
    const { errorCode } = await client.request(WATCH, 0, {
      fromOffset: 0,
      maxWaitMs: 0,
      watches: [{ path: '/', scope: 3 }],
    });
    expect(errorCode).toBe(ErrorCode.INVALID_REQUEST);
    await stop();
  });
});

describe('a session', () => {
  it('takes its ephemeral nodes with it, by its own will or by its silence', async () => {
    const { client, stop } = await scene();
    const open = async (timeoutMs: number) =>
      (await client.request(OPEN, 0, { timeoutMs })).sessionId;
    const [willing, silent] = [await open(60_000), await open(1_500)];
    await write(client, [create('/willing', '', { isEphemeral: true })], willing);
    const { offset } = await write(client, [create('/silent', '', { isEphemeral: true })], silent);
    expect((await client.request(RENEW, 0, { sessionId: willing })).errorCode).toBe(0);
    expect((await client.request(CLOSE, 0, { sessionId: willing })).errorCode).toBe(0);
    expect(await childrenOf(client, '/')).toEqual(['silent']);
    const gone = await client.request(WATCH, 0, {
      fromOffset: offset + 1,
      maxWaitMs: 10_000,
      watches: [{ path: '/silent', scope: TreeWatchScope.node }],
    });
    expect(gone.changes).toMatchObject([{ kind: TreeChangeKind.deleted, path: '/silent' }]);
    for (const sessionId of [willing, silent]) {
      const over = ErrorCode.UNKNOWN_MEMBER_ID;
      expect((await client.request(RENEW, 0, { sessionId })).errorCode).toBe(over);
      expect((await client.request(CLOSE, 0, { sessionId })).errorCode).toBe(over);
      expect((await write(client, [create('/late')], sessionId)).result).toBe(
        TreeResult.sessionExpired,
      );
    }
    await stop();
  });
});

describe('a watch', () => {
  it('tells what has changed since a place, whole steps in order, and waits for what comes next', async () => {
    const { connect, client, stop } = await scene();
    const first = await write(client, [create('/w'), create('/w/1'), create('/other')]);
    await write(client, [set('/w/1', 'x'), remove('/other')]);
    const watch = (fromOffset: number, path: string, scope: number, maxWaitMs = 0) =>
      connect().request(WATCH, 0, { fromOffset, maxWaitMs, watches: [{ path, scope }] });
    const all = await watch(first.offset - 2, '/w', TreeWatchScope.subtree);
    expect(all.changes.map(({ kind, path }) => `${path} ${kind}`)).toEqual([
      '/w 0',
      '/w/1 0',
      '/w/1 1',
    ]);
    const { changes } = await watch(first.offset - 2, '/w', TreeWatchScope.children);
    expect(changes.map((it) => it.path)).toEqual(['/w/1']);
    expect((await watch(all.nextOffset, '/', TreeWatchScope.subtree)).changes).toEqual([]);

    const waiting = watch(all.nextOffset, '/w', TreeWatchScope.node, 30_000);
    await write(client, [set('/other', '')]);
    await write(client, [set('/w', 'now')]);
    const told = await waiting;
    expect(told.changes).toMatchObject([{ kind: TreeChangeKind.changed, path: '/w' }]);
    expect(told.nextOffset).toBeGreaterThan(told.changes[0]!.offset);
    await stop();
  });

  it('says so where it does not remember so far back', async () => {
    const world = await scene();
    const { offset } = await write(world.client, [create('/w')]);
    const { connect, stop } = await world.restart();
    const ask = (fromOffset: number) =>
      connect().request(WATCH, 0, {
        fromOffset,
        maxWaitMs: 0,
        watches: [{ path: '/w', scope: TreeWatchScope.node }],
      });
    const gap = await ask(offset);
    expect(gap).toMatchObject({ isGap: true, changes: [] });
    expect(gap.nextOffset).toBeGreaterThan(offset);
    expect(await ask(gap.nextOffset)).toMatchObject({ isGap: false, changes: [] });
    expect((await ask(gap.nextOffset + 1000)).errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT);
    await stop();
  });

  it('gives way to a newer one of the same connection', async () => {
    const { client, connect, stop } = await scene();
    const { offset } = await write(client, [create('/a'), create('/b')]);
    const watcher = connect();
    const watch = (...paths: readonly string[]) =>
      watcher.request(WATCH, 0, {
        fromOffset: offset + 1,
        maxWaitMs: 30_000,
        watches: paths.map((path) => ({ path, scope: TreeWatchScope.node })),
      });
    const older = watch('/a');
    const newer = watch('/a', '/b');
    expect(await older).toMatchObject({ changes: [] });
    await write(client, [set('/b', 'x')]);
    expect((await newer).changes.map((it) => it.path)).toEqual(['/b']);
    await stop();
  });

  it('ends when the broker stops', async () => {
    const { client, stop } = await scene();
    const { offset } = await write(client, [create('/w')]);
    const waiting = client.request(WATCH, 0, {
      fromOffset: offset + 1,
      maxWaitMs: 30_000,
      watches: [{ path: '/w', scope: TreeWatchScope.node }],
    });
    const stopped = stop();
    expect((await waiting).changes).toEqual([]);
    await stopped;
  });
});
