/**
 * Client libraries beside one another, in turns, against the same broker: ours, KafkaJS, @platformatic/kafka, and kcat, which is
 * librdkafka in C. Without flushing, so that the clients and not the disk are measured. kcat's figures hold its start and its
 * end, some 50 ms of a second: it is a command.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster, Producer } from '@odradek/client';
import { createClientHost } from '@odradek/node';
import type { ClientTask } from './client-load.ts';
import { pinned } from './processes.ts';
import {
  FLUSH_OFF,
  inTurns,
  loadWith,
  odradek,
  warmupMs,
  type Context,
  type Measurement,
} from './scenarios.ts';
import { round } from './statistics.ts';
import { createTopic, type Target } from './wire.ts';

const SENDS_UNDER_WAY = 8;
/** What a call to `send` is given. */
const BYTES_PER_SEND = 100 * 1024;
const FILLED = 'filled';
const LIBRARIES = ['odradek', 'kafkajs', 'platformatic'] as const;

const shapes = [
  { name: '1 KiB records', recordBytes: 1024, totalBytes: 192 * 2 ** 20 },
  { name: '100 B records', recordBytes: 100, totalBytes: 48 * 2 ** 20 },
] as const;
type Shape = (typeof shapes)[number];

export const clients = async (context: Context): Promise<Measurement[]> => {
  const hasKcat = spawnSync('kcat', ['-V']).status === 0;
  if (!hasKcat) context.progress('   without kcat: apt-get install kcat');
  const results: Measurement[] = [];
  for (const shape of shapes) {
    const broker = await odradek(context);
    try {
      const { target } = broker;
      for (const topic of [...LIBRARIES, 'kcat', FILLED])
        await createTopic(target, topic, 1, FLUSH_OFF);
      const lines = linesFile(context, shape);
      await fill(target, shape);
      const measure = (kind: ClientTask['kind'], library: (typeof LIBRARIES)[number]) => () =>
        run(context, { kind, library, shape, target });
      const kcat = (measureIt: () => Promise<number>) =>
        hasKcat ? [{ side: 'kcat (librdkafka)', measure: measureIt }] : [];
      results.push(
        ...(await inTurns(context, `client: produce ${shape.name}`, 'MiB/s', [
          ...LIBRARIES.map((side) => ({ side, measure: measure('produce', side) })),
          ...kcat(() => kcatProduces(target, lines, shape)),
        ])),
        ...(await inTurns(context, `client: consume ${shape.name}`, 'MiB/s', [
          ...LIBRARIES.map((side) => ({ side, measure: measure('consume', side) })),
          ...kcat(() => kcatConsumes(target, shape)),
        ])),
      );
    } finally {
      await broker.stop();
    }
  }
  return results;
};

const countOf = ({ totalBytes, recordBytes }: Shape): number =>
  Math.floor(totalBytes / recordBytes);

const run = async (
  context: Context,
  {
    kind,
    library,
    shape,
    target,
  }: Pick<ClientTask, 'kind' | 'library' | 'target'> & { readonly shape: Shape },
): Promise<number> => {
  const { recordBytes } = shape;
  const task: ClientTask = {
    kind,
    library,
    target,
    topic: kind === 'produce' ? library : FILLED,
    recordBytes,
    warmupMs,
    windowMs: context.windowMs,
    recordsPerSend: Math.floor(BYTES_PER_SEND / recordBytes),
    sendsUnderWay: SENDS_UNDER_WAY,
    records: countOf(shape),
  };
  return (await loadWith<{ mibPerSecond: number }>(context, 'client-load', task)).mibPerSecond;
};

/** As many lines as the topic is filled with: what kcat reads is a file. */
const linesFile = ({ folder }: Context, { name, recordBytes, totalBytes }: Shape): string => {
  const path = join(folder, `lines ${name}`);
  const block = Buffer.from(`${'x'.repeat(recordBytes)}\n`.repeat(1024));
  const file = openSync(path, 'w');
  let left = Math.floor(totalBytes / recordBytes);
  for (; left >= 1024; left -= 1024) writeSync(file, block);
  writeSync(file, block.subarray(0, left * (recordBytes + 1)));
  closeSync(file);
  return path;
};

/** With our own producer, and in batches of the size that the sides write. */
const fill = async (target: Target, shape: Shape): Promise<void> => {
  const cluster = new Cluster(createClientHost(), { bootstrap: [target] });
  const producer = new Producer(cluster);
  const value = Buffer.alloc(shape.recordBytes, 'x');
  const perSend = Math.floor(BYTES_PER_SEND / shape.recordBytes);
  let left = countOf(shape);
  const work = async (): Promise<void> => {
    while (left > 0) {
      const count = Math.min(left, perSend);
      left -= count;
      await producer.send(
        FILLED,
        Array.from({ length: count }, () => ({ value })),
      );
    }
  };
  await Promise.all(Array.from({ length: SENDS_UNDER_WAY }, work));
  await producer.close();
  await cluster.close();
};

const kcatProduces = (target: Target, lines: string, shape: Shape): Promise<number> =>
  timedKcat(target, ['-P', '-t', 'kcat', '-X', 'acks=all', '-l', lines], shape);

const kcatConsumes = (target: Target, shape: Shape): Promise<number> =>
  timedKcat(target, ['-C', '-t', FILLED, '-o', 'beginning', '-e', '-q', '-f', '.'], shape);

/** MiB a second over the command's whole life. */
const timedKcat = (target: Target, args: readonly string[], shape: Shape): Promise<number> =>
  new Promise((resolve, reject) => {
    const broker = `${target.host}:${target.port}`;
    const [program, all] = pinned(1, 'kcat', ['-b', broker, ...args]);
    const startedAt = performance.now();
    const child = spawn(program, all, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code !== 0) return reject(new Error(`kcat ended with ${code}`));
      const seconds = (performance.now() - startedAt) / 1000;
      resolve(round((countOf(shape) * shape.recordBytes) / 2 ** 20 / seconds, 1));
    });
  });
