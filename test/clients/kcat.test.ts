/** kcat (librdkafka 2.0.2 in Debian 12): the oldest client that people still point at a new broker. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startInProcess, type InProcessBroker } from '../support/in-process-broker.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';

const WORDS = '/usr/share/dict/words';
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
/** The smallest that the broker takes: a member that was killed is missed after so long. */
const SESSION_TIMEOUT_MS = 1_500;

const hasKcat = spawnSync('kcat', ['-V']).status === 0;
if (!hasKcat && process.env.CI !== 'true')
  process.stderr.write('kcat tests are skipped: apt-get install kcat wamerican\n');

let broker: InProcessBroker;
beforeAll(async () => {
  broker = await startInProcess({
    config: { 'group.min.session.timeout.ms': String(SESSION_TIMEOUT_MS) },
  });
});
afterAll(() => broker.dispose());

const kcat = (args: readonly string[], input?: Buffer | string) =>
  run('kcat', ['-b', broker.bootstrap, ...args], { input });

/** Produces the lines; fails unless kcat said nothing and all went well. */
const produce = async (topic: string, input: Buffer | string, ...args: string[]): Promise<void> => {
  const { code, stderr } = await kcat(['-P', '-t', topic, ...args], input);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
};

/** Reads to the end and gives what was read, in `format`. */
const consume = async (topic: string, format: string, ...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await kcat([
    '-C',
    '-t',
    topic,
    '-e',
    '-q',
    '-f',
    format,
    ...args,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.toString();
};

const createTopic = async (
  topic: string,
  numPartitions: number,
  configs: Record<string, string> = {},
): Promise<void> => {
  const admin = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
  await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }] });
  await admin.disconnect();
};

/** A member of a group, as a process that can be killed. */
class Member {
  /** Values in the order in which they were read, each with its partition: "2:hello". */
  readonly seen: string[] = [];
  /** What it owns by its own account. */
  assigned: number[] = [];
  assignments = 0;
  readonly #child;
  readonly exited: Promise<unknown>;

  constructor(group: string, topic: string, ...settings: string[]) {
    const options = [
      `session.timeout.ms=${SESSION_TIMEOUT_MS}`,
      'heartbeat.interval.ms=200',
      'auto.offset.reset=earliest',
      'auto.commit.interval.ms=100',
      ...settings,
    ];
    this.#child = spawn('kcat', [
      '-b',
      broker.bootstrap,
      '-G',
      group,
      '-u',
      '-f',
      '%p:%s\n',
      ...options.flatMap((it) => ['-X', it]),
      topic,
    ]);
    this.exited = once(this.#child, 'close');
    let rest = '';
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      this.seen.push(...lines);
    });
    let said = '';
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      const lines = (said + text).split('\n');
      said = lines.pop()!;
      for (const line of lines) this.#hear(line, topic);
    });
    members.push(this);
  }

  /**
   * "% Group workers rebalanced (memberid ...): assigned: jobs [0], jobs [1]", or "... incremental revoke of 1 partition(s)
   * (memberid ...): jobs [0]".
   */
  #hear(line: string, topic: string): void {
    const change = / rebalanced.*?: (?:incremental )?(assign|revoke)/.exec(line);
    if (change === null) return;
    const partitions = [...line.matchAll(new RegExp(`${topic} \\[(\\d+)\\]`, 'g'))].map((it) =>
      Number(it[1]),
    );
    if (change[1] === 'assign') {
      this.assigned = [...new Set([...this.assigned, ...partitions])].toSorted();
      this.assignments++;
    } else this.assigned = this.assigned.filter((it) => !partitions.includes(it));
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    await this.exited;
  }
}

const members: Member[] = [];
afterEach(async () => {
  for (const member of members.splice(0)) await member.kill('SIGKILL');
});

describe.skipIf(!hasKcat && process.env.CI !== 'true')('kcat', () => {
  it.each(CODECS)('gives a large file back byte for byte with %s', async (codec) => {
    const words = await readFile(WORDS);
    const topic = `words-${codec}`;
    await produce(topic, words, '-z', codec);
    const consumed = await kcat(['-C', '-t', topic, '-e', '-q']);
    expect(consumed.code).toBe(0);
    expect(consumed.stdout.equals(words)).toBe(true);
  });

  it('lists brokers, topics and partitions', async () => {
    const { stdout } = await kcat(['-L', '-J']);
    const listed = JSON.parse(stdout.toString()) as {
      brokers: { name: string }[];
      topics: { topic: string }[];
    };
    expect(listed.brokers).toEqual([{ id: broker.nodeId, name: broker.bootstrap }]);
    expect(listed.topics.map((it) => it.topic)).toContain('words-none');
  });

  it('carries keys, headers, tombstones and empty values', async () => {
    await produce('pairs', 'a:1\nb:2\na:\n', '-K', ':', '-H', 'origin=kcat', '-H', 'nothing', '-Z');
    await produce('pairs', 'a:\n', '-K', ':');
    expect(await consume('pairs', '%k=%s %S %h\n')).toBe(
      'a=1 1 origin=kcat,nothing=NULL\nb=2 1 origin=kcat,nothing=NULL\na= -1 origin=kcat,nothing=NULL\na= 0 \n',
    );
  });

  it.each(['0', '1', 'all'])('produces with acks %s', async (acks) => {
    await produce(`acks-${acks}`, 'a\nb\nc\n', '-X', `acks=${acks}`);
    expect(await consume(`acks-${acks}`, '%o %s\n')).toBe('0 a\n1 b\n2 c\n');
  });

  it('is idempotent when it is told to be', async () => {
    await produce('once', 'a\nb\nc\n', '-X', 'enable.idempotence=true');
    expect(await consume('once', '%o %s\n')).toBe('0 a\n1 b\n2 c\n');
  });

  it('is refused a transaction at once', async () => {
    const startedMs = performance.now();
    const { code, stderr } = await kcat(['-P', '-t', 'once', '-X', 'transactional.id=t'], 'a\n');
    expect(code).not.toBe(0);
    expect(stderr).toContain('init_transactions(): Failed to find transaction coordinator');
    expect(performance.now() - startedMs).toBeLessThan(4_000);
  });

  it('writes messages up to max.message.bytes, and is told when one is larger', async () => {
    await createTopic('large', 1, { 'max.message.bytes': '3000000' });
    const client = ['-X', 'message.max.bytes=10000000'];
    // What goes round one record without key and headers: 61 bytes of the batch, and of the record its length (4), attributes,
    // time, offset, key's length and count of headers (a byte each) and its value's length (4).
    const largest = 3_000_000 - 61 - 13;
    await produce('large', 'x'.repeat(largest), ...client);
    expect(await consume('large', '%S\n')).toBe(`${largest}\n`);
    const beyond = await kcat(['-P', '-t', 'large', ...client], 'x'.repeat(largest + 1));
    expect(beyond.code).not.toBe(0);
    expect(beyond.stderr).toContain('Message size too large');
    expect(await consume('large', '%o\n')).toBe('0\n');
  });

  it('begins and ends where it is told to', async () => {
    await createTopic('places', 2);
    await produce('places', 'a\nb\nc\nd\ne\n', '-p', '1');
    const read = (...args: string[]) => consume('places', '%s', ...args);
    expect(await read('-o', 'beginning')).toBe('abcde');
    expect(await read('-p', '1', '-o', '3')).toBe('de');
    expect(await read('-p', '1', '-o', '-2')).toBe('de');
    expect(await read('-p', '1', '-o', 'end')).toBe('');
    expect(await read('-p', '1', '-c', '2')).toBe('ab');
  });

  it('is sent back to the beginning, or told, when an offset is out of range', async () => {
    await produce('range', 'a\nb\n');
    expect(
      await consume(
        'range',
        '%s',
        '-p',
        '0',
        '-o',
        '100',
        '-X',
        'topic.auto.offset.reset=earliest',
      ),
    ).toBe('ab');
    const told = await kcat([
      '-C',
      '-t',
      'range',
      '-p',
      '0',
      '-o',
      '100',
      '-e',
      '-X',
      'topic.auto.offset.reset=error',
    ]);
    expect(told.stderr).toMatch(/out of range/i);
  });

  it('finds offsets by time, and reads from and up to a time', async () => {
    const producer = new Kafka({
      brokers: [broker.bootstrap],
      logLevel: logLevel.NOTHING,
    }).producer();
    await producer.connect();
    const at = (n: number) => 1_700_000_000_000 + n * 1_000;
    for (const n of [0, 1, 2, 3])
      await producer.send({ topic: 'timed', messages: [{ value: `${n}`, timestamp: `${at(n)}` }] });
    await producer.disconnect();
    const offsetAt = async (timestamp: number) =>
      (await kcat(['-Q', '-t', `timed:0:${timestamp}`])).stdout.toString();
    expect(await offsetAt(at(0))).toContain('offset 0');
    expect(await offsetAt(at(1) + 1)).toContain('offset 2');
    expect(await offsetAt(at(9))).toContain('offset -1');
    expect(await offsetAt(-1)).toContain('offset 4');
    expect(await offsetAt(-2)).toContain('offset 0');
    expect(await consume('timed', '%s', '-o', `s@${at(2)}`)).toBe('23');
    expect(await consume('timed', '%s', '-o', `s@${at(1)}`, '-o', `e@${at(3)}`)).toBe('12');
    expect(await consume('timed', '%T ', '-c', '2')).toBe(`${at(0)} ${at(1)} `);
  });

  it.each(['read_committed', 'read_uncommitted'])('reads with isolation %s', async (level) => {
    await produce('isolated', 'a\n');
    expect(await consume('isolated', '%s', '-c', '1', '-X', `isolation.level=${level}`)).toBe('a');
  });

  it('is told that a topic is not there, when nobody may create it', async () => {
    const strict = await startInProcess({
      memory: true,
      config: { 'auto.create.topics.enable': 'false' },
    });
    const at = ['-b', strict.bootstrap, '-X', 'topic.metadata.propagation.max.ms=100'];
    const listed = await run('kcat', ['-b', strict.bootstrap, '-L', '-t', 'absent']);
    expect(listed.stdout.toString()).toContain('Broker: Unknown topic or partition');
    const produced = await run('kcat', [...at, '-P', '-t', 'absent'], { input: 'a\n' });
    expect(produced.code).not.toBe(0);
    expect(produced.stderr).toContain('Unknown topic');
    const consumed = await run('kcat', [...at, '-C', '-t', 'absent', '-e']);
    expect(consumed.code).not.toBe(0);
    expect(consumed.stderr).toContain('Unknown topic');
    await strict.dispose();
  });
});

describe.skipIf(!hasKcat && process.env.CI !== 'true')('a group of kcats', () => {
  it('goes on where the group was', async () => {
    await produce('queue', 'a\nb\n');
    const read = async () =>
      (
        await kcat(['-G', 'workers', '-X', 'auto.offset.reset=earliest', '-e', '-q', 'queue'])
      ).stdout.toString();
    expect(await read()).toBe('a\nb\n');
    await produce('queue', 'c\n');
    expect(await read()).toBe('c\n');
  });

  const share = async (topic: string, count: number): Promise<void> => {
    for (let partition = 0; partition < 4; partition++) {
      const lines = Array.from({ length: count / 4 }, (_, n) => `${partition}-${n}\n`).join('');
      await produce(topic, lines, '-p', String(partition));
    }
  };
  const shareOf = (...sharers: Member[]) => sharers.map((it) => it.assigned.length).toSorted();

  it.each(['range', 'cooperative-sticky'])(
    'of two shares a topic by %s, and one takes over from one that was killed',
    async (strategy) => {
      const topic = `shared-${strategy}`;
      await createTopic(topic, 4);
      const join = () =>
        new Member(`team-${strategy}`, topic, `partition.assignment.strategy=${strategy}`);
      const first = join();
      await until(() => first.assigned.length === 4);
      const second = join();
      await until(() => first.assigned.length === 2 && second.assigned.length === 2);
      expect([...first.assigned, ...second.assigned].toSorted()).toEqual([0, 1, 2, 3]);
      await share(topic, 80);
      await until(() => first.seen.length + second.seen.length === 80);
      const partitionsSeen = (member: Member) =>
        [...new Set(member.seen.map((it) => Number(it.split(':')[0])))].toSorted();
      expect(partitionsSeen(first)).toEqual(first.assigned);
      expect(partitionsSeen(second)).toEqual(second.assigned);
      const killedAtMs = performance.now();
      await second.kill('SIGKILL');
      await until(() => first.assigned.length === 4);
      // Nobody is missed before the session times out, and then soon.
      expect(performance.now() - killedAtMs).toBeGreaterThan(SESSION_TIMEOUT_MS - 500);
      await share(topic, 80);
      await until(() => new Set(partitionsSeen(first)).size === 4);
      expect(shareOf(first)).toEqual([4]);
    },
  );

  it('does not rebalance when a static member goes and comes back', async () => {
    await createTopic('static', 4);
    const join = (name: string) => new Member('static-team', 'static', `group.instance.id=${name}`);
    const first = join('one');
    await until(() => first.assigned.length === 4);
    const second = join('two');
    await until(() => first.assigned.length === 2 && second.assigned.length === 2);
    const { assigned: before } = second;
    const assignments = first.assignments;
    // A static member that ends does not leave: its place waits for it.
    await second.kill('SIGTERM');
    const again = join('two');
    await until(() => again.assigned.length === 2);
    expect(again.assigned).toEqual(before);
    await share('static', 40);
    await until(() => first.seen.length + again.seen.length === 40);
    expect(first.assignments).toBe(assignments);
  });
});
