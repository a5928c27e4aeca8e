/** What members of a group promise each other and those who work on the records. */
import { describe, expect, it } from 'vitest';
import { Consumer } from '@odradek/client';
import { offsetCommitRequest } from '@odradek/protocol';
import { listening } from './listening.ts';
import { Ownership } from './ownership.ts';
import type { World } from './world.ts';
import { numbered, read, soon, until } from './world.ts';

export function groups(world: World): void {
  describe('a group', () => {
    it('goes on where it has stopped: behind the finished prefix', async () => {
      const topic = await world.newTopic();
      await world.fill(topic, numbered(10));
      const first = world.member(`g-${topic}`);
      await first.subscribe([topic]);
      const batch = (await first.poll(soon()))!;
      for (const record of batch.records) if (record.offset !== 3) first.finished(record);
      first.abandon();
      await first.close();
      await using second = world.member(`g-${topic}`);
      await second.subscribe([topic]);
      expect((await read(second, 7))[0]).toBe('3');
      await second.commit();
      expect((await second.committed()).get(`${topic}/0`)?.offset).toBe(10);
    });

    it.each(['range', 'roundrobin', 'sticky', 'cooperative-sticky'] as const)(
      'shares the work by %s, and nobody has a partition twice',
      async (assignor) => {
        const topic = await world.newTopic(12);
        const owners = new Ownership();
        const members = [0, 1, 2].map((index) =>
          world.member(`g-${topic}`, { assignors: [assignor], ...owners.listener(index) }),
        );
        const isShared = (of: readonly Consumer[]): boolean =>
          owners.size === 12 && of.every((each) => isStable(each, 12 / of.length));
        await members[0]!.subscribe([topic]);
        await until('one member', () => isShared(members.slice(0, 1)));
        await Promise.all(members.slice(1).map((each) => each.subscribe([topic])));
        await until('three members', () => isShared(members));
        await members[1]!.close();
        await until('two members', () => isShared([members[0]!, members[2]!]));
        expect(owners.wrong).toEqual([]);
        await Promise.all([members[0]!.close(), members[2]!.close()]);
        expect(owners.size).toBe(0);
      },
    );

    it('keeps a member whose handler takes three session timeouts', async () => {
      const topic = await world.newTopic();
      await world.fill(topic, numbered(3));
      const sessionTimeoutMs = 1000;
      const owners = new Ownership();
      await using consumer = world.member(`g-${topic}`, {
        sessionTimeoutMs,
        ...owners.listener(0),
      });
      await consumer.subscribe([topic]);
      const batch = (await consumer.poll(soon()))!;
      const { memberId } = consumer;
      await new Promise((resolve) => setTimeout(resolve, 3 * sessionTimeoutMs));
      for (const record of batch.records) consumer.finished(record);
      await consumer.commit();
      expect((await consumer.committed()).get(`${topic}/0`)?.offset).toBe(3);
      expect(consumer.memberId).toBe(memberId);
      expect(owners.wrong).toEqual([]);
      const { members } = await world.admin.describeGroup(`g-${topic}`);
      expect(members.map((each) => each.memberId)).toEqual([memberId]);
    });

    it('gives a partition to another member only when the record in work is finished', async () => {
      const topic = await world.newTopic(2);
      await world.fill(topic, ['a', 'b'], 0);
      await world.fill(topic, ['a', 'b'], 1);
      await using first = world.member(`g-${topic}`);
      await first.subscribe([topic]);
      const batches = [(await first.poll(soon()))!, (await first.poll(soon()))!];
      await using second = world.member(`g-${topic}`);
      await second.subscribe([topic]);
      await until('the first hears of the second', () => !isStable(first, 2));
      expect(second.assignment).toEqual([]);
      for (const { records } of batches) for (const record of records) first.finished(record);
      await until('each has one', () => isStable(first, 1) && isStable(second, 1));
      const [place] = second.assignment;
      expect((await second.committed()).get(`${topic}/${place!.partition}`)?.offset).toBe(2);
    });

    it('loses nothing of a member that is killed in mid-batch, and repeats only what was unfinished', async () => {
      const topic = await world.newTopic();
      const group = `g-${topic}`;
      await world.fill(topic, numbered(100));
      const options = {
        sessionTimeoutMs: 1500,
        heartbeatIntervalMs: 100,
        autoCommitIntervalMs: 50,
      };
      const cluster = world.open();
      const dying = world.member(group, options, cluster);
      await dying.subscribe([topic]);
      const batch = (await dying.poll(soon(), { maxRecords: 60 }))!;
      for (const record of batch.records.slice(0, 40)) dying.finished(record);
      await until(
        'what is finished is committed',
        async () => (await world.admin.listGroupOffsets(group))[0]?.offset === 40,
      );
      // As when its process is killed: nobody says good-bye.
      cluster.close();
      await using heir = world.member(group, options);
      await heir.subscribe([topic]);
      expect(await read(heir, 60)).toEqual(numbered(60, 40));
    });

    it('keeps the place of a static member that is away for a moment', async () => {
      const topic = await world.newTopic(4);
      const group = `g-${topic}`;
      const other = new Ownership();
      const fixed = { groupInstanceId: 'fixed', sessionTimeoutMs: 20_000 };
      const first = world.member(group, fixed);
      await first.subscribe([topic]);
      await using second = world.member(group, { ...other.listener(0) });
      await second.subscribe([topic]);
      await until('both have two', () => isStable(first, 2) && isStable(second, 2));
      const kept = first.assignment;
      const before = other.history.length;
      await first.close();
      await using again = world.member(group, fixed);
      await again.subscribe([topic]);
      await until('it is back', () => isStable(again, 2));
      expect(again.assignment).toEqual(kept);
      expect(other.history.slice(before)).toEqual([]);
      // It is still there for the group: nobody else may wait for its session to end.
      await until('nothing rebalances', () => isStable(second, 2));
    });

    it('shares out partitions that are added, and topics that are wanted later', async () => {
      const [topic, another] = [await world.newTopic(2), await world.newTopic(3)];
      await using consumer = world.member(`g-${topic}`, { metadataMaxAgeMs: 100 });
      await consumer.subscribe([topic]);
      await until('it has two', () => isStable(consumer, 2));
      await world.admin.createPartitions(topic, 5);
      await until('it has five', () => isStable(consumer, 5));
      await consumer.subscribe([topic, another]);
      await until('it has eight', () => isStable(consumer, 8));
      await consumer.subscribe([another]);
      await until('it has three', () => isStable(consumer, 3));
    });

    it('hears of a member that changes its mind while it joins', async () => {
      const [topic, another] = [await world.newTopic(2), await world.newTopic(3)];
      await using consumer = world.member(`g-${topic}`);
      await consumer.subscribe([topic]);
      await consumer.subscribe([topic, another]);
      await until('it has both', () => isStable(consumer, 5));
    });

    it('commits from time to time by itself, or only when told', async () => {
      const topic = await world.newTopic();
      await world.fill(topic, numbered(5));
      const { host, heard } = listening(world.door.host());
      const commits = (): number =>
        heard.filter(({ apiKey }) => apiKey === offsetCommitRequest.info.key).length;
      const cluster = world.open({}, host);
      const silent = world.member(`g1-${topic}`, { autoCommit: false }, cluster);
      await silent.subscribe([topic]);
      await read(silent, 5);
      await silent.close();
      expect(commits()).toBe(0);
      await using diligent = world.member(`g2-${topic}`, { autoCommitIntervalMs: 20 }, cluster);
      await diligent.subscribe([topic]);
      await read(diligent, 5);
      await until('it has committed', () => commits() > 0);
    });

    it('is known without membership: offsets are read and committed by assignment', async () => {
      const topic = await world.newTopic();
      await world.fill(topic, numbered(5));
      const options = { group: `g-${topic}`, from: 'earliest' } as const;
      await using consumer = new Consumer(world.cluster, options);
      await consumer.assign([{ topic, partition: 0 }]);
      await read(consumer, 5);
      await consumer.commit([{ topic, partition: 0, offset: 2, metadata: 'by hand' }]);
      expect((await consumer.committed()).get(`${topic}/0`)).toMatchObject({
        offset: 2,
        metadata: 'by hand',
      });
    });
  });
}

const isStable = (consumer: Consumer, partitions: number): boolean =>
  consumer.membership?.getSnapshot().hasTag('stable') === true &&
  consumer.assignment.length === partitions;
