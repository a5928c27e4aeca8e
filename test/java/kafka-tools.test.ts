/**
 * Apache Kafka's own programs against our broker and on our files: an optional comparison, there when Java, Maven and a
 * registry are (test/support/java.ts). The dump of the log's files has golden files as its substitute: test/golden.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka as KafkaJS, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startInProcess, type InProcessBroker } from '../support/in-process-broker.ts';
import { findKafka, kafkaVersion, type Kafka } from '../support/java.ts';
import { until } from '../support/until.ts';

// Each tool is a Java machine that starts: a busy machine takes its time.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const TOOLS = 'org.apache.kafka.tools';
const GROUPS = `${TOOLS}.consumer.group.ConsumerGroupCommand`;
const CONFIGS = 'kafka.admin.ConfigCommand';
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

it('asks for one version of Apache Kafka', () => {
  const pom = readFileSync(new URL('pom.xml', import.meta.url), 'utf8');
  expect(kafkaVersion()).toMatch(/^4\.\d+\.\d+$/);
  expect(
    pom.match(
      /<artifactId>kafka[-_][^<]*<\/artifactId>\s*<version>\$\{kafka\.version\}<\/version>/g,
    ),
  ).toHaveLength(2);
});

const kafka = await findKafka();
if (kafka !== undefined) {
  describe(`the programs of Apache Kafka ${kafka.version}`, () => programs(kafka));
  describe(`kafka-dump-log of Apache Kafka ${kafka.version}`, () => dumps(kafka));
}

function programs(kafka: Kafka): void {
  let broker: InProcessBroker;
  let folder: string;
  beforeAll(async () => {
    broker = await startInProcess({ config: { 'odradek.max.partitions': '1000' } });
    folder = await mkdtemp(join(tmpdir(), 'odradek-java-'));
  });
  afterAll(async () => {
    await broker.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs a tool to its end and gives what it said; a failure is told with both of its outputs. */
  const tool = async (mainClass: string, args: readonly string[], input = ''): Promise<string> => {
    const { code, stdout, stderr } = await kafka.run(
      mainClass,
      ['--bootstrap-server', broker.bootstrap, ...args],
      { input },
    );
    if (code !== 0)
      throw new Error(`${mainClass} ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
    return stdout.toString();
  };

  it('ask for the versions of each API', async () => {
    const said = await tool(`${TOOLS}.BrokerApiVersionsCommand`, []);
    expect(said).toContain(`${broker.bootstrap} (id: ${broker.nodeId}`);
    expect(said).toMatch(/Produce\(0\): 0 to 13 \[usable: 13\]/);
    expect(said).toMatch(/Fetch\(1\): 4 to 18 \[usable: 18\]/);
    expect(said).toContain('AddPartitionsToTxn(24): UNSUPPORTED');
  });

  it('create, describe, enlarge, list and delete topics', async () => {
    const topics = (...args: string[]) => tool(`${TOOLS}.TopicCommand`, args);
    await topics(
      '--create',
      '--topic',
      'java-topic',
      '--partitions',
      '2',
      '--config',
      'retention.ms=1000000',
    );
    await topics('--alter', '--topic', 'java-topic', '--partitions', '3');
    const described = await topics('--describe', '--topic', 'java-topic');
    expect(described).toMatch(
      /Topic: java-topic\s+TopicId: \S{22}\s+PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: .*retention.ms=1000000/,
    );
    expect(described).toMatch(/Partition: 2\s+Leader: 1\s+Replicas: 1\s+Isr: 1/);
    await topics('--delete', '--topic', 'java-topic');
    expect((await topics('--list')).split('\n')).not.toContain('java-topic');
  });

  it('change and describe configurations', async () => {
    const client = new KafkaJS({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING });
    const admin = client.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'java-config' }] });
    await admin.disconnect();
    const configs = (...args: string[]) => tool(CONFIGS, args);
    const topic = ['--entity-type', 'topics', '--entity-name', 'java-config'];
    await configs(
      ...topic,
      '--alter',
      '--add-config',
      'retention.ms=100000,cleanup.policy=[compact,delete]',
    );
    const described = await configs(...topic, '--describe');
    expect(described).toMatch(
      /retention\.ms=100000 .*DYNAMIC_TOPIC_CONFIG:retention\.ms=100000, DEFAULT_CONFIG:log\.retention\.hours=168/,
    );
    expect(described).toContain('cleanup.policy=compact,delete');
    await configs(...topic, '--alter', '--delete-config', 'retention.ms');
    expect(await configs(...topic, '--describe', '--all')).toMatch(/ retention\.ms=604800000 /);
    expect(
      await configs(
        '--entity-type',
        'brokers',
        '--entity-name',
        String(broker.nodeId),
        '--describe',
        '--all',
      ),
    ).toMatch(/ num\.partitions=1 /);
  });

  it('write and read from the console, with keys, headers and nulls', async () => {
    const properties = ['parse.key=true', 'parse.headers=true', 'null.marker=NULL'].flatMap(
      (it) => ['--reader-property', it],
    );
    await tool(
      `${TOOLS}.ConsoleProducer`,
      ['--topic', 'java-console', ...properties],
      'h1:v1,h2:v2\tkey1\tvalue1\nh1:x\tkey2\tNULL\n',
    );
    const printed = ['print.key=true', 'print.headers=true', 'print.offset=true'].flatMap((it) => [
      '--formatter-property',
      it,
    ]);
    const read = await tool(`${TOOLS}.consumer.ConsoleConsumer`, [
      '--topic',
      'java-console',
      '--from-beginning',
      '--max-messages',
      '2',
      '--timeout-ms',
      '20000',
      '--group',
      'java-console-group',
      ...printed,
    ]);
    expect(read).toBe('Offset:0\th1:v1,h2:v2\tkey1\tvalue1\nOffset:1\th1:x\tkey2\tnull\n');
  });

  it('list, describe, rewind and delete the group that read', async () => {
    const groups = (...args: string[]) => tool(GROUPS, args);
    const group = ['--group', 'java-console-group'];
    expect(await groups('--list')).toContain('java-console-group');
    expect(await groups('--describe', ...group)).toMatch(
      /java-console-group\s+java-console\s+0\s+2\s+2\s+0/,
    );
    expect(await groups('--describe', '--state', ...group)).toMatch(
      /java-console-group\s+127\.0\.0\.1:\d+\s+\(1\).*Empty/,
    );
    expect(
      await groups(
        '--reset-offsets',
        ...group,
        '--topic',
        'java-console',
        '--to-earliest',
        '--execute',
      ),
    ).toMatch(/java-console\s+0\s+0/);
    expect(await groups('--describe', ...group)).toMatch(
      /java-console-group\s+java-console\s+0\s+0\s+2\s+2/,
    );
    expect(await groups('--delete-offsets', ...group, '--topic', 'java-console')).toMatch(
      /java-console\s+0\s+Successful/,
    );
    expect(await groups('--delete', ...group)).toContain('was successful');
  });

  it('measure producing and consuming', async () => {
    const producer = [
      '--topic',
      'java-perf',
      '--num-records',
      '50000',
      '--record-size',
      '100',
      '--throughput',
      '-1',
    ];
    const produced = await kafka.run(`${TOOLS}.ProducerPerformance`, [
      ...producer,
      '--producer-props',
      `bootstrap.servers=${broker.bootstrap}`,
      'compression.type=lz4',
    ]);
    expect(produced.stdout.toString()).toMatch(/^50000 records sent/m);
    const consumed = await tool(`${TOOLS}.ConsumerPerformance`, [
      '--topic',
      'java-perf',
      '--num-records',
      '50000',
      '--timeout',
      '20000',
      '--hide-header',
    ]);
    expect(consumed.split(', ')[4]).toBe('50000');
  });

  it('find offsets, trim a partition, and look into the folder', async () => {
    expect(await tool(`${TOOLS}.GetOffsetShell`, ['--topic', 'java-perf'])).toBe(
      'java-perf:0:50000\n',
    );
    const file = join(folder, 'delete.json');
    await writeFile(
      file,
      JSON.stringify({
        version: 1,
        partitions: [{ topic: 'java-perf', partition: 0, offset: 20_000 }],
      }),
    );
    expect(await tool(`${TOOLS}.DeleteRecordsCommand`, ['--offset-json-file', file])).toContain(
      'partition: java-perf-0\tlow_watermark: 20000',
    );
    expect(
      await tool(`${TOOLS}.GetOffsetShell`, ['--topic', 'java-perf', '--time', 'earliest']),
    ).toBe('java-perf:0:20000\n');
    const folders = await tool(`${TOOLS}.LogDirsCommand`, [
      '--describe',
      '--topic-list',
      'java-perf',
    ]);
    expect(folders).toContain(`"logDir":"${broker.dataDirectory}"`);
    expect(folders).toMatch(/"partition":"java-perf-0","size":[1-9]\d+,"offsetLag":0/);
    const producers = await tool(`${TOOLS}.TransactionsCommand`, [
      'describe-producers',
      '--topic',
      'java-perf',
      '--partition',
      '0',
    ]);
    expect(producers).toMatch(/\d+\s+0\s+-1\s+49999\s/);
  });

  it('produce and consume verifiably', async () => {
    const lines = (said: string) =>
      said
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const produced = lines(
      await tool(`${TOOLS}.VerifiableProducer`, [
        '--topic',
        'java-verified',
        '--max-messages',
        '100',
        '--acks',
        '-1',
      ]),
    );
    expect(
      produced.filter((it) => it.name === 'producer_send_success').map((it) => it.offset),
    ).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(produced.at(-1)).toMatchObject({ sent: 100, acked: 100 });
    const consumed = lines(
      await tool(`${TOOLS}.VerifiableConsumer`, [
        '--topic',
        'java-verified',
        '--group-id',
        'java-verifiers',
        '--max-messages',
        '100',
      ]),
    );
    expect(
      consumed
        .filter((it) => it.name === 'records_consumed')
        .reduce((sum, it) => sum + (it.count as number), 0),
    ).toBe(100);
    expect(consumed.find((it) => it.name === 'offsets_committed')).toMatchObject({
      success: true,
      offsets: [{ offset: 100 }],
    });
  });
}

function dumps(kafka: Kafka): void {
  let broker: InProcessBroker;
  beforeAll(async () => {
    broker = await startInProcess({
      config: {
        'log.retention.check.interval.ms': '200',
        'log.cleaner.backoff.ms': '200',
        'log.segment.delete.delay.ms': '0',
        'offsets.topic.num.partitions': '1',
      },
    });
    await traffic(kafka, broker);
    // The active segments' indexes are written when the broker stops; files of a running one are read too, below.
    await broker.stop();
  });
  afterAll(() => broker.dispose());

  const dump = async (files: readonly string[], ...options: string[]): Promise<string> => {
    expect(files).not.toEqual([]);
    const { code, stdout, stderr } = await kafka.run(`${TOOLS}.DumpLogSegments`, [
      '--files',
      files.join(','),
      ...options,
    ]);
    // Of a file that does not begin with offset 0 the tool says that a record before it is missing: of Kafka's own files too.
    const noted = stderr.replaceAll(
      /^Non-consecutive offsets in .*\n( +-1 is followed by \d+\n)+/gm,
      '',
    );
    expect({ code, noted }).toEqual({ code: 0, noted: '' });
    return stdout.toString();
  };
  const filesOf = async (folder: RegExp, ending: string): Promise<string[]> => {
    const names = await readdir(broker.dataDirectory, { recursive: true });
    return names
      .filter((name) => folder.test(name) && name.endsWith(ending))
      .toSorted()
      .map((name) => join(broker.dataDirectory, name));
  };
  /** Of a dump, what is neither the name of a file nor a line that is due for each batch, record or entry. */
  const complaints = (said: string) =>
    said
      .split('\n')
      .filter(
        (line) =>
          line !== '' &&
          !/^(Dumping |Log starting offset: |\| offset: |baseOffset: .* isvalid: true$|(offset|timestamp|producerId): )/.test(
            line,
          ),
      );

  it('finds every batch and record sound: each codec, many segments, trimmed, compacted', async () => {
    const said = await dump(
      await filesOf(/^java-(segments|retained)/, '.log'),
      '--deep-iteration',
      '--print-data-log',
    );
    expect(complaints(said)).toEqual([]);
    for (const codec of CODECS) expect(said).toContain(`compresscodec: ${codec} `);
    expect(said.match(/\| offset: /g)!.length).toBeGreaterThan(10_000);
    expect((await filesOf(/^java-segments/, '.log')).length).toBeGreaterThan(5);
    expect(await filesOf(/^java-retained.*\/0{20}/, '.log')).toEqual([]);
  });

  it('finds a compacted log sound, gaps and all', async () => {
    const files = await filesOf(/^java-compacted/, '.log');
    expect(files.length).toBeGreaterThan(1);
    const { code, stdout, stderr } = await kafka.run(`${TOOLS}.DumpLogSegments`, [
      '--files',
      files.join(','),
      '--deep-iteration',
    ]);
    expect(code).toBe(0);
    expect(complaints(stdout.toString())).toEqual([]);
    expect(stderr).toMatch(/^Non-consecutive offsets in /);
  });

  it('finds the offset indexes sane, and in agreement with the log', async () => {
    const files = await filesOf(/^java-/, '.index');
    const sane = await dump(files, '--index-sanity-check');
    for (const file of files)
      expect(sane).toMatch(new RegExp(`${file} (passed sanity check|is empty)\\.`));
    expect(
      complaints(await dump(files, '--verify-index-only')).filter(
        (line) => !line.endsWith(' is empty.'),
      ),
    ).toEqual([]);
    expect((await dump(files)).match(/^offset: \d+ position: \d+$/gm)!.length).toBeGreaterThan(200);
  });

  it('finds the time indexes in agreement with the log', async () => {
    const files = await filesOf(/^java-/, '.timeindex');
    expect(complaints(await dump(files, '--verify-index-only'))).toEqual([]);
    expect((await dump(files)).match(/^timestamp: \d+ offset: \d+$/gm)!.length).toBeGreaterThan(50);
  });

  it('reads the producers in the snapshots', async () => {
    const said = await dump(await filesOf(/^java-segments/, '.snapshot'));
    expect(complaints(said)).toEqual([]);
    // One producer a codec, and the last snapshot knows them all.
    const last = said
      .slice(said.lastIndexOf('Dumping '))
      .match(
        /^producerId: \d+ producerEpoch: 0 coordinatorEpoch: -1 currentTxnFirstOffset: OptionalLong.empty .* lastSequence: 2999 /gm,
      );
    expect(last).toHaveLength(CODECS.length);
  });

  it('understands the records of groups and offsets', async () => {
    const said = await dump(await filesOf(/^__consumer_offsets/, '.log'), '--offsets-decoder');
    expect(complaints(said)).toEqual([]);
    expect(said).toMatch(
      /key: \{"type":"1","data":\{"group":"java-dumped","topic":"java-compacted","partition":0\}\} payload: \{"version":"\d","data":\{"offset":7,/,
    );
    expect(said).toMatch(
      /key: \{"type":"2","data":\{"group":"java-members"\}\} payload: \{"version":"\d","data":\{"protocolType":"consumer","generation":1,/,
    );
  });
}

/** Several segments with a producer for each codec; a topic that retention has cut; one that is compacted; a group. */
async function traffic(kafka: Kafka, broker: InProcessBroker): Promise<void> {
  const client = new KafkaJS({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  const producer = client.producer({ maxInFlightRequests: 1 });
  await Promise.all([admin.connect(), producer.connect()]);
  const small = { name: 'segment.bytes', value: String(1024 * 1024) };
  const compacting = [
    { name: 'cleanup.policy', value: 'compact' },
    { name: 'min.cleanable.dirty.ratio', value: '0.01' },
    { name: 'delete.retention.ms', value: '0' },
  ];
  await admin.createTopics({
    topics: [
      { topic: 'java-segments', configEntries: [small] },
      {
        topic: 'java-retained',
        configEntries: [small, { name: 'retention.bytes', value: '1500000' }],
      },
      { topic: 'java-compacted', configEntries: [small, ...compacting] },
    ],
  });
  const produced = CODECS.map((codec) =>
    kafka.run(`${TOOLS}.ProducerPerformance`, [
      ...[
        '--topic',
        'java-segments',
        '--num-records',
        '3000',
        '--record-size',
        '500',
        '--throughput',
        '-1',
        '--producer-props',
      ],
      ...[`bootstrap.servers=${broker.bootstrap}`, `compression.type=${codec}`],
    ]),
  );
  const payload = 'p'.repeat(1_000);
  for (let round = 0; round < 4; round++) {
    const records = Array.from({ length: 1_000 }, (_, n) => ({
      key: `key-${n % 50}`,
      value: n % 50 === 7 ? null : `${round}-${n}-${payload}`,
    }));
    await producer.send({ topic: 'java-retained', messages: records });
    await producer.send({ topic: 'java-compacted', messages: records });
  }
  for (const { code, stdout, stderr } of await Promise.all(produced))
    expect(code, `${stdout}${stderr}`).toBe(0);
  await admin.setOffsets({
    groupId: 'java-dumped',
    topic: 'java-compacted',
    partitions: [{ partition: 0, offset: '7' }],
  });
  const consumer = client.consumer({ groupId: 'java-members', maxWaitTimeInMs: 50 });
  let seen = 0;
  await consumer.connect();
  await consumer.subscribe({ topic: 'java-compacted', fromBeginning: true });
  await consumer.run({ eachBatch: async () => void seen++ });
  await until(() => seen > 0);
  await consumer.disconnect();
  const sizeOf = async (topic: string) => {
    const folder = join(broker.dataDirectory, `${topic}-0`);
    const names = (await readdir(folder)).filter((name) => name.endsWith('.log'));
    return { first: names.toSorted()[0]!, count: names.length };
  };
  await until(async () => !(await sizeOf('java-retained')).first.startsWith('0'.repeat(20)));
  await until(
    async () =>
      readFileSync(join(broker.dataDirectory, 'java-compacted-0', `${'0'.repeat(20)}.log`)).length <
      200_000,
  );
  await Promise.all([admin.disconnect(), producer.disconnect()]);
}
