import { describe, expect, it } from 'vitest';
import { FakeBroker } from '@odradek/client/testing';
import { run } from './run.ts';
import { createFakeWorld } from './testing/fake-world.ts';
import type { FakeWorldOptions } from './testing/fake-world.ts';

async function odradek(
  args: string,
  options: FakeWorldOptions & { readonly broker?: FakeBroker } = {},
) {
  const { broker } = options;
  const world = createFakeWorld({ ...options, ...(broker && { host: broker.host }) });
  const running = run(args.split(' '), world);
  const exitCode = await (broker ?? new FakeBroker()).clock.runUntil(running);
  return { exitCode, out: world.out(), err: world.err() };
}

function brokerWith(topics: Readonly<Record<string, number>>): FakeBroker {
  const broker = new FakeBroker();
  for (const [name, partitions] of Object.entries(topics)) broker.createTopic(name, partitions);
  return broker;
}

describe('the command', () => {
  it('tells its version and its help on stdout', async () => {
    expect(await odradek('--version')).toEqual({ exitCode: 0, out: '1.2.3\n', err: '' });
    const help = await odradek('--help');
    expect(help).toMatchObject({ exitCode: 0, err: '' });
    for (const name of ['up', 'topic', 'produce', 'tail', 'Examples:'])
      expect(help.out).toContain(name);
    expect((await odradek('tail --help')).out).toMatch(/default:\s+-10\s+of each partition/);
  });

  it.each([
    ['upp', 'Did you mean up?'],
    ['up --prt 1', 'Did you mean --port?'],
    ['up --port 70000', 'It is not a port'],
    ['up --port x', 'It is not a whole number'],
    ['up --log-level loud', 'It is none of debug, info, warn, error, silent'],
    ['topic create', "missing required argument 'topic'"],
    ['topic create t -p 0', 'It is not a number from 1 on'],
    ['topic create t -c nonsense', 'It is not key=value'],
    ['tail t -o yesterday', 'It is none of earliest, latest'],
    ['produce t -z rar', 'It is none of gzip'],
    ['topic list -b a:b:c', '"a:b:c" is not host:port'],
  ])('%s is not understood: exit code 2, and what is wrong on stderr', async (args, message) => {
    const { exitCode, out, err } = await odradek(args, { broker: new FakeBroker() });
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
    expect(err).toContain(message);
  });

  it('says at once that no broker can be reached: exit code 1', async () => {
    const broker = new FakeBroker();
    broker.isUp = false;
    expect(await odradek('topic list -b nowhere:1', { broker })).toEqual({
      exitCode: 1,
      out: '',
      err: 'odradek: no broker can be reached: nowhere:1 (nowhere:1 refused the connection)\n',
    });
    expect(broker.clock.monotonicMs()).toBeLessThan(1000);
  });
});

describe('odradek topic', () => {
  it('creates, lists, describes and deletes', async () => {
    const broker = new FakeBroker();
    expect(await odradek('topic create orders -p 3 -c cleanup.policy=compact', { broker })).toEqual(
      { exitCode: 0, out: '', err: 'created orders\n' },
    );
    expect((await odradek('topic list', { broker })).out).toBe(
      'TOPIC   PARTITIONS  REPLICAS\norders  3           1\n',
    );
    expect((await odradek('topic describe orders', { broker })).out).toBe(
      [
        'orders  cleanup.policy=compact',
        'PARTITION  LEADER  REPLICAS  ISR  START-OFFSET  END-OFFSET',
        '0          1       1         1    0             0',
        '1          1       1         1    0             0',
        '2          1       1         1    0             0',
        '',
      ].join('\n'),
    );
    expect(await odradek('topic delete orders', { broker })).toEqual({
      exitCode: 0,
      out: '',
      err: 'deleted orders\n',
    });
    expect(await odradek('topic list', { broker })).toMatchObject({ exitCode: 0, out: '' });
  });

  it('speaks JSON to programs', async () => {
    const broker = brokerWith({ t: 1 });
    expect(JSON.parse((await odradek('topic list --json', { broker })).out)).toEqual({
      name: 't',
      partitions: 1,
      replicationFactor: 1,
      internal: false,
    });
    expect(JSON.parse((await odradek('topic describe t --json', { broker })).out)).toMatchObject({
      name: 't',
      config: { 'cleanup.policy': 'compact' },
      partitions: [{ partition: 0, leader: 1, replicas: [1], isr: [1] }],
    });
  });

  it("passes the broker's refusal on: exit code 1", async () => {
    const broker = brokerWith({ t: 1 });
    const { exitCode, err } = await odradek('topic create t', { broker });
    expect(exitCode).toBe(1);
    expect(err).toMatch(/^odradek: t: .*\(TOPIC_ALREADY_EXISTS\)\n$/);
  });
});

describe('odradek produce and odradek tail', () => {
  it('give back the lines that they were given, whatever the cutting', async () => {
    const broker = brokerWith({ t: 1 });
    const produced = await odradek('produce t', {
      broker,
      stdin: ['one\ntw', 'o\n\nfour\r\nfi', 've'],
    });
    expect(produced).toEqual({ exitCode: 0, out: '', err: '5 records to t\n' });
    expect(await odradek('tail t -e -o beginning', { broker })).toEqual({
      exitCode: 0,
      out: 'one\ntwo\n\nfour\r\nfive\n',
      err: '',
    });
  });

  it('create the topic on the way unless told not to', async () => {
    const broker = new FakeBroker();
    expect(await odradek('produce t', { broker, stdin: ['x\n'] })).toMatchObject({ exitCode: 0 });
    const refused = await odradek('produce other --no-create', { broker, stdin: ['x\n'] });
    expect(refused.exitCode).toBe(1);
    expect(refused.err).toContain('UNKNOWN_TOPIC_OR_PARTITION');
    expect((await odradek('tail other -e', { broker })).exitCode).toBe(1);
  });

  it('cut keys from lines and print them again', async () => {
    const broker = brokerWith({ t: 1 });
    await odradek('produce t -k => -Z', { broker, stdin: ['a=>1\nb=>\nno key\n'] });
    expect((await odradek('tail t -e -k => --timeout 5', { broker })).out).toBe(
      'a=>1\nb=>\n=>no key\n',
    );
    const records = (await odradek('tail t -e --json', { broker })).out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(records).toMatchObject([
      { offset: 0, key: 'a', value: '1' },
      { offset: 1, key: 'b', value: null },
      { offset: 2, key: null, value: 'no key' },
    ]);
  });

  it('show bytes that are no text as base64', async () => {
    const broker = brokerWith({ t: 1 });
    const world = createFakeWorld({ host: broker.host });
    const stdin = {
      isTerminal: false,
      async *[Symbol.asyncIterator]() {
        yield Uint8Array.of(0xff, 0xfe, 0x0a);
      },
    };
    await broker.clock.runUntil(run(['produce', 't'], { ...world, stdin }));
    expect(JSON.parse((await odradek('tail t -e --json', { broker })).out)).toMatchObject({
      valueBase64: '//4=',
    });
    const plain = createFakeWorld({ host: broker.host });
    await broker.clock.runUntil(run(['tail', 't', '-e'], plain));
    expect([...plain.outBytes()]).toEqual([0xff, 0xfe, 0x0a]);
  });

  it.each([
    ['-e -o beginning', 'abcdefghijkl'],
    ['-e', 'cdefghijkl'],
    ['-e -o -2', 'kl'],
    ['-e -o 10', 'kl'],
    ['-e -o end', ''],
    ['-e -o beginning -n 3', 'abc'],
    ['-n 1 -o beginning', 'a'],
    ['-e -o beginning -p 0', 'abcdefghijkl'],
    ['-e -o 2001-01-01T00:00Z', 'abcdefghijkl'],
  ])('begin and end where %s says', async (args, expected) => {
    const broker = brokerWith({ t: 1 });
    await odradek('produce t', {
      broker,
      stdin: [...'abcdefghijkl'].map((letter) => `${letter}\n`),
    });
    expect((await odradek(`tail t ${args}`, { broker })).out.replaceAll('\n', '')).toBe(expected);
  });

  it('send what is large in batches that a broker takes', async () => {
    const broker = brokerWith({ t: 1 });
    const line = `${'x'.repeat(99_999)}\n`;
    await odradek('produce t', { broker, stdin: [line.repeat(12)] });
    const sizes = broker.topics.get('t')![0]!.batches.map((batch) => batch.length);
    expect(sizes).toHaveLength(3);
    expect(Math.max(...sizes)).toBeLessThan(1_048_588);
  });

  it('tell programs where the records went', async () => {
    const broker = brokerWith({ t: 1 });
    expect(await odradek('produce t --json', { broker, stdin: ['a\nb\n'] })).toEqual({
      exitCode: 0,
      out: '{"topic":"t","partition":0,"offset":0,"records":2}\n',
      err: '',
    });
  });

  it('follow until the signal, and end well', async () => {
    const broker = brokerWith({ t: 1 });
    const world = createFakeWorld({ host: broker.host });
    const following = run(['tail', 't'], world);
    await broker.clock.advance(100);
    await odradek('produce t', { broker, stdin: ['late\n'] });
    await broker.clock.advance(1000);
    world.signal(130);
    expect(await broker.clock.runUntil(following)).toBe(0);
    expect(world.out()).toBe('late\n');
  });
});
