/** What a consumer does with the partitions that it is told: places, pauses, transactions, sessions, epochs. */
import { describe, expect, it } from 'vitest';
import { BrokerError, Consumer, Producer } from '@odradek/client';
import { fetchRequest, offsetForLeaderEpochRequest } from '@odradek/protocol';
import { listening } from './listening.ts';
import type { World } from './world.ts';
import { numbered, read, soon, text, until } from './world.ts';

export function consuming(world: World): void {
  describe('a consumer', () => {
    it('reads the partitions that it is told, from where it is told', async () => {
      const topic = await world.newTopic(2);
      await world.fill(topic, numbered(10), 0);
      await world.fill(topic, numbered(5), 1);
      await using consumer = new Consumer(world.cluster, { from: 'earliest', maxWaitMs: 50 });
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
      const topic = await world.newTopic();
      await using producer = new Producer(world.cluster);
      for (const [index, ageMs] of [3000, 2000, 1000].entries())
        await producer.send(topic, { ...text(`${index}`), timestampMs: BORN_MS - ageMs });
      await using consumer = new Consumer(world.cluster, {
        from: { timestampMs: BORN_MS - 2500 },
        maxWaitMs: 50,
      });
      await consumer.assign([{ topic, partition: 0 }]);
      expect(await read(consumer, 2)).toEqual(['1', '2']);
      const waiting = read(consumer, 1);
      await producer.send(topic, text('later'));
      expect(await waiting).toEqual(['later']);
      expect(await consumer.poll(undefined, { waitMs: 20 })).toBeUndefined();
      consumer.seek({ topic, partition: 0 }, { timestampMs: BORN_MS - 1000 });
      expect(await read(consumer, 2)).toEqual(['2', 'later']);
      consumer.seek({ topic, partition: 0 }, 'latest');
      await until('it is at the end', () => consumer.position({ topic, partition: 0 }) === 4);
    });

    it('goes on at the place that its policy says when its own is not in the log', async () => {
      const topic = await world.newTopic();
      await world.fill(topic, numbered(10));
      await world.admin.deleteRecords([{ topic, partition: 0, offset: 4 }]);
      await using consumer = new Consumer(world.cluster, { from: 'earliest', maxWaitMs: 50 });
      await consumer.assign([{ topic, partition: 0 }]);
      consumer.seek({ topic, partition: 0 }, 1);
      expect((await read(consumer, 6))[0]).toBe('4');
      consumer.seek({ topic, partition: 0 }, 1000);
      expect((await read(consumer, 6))[0]).toBe('4');
    });

    it('hands out no more than it is asked for, and nothing of what is paused', async () => {
      const topic = await world.newTopic(2);
      const [one, other] = [0, 1].map((partition) => ({ topic, partition }));
      await world.fill(topic, numbered(10), 0);
      await world.fill(topic, numbered(10), 1);
      await using consumer = new Consumer(world.cluster, { from: 'earliest', maxWaitMs: 50 });
      await consumer.assign([one!, other!]);
      consumer.pause([other!]);
      expect(consumer.paused).toEqual([other]);
      const seen: number[] = [];
      while (seen.length < 10) {
        const batch = await consumer.poll(soon(), { maxRecords: 4 });
        expect(batch!.partition).toBe(0);
        expect(batch!.records.length).toBeLessThanOrEqual(4);
        seen.push(...batch!.records.map(({ offset }) => offset));
      }
      expect(seen).toEqual(numbered(10).map(Number));
      consumer.resume([other!]);
      expect((await consumer.poll(soon()))!.partition).toBe(1);
    });

    it('reads a record that is larger than it asked for', async () => {
      const topic = await world.newTopic();
      await world.fill(topic, ['x'.repeat(100_000)]);
      await using consumer = new Consumer(world.cluster, {
        from: 'earliest',
        partitionMaxBytes: 1000,
        fetchMaxBytes: 1000,
      });
      await consumer.assign([{ topic, partition: 0 }]);
      expect((await read(consumer, 1))[0]).toHaveLength(100_000);
    });

    const write = world.door.broker?.writeTransactions;
    if (write !== undefined)
      it('leaves out what was aborted, unless it wants uncommitted records too', async () => {
        const topic = await world.newTopic();
        await write(topic, [
          ['a', true],
          ['b', false],
          ['c', true],
          ['d', false],
          ['e', true],
        ]);
        const readBy = async (isolation: 'read_committed' | 'read_uncommitted', count: number) => {
          await using consumer = new Consumer(world.cluster, { from: 'earliest', isolation });
          await consumer.assign([{ topic, partition: 0 }]);
          return await read(consumer, count);
        };
        expect(await readBy('read_committed', 3)).toEqual(['a', 'c', 'e']);
        expect(await readBy('read_uncommitted', 5)).toEqual(['a', 'b', 'c', 'd', 'e']);
      });

    it('names in a fetch only what has changed since the last one', async () => {
      const topic = await world.newTopic(20);
      const { host, heard } = listening(world.door.host());
      await using consumer = new Consumer(world.open({}, host), {
        from: 'earliest',
        maxWaitMs: 50,
      });
      await consumer.assign(Array.from({ length: 20 }, (_, partition) => ({ topic, partition })));
      const reading = read(consumer, 1);
      const fetches = () => heard.flatMap(({ fetch }) => fetch ?? []);
      await until('it has asked some times', () => fetches().length >= 3);
      const named = fetches().map(
        ({ sessionEpoch, topics }) =>
          `${sessionEpoch}: ${topics.flatMap(({ partitions }) => partitions).length}`,
      );
      expect(named.slice(0, 3)).toEqual(['0: 20', '1: 0', '2: 0']);
      await world.fill(topic, ['x'], 7);
      expect(await reading).toEqual(['x']);
      const before = fetches().length;
      await until('it has asked again', () => fetches().length >= before + 1);
      const moved = fetches().find(
        ({ sessionEpoch, topics }) => sessionEpoch > 0 && topics.length > 0,
      );
      expect(moved?.topics[0]?.partitions.map(({ partition }) => partition)).toEqual([7]);
    });

    it('finds back to the leader when it takes a wrong epoch for the right one', async () => {
      const topic = await world.newTopic();
      await world.fill(topic, ['a']);
      const { host, heard } = listening(world.door.host());
      const cluster = world.open({}, host);
      await using consumer = new Consumer(cluster, { from: 'earliest', maxWaitMs: 50 });
      await consumer.assign([{ topic, partition: 0 }]);
      expect(await read(consumer, 1)).toEqual(['a']);
      const { nodeId, epoch } = cluster.leader(topic, 0)!;
      // As a hint from nowhere: the broker answers UNKNOWN_LEADER_EPOCH.
      expect(cluster.learnLeader(topic, 0, { leaderId: nodeId, leaderEpoch: epoch + 10 }, [])).toBe(
        true,
      );
      await until('it has asked whether its position is still good', () =>
        heard.some(({ apiKey }) => apiKey === offsetForLeaderEpochRequest.info.key),
      );
      await world.fill(topic, ['b']);
      expect(await read(consumer, 1)).toEqual(['b']);
      expect(cluster.leader(topic, 0)?.epoch).toBe(epoch);
      const epochs = heard.flatMap(({ fetch }) =>
        (fetch?.topics ?? []).flatMap(({ partitions }) =>
          partitions.map(({ currentLeaderEpoch }) => currentLeaderEpoch),
        ),
      );
      expect(epochs.at(-1)).toBe(epoch);
    });

    it('says what the broker has against it', async () => {
      const topic = await world.newTopic();
      await using consumer = new Consumer(world.cluster, { from: 'none' });
      await consumer.assign([{ topic, partition: 0 }]);
      await expect(consumer.poll(soon())).rejects.toThrow(/from. says none/);
      await using other = new Consumer(world.cluster);
      await expect(other.assign([{ topic, partition: 5 }])).rejects.toThrow(
        `${topic}-5: the topic has partitions 0 to 0`,
      );
      await expect(other.assign([{ topic, partition: 5 }])).rejects.toBeInstanceOf(BrokerError);
    });

    it('speaks the newest versions that both sides know', async () => {
      const topic = await world.newTopic();
      const { host, heard } = listening(world.door.host());
      await using consumer = new Consumer(world.open({}, host), { from: 'earliest' });
      await consumer.assign([{ topic, partition: 0 }]);
      await world.fill(topic, ['a']);
      await read(consumer, 1);
      expect(heard.find(({ apiKey }) => apiKey === fetchRequest.info.key)?.version).toBe(12);
    });
  });
}

/** Young enough for any retention. */
const BORN_MS = Date.now();
