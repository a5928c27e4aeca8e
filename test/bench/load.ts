/**
 * The client process of the benchmark. Its argument is one JSON object that says what to do; it prints one line of JSON with
 * what it measured. Throughput counts bytes that were answered within the window, after a warm-up.
 */
import { batchesIn } from '@odradek/protocol';
import { quantile, round } from './statistics.ts';
import { decodeFetch, fetchFrame, openConnection, produceFrame, type Target } from './wire.ts';

export type LoadTask =
  | {
      readonly kind: 'produce';
      readonly target: Target;
      readonly topic: string;
      readonly partitions: number;
      readonly acks: number;
      readonly records: number;
      readonly recordBytes: number;
      readonly depth: number;
      readonly warmupMs: number;
      readonly windowMs: number;
    }
  | {
      readonly kind: 'consume';
      readonly target: Target;
      readonly topic: string;
      readonly partitions: number;
      readonly windowMs: number;
      readonly warmupMs: number;
      /** The raw server answers with frames of a fixed size and no records. */
      readonly isRaw: boolean;
    }
  | {
      readonly kind: 'latency';
      readonly target: Target;
      readonly topic: string;
      readonly acks: number;
      readonly recordBytes: number;
      readonly ratePerSecond: number;
      readonly windowMs: number;
      readonly warmupMs: number;
    };

export interface Throughput {
  readonly mibPerSecond: number;
  readonly requestsPerSecond: number;
  readonly recordsPerSecond: number;
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly sent: number;
}

/** Two, so that one may be read while the other's requests are flushed: a broker's connection has a limit on requests under way. */
const CONNECTIONS = 2;

const produce = async (task: Extract<LoadTask, { kind: 'produce' }>): Promise<Throughput> => {
  let answers = 0;
  let failures = 0;
  const frames = Array.from({ length: task.partitions }, (_, p) =>
    produceFrame(task.topic, p, task.acks, task.records, task.recordBytes),
  );
  let next = 0;
  let isOver = false;
  const run = async (): Promise<void> => {
    const pending: Buffer[] = [];
    let isFlushing = false;
    const socket = await openConnection(task.target, (frame) => {
      answers += 1;
      // Produce v9: correlation id, tags, topics, name, partitions, index, error code.
      if (frame.length > 16 && !isProduceOk(frame)) failures += 1;
      if (!isOver) send();
    });
    const send = (): void => {
      pending.push(frames[next++ % frames.length]!);
      if (isFlushing) return;
      isFlushing = true;
      queueMicrotask(() => {
        isFlushing = false;
        socket.cork();
        for (const frame of pending.splice(0)) socket.write(frame);
        socket.uncork();
      });
    };
    for (let i = 0; i < Math.ceil(task.depth / CONNECTIONS); i++) send();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, run));
  await sleep(task.warmupMs);
  const startedAt = performance.now();
  const before = answers;
  await sleep(task.windowMs);
  const requests = answers - before;
  const seconds = (performance.now() - startedAt) / 1000;
  isOver = true;
  if (failures > 0) throw new Error(`${failures} produces were refused`);
  return throughput(
    requests,
    requests * task.records,
    requests * task.records * task.recordBytes,
    seconds,
  );
};

/** The error code stands behind the topic's name and the partition's index. */
const isProduceOk = (frame: Buffer): boolean => {
  const nameLength = frame[6]! - 1;
  return frame.readInt16BE(7 + nameLength + 1 + 4) === 0;
};

const consume = async (task: Extract<LoadTask, { kind: 'consume' }>): Promise<Throughput> => {
  const limits = { maxBytes: 50 * 1024 * 1024, partitionBytes: 1024 * 1024 };
  const offsets = new Array<number>(task.partitions).fill(0);
  let bytes = 0;
  let requests = 0;
  let isOver = false;
  let again: () => void = () => {};
  const socket = await openConnection(
    task.target,
    (frame) => {
      requests += 1;
      bytes += frame.length;
      if (!task.isRaw) {
        for (const partition of decodeFetch(frame).responses[0]?.partitions ?? []) {
          if (partition.errorCode !== 0) throw new Error(`fetch error ${partition.errorCode}`);
          let end = offsets[partition.partitionIndex]!;
          for (const batch of batchesIn(partition.records ?? new Uint8Array(0)))
            end = batch.nextOffset;
          // At the end it begins anew: the log is as large as the window needs it to be.
          offsets[partition.partitionIndex] = end >= partition.highWatermark ? 0 : end;
        }
      }
      if (!isOver) again();
    },
    4 * 1024 * 1024,
  );
  again = () => socket.write(fetchFrame(task.topic, offsets, limits));
  again();
  await sleep(task.warmupMs);
  const startedAt = performance.now();
  const before = { bytes, requests };
  await sleep(task.windowMs);
  const seconds = (performance.now() - startedAt) / 1000;
  isOver = true;
  return throughput(requests - before.requests, 0, bytes - before.bytes, seconds);
};

/** Open loop: a request is timed from when it was due, so that a stall counts for all who would have waited in it. */
const latency = async (task: Extract<LoadTask, { kind: 'latency' }>): Promise<Latency> => {
  const frame = produceFrame(task.topic, 0, task.acks, 1, task.recordBytes);
  const dueAt: number[] = [];
  let answered = 0;
  const samples: number[] = [];
  const intervalMs = 1000 / task.ratePerSecond;
  const startedAt = performance.now();
  const measuredFrom = startedAt + task.warmupMs;
  const endsAt = measuredFrom + task.windowMs;
  const socket = await openConnection(task.target, () => {
    const due = dueAt[answered++]!;
    if (due >= measuredFrom) samples.push(performance.now() - due);
  });
  let sent = 0;
  await new Promise<void>((resolve) => {
    const tick = (): void => {
      const now = performance.now();
      while (startedAt + sent * intervalMs <= now) {
        dueAt.push(startedAt + sent * intervalMs);
        socket.write(frame);
        sent += 1;
      }
      if (now < endsAt) setImmediate(tick);
      else resolve();
    };
    tick();
  });
  while (answered < sent) await sleep(5);
  return {
    p50Ms: round(quantile(samples, 0.5), 3),
    p99Ms: round(quantile(samples, 0.99), 3),
    p999Ms: round(quantile(samples, 0.999), 3),
    sent: samples.length,
  };
};

const throughput = (
  requests: number,
  records: number,
  bytes: number,
  seconds: number,
): Throughput => ({
  mibPerSecond: round(bytes / seconds / 1024 / 1024, 1),
  requestsPerSecond: Math.round(requests / seconds),
  recordsPerSecond: Math.round(records / seconds),
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const task = JSON.parse(process.argv[2]!) as LoadTask;
const result =
  task.kind === 'produce'
    ? await produce(task)
    : task.kind === 'consume'
      ? await consume(task)
      : await latency(task);
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
