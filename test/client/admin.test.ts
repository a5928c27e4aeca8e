import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Admin, Consumer, Producer } from '@odradek/client';
import type { Cluster } from '@odradek/client';
import { utf8Encode } from '@odradek/protocol';
import { startInProcess } from '../support/in-process-broker.ts';
import type { InProcessBroker } from '../support/in-process-broker.ts';
import { doors } from './doors.ts';

describe.each(doors)('an administrator over $name', ({ open }) => {
  let broker: InProcessBroker;
  let cluster: Cluster;
  let admin: Admin;
  const topic = 'orders';

  beforeAll(async () => {
    broker = await startInProcess({
      memory: true,
      config: { 'auto.create.topics.enable': 'false' },
    });
    cluster = await open(broker, { retry: { timeoutMs: 5000 } });
    admin = new Admin(cluster);
    await admin.createTopic({ name: topic, partitions: 2, configs: { 'retention.ms': '5000' } });
    const producer = new Producer(cluster);
    await producer.send(
      topic,
      Array.from({ length: 10 }, (_, index) => ({
        value: utf8Encode(`${index}`),
        partition: index % 2,
        timestampMs: Date.now() - 100 + index,
      })),
    );
    await producer.close();
  });
  afterAll(async () => {
    cluster.close();
    await broker.dispose();
  });

  it('makes, grows, lists and deletes topics, or only asks whether it could', async () => {
    await admin.createTopics([{ name: 'only-asked' }], { validateOnly: true });
    await admin.createTopics([{ name: 'b' }, { name: 'a', assignments: [[broker.nodeId]] }]);
    await admin.createPartitions('a', 4);
    await admin.createPartitions('a', 9, { validateOnly: true });
    const names = (await admin.listTopics()).map(({ name, partitions }) => [
      name,
      partitions.length,
    ]);
    expect(names).toEqual([
      ['a', 4],
      ['b', 1],
      [topic, 2],
    ]);
    await expect(admin.createPartitions('a', 2)).rejects.toThrow('INVALID_PARTITIONS');
    await expect(admin.createTopic({ name: 'bad name' })).rejects.toThrow(
      'INVALID_TOPIC_EXCEPTION',
    );
    await admin.deleteTopics(['a', 'b']);
    await expect(admin.deleteTopic('a')).rejects.toThrow('UNKNOWN_TOPIC_OR_PARTITION');
  });

  it('tells offsets, and deletes records before one', async () => {
    expect((await admin.listOffsets(topic, 'latest')).map(({ offset }) => offset)).toEqual([5, 5]);
    expect(await admin.deleteRecords([{ topic, partition: 1, offset: 2 }])).toEqual([
      { topic, partition: 1, offset: 2 },
    ]);
    expect((await admin.listOffsets(topic, 'earliest')).map(({ offset }) => offset)).toEqual([
      0, 2,
    ]);
    expect(
      (await admin.listOffsets(topic, { timestampMs: Date.now() + 60_000 }, [0]))[0]?.offset,
    ).toBe(-1);
  });

  it('tells and changes configuration', async () => {
    const own = async (): Promise<readonly (string | null)[][]> =>
      (await admin.topicConfig(topic))
        .filter(({ isOverride }) => isOverride)
        .map(({ name, value }) => [name, value]);
    expect(await own()).toEqual([['retention.ms', '5000']]);
    await admin.alterConfig(
      { topic },
      { 'retention.ms': null, 'cleanup.policy': { append: 'compact' } },
    );
    expect(await own()).toEqual([['cleanup.policy', 'delete,compact']]);
    await expect(admin.alterConfig({ topic }, { 'no.such.key': '1' })).rejects.toThrow(
      'INVALID_CONFIG',
    );
    await expect(admin.topicConfig('none')).rejects.toThrow('UNKNOWN_TOPIC_OR_PARTITION');
    const [entry] = await admin.describeConfig({ broker: broker.nodeId }, ['num.partitions']);
    expect(entry).toMatchObject({ name: 'num.partitions', value: '1' });
    expect(await admin.listConfigResources()).toContainEqual({ topic });
  });

  it('tells who is in a group and how far it is, and changes that when nobody is', async () => {
    const consumer = new Consumer(cluster, { group: 'billing', from: 'earliest' });
    await consumer.subscribe([topic]);
    const batch = await consumer.poll(AbortSignal.timeout(10_000));
    for (const record of batch!.records) consumer.finished(record);
    await consumer.commit();
    expect(await admin.listGroups()).toEqual([
      { groupId: 'billing', protocolType: 'consumer', state: 'Stable', type: 'classic' },
    ]);
    const group = await admin.describeGroup('billing');
    expect(group).toMatchObject({ state: 'Stable', protocol: 'cooperative-sticky' });
    expect(group.members[0]?.assignment).toHaveLength(2);
    const lag = (await admin.groupLag('billing')).find(
      ({ partition }) => partition === batch!.partition,
    );
    expect(lag).toMatchObject({
      committedOffset: 5,
      logEndOffset: 5,
      lag: 0,
      memberId: consumer.memberId,
    });
    await expect(admin.deleteGroup('billing')).rejects.toThrow('stop them first (NON_EMPTY_GROUP)');
    await expect(
      admin.setGroupOffsets('billing', [{ topic, partition: 0, offset: 1 }]),
    ).rejects.toThrow('given the partition to another member');
    await consumer.close();
    await admin.setGroupOffsets('billing', [{ topic, partition: 0, offset: 1 }]);
    expect((await admin.listGroupOffsets('billing'))[0]).toMatchObject({ partition: 0, offset: 1 });
    await admin.deleteGroupOffsets('billing', [{ topic, partition: 0 }]);
    expect(
      (await admin.listGroupOffsets('billing')).map(({ partition }) => partition),
    ).not.toContain(0);
    await admin.deleteGroup('billing');
    expect(await admin.listGroups()).toEqual([]);
    await expect(admin.describeGroup('billing')).rejects.toThrow('GROUP_ID_NOT_FOUND');
  });

  it('tells what the cluster consists of', async () => {
    const info = await admin.describeCluster();
    expect(info).toMatchObject({ clusterId: broker.clusterId, controllerId: broker.nodeId });
    expect(info.brokers).toHaveLength(1);
    const [folder] = await admin.describeLogDirs();
    expect(folder?.partitions.some((each) => each.topic === topic && each.sizeBytes > 0)).toBe(
      true,
    );
    const [producer] = await admin.describeProducers([{ topic, partition: 0 }]);
    expect(producer).toMatchObject({ topic, partition: 0, producerEpoch: 0 });
  });
});
