/** The face for applications: typed topics, iterators, concurrency, batches, status, and one close for everything. */
import { afterAll, describe, expect, expectTypeOf, it } from 'vitest';
import { SchemaMismatch, connect, serdes, topic } from '@odradek/client';
import type { Bus, BusSnapshot, StandardSchema } from '@odradek/client';
import type { World } from './world.ts';
import { reasonOf } from './world.ts';

interface Order {
  readonly id: number;
  readonly total: number;
}

/** What zod, valibot and arktype look like from outside; answers later, as they may. */
const orderSchema: StandardSchema<Order> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) =>
      typeof (value as Order).total === 'number'
        ? { value: value as Order }
        : { issues: [{ message: 'expected a number', path: ['total'] }] },
  },
};

export function bus(world: World): void {
  describe('a bus', () => {
    const opened: Bus[] = [];
    const connected = (): Bus => {
      const each = world.bus();
      opened.push(each);
      return each;
    };
    const newTopic = (_: Bus, partitions = 3): Promise<string> => world.newTopic(partitions);
    afterAll(() => Promise.all(opened.map((each) => each.close())));

    it('carries typed messages, and tells where they are', async () => {
      const bus = connected();
      const orders = topic(await newTopic(bus), { key: 'string', value: orderSchema });
      const sent = await bus.send(orders, {
        key: 'a',
        value: { id: 1, total: 5 },
        headers: { from: 'test' },
      });
      expect(sent.offset).toBe(0);
      for await (const message of bus.consume(orders, { from: 'earliest' })) {
        expectTypeOf(message.value).toEqualTypeOf<Order>();
        expectTypeOf(message.key).toEqualTypeOf<string | null>();
        expect(message).toMatchObject({
          key: 'a',
          value: { id: 1, total: 5 },
          partition: sent.partition,
          offset: 0,
        });
        expect(serdes.string.deserialize(message.headers[0]!.value!)).toBe('test');
        break;
      }
    });

    it('refuses what does not fit, before it is sent', async () => {
      const bus = connected();
      const name = await newTopic(bus);
      const orders = topic(name, { value: orderSchema });
      await expect(
        bus.send(orders, { value: { id: 1, total: 'much' as unknown as number } }),
      ).rejects.toThrow(`${name}'s value: total: expected a number`);
      await expect(bus.send(orders, { value: null as unknown as Order })).rejects.toThrow(
        'tombstones: true',
      );
      await expect(bus.send(name, { value: { at: new Date(0) } })).rejects.toThrow('at is a Date');
      await expect(bus.send(name, { value: { n: 1n } })).rejects.toBeInstanceOf(SchemaMismatch);
      await expect(bus.send(name, { value: Number.NaN })).rejects.toThrow(
        'would come back as null',
      );
    });

    it('says which record does not fit, or passes it over', async () => {
      const bus = connected();
      const name = await newTopic(bus, 1);
      const orders = topic(name, { value: orderSchema });
      await bus.send(name, { value: { id: 1 } });
      await bus.send(orders, { value: { id: 2, total: 2 } });
      const reading = async (onInvalid: 'reject' | 'skip'): Promise<number> => {
        for await (const { value } of bus.consume(orders, { from: 'earliest', onInvalid }))
          return value.id;
        return -1;
      };
      await expect(reading('reject')).rejects.toThrow(
        `${name}-0 at offset 0: ${name}'s value: total: expected a number`,
      );
      expect(await reading('skip')).toBe(2);
    });

    it('counts a message as done when the loop comes back for the next, not when it breaks or throws', async () => {
      const bus = connected();
      const name = await newTopic(bus, 1);
      for (let id = 0; id < 5; id += 1) await bus.send(name, { value: id });
      const options = { group: `g-${name}`, from: 'earliest' } as const;
      const seen: unknown[] = [];
      for await (const { value } of bus.consume(name, options)) {
        seen.push(value);
        if (value === 2) break;
      }
      const failing = (async () => {
        for await (const { value } of bus.consume(name, options)) {
          seen.push(value);
          if (value === 3) throw new Error('not this one');
        }
      })();
      await expect(failing).rejects.toThrow('not this one');
      for await (const { value } of bus.consume(name, options)) {
        seen.push(value);
        if (value === 4) break;
      }
      expect(seen).toEqual([0, 1, 2, 2, 3, 3, 4]);
    });

    it('ends at its signal, quietly, and what was done is committed', async () => {
      const bus = connected();
      const name = await newTopic(bus, 1);
      for (let id = 0; id < 3; id += 1) await bus.send(name, { value: id });
      const stop = new AbortController();
      const group = `g-${name}`;
      const seen: unknown[] = [];
      for await (const { value } of bus.consume(name, {
        group,
        from: 'earliest',
        signal: stop.signal,
      })) {
        seen.push(value);
        if (seen.length === 3) setTimeout(() => stop.abort(), 20);
      }
      expect(seen).toEqual([0, 1, 2]);
      await bus.send(name, { value: 3 });
      for await (const { value } of bus.consume(name, { group, from: 'earliest' })) {
        expect(value).toBe(3);
        break;
      }
    });

    it('works on several keys at once, on each in order, and commits what is done without a gap', async () => {
      const bus = connected();
      const events = topic(await newTopic(bus, 2), { value: 'json' });
      for (let id = 0; id < 60; id += 1) await bus.send(events, { key: `k${id % 6}`, value: id });
      const stop = new AbortController();
      const byKey = new Map<string, number[]>();
      let running = 0;
      let most = 0;
      const group = `g-${events.name}`;
      await bus
        .consume(events, { group, from: 'earliest', concurrency: 4, signal: stop.signal })
        .each(async ({ key, value }) => {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setTimeout(resolve, Number(value) % 3));
          running -= 1;
          byKey.set(key!, [...(byKey.get(key!) ?? []), Number(value)]);
          if ([...byKey.values()].flat().length === 60) stop.abort();
        });
      expect(most).toBe(4);
      for (const [key, values] of byKey)
        expect(values).toEqual(
          Array.from({ length: 10 }, (_, turn) => turn * 6 + Number(key.slice(1))),
        );
      await bus.send(events, { key: 'k0', value: 'next' });
      for await (const { value } of bus.consume(events, { group, from: 'earliest' })) {
        expect(value).toBe('next');
        break;
      }
    });

    it('stops all handlers when one fails, and hands the failed message out again', async () => {
      const bus = connected();
      const name = await newTopic(bus, 1);
      for (let id = 0; id < 20; id += 1) await bus.send(name, { key: `${id}`, value: id });
      const options = { group: `g-${name}`, from: 'earliest', concurrency: 4 } as const;
      const handled: unknown[] = [];
      await expect(
        bus.consume(name, options).each(async ({ value }) => {
          if (value === 5) throw new Error('five');
          await new Promise((resolve) => setTimeout(resolve, 2));
          handled.push(value);
        }),
      ).rejects.toThrow('five');
      expect(handled.length).toBeLessThan(12);
      for await (const { value } of bus.consume(name, options)) {
        expect(value).toBe(5);
        break;
      }
    });

    it('reads in batches', async () => {
      const bus = connected();
      const name = await newTopic(bus, 1);
      await Promise.all(Array.from({ length: 25 }, (_, id) => bus.send(name, { value: id })));
      const sizes: number[] = [];
      const group = `g-${name}`;
      for await (const { messages } of bus
        .consume(name, { group, from: 'earliest', batchRecordsMax: 10 })
        .batches()) {
        sizes.push(messages.length);
        if (sizes.length === 3) break;
      }
      expect(sizes).toEqual([10, 10, 5]);
      for await (const { value } of bus.consume(name, { group, from: 'earliest' })) {
        expect(value).toBe(20);
        break;
      }
    });

    it('shows what it does', async () => {
      const bus = connected();
      const name = await newTopic(bus, 1);
      const seen: BusSnapshot[] = [];
      const unsubscribe = bus.status.subscribe((snapshot) => seen.push(snapshot));
      await bus.send(name, { value: 1 });
      for await (const message of bus.consume(name, { group: `g-${name}`, from: 'earliest' })) {
        void message;
        expect(bus.status.getSnapshot()).toMatchObject({
          connection: 'connected',
          producer: 'ready',
          consumers: [
            { group: `g-${name}`, state: 'stable', assignment: [{ topic: name, partition: 0 }] },
          ],
        });
        expect(bus.status.getSnapshot()).toBe(bus.status.getSnapshot());
        break;
      }
      unsubscribe();
      expect(seen.some(({ consumers }) => consumers[0]?.state === 'joining')).toBe(true);
      expect(bus.status.getSnapshot().consumers).toEqual([]);
    });

    it('can be closed from inside of a loop, which ends then', async () => {
      const bus = connected();
      const name = await newTopic(bus, 1);
      await bus.send(name, { value: 1 });
      for await (const message of bus.consume(name, { group: `g-${name}`, from: 'earliest' })) {
        void message;
        await bus.close();
      }
      await expect(bus.send(name, { value: 2 })).rejects.toThrow('closed');
      expect(bus.status.getSnapshot()).toMatchObject({ connection: 'closed', producer: 'closed' });
    });

    it('is connected and closed by the block that it belongs to, or by its signal', async () => {
      const brokers = [world.door.endpointOf(world.broker)];
      const name = await world.newTopic();
      const stop = new AbortController();
      let left: Bus;
      {
        await using inside = await connect({ host: world.door.host(), brokers });
        await inside.send(name, { value: 1 });
        left = inside;
      }
      expect(left.status.getSnapshot().connection).toBe('closed');
      const signalled = await connect({ host: world.door.host(), brokers, signal: stop.signal });
      await signalled.send(name, { value: 2 });
      stop.abort();
      await signalled.close();
      await expect(signalled.send(name, { value: 3 })).rejects.toThrow('closed');
    });

    it('stops waiting at a signal, wherever it waits', async () => {
      const bus = connected();
      const name = await world.newTopic();
      const gone = AbortSignal.abort(new Error('enough'));
      const expected = { name: 'ClientClosed', retriable: false };
      expect(await reasonOf(bus.send(name, { value: 1 }, { signal: gone }))).toMatchObject(
        expected,
      );
      const stop = new AbortController();
      const sending = reasonOf(bus.send(name, { value: 1 }, { signal: stop.signal }));
      stop.abort();
      expect(await sending).toMatchObject(expected);
      const connecting = connect({
        host: world.door.host(),
        brokers: [world.door.endpointOf(world.broker)],
        signal: gone,
      });
      expect(await reasonOf(connecting)).toMatchObject(expected);
    });
  });
}
