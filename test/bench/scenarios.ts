/** What is compared with what. Each scenario runs its sides in turns, round after round, and gives a measurement a side. */
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import {
  metadataRequest,
  metadataResponse,
  produceRequest,
  produceResponse,
  buildBatch,
  crc32cJs,
} from '@odradek/protocol';
import { kafkaPeer } from './kafka-peer.ts';
import type { Latency, LoadTask, Throughput } from './load.ts';
import { pinned, residentMiB, start, type Child, type Core } from './processes.ts';
import { median, quantile, round } from './statistics.ts';
import { ask, createTopic, type Target } from './wire.ts';

export interface Context {
  readonly root: string;
  /** Where the bundled tools of the benchmark are. */
  readonly tools: string;
  readonly folder: string;
  /** Where servers run: beside a client that generates load each has a core of its own; else the machine is theirs. */
  readonly serverCore: Core;
  readonly rounds: number;
  readonly windowMs: number;
  readonly peer: 'kafka' | undefined;
  readonly progress: (line: string) => void;
}

export interface Measurement {
  readonly name: string;
  readonly side: string;
  readonly unit: string;
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** The side that this one is measured by, and the median of the rounds' ratios. */
  readonly ratioTo?: string;
  readonly ratio?: number;
}

interface Side {
  readonly side: string;
  readonly measure: () => Promise<number>;
}

export const warmupMs = 500;
export const FLUSH_OFF = { 'flush.messages': '9223372036854775807' };

/** All sides in turns; ratios to the first side are taken within each round. */
export const inTurns = async (
  context: Context,
  name: string,
  unit: string,
  sides: readonly Side[],
): Promise<Measurement[]> => {
  const samples = sides.map((): number[] => []);
  for (let i = 0; i < context.rounds; i++) {
    for (const [at, side] of sides.entries()) samples[at]!.push(await side.measure());
    context.progress(
      `   ${name} round ${i + 1}/${context.rounds}: ${sides.map((it, at) => `${it.side} ${samples[at]!.at(-1)}`).join(', ')}`,
    );
  }
  return sides.map(({ side }, at) => {
    const values = samples[at]!;
    const figures = {
      name,
      side,
      unit,
      median: round(median(values), 3),
      low: round(Math.min(...values), 3),
      high: round(Math.max(...values), 3),
    };
    if (at === 0) return figures;
    return {
      ...figures,
      ratioTo: sides[0]!.side,
      ratio: round(median(values.map((it, i) => it / samples[0]![i]!)), 3),
    };
  });
};

interface RunningServer extends Child<unknown> {
  readonly target: Target;
}

const tool = (context: Context, name: string): string => join(context.tools, `${name}.mjs`);

const load = <Result>(context: Context, task: LoadTask): Promise<Result> =>
  loadWith(context, 'load', task);

/** Runs one of the benchmark's programs on the client's core. */
export const loadWith = <Result>(
  context: Context,
  program: string,
  task: object,
): Promise<Result> =>
  new Promise((resolve, reject) => {
    const [command, args] = pinned(1, process.execPath, [
      tool(context, program),
      JSON.stringify(task),
    ]);
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.once('close', (code) =>
      code === 0
        ? resolve(JSON.parse(out) as Result)
        : reject(new Error(`the ${program} generator ended with ${code}`)),
    );
  });

const rawServer = async (context: Context, mode: string): Promise<RunningServer> => {
  const child = await start<Target>(
    context.serverCore,
    process.execPath,
    [tool(context, 'raw-server'), mode, join(context.folder, 'raw-append')],
    {
      isReady: (line) => {
        const { port } = JSON.parse(line) as { port: number };
        return { host: '127.0.0.1', port };
      },
    },
  );
  return { ...child, target: child.ready };
};

let brokers = 0;
export const odradek = async (context: Context, dataDirectory?: string): Promise<RunningServer> => {
  const directory = dataDirectory ?? join(context.folder, `data-${brokers++}`);
  const args = [
    join(context.root, 'packages/cli/bin/odradek.js'),
    'up',
    '--port',
    '0',
    '--http-port',
    '0',
    '--data-dir',
    directory,
  ];
  const child = await start<Target>(context.serverCore, process.execPath, args, {
    isReady: kafkaAddress,
  });
  return { ...child, target: child.ready };
};

const kafkaAddress = (line: string): Target | undefined => {
  const match = /Kafka\s+(\S+):(\d+)/.exec(line);
  return match === null ? undefined : { host: match[1]!, port: Number(match[2]) };
};

const rawAppend = (context: Context): Promise<number> =>
  new Promise((resolve, reject) => {
    const [program, args] = pinned(0, process.execPath, [
      tool(context, 'raw-append'),
      join(context.folder, 'raw-grouped'),
      '64',
      String(context.windowMs),
    ]);
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.once('close', (code) =>
      code === 0
        ? resolve((JSON.parse(out) as { mibPerSecond: number }).mibPerSecond)
        : reject(new Error(`raw append ended with ${code}`)),
    );
  });

interface ProduceShape {
  readonly name: string;
  readonly records: number;
  readonly recordBytes: number;
  readonly depth: number;
}

const shapes: readonly ProduceShape[] = [
  { name: '1 KiB records, 16 KiB batches', records: 16, recordBytes: 1000, depth: 128 },
  { name: '100 B records, 16 KiB batches', records: 145, recordBytes: 100, depth: 128 },
  { name: '100 B records, one a batch', records: 1, recordBytes: 100, depth: 128 },
];

const produceTo = async (
  context: Context,
  target: Target,
  topic: string,
  shape: ProduceShape,
): Promise<number> =>
  (
    await load<Throughput>(context, {
      kind: 'produce',
      target,
      topic,
      partitions: 1,
      acks: -1,
      records: shape.records,
      recordBytes: shape.recordBytes,
      depth: shape.depth,
      warmupMs,
      windowMs: context.windowMs,
    })
  ).mibPerSecond;

const produce = async (context: Context): Promise<Measurement[]> => {
  const results: Measurement[] = [];
  const peer =
    context.peer === 'kafka'
      ? await kafkaPeer(context.root, context.folder, context.progress, context.serverCore)
      : undefined;
  const appending = await rawServer(context, 'append');
  if (peer !== undefined) await warmUp(context, peer.target);
  try {
    for (const shape of shapes) {
      // A broker a shape: its topics go with it, so that no run is slowed by what an earlier one left for the disk to write.
      const broker = await odradek(context);
      await createTopic(broker.target, 'flushed', 1);
      await createTopic(broker.target, 'cached', 1, FLUSH_OFF);
      if (peer !== undefined) await createTopic(peer.target, `produce-${results.length}`, 1);
      const peerTopic = `produce-${results.length}`;
      const isFull = shape.records > 1;
      results.push(
        ...(await inTurns(context, `produce ${shape.name}, flush on`, 'MiB/s', [
          ...(isFull ? [{ side: 'raw grouped append', measure: () => rawAppend(context) }] : []),
          { side: 'odradek', measure: () => produceTo(context, broker.target, 'flushed', shape) },
        ])),
      );
      results.push(
        ...(await inTurns(context, `produce ${shape.name}, flush off`, 'MiB/s', [
          {
            side: 'raw loopback+append',
            measure: () => produceTo(context, appending.target, 'raw', shape),
          },
          { side: 'odradek', measure: () => produceTo(context, broker.target, 'cached', shape) },
          ...(peer === undefined
            ? []
            : [
                {
                  side: 'apache kafka',
                  measure: () => produceTo(context, peer.target, peerTopic, shape),
                },
              ]),
        ])),
      );
      await broker.stop();
    }
  } finally {
    await appending.stop();
    await peer?.stop();
  }
  return results;
};

const PEER_WARMUP_MS = 15_000;

/** A Java machine is measured when it has compiled what is hot, not while it does. */
const warmUp = async (context: Context, target: Target): Promise<void> => {
  await createTopic(target, 'warm-up', 1);
  await produceTo({ ...context, windowMs: PEER_WARMUP_MS }, target, 'warm-up', shapes[0]!);
};

const PRELOADED_PARTITIONS = 4;

/** Fills a topic so that reads come from files, not from the tail in memory. */
const preload = async (context: Context, target: Target, topic: string): Promise<void> => {
  await createTopic(target, topic, PRELOADED_PARTITIONS, topic === 'preloaded' ? FLUSH_OFF : {});
  await load<Throughput>(context, {
    kind: 'produce',
    target,
    topic,
    partitions: PRELOADED_PARTITIONS,
    acks: 1,
    records: 16,
    recordBytes: 1000,
    depth: 32,
    warmupMs: 0,
    windowMs: 1_500,
  });
};

const consumeFrom = async (
  context: Context,
  target: Target,
  topic: string,
  isRaw: boolean,
): Promise<number> =>
  (
    await load<Throughput>(context, {
      kind: 'consume',
      target,
      topic,
      partitions: PRELOADED_PARTITIONS,
      warmupMs,
      windowMs: context.windowMs,
      isRaw,
    })
  ).mibPerSecond;

const consume = async (context: Context): Promise<Measurement[]> => {
  const sending = await rawServer(context, 'send');
  const broker = await odradek(context);
  const peer =
    context.peer === 'kafka'
      ? await kafkaPeer(context.root, context.folder, context.progress, context.serverCore)
      : undefined;
  try {
    await preload(context, broker.target, 'preloaded');
    if (peer !== undefined) {
      await warmUp(context, peer.target);
      await preload(context, peer.target, 'preloaded-peer');
    }
    return await inTurns(context, 'consume 1 KiB records', 'MiB/s', [
      { side: 'raw loopback', measure: () => consumeFrom(context, sending.target, 'raw', true) },
      { side: 'odradek', measure: () => consumeFrom(context, broker.target, 'preloaded', false) },
      ...(peer === undefined
        ? []
        : [
            {
              side: 'apache kafka',
              measure: () => consumeFrom(context, peer.target, 'preloaded-peer', false),
            },
          ]),
    ]);
  } finally {
    await sending.stop();
    await broker.stop();
    await peer?.stop();
  }
};

const latency = async (context: Context): Promise<Measurement[]> => {
  const echo = await rawServer(context, 'drop');
  const broker = await odradek(context);
  const peer =
    context.peer === 'kafka'
      ? await kafkaPeer(context.root, context.folder, context.progress, context.serverCore)
      : undefined;
  const results: Measurement[] = [];
  try {
    await createTopic(broker.target, 'flushed', 1);
    await createTopic(broker.target, 'cached', 1, FLUSH_OFF);
    if (peer !== undefined) {
      await warmUp(context, peer.target);
      await createTopic(peer.target, 'latency', 1);
    }
    for (const ratePerSecond of [100, 1_000, 5_000]) {
      const sides: { side: string; target: Target; topic: string }[] = [
        { side: 'raw ping-pong', target: echo.target, topic: 'raw' },
        { side: 'odradek flush on', target: broker.target, topic: 'flushed' },
        { side: 'odradek flush off', target: broker.target, topic: 'cached' },
        ...(peer === undefined
          ? []
          : [{ side: 'apache kafka', target: peer.target, topic: 'latency' }]),
      ];
      const samples = sides.map((): Latency[] => []);
      for (let i = 0; i < context.rounds; i++) {
        for (const [at, { target, topic }] of sides.entries()) {
          samples[at]!.push(
            await load<Latency>(context, {
              kind: 'latency',
              target,
              topic,
              acks: -1,
              recordBytes: 1000,
              ratePerSecond,
              warmupMs,
              windowMs: context.windowMs,
            }),
          );
        }
      }
      for (const [at, { side }] of sides.entries()) {
        for (const [label, pick] of [
          ['p50', (it: Latency) => it.p50Ms],
          ['p99', (it: Latency) => it.p99Ms],
          ['p99.9', (it: Latency) => it.p999Ms],
        ] as const) {
          const values = samples[at]!.map(pick);
          results.push({
            name: `produce latency ${ratePerSecond}/s ${label}`,
            side,
            unit: 'ms',
            median: round(median(values), 3),
            low: Math.min(...values),
            high: Math.max(...values),
            ...(at === 0
              ? {}
              : {
                  ratioTo: sides[0]!.side,
                  ratio: round(median(values) / median(samples[0]!.map(pick)), 2),
                }),
          });
        }
      }
    }
    return results;
  } finally {
    await echo.stop();
    await broker.stop();
    await peer?.stop();
  }
};

/** From the process's start to the first answer of a bare server, or to the first acknowledged record of a broker. */
const bareStart = async (context: Context): Promise<number> => {
  const startedAt = performance.now();
  const server = await rawServer(context, 'bare');
  await new Promise<void>((resolve, reject) => {
    const socket = connectTcp({ ...server.target, noDelay: true }, () => socket.write('ping'));
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
  const took = performance.now() - startedAt;
  await server.stop();
  return round(took, 1);
};

const firstRecord = async (target: Target): Promise<void> => {
  const topics = { request: metadataRequest, response: metadataResponse };
  for (;;) {
    const {
      topics: [found],
    } = await ask(target, topics, 9, { topics: [{ name: 'first' }], allowAutoTopicCreation: true });
    if (found!.errorCode === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const records = buildBatch({
    records: [{ timestampMs: Date.now(), value: new Uint8Array(100) }],
    crc32c: crc32cJs,
  });
  const { responses } = await ask(
    target,
    { request: produceRequest, response: produceResponse },
    9,
    {
      transactionalId: null,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: 'first', partitionData: [{ index: 0, records }] }],
    },
  );
  if (responses[0]!.partitionResponses[0]!.errorCode !== 0)
    throw new Error('the first record was refused');
};

const brokerStart = async (context: Context): Promise<number> => {
  const startedAt = performance.now();
  const broker = await odradek(context);
  await firstRecord(broker.target);
  const took = performance.now() - startedAt;
  await broker.stop();
  return round(took, 1);
};

const coldStart = async (shared: Context): Promise<Measurement[]> => {
  const context: Context = { ...shared, serverCore: 'any' };
  const results = await inTurns(
    { ...context, rounds: context.rounds * 2 },
    'cold start to first record',
    'ms',
    [
      { side: 'bare node server', measure: () => bareStart(context) },
      { side: 'odradek', measure: () => brokerStart(context) },
    ],
  );
  if (context.peer === undefined) return results;
  const peers: number[] = [];
  for (let i = 0; i < Math.min(3, context.rounds); i++) {
    const peer = await kafkaPeer(
      context.root,
      context.folder,
      context.progress,
      context.serverCore,
    );
    await firstRecord(peer.target);
    peers.push(round(performance.now() - peer.spawnedAt, 1));
    await peer.stop();
  }
  const kafka = {
    name: 'cold start to first record',
    side: 'apache kafka',
    unit: 'ms',
    median: median(peers),
    low: Math.min(...peers),
    high: Math.max(...peers),
  };
  return [
    ...results,
    { ...kafka, ratioTo: 'bare node server', ratio: round(median(peers) / results[0]!.median, 2) },
  ];
};

const IDLE_MS = 3_000;

const idleMemory = async (context: Context): Promise<Measurement[]> => {
  const after = async (server: RunningServer): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    const memory = residentMiB(server.process.pid!) ?? Number.NaN;
    await server.stop();
    return round(memory, 1);
  };
  return inTurns({ ...context, rounds: Math.min(3, context.rounds) }, 'idle memory', 'MiB', [
    { side: 'bare node server', measure: async () => after(await rawServer(context, 'bare')) },
    { side: 'odradek', measure: async () => after(await odradek(context)) },
    ...(context.peer === undefined
      ? []
      : [
          {
            side: 'apache kafka',
            measure: async () =>
              after(
                await kafkaPeer(context.root, context.folder, context.progress, context.serverCore),
              ),
          },
        ]),
  ]);
};

const MANY_PARTITIONS = 2_000;

/** A broker with 2,000 partitions starts again, after an orderly stop and after kill -9, and every one of them takes a write. */
const partitions = async (shared: Context): Promise<Measurement[]> => {
  const context: Context = { ...shared, serverCore: 'any' };
  const directory = join(context.folder, 'many');
  const writeAll = async (target: Target): Promise<void> => {
    const records = buildBatch({
      records: [{ timestampMs: Date.now(), value: new Uint8Array(100) }],
      crc32c: crc32cJs,
    });
    const { responses } = await ask(
      target,
      { request: produceRequest, response: produceResponse },
      9,
      {
        transactionalId: null,
        acks: -1,
        timeoutMs: 60_000,
        topicData: [
          {
            name: 'many',
            partitionData: Array.from({ length: MANY_PARTITIONS }, (_, index) => ({
              index,
              records,
            })),
          },
        ],
      },
    );
    const taken = responses[0]!.partitionResponses.filter((it) => it.errorCode === 0).length;
    if (taken !== MANY_PARTITIONS)
      throw new Error(`only ${taken} of ${MANY_PARTITIONS} partitions took a write`);
  };
  const first = await odradek(context, directory);
  await createTopic(first.target, 'many', MANY_PARTITIONS);
  await writeAll(first.target);
  await first.stop();
  const samples = {
    clean: [] as number[],
    unclean: [] as number[],
    write: [] as number[],
    memory: [] as number[],
  };
  for (let i = 0; i < context.rounds; i++) {
    for (const kind of ['clean', 'unclean'] as const) {
      const startedAt = performance.now();
      const broker = await odradek(context, directory);
      samples[kind].push(round(performance.now() - startedAt, 1));
      const writtenAt = performance.now();
      await writeAll(broker.target);
      samples.write.push(round(performance.now() - writtenAt, 1));
      samples.memory.push(round(residentMiB(broker.process.pid!) ?? Number.NaN, 1));
      if (kind === 'unclean' || i === context.rounds - 1) await broker.stop();
      else {
        broker.process.kill('SIGKILL');
        await new Promise((resolve) => broker.process.once('exit', resolve));
      }
    }
  }
  const of = (name: string, unit: string, values: readonly number[]): Measurement => ({
    name,
    side: 'odradek',
    unit,
    median: round(median(values), 1),
    low: round(Math.min(...values), 1),
    high: round(quantile(values, 1), 1),
  });
  return [
    of('2,000 partitions: start', 'ms', samples.clean),
    of('2,000 partitions: start after kill -9', 'ms', samples.unclean),
    of('2,000 partitions: a write to each', 'ms', samples.write),
    of('2,000 partitions: memory', 'MiB', samples.memory),
  ];
};

export const comparisons: Readonly<Record<string, (context: Context) => Promise<Measurement[]>>> = {
  produce,
  consume,
  latency,
  start: coldStart,
  memory: idleMemory,
  partitions,
};
