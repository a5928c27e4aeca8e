/**
 * Files as Apache Kafka itself writes them: a broker from its jars is started on a folder of its own, three topics are
 * written by idempotent and transactional producers, in every codec, in small segments and over a restart; then it is
 * stopped in order, and what it left is kept with what its own dump tool reads in it.
 */
import { cp, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CompressionTypes, Kafka as KafkaJS, logLevel } from 'kafkajs';
import { findKafka, type Kafka } from '../support/java.ts';
import { KafkaProcess } from '../support/kafka-process.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';

// Kafka forgets producers a day after their last batch, when it starts: they are to be there after the restart.
const START_MS = Math.floor(Date.now() / 3_600_000 - 2) * 3_600_000;
const KEPT = ['golden-segments-0', 'golden-compacted-0', '__consumer_offsets-0'];

process.on('unhandledRejection', (error) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});
const kafka = await findKafka();
if (kafka === undefined) process.exit(1);
const server = await KafkaProcess.start(kafka, {
  'offsets.topic.num.partitions': '1',
  'log.cleaner.backoff.ms': '200',
  'log.segment.delete.delay.ms': '0',
});
const client = new KafkaJS({
  brokers: [server.bootstrap],
  logLevel: logLevel.NOTHING,
  retry: { retries: 20 },
});
await createTopics();
await writeSegments('first');
await writeCompacted();
await commitOffsets();
await server.stop();
// The leader's next epoch.
await server.start();
await writeSegments('second');
await server.stop();
await keep(kafka);
await server.dispose();

async function createTopics(): Promise<void> {
  const admin = client.admin();
  await admin.connect();
  const entries = (configs: Record<string, string>) =>
    Object.entries(configs).map(([name, value]) => ({ name, value }));
  // Kafka's own, for tests: segments smaller than a client may ask for.
  const small = {
    'internal.segment.bytes': '1500',
    'index.interval.bytes': '300',
    'retention.ms': '-1',
  };
  await admin.createTopics({
    topics: [
      {
        topic: 'golden-segments',
        numPartitions: 1,
        replicationFactor: 1,
        configEntries: entries(small),
      },
      {
        topic: 'golden-compacted',
        numPartitions: 1,
        replicationFactor: 1,
        configEntries: entries({
          ...small,
          'internal.segment.bytes': '4096',
          'cleanup.policy': 'compact',
          'min.cleanable.dirty.ratio': '0.01',
        }),
      },
    ],
  });
  await admin.disconnect();
}

/** Two idempotent producers in turn, each codec, keys, headers, nulls, times that go back; a transaction of each outcome. */
async function writeSegments(round: string): Promise<void> {
  const topic = 'golden-segments';
  const producers = [client.producer({ idempotent: true }), client.producer({ idempotent: true })];
  await Promise.all(producers.map((it) => it.connect()));
  for (let n = 0; n < 12; n++) {
    // Every third batch is older than the one before it.
    const timestamp = String(START_MS + (n % 3 === 2 ? n - 5 : n) * 60_000);
    await producers[n % 2]!.send({
      topic,
      compression: n % 4 === 3 ? CompressionTypes.GZIP : CompressionTypes.None,
      messages: Array.from({ length: 1 + (n % 5) }, (_, i) => ({
        timestamp: String(Number(timestamp) + i),
        key: i === 1 ? null : `key-${n}`,
        value: i === 2 ? null : `${round}-${n}-${i}-${'.'.repeat(20 * n)}`,
        headers: i === 0 ? { round, none: Buffer.alloc(0) } : {},
      })),
    });
  }
  await Promise.all(producers.map((it) => it.disconnect()));
  for (const codec of ['snappy', 'lz4', 'zstd']) {
    const lines = Array.from({ length: 10 }, (_, n) => `${round}-${codec}-${n % 3}\n`).join('');
    const { code, stderr } = await run(
      'kcat',
      ['-b', server.bootstrap, '-P', '-t', topic, '-z', codec, '-X', 'enable.idempotence=true'],
      { input: lines },
    );
    if (code !== 0) throw new Error(stderr);
  }
  const transactional = client.producer({
    transactionalId: 'golden',
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await transactional.connect();
  for (const outcome of ['commit', 'abort', 'commit'] as const) {
    const transaction = await transactional.transaction();
    await transaction.send({ topic, messages: [{ key: outcome, value: `${round}-${outcome}` }] });
    await transaction[outcome]();
  }
  await transactional.disconnect();
}

async function writeCompacted(): Promise<void> {
  const topic = 'golden-compacted';
  const producer = client.producer({ idempotent: true });
  await producer.connect();
  for (let n = 0; n < 40; n++) {
    const messages = Array.from({ length: 5 }, (_, i) => ({
      key: `key-${(n * 5 + i) % 17}`,
      value: n % 9 === 8 && i === 0 ? null : `${n}-${i}-${'.'.repeat(60)}`,
      timestamp: String(START_MS + n * 1_000 + i),
    }));
    await producer.send({ topic, messages });
  }
  await producer.disconnect();
  // The cleaner has been here when nothing is left of the first segment.
  await until(
    async () =>
      (await stat(join(server.dataDirectory, `${topic}-0`, `${'0'.repeat(20)}.log`))).size === 0,
  );
}

async function commitOffsets(): Promise<void> {
  const consumer = client.consumer({ groupId: 'golden-group', maxWaitTimeInMs: 100 });
  let seen = 0;
  await consumer.connect();
  await consumer.subscribe({ topic: 'golden-compacted', fromBeginning: true });
  await consumer.run({ eachMessage: async () => void seen++ });
  await until(() => seen > 0);
  await consumer.disconnect();
}

async function keep({ version, run: runJava }: Kafka): Promise<void> {
  const golden = fileURLToPath(new URL(`kafka-${version}`, import.meta.url));
  await rm(golden, { recursive: true, force: true });
  await mkdir(golden);
  for (const name of KEPT) {
    await cp(join(server.dataDirectory, name), join(golden, name), { recursive: true });
    const logs = (await readdir(join(server.dataDirectory, name)))
      .filter((it) => it.endsWith('.log'))
      .toSorted();
    const { code, stdout, stderr } = await runJava('org.apache.kafka.tools.DumpLogSegments', [
      '--files',
      logs.map((it) => join(server.dataDirectory, name, it)).join(','),
      '--deep-iteration',
      name.startsWith('__') ? '--offsets-decoder' : '--print-data-log',
    ]);
    if (code !== 0) throw new Error(stderr);
    await writeFile(
      join(golden, `${name}.dump`),
      stdout.toString().replaceAll(server.dataDirectory, ''),
    );
  }
}
