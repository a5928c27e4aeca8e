import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Admin, Consumer, Producer } from '@odradek/client';
import type { Cluster, ConsumerOptions, TopicPartition } from '@odradek/client';
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import { startInProcess } from '../support/in-process-broker.ts';
import type { InProcessBroker } from '../support/in-process-broker.ts';
import { doors } from './doors.ts';

const text = (value: string): { readonly value: Uint8Array } => ({ value: utf8Encode(value) });
const numbered = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${index}`);
const placesOf = (partitions: readonly TopicPartition[]): readonly string[] =>
  partitions.map(({ topic, partition }) => `${topic}-${partition}`);

async function until(what: string, isTrue: () => boolean, timeoutMs = 15_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`it never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe.each(doors)('a consumer over $name', ({ open }) => {
  let broker: InProcessBroker;
  let cluster: Cluster;
  let next = 0;

  beforeAll(async () => {
    broker = await startInProcess({
      memory: true,
      config: { 'group.min.session.timeout.ms': '100', 'auto.create.topics.enable': 'false' },
    });
    cluster = await open(broker, { retry: { timeoutMs: 10_000 } });
  });
  afterAll(async () => {
    cluster.close();
    await broker.dispose();
  });

  const newTopic = async (partitions = 1): Promise<string> => {
    const name = `topic-${(next += 1)}`;
    await new Admin(cluster).createTopic({ name, partitions });
    return name;
  };
  const fill = async (topic: string, values: readonly string[], partition = 0): Promise<void> => {
    const producer = new Producer(cluster);
    await producer.send(
      topic,
      values.map((value) => ({ ...text(value), partition })),
    );
    await producer.close();
  };
  /** Reads so many, finishing each. */
  const read = async (consumer: Consumer, count: number): Promise<readonly string[]> => {
    const values: string[] = [];
    while (values.length < count) {
      const batch = await consumer.poll(AbortSignal.timeout(15_000));
      for (const record of batch!.records) {
        values.push(utf8Decode(record.value!));
        consumer.finished(record);
      }
    }
    return values;
  };
  const grouped = (group: string, options: ConsumerOptions = {}): Consumer =>
    new Consumer(cluster, {
      group,
      from: 'earliest',
      heartbeatIntervalMs: 30,
      sessionTimeoutMs: 3000,
      rebalanceTimeoutMs: 5000,
      ...options,
    });

  it('reads the partitions that it is told, from where it is told', async () => {
    const topic = await newTopic(2);
    await fill(topic, numbered(10), 0);
    await fill(topic, numbered(5), 1);
    await using consumer = new Consumer(cluster, { from: 'earliest' });
    await consumer.assign([{ topic, partition: 0 }]);
    expect(await read(consumer, 10)).toEqual(numbered(10));
    consumer.seek({ topic, partition: 0 }, 7);
    expect(await read(consumer, 3)).toEqual(['7', '8', '9']);
    consumer.seek({ topic, partition: 0 }, 'earliest');
    expect(await read(consumer, 10)).toEqual(numbered(10));
    await consumer.assign([{ topic, partition: 1 }]);
    expect(await read(consumer, 5)).toEqual(numbered(5));
    expect(consumer.position({ topic, partition: 1 })).toBe(5);
    expect(consumer.lag({ topic, partition: 1 })).toBe(0);
  });

  it('waits at the end for what comes, and seeks by time', async () => {
    const topic = await newTopic();
    const producer = new Producer(cluster);
    for (const [index, timestampMs] of [1000, 2000, 3000].entries())
      await producer.send(topic, { ...text(`${index}`), timestampMs });
    await using consumer = new Consumer(cluster, { from: { timestampMs: 1500 } });
    await consumer.assign([{ topic, partition: 0 }]);
    expect(await read(consumer, 2)).toEqual(['1', '2']);
    const waiting = read(consumer, 1);
    await producer.send(topic, text('later'));
    expect(await waiting).toEqual(['later']);
    expect(await consumer.poll(undefined, { waitMs: 20 })).toBeUndefined();
    await producer.close();
  });

  it('hands out no more than it is asked for, and nothing of what is paused', async () => {
    const topic = await newTopic(2);
    await fill(topic, numbered(10), 0);
    await fill(topic, numbered(10), 1);
    await using consumer = new Consumer(cluster, { from: 'earliest' });
    await consumer.assign([
      { topic, partition: 0 },
      { topic, partition: 1 },
    ]);
    consumer.pause([{ topic, partition: 1 }]);
    const seen: number[] = [];
    while (seen.length < 10) {
      const batch = await consumer.poll(undefined, { maxRecords: 4 });
      expect(batch!.partition).toBe(0);
      expect(batch!.records.length).toBeLessThanOrEqual(4);
      seen.push(...batch!.records.map(({ offset }) => offset));
    }
    expect(seen).toEqual(numbered(10).map(Number));
    consumer.resume([{ topic, partition: 1 }]);
    expect((await consumer.poll())!.partition).toBe(1);
  });

  it('goes on where its group has stopped: behind the finished prefix', async () => {
    const topic = await newTopic();
    await fill(topic, numbered(10));
    const first = grouped(`g-${topic}`);
    await first.subscribe([topic]);
    const batch = (await first.poll())!;
    for (const record of batch.records) if (record.offset !== 3) first.finished(record);
    first.abandon();
    await first.close();
    await using second = grouped(`g-${topic}`);
    await second.subscribe([topic]);
    expect((await read(second, 7))[0]).toBe('3');
    await second.commit();
    expect((await second.committed()).get(`${topic}/0`)?.offset).toBe(10);
  });

  it.each(['range', 'roundrobin', 'sticky', 'cooperative-sticky'] as const)(
    'shares the work by %s, and nobody has a partition twice',
    async (assignor) => {
      const topic = await newTopic(12);
      const history: string[] = [];
      const owners = new Map<string, number>();
      const member = (index: number): Consumer =>
        grouped(`g-${topic}`, {
          assignors: [assignor],
          onAssigned: (partitions) => {
            for (const place of placesOf(partitions)) {
              if (owners.has(place)) history.push(`${place}: ${owners.get(place)} and ${index}`);
              owners.set(place, index);
            }
          },
          onRevoked: (partitions) => {
            for (const place of placesOf(partitions)) owners.delete(place);
          },
          onLost: (partitions) => {
            history.push(`lost ${placesOf(partitions).join()}`);
          },
        });
      const members = [0, 1, 2].map(member);
      const isShared = (of: readonly Consumer[]): boolean =>
        of.every(
          (each) =>
            each.membership?.getSnapshot().hasTag('stable') === true &&
            each.assignment.length === 12 / of.length,
        );
      await members[0]!.subscribe([topic]);
      await until('one member', () => isShared(members.slice(0, 1)));
      await Promise.all(members.slice(1).map((each) => each.subscribe([topic])));
      await until('three members', () => isShared(members));
      await members[1]!.close();
      await until('two members', () => isShared([members[0]!, members[2]!]));
      expect(owners.size).toBe(12);
      expect(history).toEqual([]);
      await Promise.all([members[0]!.close(), members[2]!.close()]);
      expect(owners.size).toBe(0);
    },
  );

  it('keeps its membership while a handler takes three session timeouts', async () => {
    const topic = await newTopic();
    await fill(topic, numbered(3));
    const lost: unknown[] = [];
    await using consumer = grouped(`g-${topic}`, {
      sessionTimeoutMs: 300,
      onLost: (partitions) => {
        lost.push(partitions);
      },
    });
    await consumer.subscribe([topic]);
    const batch = (await consumer.poll())!;
    const { memberId } = consumer;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    for (const record of batch.records) consumer.finished(record);
    await consumer.commit();
    expect((await consumer.committed()).get(`${topic}/0`)?.offset).toBe(3);
    expect(consumer.memberId).toBe(memberId);
    expect(lost).toEqual([]);
  });

  it('gives a partition back only when the record in work is finished', async () => {
    const topic = await newTopic(2);
    await fill(topic, ['a', 'b'], 0);
    await fill(topic, ['a', 'b'], 1);
    await using first = grouped(`g-${topic}`);
    await first.subscribe([topic]);
    const batches = [(await first.poll())!, (await first.poll())!];
    await using second = grouped(`g-${topic}`);
    await second.subscribe([topic]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(second.assignment).toEqual([]);
    for (const { records } of batches) for (const record of records) first.finished(record);
    await until('the second has one', () => second.assignment.length === 1);
    await until('both are settled', () => first.assignment.length === 1);
    const [place] = second.assignment;
    expect((await second.committed()).get(`${topic}/${place!.partition}`)?.offset).toBe(2);
  });

  it('says which topic is not there, within its time', async () => {
    await using consumer = grouped('g-unknown');
    await expect(consumer.subscribe(['no-such-topic'])).rejects.toThrow(
      /no-such-topic: .*UNKNOWN_TOPIC_OR_PARTITION/,
    );
  });

  it('says what to do when the others share by another rule', async () => {
    const topic = await newTopic();
    await using first = grouped(`g-${topic}`, { assignors: ['range'] });
    await first.subscribe([topic]);
    await until('it has joined', () => first.assignment.length === 1);
    await using second = grouped(`g-${topic}`, { assignors: ['roundrobin'] });
    await second.subscribe([topic]);
    await expect(second.poll(AbortSignal.timeout(10_000))).rejects.toThrow(
      /have no assignor, or no protocol type, in common.*INCONSISTENT_GROUP_PROTOCOL/,
    );
  });

  it('says that there is no offset when it is told to begin nowhere', async () => {
    const topic = await newTopic();
    await using consumer = grouped(`g-${topic}`, { from: 'none' });
    await consumer.subscribe([topic]);
    await expect(consumer.poll(AbortSignal.timeout(10_000))).rejects.toThrow(/from. says none/);
  });
});
