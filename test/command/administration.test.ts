/** The command that looks after a broker: topics, groups, configurations, figures, health. Real processes against a real broker. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startInProcess } from '../support/in-process-broker.ts';
import type { InProcessBroker } from '../support/in-process-broker.ts';
import { findKafka } from '../support/java.ts';
import { KafkaProcess } from '../support/kafka-process.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';

const COMMAND = fileURLToPath(new URL('../../packages/cli/bin/odradek.js', import.meta.url));
let broker: InProcessBroker;

beforeAll(async () => {
  broker = await startInProcess({ memory: true });
});
afterAll(() => broker.dispose());

async function odradek(
  args: readonly string[],
  {
    input,
    brokers = broker.bootstrap,
  }: { readonly input?: string; readonly brokers?: string } = {},
) {
  const { code, stdout, stderr } = await run(process.execPath, [COMMAND, ...args], {
    ...(input !== undefined && { input }),
    env: { ...process.env, ODRADEK_BROKERS: brokers, XDG_CONFIG_HOME: broker.dataDirectory },
  });
  return { code, out: stdout.toString(), err: stderr };
}

const json = async (args: readonly string[]): Promise<readonly Record<string, unknown>[]> => {
  const { code, out, err } = await odradek([...args, '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
};

describe('odradek topic', () => {
  it('alters partitions and configuration, and shows both with offsets', async () => {
    await odradek(['topic', 'create', 'altered', '-p', '1']);
    await odradek(['produce', 'altered'], { input: 'a\nb\n' });
    const alter = ['topic', 'alter', 'altered', '-p', '3', '-c', 'retention.ms=60000'];
    expect((await odradek([...alter, '--dry-run'])).err).toBe(
      'altered could have 3 partitions, retention.ms=60000\n',
    );
    const [before] = await json(['topic', 'describe', 'altered']);
    expect(before).toMatchObject({ config: {}, partitions: [{ startOffset: 0, endOffset: 2 }] });
    expect((await odradek(alter)).code).toBe(0);
    const [after] = await json(['topic', 'describe', 'altered']);
    expect(after).toMatchObject({ config: { 'retention.ms': '60000' } });
    expect(after?.['partitions']).toHaveLength(3);
    expect(await odradek(['topic', 'alter', 'altered', '-u', 'retention.ms'])).toMatchObject({
      code: 0,
      err: "altered altered: retention.ms=(the broker's)\n",
    });
    const fewer = await odradek(['topic', 'alter', 'altered', '-p', '1']);
    expect(fewer.code).toBe(1);
    expect(fewer.err).toContain('INVALID_PARTITIONS');
    expect((await odradek(['topic', 'alter', 'altered'])).code).toBe(2);
  });
});

describe('odradek group', () => {
  it('shows lag, resets by trial and in earnest, forgets and deletes', async () => {
    await odradek(['topic', 'create', 'read', '-p', '2']);
    await odradek(['produce', 'read', '-p', '0'], { input: 'a\nb\nc\n' });
    const tail = ['tail', 'read', '--group', 'billing', '-o', 'earliest'];
    expect(await odradek([...tail, '-n', '2'])).toEqual({ code: 0, out: 'a\nb\n', err: '' });
    const described = await odradek(['group', 'describe', 'billing']);
    expect(described.err).toBe('group billing has no members (Empty)\n');
    const [headings, first] = described.out.split('\n').map((line) => line.split(/ {2,}/));
    expect(headings).toEqual([
      'GROUP',
      'TOPIC',
      'PARTITION',
      'CURRENT-OFFSET',
      'LOG-END-OFFSET',
      'LAG',
      'CONSUMER-ID',
      'HOST',
      'CLIENT-ID',
    ]);
    expect(first).toEqual(['billing', 'read', '0', '2', '3', '1', '-', '-', '-']);
    // Where the one before stopped, the next goes on.
    expect((await odradek([...tail, '-e'])).out).toBe('c\n');

    const reset = ['group', 'reset', 'billing', '--topic', 'read:0', '--to', 'earliest'];
    const tried = await odradek(reset);
    expect(tried.err).toBe('nothing is changed yet: --execute does it\n');
    expect(tried.out).toMatch(/billing +read +0 +3 +0\n$/);
    expect(await json(['group', 'offsets', 'billing'])).toMatchObject([{ offset: 3 }, {}]);
    expect((await odradek([...reset, '--execute'])).err).toBe('moved 1 offset of billing\n');
    expect((await odradek([...tail, '-e'])).out).toBe('a\nb\nc\n');
    const shifted = ['group', 'reset', 'billing', '--all-topics', '--shift-by', '-1', '--execute'];
    expect((await json(shifted)).map((it) => [it['partition'], it['newOffset']])).toEqual([
      [0, 2],
      [1, 0],
    ]);

    expect(await json(['group', 'list'])).toMatchObject([{ groupId: 'billing', state: 'Empty' }]);
    await odradek(['group', 'offsets', 'billing', '--delete', 'read:1']);
    expect(await json(['group', 'offsets', 'billing'])).toHaveLength(1);
    expect(await odradek(['group', 'delete', 'billing'])).toMatchObject({ code: 0 });
    const gone = await odradek(['group', 'describe', 'billing']);
    expect(gone.code).toBe(1);
    expect(gone.err).toContain('GROUP_ID_NOT_FOUND');
  });

  it('refuses to touch the offsets of those who read, by their names', async () => {
    await odradek(['topic', 'create', 'live']);
    const reader = spawn(
      process.execPath,
      [COMMAND, 'tail', 'live', '--group', 'readers', '--brokers', broker.bootstrap],
      { stdio: 'ignore' },
    );
    const ended = new Promise((resolve) => reader.on('close', resolve));
    await until(async () => {
      const { code, out } = await odradek(['group', 'describe', 'readers', '--state', '--json']);
      return code === 0 && (JSON.parse(out) as { state: string }).state === 'Stable';
    });
    for (const args of [
      ['group', 'reset', 'readers', '--to', 'latest', '--all-topics', '--execute'],
      ['group', 'delete', 'readers'],
    ]) {
      const { code, err } = await odradek(args);
      expect(code).toBe(1);
      expect(err).toBe(
        'odradek: group readers is Stable, with a member (odradek-cli at 127.0.0.1): stop them first\n',
      );
    }
    const [member] = await json(['group', 'describe', 'readers', '--members']);
    expect(member).toMatchObject({ clientId: 'odradek-cli' });
    // Ctrl-C is how following ends, and a member that leaves says so.
    reader.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(await json(['group', 'describe', 'readers', '--members'])).toEqual([]);
  });
});

describe('odradek config', () => {
  it('sets, shows with origin, and takes away', async () => {
    await odradek(['topic', 'create', 'configured']);
    const topic = ['--topic', 'configured'];
    expect((await odradek(['config', 'print', ...topic])).out).toBe('');
    const set = ['config', 'set', 'retention.ms=1000', 'cleanup.policy=compact', ...topic];
    expect((await odradek([...set, '--dry-run'])).err).toBe(
      'retention.ms, cleanup.policy could be changed\n',
    );
    expect((await odradek(set)).err).toBe('changed retention.ms, cleanup.policy\n');
    expect((await odradek(['config', 'print', ...topic])).out).toBe(
      'cleanup.policy=compact\nretention.ms=1000\n',
    );
    await odradek(['config', 'delete', 'cleanup.policy', ...topic]);
    expect(await json(['config', 'print', ...topic, '--origin'])).toEqual([
      { key: 'retention.ms', value: '1000', origin: 'set for this topic' },
    ]);
    const all = await json(['config', 'print', ...topic, '--all']);
    expect(all).toContainEqual({ key: 'cleanup.policy', value: 'delete', origin: 'default' });
    const wrong = await odradek(['config', 'set', 'retention.m=1', ...topic]);
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain('INVALID_CONFIG');
  });

  it("shows what a broker was started with, and the command's own settings", async () => {
    const ofBroker = await json(['config', 'print', '--broker', '1']);
    expect(ofBroker.find(({ key }) => key === 'listeners')?.['origin']).toContain("broker's start");
    expect((await odradek(['config', 'print', '--origin', '--timeout', '7'])).out).toBe(
      [
        'KEY      VALUE            ORIGIN',
        `brokers  ${broker.bootstrap}  ODRADEK_BROKERS`,
        'timeout  7                --timeout',
        '',
      ].join('\n'),
    );
    expect((await odradek(['config', 'set', 'a=b'])).code).toBe(2);
    expect((await odradek(['config', 'print', '--topic', 't', '--group', 'g'])).code).toBe(2);
  });
});

describe('odradek cluster', () => {
  it('shows brokers, controller and id', async () => {
    const { out } = await odradek(['cluster']);
    expect(out).toContain(`cluster ${broker.clusterId}  1 broker, `);
    expect(out).toContain(`${broker.nodeId}   ${broker.bootstrap}  -     controller `);
    expect(await json(['cluster'])).toMatchObject([
      { clusterId: broker.clusterId, controllerId: broker.nodeId, troubled: [] },
    ]);
  });
});

describe('odradek bench', () => {
  it('measures on a topic of its own, and leaves nothing behind', async () => {
    const small = ['-n', '400', '-s', '100'];
    const shared = { records: 400, bytes: 40_000, recordsPerSecond: expect.any(Number) };
    const times = {
      p50: expect.any(Number),
      p99: expect.any(Number),
      p999: expect.any(Number),
      max: expect.any(Number),
    };
    const [produced] = await json(['bench', 'produce', ...small, '-c', '2', '-z', 'lz4']);
    expect(produced).toMatchObject({ bench: 'produce', clients: 2, ...shared, latencyMs: times });
    expect(produced?.['perClient']).toHaveLength(2);
    const [consumed] = await json(['bench', 'consume', ...small, '-c', '2']);
    expect(consumed).toMatchObject({ bench: 'consume', clients: 2, ...shared });
    const [latency] = await json(['bench', 'latency', '-n', '20']);
    expect(latency).toMatchObject({
      records: 20,
      latencyMs: { acknowledged: times, received: times },
    });
    const { out, err } = await odradek(['bench', 'produce', ...small]);
    expect(out).toMatch(/^CLIENT +RECORDS +RECORDS\/S +MB\/S +P50 +P99 +P99\.9 +MAX\nall +400 /);
    expect(err).toContain('400 records to odradek-bench-');
    const topics = (await json(['topic', 'list'])).map(({ name }) => String(name));
    expect(topics.filter((name) => name.startsWith('odradek-bench-'))).toEqual([]);
  });
});

describe('odradek top', () => {
  it('tells rates as lines, and as JSON', async () => {
    await odradek(['topic', 'create', 'busy']);
    const { host, port } = broker.addresses.http!;
    const look = ['top', '-i', '1', '-n', '1', '--metrics', `http://${host}:${port}/metrics`];
    const { code, out } = await odradek(look);
    expect(code).toBe(0);
    expect(out).toMatch(/^\S+ broker 1 requests\/s=\d.* connections=\d+$/m);
    expect(out).toMatch(/^\S+ topic busy records\/s=0\.0 bytes\/s=0 size=0$/m);
    const [rates] = await json(look);
    expect(rates?.['topics']).toContainEqual(expect.objectContaining({ name: 'busy' }));
  });
});

describe('odradek doctor', () => {
  it('finds a healthy broker, by TCP, WebSocket and HTTP', async () => {
    const { port } = broker.addresses.http!;
    const { code, out, err } = await odradek([
      'doctor',
      '--http-port',
      String(port),
      '--data-dir',
      broker.dataDirectory,
    ]);
    expect(err).toBe('all is well\n');
    expect(code).toBe(0);
    expect(out).toContain(`ok       port ${port}: a broker has it`);
    expect(out).toMatch(/^ok {7}write and flush: \d+\.\d ms$/m);
    expect(out).toMatch(/^ok {7}WebSocket .*: a page can reach the broker$/m);
    expect(out).toMatch(/^ok {7}clock: /m);
  });

  it('says what to do when there is none', async () => {
    const { code, out } = await odradek(['doctor'], { brokers: '127.0.0.1:1' });
    expect(code).toBe(1);
    expect(out).toMatch(/^FAILED {3}broker 127\.0\.0\.1:1: .*\n {9}start one with odradek up/m);
  });
});

describe('odradek completion', () => {
  it.each([
    ['bash', 'complete -F __odradek_complete odradek'],
    ['zsh', '#compdef odradek'],
    ['fish', 'complete -c odradek'],
    ['powershell', 'Register-ArgumentCompleter'],
  ])('prints a script for %s', async (shell, line) => {
    const { code, out } = await odradek(['completion', shell]);
    expect(code).toBe(0);
    expect(out).toContain(line);
  });

  const offered = async (words: readonly string[], brokers?: string): Promise<readonly string[]> =>
    (await odradek(['complete', '--', ...words], brokers === undefined ? {} : { brokers })).out
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith(':'))
      .map((line) => line.split('\t')[0]!);

  it('completes commands, options, topics and groups', async () => {
    await odradek(['topic', 'create', 'completed']);
    await odradek(['tail', 'completed', '--group', 'completers', '-e']);
    expect(await offered(['to'])).toEqual(['topic', 'top']);
    expect(await offered(['topic', 'd'])).toEqual(['describe', 'delete']);
    expect(await offered(['tail', '--fo'])).toEqual(['--follow', '--format']);
    expect(await offered(['tail', 'compl'])).toEqual(['completed']);
    expect(await offered(['topic', 'describe', 'compl'])).toEqual(['completed']);
    expect(await offered(['group', 'describe', 'compl'])).toEqual(['completers']);
    expect(await offered(['config', 'print', '--topic', 'compl'])).toEqual(['completed']);
    expect(await offered(['completion', ''])).toEqual(['bash', 'zsh', 'fish', 'powershell']);
  });

  it('offers nothing, and soon, when no broker answers', async () => {
    expect(await offered(['tail', ''], '127.0.0.1:1')).toEqual([]);
  });

  it('is a shell script that bash takes', async () => {
    const script = `eval "$("$0" "$1" completion bash)" && complete -p odradek`;
    const { code, stdout } = await run('bash', ['-c', script, process.execPath, COMMAND]);
    expect({ code, out: stdout.toString() }).toEqual({
      code: 0,
      out: 'complete -F __odradek_complete odradek\n',
    });
  });
});

/** Nothing in the command is for our broker alone. */
const kafka = await findKafka();
if (kafka !== undefined)
  it('looks after an Apache Kafka as well', { timeout: 180_000 }, async () => {
    const theirs = await KafkaProcess.start(kafka);
    try {
      const ask = async (args: string, input = ''): Promise<string> => {
        const all = [COMMAND, ...args.split(' '), '--brokers', `127.0.0.1:${theirs.port}`];
        const { code, stdout, stderr } = await run(process.execPath, all, { input });
        expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({
          args,
          code: 0,
          stderr: '',
        });
        return stdout.toString() + stderr;
      };
      await ask('topic create t -p 2');
      await ask('produce t -z zstd -p 0', 'a\nb\n');
      expect(await ask('tail t -e')).toBe('a\nb\n');
      expect(await ask('tail t -e --group g -o earliest')).toBe('a\nb\n');
      expect(await ask('group describe g')).toMatch(/^g +t +0 +2 +2 +0 +- +- +-$/m);
      expect(await ask('group reset g --to earliest --topic t:0 --execute')).toContain('moved 1');
      await ask('topic alter t -p 3 -c retention.ms=3600000');
      expect(await ask('config print --topic t --origin')).toMatch(
        /^retention\.ms +3600000 +set for this topic$/m,
      );
      const cluster = await ask('cluster');
      expect(cluster).toMatch(/^1 +leader +\d+ +0$/m);
      expect(cluster).toMatch(/^metadata\.version +\d+-\d+ +\d+$/m);
      expect(await ask('bench latency -n 20')).toContain('received');
      expect(await ask('top -n 1 -i 1')).toMatch(/ group g state=Empty lag=2 /);
      expect(await ask('topic delete t')).toBe('deleted t\n');
    } finally {
      await theirs.dispose();
    }
  });
