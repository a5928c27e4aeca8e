import { describe, expect, it } from 'vitest';
import type { RunningBroker, StartBroker, StartBrokerOptions } from '@odradek/node';
import type { UpOptions } from './commands/up.ts';
import { createFakeWorld } from './testing/fake-world.ts';
import type { FakeWorldOptions } from './testing/fake-world.ts';
import { up } from './up.ts';
import type { World } from './world.ts';

/** A broker that is started, and stops when it is told to. */
function fakeStart(change: Partial<RunningBroker> = {}) {
  const started: StartBrokerOptions[] = [];
  let stops = 0;
  const start: StartBroker = (options) => {
    started.push(options);
    let settle: () => void = () => {};
    const stopped = new Promise<void>((resolve) => {
      settle = resolve;
    });
    return Promise.resolve({
      addresses: {
        kafka: { host: '127.0.0.1', port: 9092 },
        http: { host: '127.0.0.1', port: 9094 },
        websocket: 'ws://127.0.0.1:9094/kafka',
      },
      dataLocation: '/data',
      nodeId: 1,
      clusterId: 'c',
      stop: () => {
        stops += 1;
        settle();
        return stopped;
      },
      stopped,
      ...change,
    });
  };
  return { start, started, stops: () => stops };
}

/** Until the broker was started and its banner written. */
async function begun(started: readonly unknown[]): Promise<void> {
  for (let turn = 0; turn < 1000 && started.length === 0; turn += 1)
    await new Promise(setImmediate);
  await new Promise(setImmediate);
}

async function startAndStop(options: Partial<UpOptions>, worldOptions: FakeWorldOptions = {}) {
  const world = createFakeWorld(worldOptions);
  const { start, started } = fakeStart();
  const running = up({ http: true, ...options }, world, start);
  await Promise.race([begun(started), running]);
  world.signal(143);
  return { exitCode: await running, world, given: started[0]! };
}

const entries = ({ entries: given }: StartBrokerOptions): readonly string[] =>
  given.map(({ key, value, origin }) => `${key}=${value} (${origin})`);

describe('odradek up', () => {
  it('says where everything is, and what to type next', async () => {
    const { exitCode, world } = await startAndStop({});
    expect(exitCode).toBe(0);
    expect(world.out()).toBe(`
odradek 1.2.3 is up in 42 ms

  Kafka      127.0.0.1:9092
  WebSocket  ws://127.0.0.1:9094/kafka
  HTTP       http://127.0.0.1:9094  (/metrics /healthz /readyz)
  Data       /data

Try:
  echo hello | kcat -b 127.0.0.1:9092 -P -t greetings
  npx odradek tail greetings
  new WebSocket('ws://127.0.0.1:9094/kafka').onopen = () => console.log('this page reaches Kafka')

`);
  });

  it('tells programs in one line, and nobody when quiet', async () => {
    const { world } = await startAndStop({ json: true });
    expect(JSON.parse(world.out())).toMatchObject({
      kafka: '127.0.0.1:9092',
      http: 'http://127.0.0.1:9094',
      websocket: 'ws://127.0.0.1:9094/kafka',
      data: '/data',
      nodeId: 1,
      clusterId: 'c',
    });
    expect((await startAndStop({ quiet: true })).world.out()).toBe('');
  });

  it('turns flags into configuration, the environment before them and --set behind', async () => {
    const { given } = await startAndStop(
      {
        dataDir: 'd',
        port: 0,
        httpPort: 1,
        host: '0.0.0.0',
        nodeId: 7,
        memory: true,
        set: ['num.partitions=3', 'log.retention.ms=5'],
      },
      {
        environment: {
          ODRADEK_NUM_PARTITIONS: '2',
          ODRADEK_BROKERS: 'ignored:1',
          ODRADEK_DATA_DIR: 'other',
        },
      },
    );
    expect(given.memory).toBe(true);
    expect(entries(given)).toEqual([
      'num.partitions=2 (ODRADEK_NUM_PARTITIONS)',
      'log.dirs=d (--data-dir)',
      'node.id=7 (--node-id)',
      'num.partitions=3 (--set)',
      'log.retention.ms=5 (--set)',
      'listeners=PLAINTEXT://0.0.0.0:0,WS://0.0.0.0:1 (--host --port --http-port)',
    ]);
  });

  it('takes the folder from the environment too, and leaves HTTP away when told to', async () => {
    const { given } = await startAndStop(
      { http: false },
      { environment: { ODRADEK_DATA_DIR: 'e' } },
    );
    expect(entries(given)).toEqual([
      'log.dirs=e (ODRADEK_DATA_DIR)',
      'listeners=PLAINTEXT://127.0.0.1:9092 (--no-http)',
    ]);
  });

  it.each([
    [{ config: ['/no/such/file'] }, {}, 'There is no configuration file /no/such/file'],
    [{ set: ['nonsense'] }, {}, '--set "nonsense" is not understood'],
    [{}, { ODRADEK_LOG_LEVEL: 'loud' }, 'ODRADEK_LOG_LEVEL=loud is none of'],
  ])(
    'refuses %j %j',
    async (options: Partial<UpOptions>, environment: Readonly<Record<string, string>>, message) => {
      const { start, started } = fakeStart();
      await expect(
        up({ http: true, ...options }, createFakeWorld({ environment }), start),
      ).rejects.toThrow(message);
      expect(started).toEqual([]);
    },
  );

  it('stops cleanly at the first signal, and at once at the second', async () => {
    const world = createFakeWorld();
    const never = new Promise<void>(() => {});
    const { start, started } = fakeStart({ stop: () => never, stopped: never });
    void up({ http: true, quiet: true }, world, start);
    await begun(started);
    world.signal(130);
    expect(world.exits).toEqual([]);
    world.signal(130);
    expect(world.exits).toEqual([130]);
  });

  it('stops cleanly for whoever is only just told where it is', async () => {
    const world = createFakeWorld();
    const { start, stops } = fakeStart();
    const stdout: World['stdout'] = {
      ...world.stdout,
      write: async () => world.signal(143),
    };
    expect(await up({ http: true, json: true }, { ...world, stdout }, start)).toBe(0);
    expect(stops()).toBe(1);
  });

  it('fails when the broker has to give up', async () => {
    const world = createFakeWorld();
    const { start } = fakeStart({ stopped: Promise.reject(new Error('the disk is full')) });
    await expect(up({ http: true, quiet: true }, world, start)).rejects.toThrow('the disk is full');
  });

  it('names an address that can be pasted when it listens on every interface', async () => {
    const world = createFakeWorld();
    const { start, started } = fakeStart({
      addresses: { kafka: { host: '0.0.0.0', port: 1234 }, http: undefined, websocket: undefined },
      dataLocation: 'memory',
    });
    const running = up({ http: true }, world, start);
    await begun(started);
    expect(world.out()).toContain('kcat -b localhost:1234 -P');
    expect(world.out()).toContain('npx odradek tail greetings -b localhost:1234\n');
    expect(world.out()).toContain('in memory: gone when the broker stops');
    world.signal(143);
    void running;
  });
});
