import { connectionContract } from '@odradek/ports/testing';
import type { Connection } from '@odradek/ports';
import { describe, expect, it } from 'vitest';
import { Chance } from '../chance.ts';
import { Scheduler } from '../time/scheduler.ts';
import { Trace } from '../trace.ts';
import { Network } from './network.ts';
import { PARTITION_SHAPES, directionsCut } from './partitions.ts';

const AT = { host: 'b', port: 9092 };

const world = (seed = 1) => {
  const scheduler = new Scheduler(new Trace());
  const network = new Network(scheduler, new Chance(seed, 'network'));
  const client = scheduler.startProcess('client', 'a');
  const server = scheduler.startProcess('server', 'b');
  return { scheduler, network, client, server };
};

/** An end that keeps what it was told, with the time. */
const watched = (connection: Connection, scheduler: Scheduler) => {
  const told: string[] = [];
  let text = '';
  connection.start({
    onBytes: (bytes) => {
      text += String.fromCharCode(...bytes);
    },
    onDrain: () => told.push('drain'),
    onClose: (cause) => told.push(`closed${cause === undefined ? '' : `: ${cause.message}`}`),
  });
  return { told, text: () => text, at: () => scheduler.nowMs };
};

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (it) => it.charCodeAt(0));

const connected = async (given = world()) => {
  const { scheduler, network, client, server } = given;
  const accepted: Connection[] = [];
  network.listen(server, AT, (connection) => accepted.push(connection));
  let near: Connection | undefined;
  void network
    .dialFrom(client)(AT)
    .then((it) => (near = it));
  await scheduler.run(scheduler.nowMs + 50, () => near !== undefined && accepted.length > 0);
  return {
    ...given,
    near: watchedEnd(near!, scheduler),
    far: watchedEnd(accepted[0]!, scheduler),
  };
};
const watchedEnd = (connection: Connection, scheduler: Scheduler) => ({
  connection,
  ...watched(connection, scheduler),
});

connectionContract('virtual network', async () => {
  const { scheduler, network, client, server } = world(5);
  const accepted: ((connection: Connection) => void)[] = [];
  network.listen(server, AT, (connection) => accepted.shift()!(connection));
  let isDisposed = false;
  // Virtual time runs beside the contract's own.
  void (async () => {
    while (!isDisposed) {
      await scheduler.run(scheduler.nowMs + 20);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  })();
  return {
    async connect() {
      const far = new Promise<Connection>((resolve) => accepted.push(resolve));
      return { near: await network.dialFrom(client)(AT), far: await far };
    },
    async dispose() {
      isDisposed = true;
    },
  };
});

describe('a virtual network', () => {
  it('refuses where nobody listens, and does not answer where there is no power', async () => {
    const { scheduler, network, client } = world();
    const why: string[] = [];
    void network
      .dialFrom(client)(AT)
      .catch((error: Error) => why.push(`${error.message} at ${Math.round(scheduler.nowMs)}`));
    await scheduler.run(50);
    expect(why).toEqual(['b:9092 refuses connections at 1']);
    network.powerOff('b');
    void network
      .dialFrom(client)(AT)
      .catch((error: Error) => why.push(error.message));
    await scheduler.run(5_000);
    expect(why.length).toBe(1);
    await scheduler.run(20_000);
    expect(why[1]).toBe('b:9092 does not answer');
  });

  it('holds back what a cut link does not carry, and delivers it once, in order, when it heals', async () => {
    const { scheduler, network, near, far } = await connected();
    near.connection.send([bytesOf('one ')]);
    const heal = network.cut([['a', 'b']]);
    near.connection.send([bytesOf('two ')]);
    far.connection.send([bytesOf('back')]);
    await scheduler.run(5_000);
    expect([far.text(), near.text()]).toEqual(['one ', 'back']);
    heal();
    near.connection.send([bytesOf('three')]);
    await scheduler.run(10_000);
    expect(far.text()).toBe('one two three');
    expect([near.told, far.told]).toEqual([[], []]);
  });

  it('is half open for as long as its patience lasts', async () => {
    const { scheduler, network, near, far } = await connected();
    network.cut([
      ['a', 'b'],
      ['b', 'a'],
    ]);
    near.connection.send([bytesOf('hello?')]);
    await scheduler.run(10_000);
    expect(near.told).toEqual([]);
    await scheduler.run(100_000);
    expect(near.told).toEqual(['closed: b:9092 does not acknowledge what was sent']);
    expect(far.told).toEqual([]);
  });

  it('resets the connections of a killed process, and says nothing of a machine without power until it is back', async () => {
    const one = await connected();
    one.server.end();
    await one.scheduler.run(one.scheduler.nowMs + 50);
    expect(one.near.told).toEqual(['closed: b:9092 reset the connection']);

    const { scheduler, network, server, near } = await connected();
    network.powerOff('b');
    server.end();
    near.connection.send([bytesOf('anybody?')]);
    await scheduler.run(scheduler.nowMs + 5_000);
    expect(near.told).toEqual([]);
    network.powerOn('b');
    await scheduler.run(scheduler.nowMs + 5_000);
    expect(near.told).toEqual(['closed: b:9092 reset the connection']);
  });

  it('delays what is lost, and all behind it', async () => {
    const { scheduler, network, near, far } = await connected();
    const link = network.link('a', 'b');
    link.lossRate = 1;
    near.connection.send([bytesOf('1')]);
    link.lossRate = 0;
    near.connection.send([bytesOf('2')]);
    await scheduler.run(scheduler.nowMs + 150);
    expect(far.text()).toBe('');
    await scheduler.run(scheduler.nowMs + 30_000);
    expect(far.text()).toBe('12');
    expect(network.counters.lost).toBeGreaterThan(0);
  });

  it('delivers nothing to a paused process until it goes on', async () => {
    const { scheduler, server, near, far } = await connected();
    scheduler.pause(server);
    near.connection.send([bytesOf('x')]);
    await scheduler.run(scheduler.nowMs + 1_000);
    expect(far.text()).toBe('');
    scheduler.resume(server);
    await scheduler.run(scheduler.nowMs + 10);
    expect(far.text()).toBe('x');
  });

  it('copies what is sent: a reader may write into its own', async () => {
    const { scheduler, near, far } = await connected();
    const bytes = bytesOf('mine');
    near.connection.send([bytes]);
    bytes.fill(0);
    await scheduler.run(scheduler.nowMs + 10);
    expect(far.text()).toBe('mine');
  });
});

describe('partitions', () => {
  const machines = ['a', 'b', 'c', 'd', 'e'];
  const cutsOf = (shape: (typeof PARTITION_SHAPES)[number]): Set<string> =>
    new Set(directionsCut(shape, machines, new Chance(1, shape)).map(([a, b]) => `${a}${b}`));
  /** How many others each machine still hears. */
  const heard = (shape: (typeof PARTITION_SHAPES)[number]): number[] => {
    const cuts = cutsOf(shape);
    return machines
      .map((to) => machines.filter((from) => from !== to && !cuts.has(`${from}${to}`)).length)
      .sort();
  };

  it('have the shapes that they are named for', () => {
    expect(heard('split')).toEqual([1, 1, 2, 2, 2]);
    expect(heard('isolate')).toEqual([0, 3, 3, 3, 3]);
    expect(heard('deaf')).toEqual([0, 4, 4, 4, 4]);
    expect(heard('mute')).toEqual([3, 3, 3, 3, 4]);
    expect(heard('bridge')).toEqual([2, 2, 2, 2, 4]);
    expect(heard('ring')).toEqual([2, 2, 2, 2, 2]);
    expect(heard('pair')).toEqual([3, 3, 4, 4, 4]);
  });

  it('of one machine are none', () => {
    for (const shape of PARTITION_SHAPES)
      expect(directionsCut(shape, ['a'], new Chance(1, 'x'))).toEqual([]);
  });
});
