/**
 * One client library at work, in a process of its own: it produces arrays of records with several under way and acks from all
 * replicas, or reads a whole topic twice (the first time to get warm). Each is used in the quickest way that its documentation
 * shows, with its own defaults. Its argument is one JSON object; it prints one line of JSON.
 */
import { Cluster, Consumer, Producer } from '@odradek/client';
import { createClientHost } from '@odradek/node';
import type { Kafka } from 'kafkajs';
import { round } from './statistics.ts';
import type { Target } from './wire.ts';

export interface ClientTask {
  readonly kind: 'produce' | 'consume';
  readonly library: 'odradek' | 'kafkajs' | 'platformatic';
  readonly target: Target;
  readonly topic: string;
  readonly recordBytes: number;
  /** To produce: for how long, and how much at once. */
  readonly warmupMs: number;
  readonly windowMs: number;
  readonly recordsPerSend: number;
  readonly sendsUnderWay: number;
  /** To consume: what is in the topic. */
  readonly records: number;
}

interface Sender {
  send(): Promise<unknown>;
  close(): Promise<void>;
}

const task = JSON.parse(process.argv[2]!) as ClientTask;
const bootstrap = `${task.target.host}:${task.target.port}`;
const openCluster = (): Cluster => new Cluster(createClientHost(), { bootstrap: [task.target] });
/** Each process loads the library that it measures, and no other. */
const kafkaJs = async (): Promise<Kafka> => {
  const { Kafka, logLevel } = await import('kafkajs');
  return new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
};

const senders: Readonly<Record<ClientTask['library'], () => Promise<Sender>>> = {
  async odradek() {
    const cluster = openCluster();
    const producer = new Producer(cluster);
    const records = values((value) => ({ value }));
    return {
      send: () => producer.send(task.topic, records),
      close: async () => {
        await producer.close();
        await cluster.close();
      },
    };
  },
  async kafkajs() {
    const producer = (await kafkaJs()).producer();
    await producer.connect();
    const messages = values((value) => ({ value }));
    return {
      send: () => producer.send({ topic: task.topic, acks: -1, messages }),
      close: () => producer.disconnect(),
    };
  },
  async platformatic() {
    const platformatic = await import('@platformatic/kafka');
    const producer = new platformatic.Producer({
      clientId: 'bench',
      bootstrapBrokers: [bootstrap],
    });
    const messages = values((value) => ({ topic: task.topic, value }));
    return { send: () => producer.send({ messages, acks: -1 }), close: () => producer.close() };
  },
};

function values<Record>(make: (value: Buffer) => Record): Record[] {
  return Array.from({ length: task.recordsPerSend }, () =>
    make(Buffer.alloc(task.recordBytes, 'x')),
  );
}

/** Reads the topic from its beginning and tells of every record's size. */
type Reader = (onValue: (bytes: number) => void, isOver: () => boolean) => Promise<void>;

const readers: Readonly<Record<ClientTask['library'], Reader>> = {
  async odradek(onValue, isOver) {
    const cluster = openCluster();
    const consumer = new Consumer(cluster, { group: group(), from: 'earliest' });
    await consumer.subscribe([task.topic]);
    while (!isOver()) {
      const batch = await consumer.poll();
      for (const record of batch!.records) {
        onValue(record.value!.length);
        consumer.finished(record);
      }
    }
    await consumer.close();
    await cluster.close();
  },
  async kafkajs(onValue, isOver) {
    const consumer = (await kafkaJs()).consumer({ groupId: group() });
    await consumer.connect();
    await consumer.subscribe({ topic: task.topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          eachBatch: async ({ batch }) => {
            for (const { value } of batch.messages) onValue(value!.length);
            if (isOver()) resolve();
          },
        })
        .catch(reject);
    });
    await consumer.disconnect();
  },
  async platformatic(onValue, isOver) {
    const platformatic = await import('@platformatic/kafka');
    const consumer = new platformatic.Consumer({
      clientId: 'bench',
      bootstrapBrokers: [bootstrap],
      groupId: group(),
    });
    const stream = await consumer.consume({ topics: [task.topic], mode: 'earliest' });
    await new Promise<void>((resolve, reject) => {
      stream.on('error', reject);
      stream.on('data', ({ value }) => {
        onValue(value!.length);
        if (isOver()) resolve();
      });
    });
    await consumer.close(true);
  },
};

let groups = 0;
const group = (): string => `bench-${task.library}-${process.pid}-${groups++}`;

async function produce(): Promise<number> {
  const sender = await senders[task.library]();
  let sent = 0;
  let isOver = false;
  const work = async (): Promise<void> => {
    while (!isOver) {
      await sender.send();
      sent += task.recordsPerSend;
    }
  };
  const workers = Array.from({ length: task.sendsUnderWay }, work);
  await sleep(task.warmupMs);
  const [startedAt, before] = [performance.now(), sent];
  await sleep(task.windowMs);
  const seconds = (performance.now() - startedAt) / 1000;
  const records = sent - before;
  isOver = true;
  await Promise.all(workers);
  await sender.close();
  return (records * task.recordBytes) / seconds;
}

/** From the first record to the last. */
async function consume(): Promise<number> {
  const read = readers[task.library];
  let bytesPerSecond = 0;
  for (let pass = 0; pass < 2; pass++) {
    let records = 0;
    let bytes = 0;
    let startedAt = 0;
    let endedAt = 0;
    await read(
      (size) => {
        if (records++ === 0) startedAt = performance.now();
        bytes += size;
        if (records === task.records) endedAt = performance.now();
      },
      () => records >= task.records,
    );
    bytesPerSecond = bytes / ((endedAt - startedAt) / 1000);
  }
  return bytesPerSecond;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const bytesPerSecond = await (task.kind === 'produce' ? produce() : consume());
const result = { mibPerSecond: round(bytesPerSecond / 2 ** 20, 1) };
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
