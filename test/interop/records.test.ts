/**
 * What one client writes every other reads the same: each kind of record (record-cases.ts), each codec, each way. The broker keeps batches as they
 * were sent, so it is the clients that must agree; ours must agree with all. What a client cannot say stands in its file beside this one.
 */
import { spawnSync } from 'node:child_process';
import { batchesIn } from '@odradek/protocol';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findKafka } from '../support/java.ts';
import { startInProcess, type InProcessBroker } from '../support/in-process-broker.ts';
import { api } from '../support/wire-api.ts';
import { WireClient } from '../support/wire-client.ts';
import type { Codec, RecordClient } from './clients/client.ts';
import { kafkajs } from './clients/kafkajs.ts';
import { kcat } from './clients/kcat.ts';
import { odradek } from './clients/odradek.ts';
import { platformatic } from './clients/platformatic.ts';
import { cases, type CaseName, type Sample } from './record-cases.ts';

vi.setConfig({ testTimeout: 30_000 });

// Under CI a missing kcat fails the tests that drive it: it is to be installed.
const hasKcat = spawnSync('kcat', ['-V']).status === 0 || process.env.CI === 'true';
if (!hasKcat) process.stderr.write('no records of kcat: apt-get install kcat\n');
const all = { odradek, kafkajs, platformatic, kcat };
type Name = keyof typeof all;

let broker: InProcessBroker;
let startedMs: number;
const clients = {} as Record<Name, RecordClient>;
beforeAll(async () => {
  broker = await startInProcess({ memory: true });
  startedMs = Date.now();
  for (const [name, create] of Object.entries(all))
    clients[name as Name] = create(broker.bootstrap);
});
afterAll(() => broker.dispose());

const names = (Object.keys(all) as Name[]).filter((name) => name !== 'kcat' || hasKcat);
const rows = names.flatMap((writer) =>
  clientsCodecs(writer).map((codec) => ({ writer, codec, topic: `${writer}-${codec}` })),
);
function clientsCodecs(name: Name): readonly Codec[] {
  return all[name]('').codecs;
}
const casesOf = (writer: Name): readonly CaseName[] =>
  (Object.keys(cases) as CaseName[]).filter((name) => !clients[writer].cannotWrite.includes(name));

describe.each(rows)('$writer writes, $codec', ({ writer, codec, topic }) => {
  beforeAll(async () => {
    for (const name of casesOf(writer)) await clients[writer].write(topic, codec, cases[name]);
  });

  it('in that codec', async () => {
    expect(await codecsOf(topic)).toContain(codec === 'none' ? 0 : CODECS.indexOf(codec));
  });

  it.each(names.filter((reader) => clientsCodecs(reader).includes(codec)))(
    '%s reads',
    async (reader) => {
      const written = casesOf(writer).flatMap((name) =>
        cases[name].map((sample) => ({ name, sample })),
      );
      const read = await clients[reader].read(topic, written.length);
      expect(read.length).toBe(written.length);
      for (const [at, { name, sample }] of written.entries()) {
        const { timestampMs } = sample;
        expect(shown(read[at]!), `${name}`).toEqual(shown(sample));
        if (timestampMs !== undefined) expect(read[at]!.timestampMs).toBe(timestampMs);
        else expect(isNow(read[at]!.timestampMs), `${name}: written now`).toBe(true);
      }
    },
  );
});

const isNow = (timestampMs: number): boolean =>
  timestampMs >= startedMs - 1 && timestampMs <= Date.now() + 1;

/** A client that groups headers by name keeps the order of each name's. */
const shown = ({ key, value, headers }: Sample) => ({
  key: key?.toString('latin1') ?? null,
  value: value?.toString('latin1') ?? null,
  headers: headers
    .map(([name, said]) => [name, said?.toString('latin1') ?? null] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
});

/** By their numbers in a batch's attributes. */
const CODECS: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

async function codecsOf(topic: string): Promise<readonly number[]> {
  const wire = await WireClient.connect(broker.addresses.kafka!);
  const { responses } = await wire.request(api.fetch, 12, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 2 ** 24 }] }],
  });
  wire.close();
  return [...batchesIn(responses[0]!.partitions[0]!.records!)].map((it) => it.attributes & 7);
}

const kafka = await findKafka();
if (kafka !== undefined)
  describe(`the console consumer of Apache Kafka ${kafka.version}`, () => {
    const shapes = ['key and value', 'tombstone', 'headers', 'much of the same'] as const;

    it.each(clientsCodecs('odradek'))('reads what we write, %s', async (codec) => {
      const topic = `java-reads-${codec}`;
      for (const name of shapes) await clients.odradek.write(topic, codec, cases[name]);
      const { stdout } = await kafka.run('org.apache.kafka.tools.consumer.ConsoleConsumer', [
        '--bootstrap-server',
        broker.bootstrap,
        '--topic',
        topic,
        '--from-beginning',
        '--max-messages',
        String(shapes.length),
        '--formatter-property',
        'print.key=true',
        '--formatter-property',
        'print.headers=true',
        '--formatter-property',
        'null.literal=(null)',
      ]);
      const none = 'NO_HEADERS';
      expect(stdout.toString().trimEnd().split('\n')).toEqual([
        `${none}\tkey\tvalue`,
        `${none}\tkey\t(null)`,
        'origin:here,kind:test\tkey\tvalue',
        `${none}\tkey\t${'x'.repeat(70_000)}`,
      ]);
    });
  });
