/** All that an administrator can ask. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Producer } from '@odradek/client';
import type { World } from './world.ts';
import { numbered, read, text, until } from './world.ts';

export function administering(world: World): void {
  describe('an administrator', () => {
    let topic: string;
    beforeAll(async () => {
      topic = await world.newTopic(2, { 'retention.ms': '86400000' });
      const nowMs = Date.now();
      await using producer = new Producer(world.cluster);
      await producer.send(
        topic,
        numbered(10).map((value, index) => ({
          ...text(value),
          partition: index % 2,
          timestampMs: nowMs - 100 + index,
        })),
      );
    });

    it('makes, grows, lists and deletes topics, or only asks whether it could', async () => {
      const { admin } = world;
      const [asked, one, other] = [0, 1, 2].map(() => world.unusedName());
      const { brokers } = await admin.describeCluster();
      await admin.createTopics([{ name: asked! }], { validateOnly: true });
      await admin.createTopics([
        { name: one! },
        { name: other!, assignments: [[brokers[0]!.nodeId]] },
      ]);
      const counts = async (): Promise<readonly string[]> =>
        (await admin.listTopics())
          .filter(({ name }) => [asked, one, other].includes(name!))
          .map(({ name, partitions }) => `${name} ${partitions.length}`);
      await until('both are told', async () => (await counts()).length === 2);
      await admin.createPartitions(other!, 4);
      await admin.createPartitions(other!, 9, { validateOnly: true });
      await until('it has grown', async () => (await counts()).includes(`${other} 4`));
      expect(await counts()).toEqual([`${one} 1`, `${other} 4`]);
      await expect(admin.createPartitions(other!, 2)).rejects.toThrow('INVALID_PARTITIONS');
      await expect(admin.createTopic({ name: 'bad name' })).rejects.toThrow(
        'INVALID_TOPIC_EXCEPTION',
      );
      await expect(admin.createTopic({ name: one! })).rejects.toThrow('TOPIC_ALREADY_EXISTS');
      await admin.deleteTopics([one!, other!]);
      await until('both are gone', async () => (await counts()).length === 0);
      await expect(admin.deleteTopic(one!)).rejects.toThrow('UNKNOWN_TOPIC_OR_PARTITION');
    });

    it('tells offsets, and deletes records before one', async () => {
      const { admin } = world;
      const offsets = async (at: 'earliest' | 'latest') =>
        (await admin.listOffsets(topic, at)).map(({ offset }) => offset);
      expect(await offsets('latest')).toEqual([5, 5]);
      expect(await admin.deleteRecords([{ topic, partition: 1, offset: 2 }])).toEqual([
        { topic, partition: 1, offset: 2 },
      ]);
      expect(await offsets('earliest')).toEqual([0, 2]);
      const late = await admin.listOffsets(topic, { timestampMs: Date.now() + 60_000 }, [0]);
      expect(late[0]?.offset).toBe(-1);
    });

    it('tells and changes configuration', async () => {
      const { admin } = world;
      const own = async (): Promise<readonly string[]> =>
        (await admin.topicConfig(topic))
          .filter(({ isOverride }) => isOverride)
          .map(({ name, value }) => `${name}=${value}`);
      expect(await own()).toEqual(['retention.ms=86400000']);
      await admin.alterConfig(
        { topic },
        { 'retention.ms': null, 'cleanup.policy': { append: 'compact' } },
      );
      await until('it has changed', async () => (await own()).join() !== 'retention.ms=86400000');
      expect(await own()).toEqual(['cleanup.policy=delete,compact']);
      await expect(admin.alterConfig({ topic }, { 'no.such.key': '1' })).rejects.toThrow(
        'INVALID_CONFIG',
      );
      await expect(admin.topicConfig('none')).rejects.toThrow('UNKNOWN_TOPIC_OR_PARTITION');
      const { brokers } = await admin.describeCluster();
      const [entry] = await admin.describeConfig({ broker: brokers[0]!.nodeId }, [
        'num.partitions',
      ]);
      expect(entry).toMatchObject({ name: 'num.partitions', value: '1' });
      expect(await admin.listConfigResources()).toContainEqual({ topic });
    });

    it('tells who is in a group and how far it is, and changes that when nobody is', async () => {
      const { admin } = world;
      const group = `g-${world.unusedName()}`;
      const listed = async () =>
        (await admin.listGroups()).filter(({ groupId }) => groupId === group);
      const consumer = world.member(group);
      await consumer.subscribe([topic]);
      await read(consumer, 8);
      await consumer.commit();
      expect(await listed()).toEqual([
        { groupId: group, protocolType: 'consumer', state: 'Stable', type: 'classic' },
      ]);
      const described = await admin.describeGroup(group);
      expect(described).toMatchObject({ state: 'Stable', protocol: 'cooperative-sticky' });
      expect(described.members[0]?.assignment).toHaveLength(2);
      for (const lag of await admin.groupLag(group))
        expect(lag).toMatchObject({
          committedOffset: 5,
          logEndOffset: 5,
          lag: 0,
          memberId: consumer.memberId,
        });
      await expect(admin.deleteGroup(group)).rejects.toThrow('stop them first (NON_EMPTY_GROUP)');
      await expect(
        admin.setGroupOffsets(group, [{ topic, partition: 0, offset: 1 }]),
      ).rejects.toThrow('given the partition to another member');
      await consumer.close();
      await admin.setGroupOffsets(group, [{ topic, partition: 0, offset: 1 }]);
      const offsets = await admin.listGroupOffsets(group);
      expect(offsets.find(({ partition }) => partition === 0)?.offset).toBe(1);
      await admin.deleteGroupOffsets(group, [{ topic, partition: 0 }]);
      expect((await admin.listGroupOffsets(group)).map(({ partition }) => partition)).toEqual([1]);
      await admin.deleteGroup(group);
      expect(await listed()).toEqual([]);
      await expect(admin.describeGroup(group)).rejects.toThrow('GROUP_ID_NOT_FOUND');
    });

    it('tells what the cluster consists of', async () => {
      const { admin } = world;
      const info = await admin.describeCluster();
      expect(info.brokers.map(({ nodeId }) => nodeId)).toEqual([info.controllerId]);
      expect(info.clusterId).toMatch(/^[\w-]{22}$/);
      const folders = await admin.describeLogDirs();
      const sizes = folders.flatMap(({ partitions }) =>
        partitions.filter((each) => each.topic === topic).map(({ sizeBytes }) => sizeBytes > 0),
      );
      expect(sizes).toEqual([true, true]);
      const [producer] = await admin.describeProducers([{ topic, partition: 0 }]);
      expect(producer).toMatchObject({ topic, partition: 0, producerEpoch: 0 });
    });

    it('stops waiting at its signal', async () => {
      const stop = new AbortController();
      const listing = world.admin.with({ signal: stop.signal }).listTopics();
      stop.abort(new Error('enough'));
      await expect(listing).rejects.toMatchObject({
        name: 'ClientClosed',
        cause: stop.signal.reason,
      });
      await expect(
        world.admin.with({ signal: AbortSignal.abort() }).createTopic({ name: 'never' }),
      ).rejects.toMatchObject({ name: 'ClientClosed' });
      expect((await world.admin.listTopics()).map(({ name }) => name)).not.toContain('never');
    });
  });
}
