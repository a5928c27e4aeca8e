import { describe, expect, it } from 'vitest';
import type { UpOptions } from './commands/up.ts';
import { findInCluster, parseLayout } from './cluster-layout.ts';
import { createFakeWorld } from './testing/fake-world.ts';
import type { FakeWorldOptions } from './testing/fake-world.ts';
import { upCluster } from './up-cluster.ts';
import type { Child, ChildEnd } from './world.ts';

const LAYOUT = 'brokers=3\nhost=127.0.0.1\nport=19092\nhttp.port=19192\nset=num.partitions=6\n';

/** Processes that say that they are up, and end when they are told to. */
function fakeProcesses() {
  const started: (readonly string[])[] = [];
  const stopped: number[] = [];
  const ends = new Map<number, (end: ChildEnd) => void>();
  const spawn = (args: readonly string[]): Child => {
    started.push(args);
    const nodeId = Number(args.find((arg) => arg.startsWith('--node-id='))?.slice(10));
    let settle: (end: ChildEnd) => void = () => {};
    const ended = new Promise<ChildEnd>((resolve) => (settle = resolve));
    ends.set(nodeId, settle);
    const where = { nodeId, kafka: `127.0.0.1:${nodeId}`, http: 'h', websocket: 'w', data: 'd' };
    return {
      pid: 100 + nodeId,
      stdout: (async function* () {
        yield Buffer.from(`${JSON.stringify({ ...where, clusterId: 'c', pid: 100 + nodeId })}\n`);
        await ended;
      })(),
      stderr: (async function* () {
        yield Buffer.from('{"level":"info","msg":"hello"}\nno JSON\n');
        await ended;
      })(),
      ended,
      kill: (signal) => {
        stopped.push(nodeId);
        settle(signal === 'SIGTERM' ? { code: 0, signal: null } : { code: null, signal });
      },
    };
  };
  return {
    spawn,
    started,
    stopped,
    end: (nodeId: number, end: ChildEnd) => ends.get(nodeId)?.(end),
  };
}

async function reach(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2000 && !isSo(); turn += 1) await new Promise(setImmediate);
  expect(isSo()).toBe(true);
}

function start(options: Partial<UpOptions>, worldOptions: FakeWorldOptions = {}) {
  const processes = fakeProcesses();
  const world = createFakeWorld({ spawn: processes.spawn, ...worldOptions });
  const running = upCluster({ http: true, brokers: 3, dataDir: 'dir', ...options }, world, {
    firstMs: 1,
    maxMs: 2,
    settledMs: 1000,
  });
  return { ...processes, world, running };
}

describe('odradek up --brokers', () => {
  it('starts each on its own ports and folder, remembers them, and says once where all are', async () => {
    const { world, running, started, stopped } = start({ set: ['num.partitions=6'] });
    await reach(() => world.out() !== '');
    expect(started[1]).toEqual([
      'up',
      '--json',
      '--node-id=2',
      '--data-dir=dir/broker-2',
      '--host=127.0.0.1',
      '--port=9093',
      '--http-port=9193',
      '--set=controller.quorum.voters=1@127.0.0.1:9192,2@127.0.0.1:9193,3@127.0.0.1:9194',
      '--set=num.partitions=6',
    ]);
    expect(parseLayout(world.written.get('dir/cluster.properties')!, 'f')).toEqual({
      brokers: 3,
      host: '127.0.0.1',
      port: 9092,
      httpPort: 9192,
      config: [],
      set: ['num.partitions=6'],
    });
    expect(world.out()).toContain('odradek 1.2.3: 3 brokers are up in 42 ms\n');
    expect(world.out()).toContain('kcat -b 127.0.0.1:1,127.0.0.1:2,127.0.0.1:3 -P -t orders');
    // One goes while a majority is left, and that goes together.
    world.signal(130);
    expect(await running).toBe(0);
    expect(stopped).toEqual([3, 2, 1]);
  });

  it('keeps each log line with its broker: JSON stays JSON', async () => {
    const { world, running } = start({ quiet: true });
    await reach(() => world.err().includes('"broker":3'));
    expect(world.err()).toContain('{"broker":1,"level":"info","msg":"hello"}\n');
    expect(world.err()).toContain('1 | no JSON\n');
    world.signal(130);
    expect(await running).toBe(0);
    expect(world.out()).toBe('');
  });

  it('tells of one that died, and how to bring it back', async () => {
    const { world, running, started, end } = start({ json: true });
    await reach(() => world.out() !== '');
    expect(JSON.parse(world.out())).toMatchObject({ clusterId: 'c', brokers: [{}, {}, {}] });
    end(2, { code: null, signal: 'SIGKILL' });
    await reach(() => world.err().includes('broker 2 ended by SIGKILL'));
    expect(world.err()).toContain('odradek up --node-id 2 --data-dir dir\n');
    world.signal(143);
    expect(await running).toBe(0);
    expect(started).toHaveLength(3);
  });

  it('starts one again that died when it is told to', async () => {
    const { world, running, started, end } = start({ restart: true });
    await reach(() => world.out() !== '');
    end(2, { code: 1, signal: null });
    while (started.length < 4) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(started[3]).toEqual(started[1]);
    expect(world.err()).toContain('broker 2 ended with exit code 1; it is started again in 1 ms');
    world.signal(143);
    expect(await running).toBe(0);
  });

  it('fails when all have died, or one of them cannot start', async () => {
    const all = start({ quiet: true });
    await reach(() => all.world.err().includes('"broker":3'));
    for (const nodeId of [1, 2, 3]) all.end(nodeId, { code: 1, signal: null });
    expect(await all.running).toBe(1);
  });

  it('keeps ports of an earlier start, and takes free ones in memory, where nothing is written', async () => {
    const again = start({}, { files: { 'dir/cluster.properties': LAYOUT } });
    await reach(() => again.world.out() !== '');
    expect(again.started[0]).toContain('--port=19092');
    again.world.signal(130);
    await again.running;
    const inMemory = start({ memory: true, port: 0 });
    await reach(() => inMemory.world.out() !== '');
    expect(inMemory.started[2]).toEqual(
      expect.arrayContaining(['--memory', '--port=20002', '--http-port=20005']),
    );
    expect(inMemory.world.written.size).toBe(0);
    inMemory.world.signal(130);
    await inMemory.running;
  });

  it.each<[Partial<UpOptions>, Readonly<Record<string, string>>, string]>([
    [{ brokers: 1 }, {}, 'one broker is `odradek up` alone'],
    [{ brokers: 4 }, {}, 'an even number bears no more failures than 3'],
    [{ brokers: 11 }, {}, '9 at the most'],
    [{ nodeId: 2 }, {}, '--node-id is for one broker'],
    [{ http: false }, {}, '--no-http'],
    [{ memory: true, restart: true }, {}, 'forgotten its vote'],
    [{ port: 9092, httpPort: 9094 }, {}, 'overlap'],
    [{ port: 65_534 }, {}, 'do not exist'],
    [{ brokers: 5 }, { 'dir/cluster.properties': LAYOUT }, 'holds a cluster of 3'],
    [{}, { 'dir/meta.properties': 'x' }, 'the data of one broker alone'],
    [{}, { 'dir/cluster.properties': 'brokers=x' }, 'is not what --brokers wrote'],
  ])('refuses %j in %j', async (options, files, message) => {
    const { running, started } = start(options, { files });
    await expect(running).rejects.toThrow(message);
    expect(started).toEqual([]);
  });
});

describe('odradek up --node-id of a cluster', () => {
  const find = (options: Partial<UpOptions>) =>
    findInCluster(
      { http: true, ...options },
      createFakeWorld({ files: { 'dir/cluster.properties': LAYOUT } }),
    );

  it.each([[{ dataDir: 'dir', nodeId: 2 }], [{ dataDir: 'dir/broker-2' }]])(
    'is where it was: %j',
    async (options) => {
      expect(await find(options)).toMatchObject({
        nodeId: 2,
        dataDir: 'dir/broker-2',
        host: '127.0.0.1',
        port: 19093,
        httpPort: 19193,
        set: [
          'controller.quorum.voters=1@127.0.0.1:19192,2@127.0.0.1:19193,3@127.0.0.1:19194',
          'num.partitions=6',
        ],
      });
    },
  );

  it('is not found where there is no cluster', async () => {
    expect(await find({ dataDir: 'elsewhere', nodeId: 2 })).toBeUndefined();
    expect(await find({ dataDir: 'dir', memory: true })).toBeUndefined();
  });

  it.each([
    [{ dataDir: 'dir' }, '--brokers 3 starts all of it'],
    [{ dataDir: 'dir', nodeId: 4 }, 'holds the brokers 1 to 3'],
    [{ dataDir: 'dir/broker-1', nodeId: 2 }, "is broker 1's"],
  ])('refuses %j', async (options, message) => {
    await expect(find(options)).rejects.toThrow(message);
  });
});
