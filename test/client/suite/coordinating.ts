/** The coordination tree: nodes, sessions, watches, and the recipes over them. Apache Kafka has none, and says so. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Bus } from '@odradek/client';
import type { Coordination } from '@odradek/client/coordination';
import { utf8Decode } from '@odradek/protocol';
import type { World } from './world.ts';
import { reasonOf, soon, until } from './world.ts';

const named = (name: string, more: object = {}): object =>
  expect.objectContaining({ name, ...more }) as object;

export function coordinating(world: World): void {
  if (world.door.broker?.product === 'kafka') return coordinatingWithout(world);
  describe('coordination', () => {
    const opened: Bus[] = [];
    const clients: Coordination[] = [];
    const client = async (sessionTimeoutMs = 10_000): Promise<Coordination> => {
      const bus = world.bus();
      opened.push(bus);
      const made = await bus.coordination({ sessionTimeoutMs });
      clients.push(made);
      return made;
    };
    const newPath = (): string => `/${world.unusedName()}`;
    afterAll(() => Promise.all(opened.map((bus) => bus.close())));

    it('makes, reads, changes and removes nodes, each in the version that was meant', async () => {
      const tree = await client();
      const path = newPath();
      expect(await tree.get(path)).toBeUndefined();
      const made = await tree.create(path, { value: 'one' });
      expect(made).toMatchObject({ path, stat: { version: 0, ephemeralOwner: null } });
      expect(utf8Decode((await tree.get(path))!.value)).toBe('one');
      expect(await tree.set(path, 'two', { expectedVersion: 0 })).toMatchObject({ version: 1 });
      await expect(tree.set(path, 'three', { expectedVersion: 0 })).rejects.toEqual(
        named('TreeRefused', { code: 'badVersion' }),
      );
      await tree.create(`${path}/child`);
      await expect(tree.delete(path)).rejects.toEqual(named('TreeRefused', { code: 'notEmpty' }));
      expect(await tree.children(path)).toEqual(['child']);
      expect(await tree.exists(`${path}/child`)).toBe(true);
      await tree.multi([
        { op: 'delete', path: `${path}/child` },
        { op: 'check', path, expectedVersion: 1 },
        { op: 'delete', path },
      ]);
      expect(await tree.exists(path, { fresh: true })).toBe(false);
      expect(await tree.children(path)).toBeUndefined();
    });

    it('sees at once what another has written, when it asks for what is fresh', async () => {
      const [writer, reader] = [await client(), await client()];
      const path = newPath();
      await writer.create(path, { value: '0' });
      for (let round = 1; round <= 20; round++) {
        await writer.set(path, `${round}`);
        expect(utf8Decode((await reader.get(path, { fresh: true }))!.value)).toBe(`${round}`);
      }
    });

    it('numbers sequential nodes, and takes ephemeral ones away with their session', async () => {
      const [owner, other] = [await client(), await client()];
      const path = newPath();
      await owner.create(path);
      const options = { ephemeral: true, sequential: true };
      const first = await owner.create(`${path}/n-`, options);
      const second = await owner.create(`${path}/n-`, options);
      expect(first.path < second.path).toBe(true);
      expect(owner.getSnapshot()).toMatchObject({ status: 'connected' });
      expect(first.stat.ephemeralOwner).toBe(owner.getSnapshot().sessionId);
      await other.sync();
      expect(await other.children(path)).toHaveLength(2);
      await owner.close();
      expect(owner.getSnapshot().status).toBe('closed');
      await other.sync();
      expect(await other.children(path)).toEqual([]);
    });

    it('tells of each change behind a place, in order, and of a node as it is now', async () => {
      const [writer, reader] = [await client(), await client()];
      const path = newPath();
      await writer.create(path);
      await reader.sync();
      const watched = reader.watch(path, { scope: 'subtree', signal: soon() });
      const seen: string[] = [];
      const watching = (async () => {
        for await (const { kind, path: at } of watched) {
          seen.push(`${kind} ${at.slice(path.length)}`);
          if (seen.length === 5) return;
        }
      })();
      const observed: string[] = [];
      const observing = (async () => {
        for await (const node of reader.observe(`${path}/a`, { signal: soon() })) {
          observed.push(node === undefined ? 'none' : utf8Decode(node.value));
          if (observed.at(-1) === 'last') return;
        }
      })();
      await until('it is observed', () => observed.length > 0);
      await writer.create(`${path}/a`, { value: '1' });
      await writer.multi([
        { op: 'set', path: `${path}/a`, value: '2' },
        { op: 'create', path: `${path}/b` },
      ]);
      await writer.delete(`${path}/b`);
      await writer.set(`${path}/a`, 'last');
      await Promise.all([watching, observing]);
      expect(seen).toEqual(['created /a', 'changed /a', 'created /b', 'deleted /b', 'changed /a']);
      expect(observed[0]).toBe('none');
    });

    it('gives a lock to one at a time, in the order of asking, with fences that grow', async () => {
      const trees = [await client(), await client(), await client()];
      const path = newPath();
      const fences: number[] = [];
      let holders = 0;
      await Promise.all(
        [...trees, ...trees].map(async (tree) => {
          await using lock = await tree.lock(path);
          holders += 1;
          expect(holders).toBe(1);
          expect(lock.isHeld).toBe(true);
          fences.push(lock.fence);
          await tree.sync();
          holders -= 1;
        }),
      );
      expect(fences).toHaveLength(6);
      expect(fences).toEqual([...fences].sort((a, b) => a - b));
      await trees[0]!.sync();
      expect(await trees[0]!.children(path)).toEqual([]);
    });

    it('leaves the queue when it is not wanted any more', async () => {
      const [holder, waiting, next] = [await client(), await client(), await client()];
      const path = newPath();
      const held = await holder.lock(path);
      const giveUp = new AbortController();
      const given = reasonOf(waiting.lock(path, { signal: giveUp.signal }));
      await until('it waits', async () => (await holder.children(path))!.length === 2);
      const third = next.lock(path, { signal: soon() });
      await until('both wait', async () => (await holder.children(path))!.length === 3);
      giveUp.abort();
      expect(await given).toEqual(named('ClientClosed'));
      await held.release();
      await held.lost;
      expect(held.isHeld).toBe(false);
      await using lock = await third;
      expect(lock.isHeld).toBe(true);
      await until('the queue is short', async () => (await holder.children(path))!.length === 1);
    });

    it('elects one leader, and the next when its session ends', async () => {
      const [one, two, onlooker] = [await client(), await client(), await client()];
      const path = newPath();
      const first = await one.elect(path, { name: 'one' });
      const second = two.elect(path, { name: 'two', signal: soon() });
      const seen: (string | undefined)[] = [];
      const following = (async () => {
        for await (const leader of onlooker.leaders(path, { signal: soon() })) {
          seen.push(leader?.name);
          if (leader?.name === 'two') return leader.fence;
        }
        return undefined;
      })();
      await until('the first is seen', () => seen.includes('one'));
      await until('two waits', async () => (await one.children(path))!.length === 2);
      await one.close();
      await first.lost;
      const lead = await second;
      expect(lead.fence).toBeGreaterThan(first.fence);
      expect(await following).toBe(lead.fence);
      expect(seen).toEqual(['one', 'two']);
      expect(await onlooker.leader(path)).toEqual({ name: 'two', fence: lead.fence });
      await lead.release();
    });

    it('knows who is here', async () => {
      const [one, two, onlooker] = [await client(), await client(), await client()];
      const path = newPath();
      let members: Readonly<Record<string, string>> = {};
      const stop = new AbortController();
      const following = (async () => {
        for await (const now of onlooker.members(path, { signal: stop.signal }))
          members = Object.fromEntries(now.map(({ name, value }) => [name, utf8Decode(value)]));
      })();
      const joined = await one.join(path, { name: 'one', value: 'a' });
      await two.join(path, { name: 'two', value: 'b' });
      await expect(two.join(path, { name: 'one' })).rejects.toEqual(
        named('TreeRefused', { code: 'nodeExists' }),
      );
      await until('both are here', () => Object.keys(members).length === 2);
      await joined.update('changed');
      await until('it is told', () => members['one'] === 'changed');
      await two.close();
      await until('one has gone', () => !('two' in members));
      await joined.leave();
      await until('nobody is here', () => Object.keys(members).length === 0);
      stop.abort();
      await following;
    });

    it('counts, whoever adds', async () => {
      const trees = [await client(), await client()];
      const path = `${newPath()}/sum`;
      await Promise.all(
        trees.map(async (tree) => {
          for (let n = 0; n < 10; n++) await tree.counter(path).add();
        }),
      );
      expect(await trees[0]!.counter(path).read({ fresh: true })).toBe(20);
    });

    it('survives a broker that is killed and comes back, and its locks with it', async () => {
      const [holder, waiting] = [await client(30_000), await client(30_000)];
      const path = newPath();
      const lock = await holder.lock(path);
      const next = waiting.lock(path, { signal: soon() });
      await until('it waits', async () => (await holder.children(path))!.length === 2);
      const statuses: string[] = [];
      holder.subscribe(({ status }) => statuses.push(status));
      await world.door.brokers.kill(world.broker);
      await world.door.brokers.restart(world.broker);
      await holder.set(path, 'written afterwards');
      expect(lock.isHeld).toBe(true);
      expect(utf8Decode((await waiting.get(path, { fresh: true }))!.value)).toMatch(/afterwards/);
      await lock.release();
      const held = await next;
      expect(held.fence).toBeGreaterThan(lock.fence);
      await held.release();
      expect(statuses).not.toContain('lost');
    });

    it('loses its session when nobody answers for too long, and opens another when it needs one', async () => {
      const tree = await client(2_000);
      const path = newPath();
      const lock = await tree.lock(path);
      const { sessionId } = tree.getSnapshot();
      const statuses: string[] = [];
      tree.subscribe(({ status }) => statuses.push(status));
      await world.door.brokers.kill(world.broker);
      await lock.lost;
      expect(lock.isHeld).toBe(false);
      expect(statuses).toContain('lost');
      await world.door.brokers.restart(world.broker);
      await using again = await tree.lock(path, { signal: soon() });
      expect(again.fence).toBeGreaterThan(lock.fence);
      expect(tree.getSnapshot().sessionId).not.toBe(sessionId);
    });

    it('ends with the bus', async () => {
      const bus = world.bus();
      const tree = await bus.coordination();
      const path = newPath();
      await using held = await (await client()).lock(path);
      const waiting = reasonOf(tree.lock(path));
      const watching = (async () => {
        for await (const change of tree.watch(path)) void change;
      })();
      const watched = reasonOf(watching);
      await until('it waits', async () => (await clients[0]!.children(path))?.length === 2);
      await bus.close();
      expect(await waiting).toEqual(named('ClientClosed'));
      expect(await watched).toEqual(named('ClientClosed'));
      expect(await reasonOf(bus.coordination())).toEqual(named('ClientClosed'));
      expect(held.isHeld).toBe(true);
    });
  });
}

function coordinatingWithout(world: World): void {
  it('says that a broker has no coordination tree', async () => {
    await using bus = world.bus();
    const tree = await bus.coordination();
    expect(await reasonOf(tree.get('/'))).toEqual(named('UnsupportedApi'));
    expect(await reasonOf(tree.lock('/lock'))).toEqual(named('UnsupportedApi'));
  });
}
