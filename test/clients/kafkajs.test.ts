/** KafkaJS 2.2.4: nothing of what it speaks is flexible, so it covers the classic encodings. */
import { CompressionTypes, Kafka, logLevel, type Consumer, type EachMessagePayload } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startInProcess, type InProcessBroker } from '../support/in-process-broker.ts';
import { until } from '../support/until.ts';

let broker: InProcessBroker;
let kafka: Kafka;
beforeAll(async () => {
  broker = await startInProcess();
  kafka = new Kafka({ clientId: 'test', brokers: [broker.bootstrap], logLevel: logLevel.NOTHING });
});
afterAll(() => broker.dispose());

const reading = async (groupId: string, topic: string, onMessage: (payload: EachMessagePayload) => void): Promise<Consumer> => {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 6_000, heartbeatInterval: 500 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async (payload) => onMessage(payload) });
  return consumer;
};

describe('KafkaJS', () => {
  it('produces and consumes with keys, headers, tombstones and gzip', async () => {
    const producer = kafka.producer({ idempotent: true });
    await producer.connect();
    await producer.send({
      topic: 'js-pairs',
      compression: CompressionTypes.GZIP,
      messages: [
        { key: 'a', value: '1', headers: { origin: 'kafkajs' } },
        { key: 'a', value: null },
        { key: 'b', value: '' },
      ],
    });
    await producer.disconnect();
    const seen: { key: string | undefined; value: string | null; origin: string | undefined }[] = [];
    const consumer = await reading('js-readers', 'js-pairs', ({ message }) => {
      seen.push({
        key: message.key?.toString(),
        value: message.value === null ? null : message.value.toString(),
        origin: message.headers?.origin?.toString(),
      });
    });
    await until(() => seen.length === 3);
    await consumer.disconnect();
    expect(seen).toEqual([
      { key: 'a', value: '1', origin: 'kafkajs' },
      { key: 'a', value: null, origin: undefined },
      { key: 'b', value: '', origin: undefined },
    ]);
  });

  it('shares partitions among the members of a group, and gives them over when one leaves', async () => {
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'js-shared', numPartitions: 4 }], waitForLeaders: true });
    const byMember: [Set<number>, Set<number>] = [new Set(), new Set()];
    const seen = new Set<string>();
    const first = await reading('js-team', 'js-shared', ({ partition, message }) => {
      byMember[0].add(partition);
      seen.add(message.value!.toString());
    });
    const second = await reading('js-team', 'js-shared', ({ partition, message }) => {
      byMember[1].add(partition);
      seen.add(message.value!.toString());
    });
    const twoMembers = async () => {
      const { groups } = await admin.describeGroups(['js-team']);
      return groups[0]!.state === 'Stable' && groups[0]!.members.length === 2;
    };
    await until(twoMembers);
    const producer = kafka.producer();
    await producer.connect();
    const send = (from: number) =>
      producer.send({
        topic: 'js-shared',
        messages: Array.from({ length: 40 }, (_, i) => ({ partition: i % 4, value: `${from + i}` })),
      });
    await send(0);
    await until(() => seen.size === 40);
    expect(byMember[0].size).toBe(2);
    expect(byMember[1].size).toBe(2);
    await second.disconnect();
    await send(100);
    await until(() => seen.size === 80);
    expect([...byMember[0]].sort()).toEqual([0, 1, 2, 3]);
    await first.disconnect();
    await producer.disconnect();
    await admin.disconnect();
  });

  it('administers topics, configurations, offsets and groups', async () => {
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({
      topics: [{ topic: 'js-admin', numPartitions: 2, configEntries: [{ name: 'retention.ms', value: '1000000' }] }],
    });
    expect(await admin.listTopics()).toContain('js-admin');
    await admin.createPartitions({ topicPartitions: [{ topic: 'js-admin', count: 3 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: ['js-admin'] });
    expect(topics[0]!.partitions).toHaveLength(3);
    const described = await admin.describeConfigs({
      includeSynonyms: true,
      resources: [{ type: 2, name: 'js-admin', configNames: ['retention.ms'] }],
    });
    expect(described.resources[0]!.configEntries[0]).toMatchObject({ configName: 'retention.ms', configValue: '1000000' });
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: 'js-admin', configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
    });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic: 'js-admin', messages: [{ partition: 0, key: 'k', value: 'a' }, { partition: 0, key: 'k', value: 'b' }] });
    expect((await admin.fetchTopicOffsets('js-admin')).find((it) => it.partition === 0)).toMatchObject({ high: '2', low: '0' });
    await admin.setOffsets({ groupId: 'js-admin-group', topic: 'js-admin', partitions: [{ partition: 0, offset: '1' }] });
    const offsets = await admin.fetchOffsets({ groupId: 'js-admin-group', topics: ['js-admin'] });
    expect(offsets[0]!.partitions.find((it) => it.partition === 0)!.offset).toBe('1');
    expect((await admin.listGroups()).groups.map((it) => it.groupId)).toContain('js-admin-group');
    await admin.deleteGroups(['js-admin-group']);
    await admin.createTopics({ topics: [{ topic: 'js-trimmed', numPartitions: 1 }] });
    await producer.send({ topic: 'js-trimmed', messages: [{ value: 'a' }, { value: 'b' }] });
    // KafkaJS looks for the leader in what it knows: this makes it know the topic.
    await admin.fetchTopicOffsets('js-trimmed');
    await admin.deleteTopicRecords({ topic: 'js-trimmed', partitions: [{ partition: 0, offset: '1' }] });
    expect((await admin.fetchTopicOffsets('js-trimmed'))[0]).toMatchObject({ low: '1', high: '2' });
    await admin.deleteTopics({ topics: ['js-trimmed'] });
    expect(await admin.listTopics()).not.toContain('js-trimmed');
    const cluster = await admin.describeCluster();
    expect(cluster).toMatchObject({ clusterId: broker.clusterId, controller: broker.nodeId });
    await producer.disconnect();
    await admin.disconnect();
  });
});
