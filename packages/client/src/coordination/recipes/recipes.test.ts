import { utf8Decode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { FakeTree } from '../../testing/fake-tree.ts';
import { OutcomeUnknown, SessionLost } from '../tree-errors.ts';
import { addToCounter, readCounter } from './counter.ts';
import { leaderOf, standForElection } from './leader-election.ts';
import { acquireLock } from './lock.ts';
import { joinGroup, membersOf } from './membership.ts';

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const reasonOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it was done',
    (error: unknown) => error,
  );

describe('a lock', () => {
  it('is held by one, and goes to the next in the order in which they came', async () => {
    const tree = new FakeTree();
    const held: number[] = [];
    const fences: number[] = [];
    await Promise.all(
      [0, 1, 2].map(async (n) => {
        const lock = await acquireLock(tree.client(), '/locks/a');
        held.push(n);
        fences.push(lock.fence);
        await turns();
        expect([held.at(-1), lock.isHeld]).toEqual([n, true]);
        await lock.release();
        await lock.release();
        await lock.lost;
        expect(lock.isHeld).toBe(false);
      }),
    );
    expect([...held].sort()).toEqual([0, 1, 2]);
    expect(fences).toEqual([...fences].sort((a, b) => a - b));
    expect(tree.children('/locks/a')).toEqual([]);
  });

  it('ends with the session, and goes on to whoever waits', async () => {
    const tree = new FakeTree();
    const [first, second] = [tree.client(), tree.client()];
    const lock = await acquireLock(first, '/lock');
    const next = acquireLock(second, '/lock');
    await turns();
    tree.endSession(first.sessionId);
    await lock.lost;
    expect(lock.isHeld).toBe(false);
    expect((await next).fence).toBeGreaterThan(lock.fence);
    await lock.release();
    expect(await reasonOf(acquireLock(first, '/lock'))).toMatchObject({ code: 'sessionExpired' });
  });

  it('is not given to one whose session ends while it waits', async () => {
    const tree = new FakeTree();
    const [first, second] = [tree.client(), tree.client()];
    await acquireLock(first, '/lock');
    const waiting = reasonOf(acquireLock(second, '/lock'));
    await turns();
    tree.endSession(second.sessionId);
    expect(await waiting).toBeInstanceOf(SessionLost);
  });

  it('that is waited for no longer leaves no place in the queue', async () => {
    const tree = new FakeTree();
    await acquireLock(tree.client(), '/lock');
    const giveUp = new AbortController();
    const waiting = reasonOf(acquireLock(tree.client(), '/lock', { signal: giveUp.signal }));
    await turns();
    giveUp.abort();
    expect(await waiting).toMatchObject({ name: 'ClientClosed' });
    expect(tree.children('/lock')).toHaveLength(1);
  });

  it('has one place in the queue, whatever became of the attempts to take it', async () => {
    for (const mishap of ['unanswered', 'lost'] as const) {
      const tree = new FakeTree();
      const client = tree.client();
      await (await acquireLock(client, '/lock')).release();
      tree.mishap(mishap, mishap);
      const lock = await acquireLock(client, '/lock');
      expect(tree.children('/lock')).toHaveLength(1);
      await lock.release();
      expect(tree.children('/lock')).toEqual([]);
    }
  });

  it('clears away a place that was taken for it when nobody waited any more', async () => {
    const tree = new FakeTree();
    const [client, other] = [tree.client(), tree.client()];
    await (await acquireLock(client, '/lock')).release();
    tree.mishap('late');
    const lock = await acquireLock(client, '/lock');
    tree.deliverLate();
    await turns();
    expect(tree.children('/lock')).toHaveLength(1);

    tree.mishap('late');
    const waiting = acquireLock(other, '/lock');
    await turns();
    await lock.release();
    await (await waiting).release();
    tree.deliverLate();
    await turns();
    expect(tree.children('/lock')).toEqual([]);
  });
});

describe('an election', () => {
  it('has one leader at a time, whom everybody can tell', async () => {
    const tree = new FakeTree();
    const [one, two] = [tree.client(), tree.client()];
    expect(await leaderOf(two, '/leader')).toBeUndefined();
    const first = await standForElection(one, '/leader', { name: 'one' });
    const second = standForElection(two, '/leader', { name: 'two' });
    await turns();
    expect(await leaderOf(two, '/leader')).toEqual({ name: 'one', fence: first.fence });
    tree.endSession(one.sessionId);
    const lead = await second;
    expect(await leaderOf(one, '/leader')).toEqual({ name: 'two', fence: lead.fence });
  });
});

describe('membership', () => {
  it('is told to all, and ends with the session', async () => {
    const tree = new FakeTree();
    const [one, two] = [tree.client(), tree.client()];
    const members = async () =>
      (
        await membersOf({ children: one.children, getAll: (paths) => tree.getAll(paths) }, '/all')
      ).map(({ name, value }) => `${name}=${utf8Decode(value)}`);
    expect(await members()).toEqual([]);
    const joined = await joinGroup(one, '/all', { name: 'a', value: '1' });
    await joined.update('2');
    const other = await joinGroup(two, '/all', { name: 'b' });
    expect(await members()).toEqual(['a=2', 'b=']);
    expect(await reasonOf(joinGroup(two, '/all', { name: 'a' }))).toMatchObject({
      code: 'nodeExists',
    });
    tree.endSession(one.sessionId);
    expect([joined.isMember, other.isMember]).toEqual([false, true]);
    expect(await members()).toEqual(['b=']);
    await other.leave();
    await other.leave();
    expect(await members()).toEqual([]);
  });

  it('knows itself again when nobody says whether it has joined', async () => {
    const tree = new FakeTree();
    const client = tree.client();
    await (await joinGroup(client, '/all', { name: 'first' })).leave();
    tree.mishap('unanswered');
    expect((await joinGroup(client, '/all', { name: 'a' })).isMember).toBe(true);
    tree.mishap('lost');
    expect(await reasonOf(joinGroup(client, '/all', { name: 'b' }))).toBeInstanceOf(OutcomeUnknown);
  });
});

describe('a counter', () => {
  it('loses nothing of what many add at once', async () => {
    const tree = new FakeTree();
    const clients = [tree.client(), tree.client(), tree.client()];
    const sums = await Promise.all(
      Array.from({ length: 30 }, (_, n) => addToCounter(clients[n % 3]!, '/counts/a', 2)),
    );
    expect(await readCounter(clients[0]!, '/counts/a')).toBe(60);
    expect(new Set(sums).size).toBe(30);
    expect(await readCounter(clients[0]!, '/counts/none')).toBe(0);
  });

  it('does not guess whether it was added to', async () => {
    const tree = new FakeTree();
    const client = tree.client();
    await addToCounter(client, '/sum');
    tree.mishap('unanswered');
    expect(await reasonOf(addToCounter(client, '/sum'))).toBeInstanceOf(OutcomeUnknown);
    expect(await readCounter(client, '/sum')).toBe(2);
  });
});
