import { buildBatch, crc32cJs, endTxnMarker, ErrorCode, ZERO_UUID } from '@odradek/protocol';
import type { Uuid } from '@odradek/protocol';
import { seededRandom } from '@odradek/ports/testing';
import { describe, expect, it } from 'vitest';
import type { GroupConfig } from './config.ts';
import { CoordinatorLoadError } from './group-coordinator.ts';
import type { RequestContext } from './messages.ts';
import { encodeRecord } from './records/records.ts';
import { FakeBroker } from './testing/fake-broker.ts';
import { subscriptionTo, TestConsumer } from './testing/test-consumer.ts';
import type { TestConsumerOptions } from './testing/test-consumer.ts';

const context: RequestContext = { apiVersion: 9, clientId: 'admin', clientHost: '/127.0.0.1' };
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

function start(config: Partial<GroupConfig> = {}): Promise<FakeBroker> {
  return FakeBroker.start(seededRandom(1), { initialRebalanceDelayMs: 0, ...config });
}

async function stableGroup(
  broker: FakeBroker,
  count: number,
  options: TestConsumerOptions = {},
): Promise<TestConsumer[]> {
  const consumers = Array.from({ length: count }, () => new TestConsumer(broker, options));
  const joins = consumers.map((consumer) => consumer.join());
  await broker.clock.advance(1);
  await Promise.all(joins);
  await Promise.all(consumers.map((consumer) => consumer.sync()));
  return consumers;
}

function describeGroup(broker: FakeBroker, groupId = 'readers', apiVersion = 5) {
  const request = { groups: [groupId], includeAuthorizedOperations: false };
  return broker.coordinator.describeGroups(request, { ...context, apiVersion }).groups[0]!;
}

async function deleteGroup(broker: FakeBroker, groupId = 'readers'): Promise<ErrorCode> {
  return (await broker.coordinator.deleteGroups({ groupsNames: [groupId] })).results[0]!.errorCode;
}

describe('committed offsets', () => {
  it('come back as they were committed', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1);
    const reply = await consumer!.commitAll([
      { topic: 'words', partition: 0, offset: 10, metadata: 'half way' },
      { topic: 'words', partition: 1, offset: 0 },
    ]);
    expect(reply.topics.map((topic) => topic.partitions[0]!.errorCode)).toEqual([0, 0]);
    const asked = {
      groupId: 'readers',
      memberId: null,
      memberEpoch: -1,
      topics: [{ name: 'words', topicId: ZERO_UUID, partitionIndexes: [0, 1, 2] }],
    };
    const fetched = await broker.coordinator.offsetFetch(
      { groupId: '', topics: [], groups: [asked], requireStable: false },
      context,
    );
    expect(fetched.groups![0]).toEqual({
      groupId: 'readers',
      errorCode: 0,
      topics: [
        {
          name: 'words',
          topicId: ZERO_UUID,
          partitions: [
            {
              partitionIndex: 0,
              committedOffset: 10,
              committedLeaderEpoch: 3,
              metadata: 'half way',
              errorCode: 0,
            },
            {
              partitionIndex: 1,
              committedOffset: 0,
              committedLeaderEpoch: 3,
              metadata: '',
              errorCode: 0,
            },
            {
              partitionIndex: 2,
              committedOffset: -1,
              committedLeaderEpoch: -1,
              metadata: '',
              errorCode: 0,
            },
          ],
        },
      ],
    });
  });

  it('are answered, and seen, when they are committed in the log and not before', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1);
    broker.appends = 'hold';
    let answered = false;
    const commit = consumer!.commit(0, 7).then((errorCode) => ((answered = true), errorCode));
    await broker.clock.settle();
    expect(answered).toBe(false);
    expect(await consumer!.committed(0)).toBe(-1);
    // Who asks for stable offsets waits for what is under way.
    const stable = consumer!.committed(0, { requireStable: true });
    broker.commitHeld();
    expect(await commit).toBe(ErrorCode.NONE);
    expect(await stable).toBe(7);
    expect(await consumer!.committed(0)).toBe(7);
  });

  it('are refused one by one: no such partition, metadata too long, an offset that cannot be', async () => {
    const broker = await start({ offsetMetadataMaxBytes: 10 });
    const [consumer] = await stableGroup(broker, 1);
    const reply = await consumer!.commitAll([
      { topic: 'words', partition: 0, offset: 1, metadata: '0123456789' },
      { topic: 'words', partition: 0, offset: 2, metadata: '0123456789a' },
      { topic: 'words', partition: 4, offset: 3 },
      { topic: 'nowhere', partition: 0, offset: 4 },
      { topic: 'words', partition: 1, offset: 2 ** 60 },
    ]);
    expect(reply.topics.map((topic) => topic.partitions[0]!.errorCode)).toEqual([
      ErrorCode.NONE,
      ErrorCode.OFFSET_METADATA_TOO_LARGE,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.OFFSET_OUT_OF_RANGE,
    ]);
    expect(await consumer!.committed(0)).toBe(1);
  });

  it('may come from a consumer that assigns itself, as long as the group has no members', async () => {
    const broker = await start();
    const simple = new TestConsumer(broker);
    expect(await simple.commit(0, 5)).toBe(ErrorCode.NONE);
    expect(describeGroup(broker)).toMatchObject({
      groupState: 'Empty',
      protocolType: '',
      members: [],
    });
    const [member] = await stableGroup(broker, 1);
    expect(await simple.commit(0, 6)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(await simple.committed(0)).toBe(5);
    member!.leave();
    await broker.clock.settle();
    expect(await simple.commit(0, 6)).toBe(ErrorCode.NONE);
  });

  it('may be kept under the empty group id, as of old', async () => {
    const broker = await start();
    const nameless = new TestConsumer(broker, { groupId: '' });
    expect(await nameless.commit(0, 5)).toBe(ErrorCode.NONE);
    expect(await nameless.committed(0)).toBe(5);
  });

  it('are refused to who is not in the generation', async () => {
    const broker = await start();
    const stranger = new TestConsumer(broker);
    stranger.memberId = 'stranger';
    stranger.generation = 3;
    const commit = async (apiVersion: number) =>
      (await stranger.commitAll([{ topic: 'words', partition: 0, offset: 1 }], apiVersion))
        .topics[0]!.partitions[0]!.errorCode;
    expect(await commit(8)).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(await commit(9)).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    await stableGroup(broker, 1);
    expect(await commit(9)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('keep the session alive', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1);
    for (let second = 0; second < 30; second += 9) {
      await broker.clock.advance(9_000);
      expect(await consumer!.commit(0, second)).toBe(ErrorCode.NONE);
    }
    expect(consumer!.heartbeat()).toBe(ErrorCode.NONE);
  });

  it('can be asked for in all versions', async () => {
    const broker = await start();
    await new TestConsumer(broker).commit(0, 5);
    broker.addTopic('more', 1);
    await new TestConsumer(broker).commit(0, 6, 'more');
    const fetch = (
      apiVersion: number,
      topics: readonly { name: string; partitionIndexes: number[] }[] | null,
    ) =>
      broker.coordinator.offsetFetch(
        { groupId: 'readers', topics, groups: [], requireStable: false },
        { ...context, apiVersion },
      );
    const all = await fetch(2, null);
    expect(all.errorCode).toBe(ErrorCode.NONE);
    expect(
      all.topics!.map(({ name, partitions }) => [
        name,
        partitions.map((partition) => partition.committedOffset),
      ]),
    ).toEqual([
      ['words', [5]],
      ['more', [6]],
    ]);
    expect((await fetch(7, [])).topics).toEqual([]);
    const groups = [
      { groupId: 'readers', memberId: null, memberEpoch: -1, topics: null },
      { groupId: 'others', memberId: null, memberEpoch: -1, topics: null },
    ];
    const many = await broker.coordinator.offsetFetch(
      { groupId: '', topics: [], groups, requireStable: true },
      { ...context, apiVersion: 9 },
    );
    expect(
      many.groups!.map(({ groupId, topics, errorCode }) => [groupId, topics.length, errorCode]),
    ).toEqual([
      ['readers', 2, 0],
      ['others', 0, 0],
    ]);
  });

  it('can be committed and asked for by topic id', async () => {
    const broker = await start();
    const topicId = broker.topicId('words')!;
    const unknownId = 'f'.repeat(32) as Uuid;
    const partitions = [
      { partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: 1, committedMetadata: null },
    ];
    const commit = {
      groupId: 'readers',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1,
      topics: [
        { name: '', topicId, partitions },
        { name: '', topicId: unknownId, partitions },
      ],
    };
    const by10 = { ...context, apiVersion: 10 };
    const committed = await broker.coordinator.offsetCommit(commit, by10);
    expect(
      committed.topics.map((topic) => [topic.topicId, topic.partitions[0]!.errorCode]),
    ).toEqual([
      [topicId, 0],
      [unknownId, ErrorCode.UNKNOWN_TOPIC_ID],
    ]);

    const asked = [topicId, unknownId].map((id) => ({
      name: '',
      topicId: id,
      partitionIndexes: [0],
    }));
    const fetch = (topics: typeof asked | null) =>
      broker.coordinator.offsetFetch(
        {
          groupId: '',
          topics: [],
          groups: [{ groupId: 'readers', memberId: null, memberEpoch: -1, topics }],
          requireStable: false,
        },
        by10,
      );
    const fetched = (await fetch(asked)).groups![0]!;
    expect(
      fetched.topics.map((topic) => [
        topic.topicId,
        topic.partitions[0]!.committedOffset,
        topic.partitions[0]!.errorCode,
      ]),
    ).toEqual([
      [topicId, 5, 0],
      [unknownId, -1, ErrorCode.UNKNOWN_TOPIC_ID],
    ]);
    expect((await fetch(null)).groups![0]!.topics).toMatchObject([{ topicId }]);

    // The name now means another topic.
    broker.topics.set('words', { topicId: 'e'.repeat(32) as Uuid, partitions: 1 });
    const renewed = (
      await fetch([{ name: '', topicId: 'e'.repeat(32) as Uuid, partitionIndexes: [0] }])
    ).groups![0]!;
    expect(renewed.topics[0]!.partitions[0]!.committedOffset).toBe(-1);
  });
});

describe('when the log refuses', () => {
  it.each([
    [ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR],
    [ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NOT_COORDINATOR],
    [ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.UNKNOWN_SERVER_ERROR],
    [ErrorCode.INVALID_RECORD, ErrorCode.INVALID_RECORD],
  ])('with %i, who commits is told %i, and the old offset stays', async (refusal, told) => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1);
    await consumer!.commit(0, 1);
    broker.appends = { refuse: refusal };
    expect(await consumer!.commit(0, 2)).toBe(told);
    expect(await consumer!.committed(0)).toBe(1);
    expect(consumer!.heartbeat()).toBe(ErrorCode.NONE);
  });

  it('an assignment, all members are told and join again', async () => {
    const broker = await start();
    const consumers = [new TestConsumer(broker), new TestConsumer(broker)];
    const joins = consumers.map((consumer) => consumer.join());
    await broker.clock.advance(1);
    await Promise.all(joins);
    broker.appends = { refuse: ErrorCode.NOT_ENOUGH_REPLICAS };
    const synced = await Promise.all(consumers.map((consumer) => consumer.sync()));
    expect(synced.map((reply) => reply.errorCode)).toEqual([
      ErrorCode.COORDINATOR_NOT_AVAILABLE,
      ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ]);
    expect(consumers.map((consumer) => consumer.heartbeat())).toEqual([
      ErrorCode.REBALANCE_IN_PROGRESS,
      ErrorCode.REBALANCE_IN_PROGRESS,
    ]);
    broker.appends = 'commit';
    await Promise.all(consumers.map((consumer) => consumer.join()));
    await Promise.all(consumers.map((consumer) => consumer.sync()));
    expect(consumers.map((consumer) => consumer.heartbeat())).toEqual([0, 0]);
    expect(consumers[0]!.generation).toBe(2);
  });

  it('to say what became of an append, who waits is told in time', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1, { sessionTimeoutMs: 60_000 });
    broker.appends = 'hold';
    const commit = consumer!.commit(0, 9);
    const stable = broker.coordinator.offsetFetch(
      {
        groupId: '',
        topics: [],
        groups: [{ groupId: 'readers', memberId: null, memberEpoch: -1, topics: null }],
        requireStable: true,
      },
      context,
    );
    await broker.clock.advance(5_000);
    expect(await commit).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect((await stable).groups![0]!.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    // It was in the log after all.
    broker.commitHeld();
    await broker.clock.settle();
    expect(await consumer!.committed(0)).toBe(9);
  });

  it('the note that a group is empty, its members are known in memory to be gone', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1);
    broker.appends = { refuse: ErrorCode.NOT_ENOUGH_REPLICAS };
    consumer!.leave();
    await broker.clock.settle();
    expect(describeGroup(broker).groupState).toBe('Empty');
    broker.appends = 'commit';
    const [next] = await stableGroup(broker, 1);
    expect(next!.generation).toBe(3);
  });

  it('with an exception, that is a refusal, too', async () => {
    const broker = await start();
    broker.append = () => Promise.reject(new Error('the log is closed'));
    expect(await new TestConsumer(broker).commit(0, 1)).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
  });
});

describe('a restart', () => {
  it('finds every group as it was: the same generation goes on', async () => {
    const broker = await start();
    const consumers = await stableGroup(broker, 3);
    await consumers[0]!.commit(0, 100);
    await consumers[1]!.commit(1, 200);
    const before = describeGroup(broker);
    await broker.restart();
    expect(describeGroup(broker)).toEqual(before);
    expect(consumers.map((consumer) => consumer.heartbeat())).toEqual([0, 0, 0]);
    expect(await consumers[0]!.committed(0)).toBe(100);
    expect(await consumers[1]!.committed(1)).toBe(200);
    expect((await consumers[2]!.sync()).errorCode).toBe(ErrorCode.NONE);
    expect(consumers[2]!.assignment).toBe(`for ${consumers[2]!.memberId}`);
    expect(await consumers[2]!.commit(2, 300)).toBe(ErrorCode.NONE);
    // Sessions began anew.
    await broker.clock.advance(9_999);
    expect(consumers[0]!.heartbeat()).toBe(ErrorCode.NONE);
    await broker.clock.advance(1);
    expect(consumers[0]!.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });

  it('forgets what was not committed', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1);
    await consumer!.commit(0, 1);
    broker.appends = 'hold';
    const commit = consumer!.commit(0, 2);
    const late = new TestConsumer(broker).join();
    await broker.clock.settle();
    await broker.restart();
    expect(await commit).toBe(ErrorCode.NOT_COORDINATOR);
    expect((await late).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(await consumer!.committed(0)).toBe(1);
  });

  it('finds empty groups empty, and goes on counting their generations', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1);
    consumer!.leave();
    await broker.clock.settle();
    await broker.restart();
    expect(describeGroup(broker)).toMatchObject({ groupState: 'Empty', protocolType: 'consumer' });
    const [next] = await stableGroup(broker, 1);
    expect(next!.generation).toBe(3);
  });
});

describe('loading', () => {
  it('keeps everybody waiting at ease, and then serves', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1);
    let release = (): void => {};
    const slow = new Promise<void>((resolve) => (release = resolve));
    const log = broker.logs.get(0)!;
    const loading = broker.coordinator.load(
      0,
      2,
      (async function* () {
        await slow;
        yield* log;
      })(),
    );
    expect(consumer!.heartbeat()).toBe(ErrorCode.NONE);
    expect((await consumer!.joinOnce()).errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    expect((await consumer!.sync()).errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    expect(await consumer!.commit(0, 1)).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    expect(consumer!.leave()).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    expect(describeGroup(broker).errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    expect(await deleteGroup(broker)).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    expect(broker.coordinator.listGroups({ statesFilter: [], typesFilter: [] }).errorCode).toBe(
      ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    );
    release();
    await loading;
    expect(consumer!.heartbeat()).toBe(ErrorCode.NONE);
    expect((await consumer!.sync()).errorCode).toBe(ErrorCode.NONE);
  });

  it('gives way to a later epoch, and ignores an earlier one', async () => {
    const broker = await start();
    await new TestConsumer(broker).commit(0, 5);
    let release = (): void => {};
    const slow = new Promise<void>((resolve) => (release = resolve));
    const overtaken = broker.coordinator.load(
      0,
      2,
      (async function* () {
        await slow;
        yield* broker.logs.get(0)!;
      })(),
    );
    await broker.coordinator.load(0, 3, (async function* () {})());
    release();
    await overtaken;
    await broker.coordinator.load(
      0,
      2,
      (async function* () {
        yield* broker.logs.get(0)!;
      })(),
    );
    expect(await new TestConsumer(broker).committed(0)).toBe(-1);
  });

  it('that fails leaves the partition without a coordinator', async () => {
    const broker = await start();
    const broken = (async function* (): AsyncGenerator<Uint8Array> {
      yield broker.logs.get(0)?.[0] ?? new Uint8Array(0);
      throw new Error('a bad sector');
    })();
    await expect(broker.coordinator.load(0, 2, broken)).rejects.toThrow(CoordinatorLoadError);
    expect(new TestConsumer(broker).heartbeat()).toBe(ErrorCode.NOT_COORDINATOR);
    await broker.coordinator.load(0, 3, (async function* () {})());
    expect(await new TestConsumer(broker).commit(0, 1)).toBe(ErrorCode.NONE);
  });

  it('passes over what it does not know', async () => {
    const broker = await start();
    const timestampMs = 0;
    const known = encodeRecord({
      type: 'offsetCommit',
      groupId: 'readers',
      topic: 'words',
      partition: 0,
      value: {
        offset: 7,
        leaderEpoch: -1,
        metadata: '',
        commitTimestampMs: 0,
        expireTimestampMs: -1,
        topicId: ZERO_UUID,
      },
    });
    const strange = [
      { timestampMs, key: Uint8Array.of(0, 3, 0, 1, 103), value: Uint8Array.of(0, 0, 1, 2, 3) },
      { timestampMs, key: null, value: null },
      { timestampMs, key: known.key, value: Uint8Array.of(0, 99) },
      { timestampMs, key: Uint8Array.of(0, 1, 0), value: null },
      { timestampMs, key: known.key, value: Uint8Array.of(0, 3, 1) },
    ];
    const later = { ...known, timestampMs, key: known.key.with(-1, 1) };
    const batches = [
      buildBatch({ records: [{ timestampMs, ...known }, ...strange], crc32c: crc32cJs }),
      // Offsets of transactions are not seen, nor is the end of one.
      buildBatch({
        records: [later],
        crc32c: crc32cJs,
        isTransactional: true,
        producerId: 1,
        producerEpoch: 0,
        baseSequence: 0,
      }),
      buildBatch({
        records: [endTxnMarker('commit', 0, 0)],
        crc32c: crc32cJs,
        isTransactional: true,
        isControl: true,
        producerId: 1,
        producerEpoch: 0,
      }),
    ];
    await broker.coordinator.load(
      0,
      2,
      (async function* () {
        yield* batches;
      })(),
    );
    expect(await new TestConsumer(broker).committed(0)).toBe(7);
    expect(await new TestConsumer(broker).committed(1)).toBe(-1);
  });
});

describe('unloading', () => {
  it('sends everybody to the new coordinator', async () => {
    const broker = await start();
    const [first, second] = await stableGroup(broker, 2);
    const late = new TestConsumer(broker).join();
    await broker.clock.settle();
    const joining = first!.join();
    broker.appends = 'hold';
    const commit = second!.commit(0, 1);
    await broker.clock.settle();
    broker.coordinator.unload(0);
    expect((await late).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect((await joining).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(await commit).toBe(ErrorCode.NOT_COORDINATOR);
    expect(second!.heartbeat()).toBe(ErrorCode.NOT_COORDINATOR);
    expect(describeGroup(broker).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(broker.coordinator.listGroups({ statesFilter: [], typesFilter: [] })).toEqual({
      errorCode: 0,
      groups: [],
    });
    // Nothing but the expiry of offsets runs on.
    expect(broker.clock.pendingTimers).toBe(1);
  });

  it('answers the syncs that wait', async () => {
    const broker = await start();
    const consumers = [new TestConsumer(broker), new TestConsumer(broker)];
    const joins = consumers.map((consumer) => consumer.join());
    await broker.clock.advance(1);
    await Promise.all(joins);
    const sync = consumers[1]!.sync();
    broker.coordinator.unload(0);
    expect((await sync).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  });

  it('is for good when the coordinator closes', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1);
    broker.coordinator.close();
    expect(consumer!.heartbeat()).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect((await consumer!.joinOnce()).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(await consumer!.commit(0, 1)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    await broker.coordinator.load(0, 9, (async function* () {})());
    expect(consumer!.heartbeat()).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(broker.clock.pendingTimers).toBe(0);
  });

  it('concerns one partition and no other', async () => {
    const broker = await start({ offsetsTopicPartitions: 2 });
    const groupIds = ['a', 'b'];
    expect(groupIds.map((groupId) => broker.coordinator.partitionFor(groupId))).toEqual([1, 0]);
    const members = await Promise.all(
      groupIds.map((groupId) => stableGroup(broker, 1, { groupId })),
    );
    broker.coordinator.unload(1);
    expect(members.map(([member]) => member!.heartbeat())).toEqual([
      ErrorCode.NOT_COORDINATOR,
      ErrorCode.NONE,
    ]);
  });
});

describe('offsets expire', () => {
  it('a week after a simple consumer committed them', async () => {
    const broker = await start();
    const simple = new TestConsumer(broker);
    await simple.commit(0, 1);
    await broker.clock.advance(3 * DAY_MS);
    await simple.commit(1, 1);
    await broker.clock.advance(4 * DAY_MS + 10 * MINUTE_MS);
    expect([await simple.committed(0), await simple.committed(1)]).toEqual([-1, 1]);
    await broker.restart();
    expect([await simple.committed(0), await simple.committed(1)]).toEqual([-1, 1]);
    await broker.clock.advance(3 * DAY_MS);
    expect(await simple.committed(1)).toBe(-1);
    expect(describeGroup(broker).groupState).toBe('Dead');
  });

  it('a week after the last member left, and the group with them', async () => {
    const broker = await start({ maxSessionTimeoutMs: 30 * DAY_MS });
    const [consumer] = await stableGroup(broker, 1, { sessionTimeoutMs: 20 * DAY_MS });
    await consumer!.commit(0, 1);
    await broker.clock.advance(8 * DAY_MS);
    consumer!.leave();
    await broker.clock.advance(6 * DAY_MS);
    await broker.restart();
    await broker.clock.advance(DAY_MS - 10 * MINUTE_MS);
    expect(await consumer!.committed(0)).toBe(1);
    expect(describeGroup(broker).groupState).toBe('Empty');
    await broker.clock.advance(20 * MINUTE_MS);
    expect(await consumer!.committed(0)).toBe(-1);
    expect(describeGroup(broker).groupState).toBe('Dead');
    await broker.restart();
    expect(describeGroup(broker).groupState).toBe('Dead');
  });

  it('not while the group consumes the topic, but those of topics that it has left', async () => {
    const broker = await start({ maxSessionTimeoutMs: 30 * DAY_MS });
    broker.addTopic('former', 1);
    const [consumer] = await stableGroup(broker, 1, { sessionTimeoutMs: 20 * DAY_MS });
    await consumer!.commit(0, 1);
    await consumer!.commit(0, 2, 'former');
    await broker.clock.advance(8 * DAY_MS);
    expect(consumer!.heartbeat()).toBe(ErrorCode.NONE);
    expect([
      await consumer!.committed(0),
      await consumer!.committed(0, { topic: 'former' }),
    ]).toEqual([1, -1]);
  });

  it('never while members are there whose topics nobody knows', async () => {
    const broker = await start({ maxSessionTimeoutMs: 30 * DAY_MS });
    const [consumer] = await stableGroup(broker, 1, {
      sessionTimeoutMs: 20 * DAY_MS,
      protocolType: 'connect',
    });
    await consumer!.commit(0, 1);
    await broker.clock.advance(8 * DAY_MS);
    expect(await consumer!.committed(0)).toBe(1);
  });

  it('when the client said so', async () => {
    const broker = await start();
    const partitions = [
      { partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: 1, committedMetadata: null },
    ];
    const request = {
      groupId: 'readers',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: 60 * MINUTE_MS,
      topics: [{ name: 'words', topicId: ZERO_UUID, partitions }],
    };
    await broker.coordinator.offsetCommit(request, { ...context, apiVersion: 4 });
    await broker.restart();
    await broker.clock.advance(59 * MINUTE_MS);
    const consumer = new TestConsumer(broker);
    expect(await consumer.committed(0)).toBe(5);
    await broker.clock.advance(11 * MINUTE_MS);
    expect(await consumer.committed(0)).toBe(-1);
  });

  it.each([2 ** 63, -(2 ** 63), -2])('even when the client says %s ms', async (retentionTimeMs) => {
    const broker = await start();
    const partitions = [
      { partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: 1, committedMetadata: null },
    ];
    const request = {
      groupId: 'readers',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs,
      topics: [{ name: 'words', topicId: ZERO_UUID, partitions }],
    };
    const reply = await broker.coordinator.offsetCommit(request, { ...context, apiVersion: 4 });
    expect(reply.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NONE);
    expect(await new TestConsumer(broker).committed(0)).toBe(5);
    await broker.restart();
    await broker.clock.advance(8 * DAY_MS);
    expect(await new TestConsumer(broker).committed(0)).toBe(retentionTimeMs > 0 ? 5 : -1);
  });

  it('not under a commit that is on its way', async () => {
    const broker = await start();
    const simple = new TestConsumer(broker);
    await simple.commit(0, 1);
    await broker.clock.advance(7 * DAY_MS - 5 * MINUTE_MS);
    broker.appends = 'hold';
    void simple.commit(0, 2);
    await broker.clock.advance(5 * MINUTE_MS + 10 * MINUTE_MS);
    broker.appends = 'commit';
    broker.commitHeld();
    await broker.clock.settle();
    expect(await simple.committed(0)).toBe(2);
  });
});

describe('deleting', () => {
  it('a group removes it with all its offsets, also from the log', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1);
    for (let partition = 0; partition < 4; partition++)
      await consumer!.commit(partition, partition);
    expect(await deleteGroup(broker)).toBe(ErrorCode.NON_EMPTY_GROUP);
    consumer!.leave();
    await broker.clock.settle();
    expect(await deleteGroup(broker)).toBe(ErrorCode.NONE);
    expect(await deleteGroup(broker)).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    expect(await consumer!.committed(0)).toBe(-1);
    await broker.restart();
    expect(describeGroup(broker).groupState).toBe('Dead');
    expect(await consumer!.committed(0)).toBe(-1);
    const [next] = await stableGroup(broker, 1);
    expect(next!.generation).toBe(1);
  });

  it('a group also removes what is on its way into the log', async () => {
    const broker = await start();
    broker.appends = 'hold';
    const simple = new TestConsumer(broker);
    const commit = simple.commit(0, 1);
    await simple.committed(0);
    // Nothing is committed yet, so there is no such group; a moment later there would be.
    expect(await deleteGroup(broker)).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    broker.commitHeld();
    await commit;
    const second = simple.commit(1, 1);
    const deleted = deleteGroup(broker);
    broker.commitHeld();
    expect([await second, await deleted]).toEqual([ErrorCode.NONE, ErrorCode.NONE]);
    expect([await simple.committed(0), await simple.committed(1)]).toEqual([-1, -1]);
    expect(describeGroup(broker).groupState).toBe('Dead');
  });

  it('many offsets takes several batches', async () => {
    const broker = await start();
    broker.config = {
      ...broker.config,
      limits: { ...broker.config.limits, tombstonesPerBatchMax: 3 },
    };
    broker.addTopic('wide', 10);
    const simple = new TestConsumer(broker);
    await simple.commitAll(
      Array.from({ length: 10 }, (_, partition) => ({ topic: 'wide', partition, offset: 1 })),
    );
    const batches = broker.logs.get(0)!.length;
    expect(await deleteGroup(broker)).toBe(ErrorCode.NONE);
    expect(broker.logs.get(0)!.length - batches).toBe(4);
  });

  it('a group that cannot be deleted leaves it as it was', async () => {
    const broker = await start();
    const simple = new TestConsumer(broker);
    await simple.commit(0, 1);
    broker.appends = { refuse: ErrorCode.NOT_ENOUGH_REPLICAS };
    expect(await deleteGroup(broker)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(await simple.committed(0)).toBe(1);
  });

  it('a group that cannot be deleted goes on counting its generations', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1);
    consumer!.leave();
    await broker.clock.settle();
    const next = new TestConsumer(broker);
    next.memberId = (await next.joinOnce()).memberId;
    broker.appends = { refuse: ErrorCode.NOT_ENOUGH_REPLICAS };
    expect(await deleteGroup(broker)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    const join = next.join();
    await broker.clock.advance(1);
    expect(await join).toMatchObject({ generationId: 3 });
  });

  it('a group lets those in that were about to join', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1);
    consumer!.leave();
    await broker.clock.settle();
    const next = new TestConsumer(broker);
    next.memberId = (await next.joinOnce()).memberId;
    expect(await deleteGroup(broker)).toBe(ErrorCode.NONE);
    const join = next.join();
    await broker.clock.advance(1);
    expect(await join).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1 });
  });

  it('single offsets is refused for topics that the group consumes', async () => {
    const broker = await start();
    broker.addTopic('former', 2);
    const [consumer] = await stableGroup(broker, 1);
    await consumer!.commit(0, 1);
    await consumer!.commit(0, 2, 'former');
    const partitions = [{ partitionIndex: 0 }, { partitionIndex: 9 }];
    const topics = ['words', 'former'].map((name) => ({ name, partitions }));
    const reply = await broker.coordinator.offsetDelete({ groupId: 'readers', topics });
    expect(reply.errorCode).toBe(ErrorCode.NONE);
    expect(
      reply.topics.map((topic) => topic.partitions.map((partition) => partition.errorCode)),
    ).toEqual([
      [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      [ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    expect([
      await consumer!.committed(0),
      await consumer!.committed(0, { topic: 'former' }),
    ]).toEqual([1, -1]);
  });

  it('single offsets is refused for groups that nobody knows, or whose topics nobody knows', async () => {
    const broker = await start();
    const topics = [{ name: 'words', partitions: [{ partitionIndex: 0 }] }];
    expect((await broker.coordinator.offsetDelete({ groupId: 'nobody', topics })).errorCode).toBe(
      ErrorCode.GROUP_ID_NOT_FOUND,
    );
    expect((await broker.coordinator.offsetDelete({ groupId: '', topics })).errorCode).toBe(
      ErrorCode.INVALID_GROUP_ID,
    );
    await stableGroup(broker, 1, { protocolType: 'connect' });
    expect((await broker.coordinator.offsetDelete({ groupId: 'readers', topics })).errorCode).toBe(
      ErrorCode.NON_EMPTY_GROUP,
    );
  });

  it('a topic takes its offsets with it, those that are on their way, too', async () => {
    const broker = await start();
    broker.addTopic('doomed', 2);
    const simple = new TestConsumer(broker);
    await simple.commit(0, 1);
    await simple.commit(0, 2, 'doomed');
    broker.appends = 'hold';
    void simple.commit(1, 3, 'doomed');
    broker.coordinator.onTopicsDeleted(['doomed', 'never was']);
    broker.commitHeld();
    await broker.clock.settle();
    broker.appends = 'commit';
    const asked = [0, 1].map((partition) => simple.committed(partition, { topic: 'doomed' }));
    expect([await simple.committed(0), ...(await Promise.all(asked))]).toEqual([1, -1, -1]);
  });

  it('a topic while the log is read takes its offsets, too', async () => {
    const broker = await start();
    const simple = new TestConsumer(broker);
    await simple.commit(0, 1);
    let release = (): void => {};
    const slow = new Promise<void>((resolve) => (release = resolve));
    const log = [...broker.logs.get(0)!];
    const loading = broker.coordinator.load(
      0,
      2,
      (async function* () {
        yield* log;
        await slow;
      })(),
    );
    await broker.clock.settle();
    broker.coordinator.onTopicsDeleted(['words']);
    release();
    await loading;
    await broker.clock.settle();
    expect(await simple.committed(0)).toBe(-1);
  });
});

describe('describing and listing', () => {
  it('shows members as they are', async () => {
    const broker = await start();
    const [consumer] = await stableGroup(broker, 1, { groupInstanceId: 'one', clientId: 'host-1' });
    expect(describeGroup(broker)).toEqual({
      errorCode: 0,
      groupId: 'readers',
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
      members: [
        {
          memberId: consumer!.memberId,
          groupInstanceId: 'one',
          clientId: 'host-1',
          clientHost: '/127.0.0.1',
          memberMetadata: subscriptionTo('words'),
          memberAssignment: new TextEncoder().encode(consumer!.assignment),
        },
      ],
    });
    void new TestConsumer(broker).join();
    await broker.clock.settle();
    expect(describeGroup(broker)).toMatchObject({
      groupState: 'PreparingRebalance',
      protocolData: '',
    });
  });

  it('says of an unknown group what each version understands', async () => {
    const broker = await start();
    expect(describeGroup(broker, 'nobody', 5)).toMatchObject({ errorCode: 0, groupState: 'Dead' });
    expect(describeGroup(broker, 'nobody', 6)).toMatchObject({
      errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
      groupState: 'Dead',
    });
  });

  it('lists by state and type', async () => {
    const broker = await start();
    await stableGroup(broker, 1);
    await new TestConsumer(broker, { groupId: 'simple' }).commit(0, 1);
    const list = (statesFilter: string[], typesFilter: string[]) =>
      broker.coordinator
        .listGroups({ statesFilter, typesFilter })
        .groups.map(({ groupId, groupState }) => `${groupId} ${groupState}`);
    expect(list([], [])).toEqual(['readers Stable', 'simple Empty']);
    expect(list(['stable'], [])).toEqual(['readers Stable']);
    expect(list(['Empty', 'Dead'], ['Classic'])).toEqual(['simple Empty']);
    expect(list([], ['consumer'])).toEqual([]);
    expect(
      broker.coordinator.listGroups({ statesFilter: [], typesFilter: [] }).groups[0],
    ).toMatchObject({ protocolType: 'consumer', groupType: 'classic' });
  });
});
