import { describe, expect, it } from 'vitest';
import { FakeBroker } from '@odradek/client/testing';
import { run } from './run.ts';
import { createFakeWorld } from './testing/fake-world.ts';
import type { FakeWorldOptions } from './testing/fake-world.ts';

/** Arguments are words; where blanks belong to one, a list. */
async function odradek(
  args: string | readonly string[],
  options: FakeWorldOptions & { readonly broker?: FakeBroker } = {},
) {
  const { broker } = options;
  const world = createFakeWorld({ ...options, ...(broker && { host: broker.host }) });
  const running = run(typeof args === 'string' ? args.split(' ') : args, world);
  const exitCode = await (broker ?? new FakeBroker()).clock.runUntil(running);
  return { exitCode, out: world.out(), err: world.err() };
}

/** Lets the command run, and time with it, until something is so. */
async function reach(broker: FakeBroker, isSo: () => boolean): Promise<void> {
  for (let step = 0; step < 1000 && !isSo(); step += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    await broker.clock.advance(20);
  }
  expect(isSo()).toBe(true);
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

  it.each<[string, FakeWorldOptions['terminals'], string]>([
    ['reads where a person sits', ['stdin', 'stdout'], 'one\n'],
    ['produces what comes through a pipe', [], ''],
  ])('takes a word that is no command for a topic, and %s', async (_, terminals, out) => {
    const broker = brokerWith({ greetings: 1 });
    await odradek('produce greetings', { broker, stdin: ['one\n'] });
    const args = terminals?.length ? 'greetings -e' : 'greetings';
    const guessed = await odradek(args, { broker, terminals, stdin: ['two\n'] });
    expect(guessed).toMatchObject({ exitCode: 0, out });
    const all = (await odradek('tail greetings -e', { broker })).out;
    expect(all).toBe(terminals?.length ? 'one\n' : 'one\ntwo\n');
  });

  it('has colours on a terminal only, and not when told so', async () => {
    const broker = brokerWith({ t: 1 });
    const headings = async (args: string, options: FakeWorldOptions): Promise<boolean> =>
      (await odradek(args, { broker, ...options })).out.includes('\u001b[');
    const terminals = ['stdout'] as const;
    expect(await headings('topic list', {})).toBe(false);
    expect(await headings('topic list', { terminals })).toBe(true);
    expect(await headings('topic list --no-color', { terminals })).toBe(false);
    expect(await headings('--no-color topic list', { terminals })).toBe(false);
    expect(await headings('topic list', { terminals, environment: { NO_COLOR: '1' } })).toBe(false);
    expect(await headings('topic list', { terminals, environment: { TERM: 'dumb' } })).toBe(false);
  });

  it('goes over WebSocket when the address says so', async () => {
    const broker = brokerWith({ t: 1 });
    const links: unknown[] = [];
    const world = createFakeWorld({
      host: async (link) => {
        links.push(link);
        return broker.host;
      },
    });
    await broker.clock.runUntil(run(['topic', 'list', '-b', 'ws://h:1/kafka'], world));
    expect(links).toEqual([{ kind: 'websocket', path: '/kafka', secure: false }]);
    expect(world.out()).toContain('t ');
  });

  it('suggests what to type next, to a person', async () => {
    const terminals = ['stdin', 'stdout', 'stderr'] as const;
    const broker = new FakeBroker();
    const { err } = await odradek('topic create t --no-color', { broker, terminals });
    expect(err).toBe('created t\nnext: odradek produce t\nnext: odradek topic describe t\n');
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

  it('asks a person for the name of what is to go', async () => {
    const terminals = ['stdin', 'stderr'] as const;
    const broker = brokerWith({ a: 1, b: 1, c: 1 });
    const refused = await odradek('topic delete a', { broker, terminals, stdin: ['yes\n'] });
    expect(refused).toMatchObject({ exitCode: 2, out: '' });
    expect(refused.err).toContain('write a to go on: ');
    expect(refused.err).toContain('not confirmed: a stays');
    const confirmed = { broker, terminals, stdin: ['b', '\r\n'] };
    expect(await odradek('topic delete b', confirmed)).toMatchObject({ exitCode: 0 });
    expect(await odradek('topic delete c --yes', { broker, terminals })).toEqual({
      exitCode: 0,
      out: '',
      err: 'deleted c\n',
    });
    expect([...broker.topics.keys()]).toEqual(['a']);
  });

  it('may be created twice, if that is said', async () => {
    const broker = brokerWith({ t: 1 });
    expect(await odradek('topic create t --if-not-exists --json', { broker })).toEqual({
      exitCode: 0,
      out: '{"name":"t","created":false}\n',
      err: '',
    });
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
    await reach(broker, () => broker.asked.some((api) => api.startsWith('Fetch')));
    await odradek('produce t', { broker, stdin: ['late\n'] });
    await reach(broker, () => world.out() !== '');
    world.signal(130);
    expect(await broker.clock.runUntil(following)).toBe(0);
    expect(world.out()).toBe('late\n');
  });

  it('take JSON as they give it: keys, headers, tombstones and times', async () => {
    const broker = brokerWith({ a: 1, b: 1, c: 1 });
    await odradek('produce a -k : -Z -H n=1 -H m=2', { broker, stdin: ['k:v\nl:\n'] });
    const [lines, list] = await Promise.all(
      ['ndjson', 'json'].map(
        async (format) => (await odradek(`tail a -e --format ${format}`, { broker })).out,
      ),
    );
    await odradek('produce b --format json', { broker, stdin: [lines!] });
    await odradek('produce c --format json', { broker, stdin: [list!] });
    const renamed = lines!.replaceAll('"topic":"a"', '"topic":"b"');
    expect((await odradek('tail b -e --json', { broker })).out).toBe(renamed);
    expect((await odradek('tail c -e --json', { broker })).out).toBe(
      renamed.replaceAll('"topic":"b"', '"topic":"c"'),
    );
    expect(lines).toContain('"value":null');
  });

  it('say which line is no record, after sending those before it', async () => {
    const broker = brokerWith({ t: 1 });
    const stdin = ['{"value":"a"}\n{"value":"b"}\n{"key":"c"}\n'];
    const { exitCode, err } = await odradek('produce t --format json', { broker, stdin });
    expect(exitCode).toBe(1);
    expect(err).toContain('line 3 of what was read: it has neither value nor valueBase64');
    expect((await odradek('tail t -e', { broker })).out).toBe('a\nb\n');
  });

  it('send a tombstone without reading anything', async () => {
    const broker = brokerWith({ t: 1 });
    await odradek('produce t --key 42 --tombstone', { broker, stdin: ['not read\n'] });
    expect((await odradek('tail t -e --json', { broker })).out).toMatch(
      /"key":"42","value":null\}\n$/,
    );
    expect(await odradek('produce t --tombstone', { broker })).toMatchObject({ exitCode: 2 });
  });

  it.each([
    [['--until', '2', '-o', '0'], 'ab'],
    [['--until', '99', '-o', '-1'], 'e'],
    [['-e', '-o', '0', '--value', 'c'], 'c'],
    [['-e', '-o', '0', '--value', '/[bd]/'], 'bd'],
    [['-e', '-o', '0', '--value', '/[bd]/', '-n', '1'], 'b'],
    [['-e', '-o', '1h ago'], 'abcde'],
    [['-e', '-o', '0', '--format', '%v@%o;'], 'a@0;b@1;c@2;d@3;e@4;'],
  ])('show what %j asks for', async (args, expected) => {
    const broker = brokerWith({ t: 1 });
    await odradek('produce t', { broker, stdin: ['a\nb\nc\nd\ne\n'] });
    expect((await odradek(['tail', 't', ...args], { broker })).out.replaceAll('\n', '')).toBe(
      expected,
    );
  });

  it('tell a script that nothing was found', async () => {
    const broker = brokerWith({ t: 1 });
    expect(await odradek('tail t -e -n 1', { broker })).toEqual({
      exitCode: 1,
      out: '',
      err: 'odradek: there were no records\n',
    });
    await odradek('produce t', { broker, stdin: ['a\n'] });
    expect(await odradek('tail t -e -n 1 --value x', { broker })).toMatchObject({
      exitCode: 1,
      err: 'odradek: none of 1 records matched\n',
    });
    expect(await odradek('tail t -e --value x', { broker })).toMatchObject({ exitCode: 0 });
  });

  it.each([
    ['tail t -f -e', '--follow goes on for ever'],
    ['tail t --json --format hex', '--json is --format ndjson'],
    ['tail t --group g -p 0', 'the group gives the partitions'],
    ['produce t --format json -k :', 'are for lines of text'],
    ['produce t -H nonsense', 'write it as name=value'],
  ])('%s makes no sense: exit code 2', async (args, message) => {
    const { exitCode, err } = await odradek(args, { broker: brokerWith({ t: 1 }) });
    expect(exitCode).toBe(2);
    expect(err).toContain(message);
  });

  it('are interrupted when they were not done: 130, and a list is a list still', async () => {
    const broker = brokerWith({ t: 1 });
    await odradek('produce t', { broker, stdin: ['a\n'] });
    const world = createFakeWorld({ host: broker.host });
    const reading = run(['tail', 't', '-n', '5', '--format', 'json'], world);
    await reach(broker, () => world.out().includes('"a"'));
    world.signal(130);
    expect(await broker.clock.runUntil(reading)).toBe(130);
    expect(JSON.parse(world.out())).toHaveLength(1);
  });

  it('send what was read before the signal, and then are interrupted', async () => {
    const broker = brokerWith({ t: 1 });
    const world = createFakeWorld({ host: broker.host });
    const stdin = {
      isTerminal: false,
      async *[Symbol.asyncIterator]() {
        yield Buffer.from('a\nb\n');
        await new Promise(() => {});
      },
    };
    const producing = run(['produce', 't'], { ...world, stdin });
    await reach(broker, () => broker.topics.get('t')![0]!.endOffset === 2);
    world.signal(143);
    expect(await broker.clock.runUntil(producing)).toBe(143);
    expect((await odradek('tail t -e', { broker })).out).toBe('a\nb\n');
  });

  it('end at once at the second signal', async () => {
    const broker = brokerWith({ t: 1 });
    const world = createFakeWorld({ host: broker.host });
    const following = run(['tail', 't'], world);
    await reach(broker, () => broker.asked.some((api) => api.startsWith('Fetch')));
    world.signal(130);
    world.signal(130);
    expect(world.exits).toEqual([130]);
    await broker.clock.runUntil(following);
  });
});
