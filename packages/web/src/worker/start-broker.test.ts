import { connect, type Bus } from '@odradek/client';
import { afterEach, describe, expect, it } from 'vitest';
import { startBroker, type StartBrokerOptions, type StartedBroker } from './start-broker.ts';
import { workersOf } from './testing.ts';

const worker = await workersOf('broker.worker.ts');

let count = 0;
const newName = (): string => `broker-${Date.now()}-${++count}`;

describe.each(['opfs', 'indexeddb'] as const)('a broker in a worker, over %s', (storage) => {
  const started: StartedBroker[] = [];
  const start = async (options: Partial<StartBrokerOptions> = {}): Promise<StartedBroker> => {
    const broker = await startBroker({ name: newName(), storage, worker, ...options });
    started.push(broker);
    return broker;
  };
  const connected = (broker: StartedBroker): Promise<Bus> =>
    connect({ host: broker.clientHost, brokers: broker.bootstrap });
  afterEach(() => {
    for (const broker of started.splice(0)) broker.terminate();
  });

  async function read(bus: Bus, topic: string, count: number): Promise<unknown[]> {
    const values: unknown[] = [];
    for await (const { value } of bus.consume(topic, { from: 'earliest' }))
      if (values.push(value) === count) break;
    return values;
  }

  it('takes records, gives them back, and tells how it is', async () => {
    const broker = await start();
    await using bus = await connected(broker);
    await bus.admin.createTopic({ name: 'events', partitions: 3 });
    const sent = Array.from({ length: 200 }, (_, i) =>
      bus.send('events', { key: `${i}`, value: i }),
    );
    await Promise.all(sent);
    const values = await read(bus, 'events', 200);
    expect(values.toSorted((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 200 }, (_, i) => i),
    );
    expect(await broker.status()).toMatchObject({
      state: 'running',
      epoch: 1,
      durability: storage === 'opfs' ? 'os' : 'disk',
      location: expect.stringContaining(`${storage}:broker-`),
      problems: [],
    });
  });

  it('shares a topic among a group, and remembers how far it is', async () => {
    const name = newName();
    const consumeTwo = async (broker: StartedBroker): Promise<unknown[]> => {
      await using bus = await connected(broker);
      const values: unknown[] = [];
      const from = { group: 'readers', from: 'earliest' } as const;
      for await (const { value } of bus.consume('shared', from))
        if (values.push(value) === 2) break;
      return values;
    };
    const first = await start({ name });
    {
      await using bus = await connected(first);
      await bus.admin.createTopic({ name: 'shared', partitions: 1 });
      for (const value of [1, 2, 3, 4]) await bus.send('shared', { value });
    }
    expect(await consumeTwo(first)).toEqual([1, 2]);
    await first.stop();
    const second = await start({ name });
    // Whoever stops in the midst of a record has not finished it.
    expect(await consumeTwo(second)).toEqual([2, 3]);
    expect((await second.status()).epoch).toBe(2);
  });

  it('has lost nothing that was acknowledged when its worker is terminated, time and again', async () => {
    const name = newName();
    const acknowledged: number[] = [];
    let next = 0;
    for (let round = 0; round < 4; round++) {
      const broker = await start({ name });
      const bus = await connected(broker);
      if (round === 0) await bus.admin.createTopic({ name: 'kept', partitions: 1 });
      const enough = acknowledged.length + 40;
      const producing = (async () => {
        for (;;) {
          const batch = Array.from({ length: 5 }, () => next++);
          await Promise.all(
            batch.map((value) =>
              bus.send('kept', { value }).then(() => void acknowledged.push(value)),
            ),
          );
        }
      })();
      producing.catch(() => {});
      while (acknowledged.length < enough) await new Promise((resolve) => setTimeout(resolve, 1));
      broker.terminate();
      await broker.ended;
      // It waits for what it could not send.
      void bus.close().catch(() => {});
    }
    const broker = await start({ name });
    await using bus = await connected(broker);
    const [end] = await bus.admin.listOffsets('kept', 'latest');
    const values = await read(bus, 'kept', end!.offset);
    for (const value of acknowledged) expect(values).toContain(value);
    expect(values).toEqual((values as number[]).toSorted((a, b) => a - b));
    expect(new Set(values).size).toBe(values.length);
  });

  it('makes the worker itself, where the bundler knows how', async () => {
    const broker = await startBroker({ name: newName(), storage });
    started.push(broker);
    expect((await broker.status()).state).toBe('running');
  });

  it('is one at a time on its data, and another name is another broker', async () => {
    const name = newName();
    await start({ name });
    await expect(start({ name, lockWaitMs: 100 })).rejects.toMatchObject({
      name: 'VolumeError',
      kind: 'locked',
    });
    await start();
  });

  it('says what it cannot do', async () => {
    await expect(start({ config: { 'no.such.key': '1' } })).rejects.toMatchObject({
      name: 'HostedBrokerError',
      message: expect.stringContaining('no.such.key'),
    });
    const missing = () => new Worker('/nowhere/worker.js', { type: 'module' });
    await expect(start({ worker: missing })).rejects.toMatchObject({
      name: 'HostedBrokerError',
      message: expect.stringContaining('worker cannot run'),
    });
  });

  it('ends its clients’ connections when it ends', async () => {
    const broker = await start();
    const bus = await connected(broker);
    await bus.admin.createTopic({ name: 'soon', partitions: 1 });
    broker.terminate();
    await broker.ended;
    await expect(broker.status()).rejects.toMatchObject({ name: 'HostedBrokerError' });
    await expect(connected(broker)).rejects.toThrow();
    await bus.close();
  });
});
