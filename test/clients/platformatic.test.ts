/** @platformatic/kafka 1.35: all that it speaks is flexible, and topics are named by id where it can. */
import {
  Admin,
  Consumer,
  ListOffsetTimestamps,
  MessagesStreamModes,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startInProcess, type InProcessBroker } from '../support/in-process-broker.ts';
import { until } from '../support/until.ts';

let broker: InProcessBroker;
beforeAll(async () => {
  broker = await startInProcess();
});
afterAll(() => broker.dispose());

const common = () => ({ clientId: 'test', bootstrapBrokers: [broker.bootstrap] });

describe('@platformatic/kafka', () => {
  it.each(['none', 'gzip', 'snappy', 'lz4'] as const)(
    'produces and consumes with %s',
    async (compression) => {
      const topic = `plt-${compression}`;
      const producer = new Producer({
        ...common(),
        serializers: stringSerializers,
        autocreateTopics: true,
      });
      const values = Array.from({ length: 500 }, (_, i) => `value ${i} ${'x'.repeat(i % 50)}`);
      await producer.send({
        messages: values.map((value) => ({
          topic,
          key: 'k',
          value,
          headers: { origin: 'platformatic' },
        })),
        compression,
        idempotent: true,
        acks: -1,
      });
      await producer.close();
      const consumer = new Consumer({
        ...common(),
        groupId: `plt-group-${compression}`,
        deserializers: stringDeserializers,
      });
      const stream = await consumer.consume({
        topics: [topic],
        mode: MessagesStreamModes.EARLIEST,
        autocommit: true,
      });
      const seen: string[] = [];
      for await (const message of stream) {
        seen.push(message.value);
        expect(message.headers.get('origin')).toBe('platformatic');
        if (seen.length === values.length) break;
      }
      await consumer.close(true);
      expect(seen).toEqual(values);
    },
  );

  it('shares a topic among two consumers of a group', async () => {
    const admin = new Admin(common());
    await admin.createTopics({ topics: ['plt-shared'], partitions: 4, replicas: 1 });
    const seen = new Map<string, number>();
    const consumers = [0, 1].map(
      () =>
        new Consumer({
          ...common(),
          groupId: 'plt-team',
          deserializers: stringDeserializers,
          sessionTimeout: 6_000,
          heartbeatInterval: 500,
          rebalanceTimeout: 6_000,
        }),
    );
    for (const [i, consumer] of consumers.entries()) {
      const stream = await consumer.consume({
        topics: ['plt-shared'],
        mode: MessagesStreamModes.EARLIEST,
        autocommit: true,
      });
      stream.on('data', ({ value }) => seen.set(value, i));
    }
    const producer = new Producer({ ...common(), serializers: stringSerializers });
    await producer.send({
      messages: Array.from({ length: 40 }, (_, i) => ({
        topic: 'plt-shared',
        partition: i % 4,
        value: `${i}`,
      })),
    });
    await until(() => seen.size === 40);
    await producer.close();
    for (const consumer of consumers) await consumer.close(true);
    await admin.close();
  });

  it('administers topics, groups and configurations', async () => {
    const admin = new Admin(common());
    const [created] = await admin.createTopics({
      topics: ['plt-admin'],
      partitions: 3,
      replicas: 1,
    });
    expect(created).toMatchObject({ name: 'plt-admin', partitions: 3, replicas: 1 });
    expect(await admin.listTopics()).toContain('plt-admin');
    await admin
      .createPartitions({ topics: [{ name: 'plt-admin', count: 4, assignments: [] }] })
      .catch(() => {});
    const groups = await admin.listGroups();
    expect(groups).toBeInstanceOf(Map);
    await admin.deleteTopics({ topics: ['plt-admin'] });
    expect(await admin.listTopics()).not.toContain('plt-admin');
    await admin.close();
  });

  it('finds offsets by name and by time', async () => {
    const producer = new Producer({
      ...common(),
      serializers: stringSerializers,
      autocreateTopics: true,
    });
    await producer.send({
      messages: [
        { topic: 'plt-offsets', value: 'a' },
        { topic: 'plt-offsets', value: 'b' },
      ],
    });
    await producer.close();
    const consumer = new Consumer({ ...common(), groupId: 'plt-offsets' });
    const at = async (timestamp: bigint) =>
      (await consumer.listOffsets({ topics: ['plt-offsets'], timestamp })).get('plt-offsets');
    expect(await at(ListOffsetTimestamps.LATEST)).toEqual([2n]);
    expect(await at(ListOffsetTimestamps.EARLIEST)).toEqual([0n]);
    await consumer.close(true);
  });
});
