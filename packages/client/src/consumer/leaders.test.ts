import { describe, expect, it } from 'vitest';
import { ErrorCode, utf8Decode, utf8Encode } from '@odradek/protocol';
import { Cluster } from '../cluster.ts';
import { Producer } from '../producer/producer.ts';
import { FakeBroker } from '../testing/fake-broker.ts';
import type { ConsumerOptions } from './consumer-options.ts';
import { Consumer } from './consumer.ts';

/** Two nodes, one partition that the first leads, and a consumer that has read the first record. */
async function world(options: ConsumerOptions = {}) {
  const broker = new FakeBroker();
  broker.nodes.set(2, 'other');
  broker.createTopic('t', 1);
  const partition = broker.topics.get('t')![0]!;
  const cluster = new Cluster(broker.host, { bootstrap: [{ host: 'fake', port: 9092 }] });
  const run = <T>(promise: Promise<T>): Promise<T> => broker.clock.runUntil(promise);
  const producer = new Producer(cluster);
  const write = (value: string) => run(producer.send('t', { value: utf8Encode(value) }));
  const consumer = new Consumer(cluster, { from: 'earliest', ...options });
  const next = async (): Promise<string> => {
    const { records } = (await run(consumer.poll(undefined, { maxRecords: 1 })))!;
    for (const record of records) consumer.finished(record);
    return utf8Decode(records[0]!.value!);
  };
  await write('first');
  await run(consumer.assign([{ topic: 't', partition: 0 }]));
  expect(await next()).toBe('first');
  const asks = (name: string): number =>
    broker.askedOf.filter((each) => each.startsWith(name)).length;
  return { broker, cluster, partition, producer, consumer, run, write, next, asks };
}

describe('a consumer that tells its rack', () => {
  it('reads from the nearest replica when the leader sends it there', async () => {
    const { broker, partition, write, next, consumer, run } = await world({ rackId: 'here' });
    partition.nearest = 2;
    await write('second');
    expect(await next()).toBe('second');
    await write('third');
    const before = broker.askedOf.length;
    expect(await next()).toBe('third');
    expect(broker.askedOf.slice(before)).not.toContain('Fetch of 1');
    expect(broker.askedOf.at(-1)).toBe('Fetch of 2');
    await run(consumer.close());
  });

  it('asks the leader again from time to time, since replicas come and go', async () => {
    const { broker, partition, write, next } = await world({
      rackId: 'here',
      metadataMaxAgeMs: 10_000,
    });
    partition.nearest = 2;
    await write('second');
    expect(await next()).toBe('second');
    const before = broker.askedOf.filter((each) => each === 'Fetch of 1').length;
    await broker.clock.advance(15_000);
    expect(broker.askedOf.filter((each) => each === 'Fetch of 1').length).toBe(before + 1);
  });

  it.each([
    ['behind', [0, 1]],
    ['without the oldest records', [5, 9]],
  ] as const)('asks the leader when the replica is %s, and keeps its place', async (_, offsets) => {
    const { broker, partition, write, next, consumer } = await world({ rackId: 'here' });
    partition.nearest = 2;
    await write('second');
    await write('third');
    expect(await next()).toBe('second');
    partition.nearestOffsets = offsets;
    consumer.seek({ topic: 't', partition: 0 }, 2);
    await broker.clock.advance(2000);
    // The leader does not send it away any more.
    partition.nearest = undefined;
    expect(await next()).toBe('third');
    expect(broker.askedOf.filter((each) => each.startsWith('ListOffsets'))).toHaveLength(1);
  });

  it('comes back to the leader when the replica cannot be reached', async () => {
    const { broker, partition, write, next } = await world({ rackId: 'here' });
    partition.nearest = 2;
    await write('second');
    expect(await next()).toBe('second');
    partition.nearest = undefined;
    broker.dropConnections();
    await write('third');
    expect(await next()).toBe('third');
    expect(broker.askedOf.at(-1)).toBe('Fetch of 1');
  });

  it('asks who is there, and does not hurry, when it is sent to a node that it does not know', async () => {
    const { broker, partition, write, next, asks } = await world({ rackId: 'here' });
    partition.nearest = 3;
    const before = asks('Fetch of 1');
    await broker.clock.advance(1000);
    expect(asks('Fetch of 1') - before).toBeLessThan(15);
    broker.nodes.set(3, 'third');
    await write('second');
    expect(await next()).toBe('second');
    expect(broker.askedOf.at(-1)).toBe('Fetch of 3');
  });

  it('does not look for replicas when it has no rack', async () => {
    const { broker, partition, write, next } = await world();
    partition.nearest = 2;
    await write('second');
    expect(await next()).toBe('second');
    expect(broker.askedOf).not.toContain('Fetch of 2');
  });
});

describe('when the leader changes', () => {
  it('an answer that tells the new one saves the question, in consumer and producer', async () => {
    const { broker, partition, write, next, asks } = await world();
    broker.tellsLeaders = true;
    partition.leader = 2;
    partition.epoch = 1;
    const [metadata, startMs] = [asks('Metadata'), broker.clock.monotonicMs()];
    await write('second');
    expect(await next()).toBe('second');
    expect(asks('Metadata')).toBe(metadata);
    // Nothing was waited for either, beyond what the fake network's steps take.
    expect(broker.clock.monotonicMs() - startMs).toBeLessThan(600);
    expect(broker.askedOf.filter((each) => each === 'Produce of 2')).toHaveLength(1);
  });

  it('everybody is asked when the answer does not tell', async () => {
    const { partition, write, next, asks } = await world();
    partition.leader = 2;
    partition.epoch = 1;
    const before = asks('Metadata');
    await write('second');
    expect(await next()).toBe('second');
    expect(asks('Metadata')).toBeGreaterThan(before);
  });

  it('a hint that is older than what is known is not believed', async () => {
    const { cluster } = await world();
    expect(cluster.learnLeader('t', 0, { leaderId: 2, leaderEpoch: 0 }, [])).toBe(false);
    expect(cluster.learnLeader('t', 0, { leaderId: -1, leaderEpoch: 7 }, [])).toBe(false);
    expect(cluster.learnLeader('other', 0, { leaderId: 2, leaderEpoch: 7 }, [])).toBe(false);
    expect(cluster.learnLeader('t', 0, { leaderId: 9, leaderEpoch: 7 }, [])).toBe(false);
    expect(
      cluster.learnLeader('t', 0, { leaderId: 3, leaderEpoch: 8 }, [
        { nodeId: 3, host: 'third', port: 9092 },
      ]),
    ).toBe(true);
    expect(cluster.addressOf(3)).toBe('third:9092');
  });

  it('a consumer whose epoch is over learns the new one and goes on', async () => {
    const { broker, partition, write, next } = await world();
    partition.epoch = 3;
    await write('second');
    expect(await next()).toBe('second');
    expect(broker.errors.size).toBe(0);
  });

  it.each([
    ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
    ErrorCode.INVALID_FETCH_SESSION_EPOCH,
    ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
  ])('a session that the broker does not know any more (%i) is begun anew', async (code) => {
    const { broker, write, next } = await world();
    broker.errors.set('FetchSession', [code]);
    await write('second');
    expect(await next()).toBe('second');
    expect(broker.errors.get('FetchSession')).toEqual([]);
  });

  it('a broker that refuses the whole fetch for good ends the consumer, which says so again and again', async () => {
    const { broker, write, next } = await world();
    broker.errors.set('FetchSession', [ErrorCode.CLUSTER_AUTHORIZATION_FAILED]);
    await write('second');
    await expect(next()).rejects.toThrow('Fetch: CLUSTER_AUTHORIZATION_FAILED');
    await expect(next()).rejects.toThrow('Fetch: CLUSTER_AUTHORIZATION_FAILED');
  });

  it('nothing is lost when errors come and go', async () => {
    const { broker, write, next } = await world();
    broker.errors.set('Fetch', [
      ErrorCode.UNKNOWN_LEADER_EPOCH,
      ErrorCode.REPLICA_NOT_AVAILABLE,
      ErrorCode.OFFSET_NOT_AVAILABLE,
      ErrorCode.KAFKA_STORAGE_ERROR,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    await write('second');
    expect(await next()).toBe('second');
  });
});
