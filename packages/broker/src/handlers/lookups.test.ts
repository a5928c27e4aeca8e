/** What a client may look up: offsets, epochs, producers, sizes, topics, brokers. */
import { ErrorCode, utf8Encode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { api } from '../testing/api.ts';
import { wire } from '../testing/security.ts';
import { createTopic, fetchFrom, produce } from '../testing/stories.ts';
import { startTestBroker, type TestClient } from '../testing/test-broker.ts';

const listOffset = async (
  client: TestClient,
  timestamp: number,
  more: { version?: number; epoch?: number; isolationLevel?: number; topic?: string } = {},
) => {
  const { topics } = await client.request(api.listOffsets, more.version ?? 11, {
    replicaId: -1,
    isolationLevel: more.isolationLevel ?? 0,
    topics: [
      {
        name: more.topic ?? 'words',
        partitions: [{ partitionIndex: 0, timestamp, currentLeaderEpoch: more.epoch ?? -1 }],
      },
    ],
  });
  return topics[0]!.partitions[0]!;
};

const withTopic = async (partitions = 1) => {
  const broker = await startTestBroker();
  const client = broker.connect();
  await createTopic(client, 'words', partitions);
  return { ...broker, client };
};

describe('an offset', () => {
  it('is found by its name or by time', async () => {
    const { client, stop } = await withTopic();
    for (const [value, timestampMs] of [
      ['a', 1000],
      ['b', 3000],
      ['c', 2000],
    ] as const) {
      await produce(client, 'words', [value], { timestampMs });
    }
    await client.request(api.deleteRecords, 2, {
      topics: [{ name: 'words', partitions: [{ partitionIndex: 0, offset: 1 }] }],
      timeoutMs: 1000,
    });
    const [latest, earliest, maximum, local, tiered, pending] = [-1, -2, -3, -4, -5, -6];
    expect(await listOffset(client, latest!)).toMatchObject({
      errorCode: 0,
      offset: 3,
      timestamp: -1,
      leaderEpoch: 0,
    });
    expect(await listOffset(client, earliest!)).toMatchObject({
      errorCode: 0,
      offset: 1,
      timestamp: -1,
      leaderEpoch: 0,
    });
    expect(await listOffset(client, maximum!)).toMatchObject({
      errorCode: 0,
      offset: 1,
      timestamp: 3000,
    });
    expect(await listOffset(client, local!)).toMatchObject({ errorCode: 0, offset: 1 });
    expect(await listOffset(client, tiered!)).toMatchObject({ errorCode: 0, offset: -1 });
    expect(await listOffset(client, pending!)).toMatchObject({ errorCode: 0, offset: -1 });
    expect(await listOffset(client, 0)).toMatchObject({
      offset: 1,
      timestamp: 3000,
      leaderEpoch: 0,
    });
    expect(await listOffset(client, 3000)).toMatchObject({ offset: 1 });
    expect(await listOffset(client, 3001)).toMatchObject({
      errorCode: 0,
      offset: -1,
      timestamp: -1,
    });
    await stop();
  });

  it('is known of an empty topic, too', async () => {
    const { client, stop } = await withTopic();
    expect(await listOffset(client, -2)).toMatchObject({ offset: 0, leaderEpoch: 0 });
    expect(await listOffset(client, -1)).toMatchObject({ offset: 0, leaderEpoch: 0 });
    expect(await listOffset(client, -3)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
    await stop();
  });

  it('by a name is asked for from the version on that has it', async () => {
    const { client, stop } = await withTopic();
    await produce(client, 'words', ['a']);
    for (const [name, since] of [
      [-3, 7],
      [-4, 8],
      [-5, 9],
      [-6, 11],
    ] as const) {
      expect((await listOffset(client, name, { version: since })).errorCode).toBe(ErrorCode.NONE);
      expect((await listOffset(client, name, { version: since - 1 })).errorCode).toBe(
        ErrorCode.UNSUPPORTED_VERSION,
      );
    }
    expect((await listOffset(client, -7)).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    await stop();
  });

  it('is refused by epoch, for what is not there, and for what is named twice', async () => {
    const { client, stop } = await withTopic();
    expect((await listOffset(client, -1, { epoch: 3 })).errorCode).toBe(
      ErrorCode.UNKNOWN_LEADER_EPOCH,
    );
    expect((await listOffset(client, -1, { epoch: 0 })).errorCode).toBe(ErrorCode.NONE);
    expect((await listOffset(client, -1, { topic: 'none' })).errorCode).toBe(
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    );
    const asked = { partitionIndex: 0, timestamp: -1 };
    const { topics } = await client.request(api.listOffsets, 7, {
      replicaId: -1,
      topics: [{ name: 'words', partitions: [asked, asked] }],
    });
    expect(topics[0]!.partitions.map((it) => it.errorCode)).toEqual([
      ErrorCode.INVALID_REQUEST,
      ErrorCode.INVALID_REQUEST,
    ]);
    await stop();
  });
});

describe('the end of a leader epoch', () => {
  const endOf = async (client: TestClient, leaderEpoch: number, currentLeaderEpoch = -1) => {
    const { topics } = await client.request(api.offsetForLeaderEpoch, 4, {
      replicaId: -1,
      topics: [{ topic: 'words', partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }] }],
    });
    const { errorCode, leaderEpoch: epoch, endOffset } = topics[0]!.partitions[0]!;
    return [errorCode, epoch, endOffset];
  };

  it('is known over power cuts, also of epochs without a record', async () => {
    let broker = await startTestBroker();
    await createTopic(broker.connect(), 'words');
    expect(await endOf(broker.connect(), 0)).toEqual([0, 0, 0]);
    await produce(broker.connect(), 'words', ['a', 'b']);
    broker = await broker.crash();
    // Nothing was written since, and a consumer at the end must not be told that its place is gone.
    expect(await endOf(broker.connect(), 1)).toEqual([0, 1, 2]);
    expect(await endOf(broker.connect(), 0)).toEqual([0, 0, 2]);
    broker = await broker.crash();
    await produce(broker.connect(), 'words', ['c']);
    expect(await endOf(broker.connect(), 0)).toEqual([0, 0, 2]);
    expect(await endOf(broker.connect(), 1)).toEqual([0, 0, 2]);
    expect(await endOf(broker.connect(), 2)).toEqual([0, 2, 3]);
    expect(await endOf(broker.connect(), 3)).toEqual([0, -1, -1]);
    expect((await endOf(broker.connect(), 2, 1))[0]).toBe(ErrorCode.FENCED_LEADER_EPOCH);
    expect((await endOf(broker.connect(), 2, 5))[0]).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    await broker.stop();
  });
});

describe('the producers of a partition', () => {
  it('are those that it remembers', async () => {
    const { client, stop } = await withTopic();
    const ask = async (name: string, partition = 0) =>
      (
        await client.request(api.describeProducers, 0, {
          topics: [{ name, partitionIndexes: [partition] }],
        })
      ).topics[0]!.partitions[0]!;
    expect(await ask('words')).toMatchObject({ errorCode: 0, activeProducers: [] });
    await produce(client, 'words', ['a', 'b'], {
      producerId: 7,
      producerEpoch: 1,
      baseSequence: 0,
      timestampMs: 5000,
    });
    expect((await ask('words')).activeProducers).toEqual([
      {
        producerId: 7,
        producerEpoch: 1,
        lastSequence: 1,
        lastTimestamp: 5000,
        coordinatorEpoch: -1,
        currentTxnStartOffset: -1,
      },
    ]);
    expect((await ask('words', 5)).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect((await ask('none')).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect((await ask('no/name')).errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    await stop();
  });
});

describe('the folders of a broker', () => {
  it('are told with the size of each partition, all or those asked for', async () => {
    const { client, stop } = await withTopic(2);
    await produce(client, 'words', ['x'.repeat(500)], { partition: 1 });
    const ask = async (
      topics: readonly { topic: string; partitions: readonly number[] }[] | null,
    ) => (await client.request(api.describeLogDirs, 4, { topics })).results;
    const [all] = await ask(null);
    expect(all).toMatchObject({ errorCode: 0, logDir: 'memory', totalBytes: -1, usableBytes: -1 });
    const sizes = all!.topics[0]!.partitions.map((it) => [
      it.partitionIndex,
      it.partitionSize > 500,
      it.offsetLag,
      it.isFutureKey,
    ]);
    expect(sizes).toEqual([
      [0, false, 0, false],
      [1, true, 0, false],
    ]);
    const [one] = await ask([
      { topic: 'words', partitions: [1, 9] },
      { topic: 'none', partitions: [0] },
    ]);
    expect(one!.topics.map((it) => it.partitions.map((p) => p.partitionIndex))).toEqual([[1]]);
    expect((await ask([]))[0]!.topics).toEqual([]);
    await stop();
  });
});

describe('topics, page by page', () => {
  it('come in the order of their names, each partition once', async () => {
    const { client, stop } = await withTopic(5);
    await createTopic(client, 'b', 2);
    await createTopic(client, 'c', 3);
    await createTopic(client, 'A', 1);
    const seen: string[] = [];
    let cursor: { topicName: string; partitionIndex: number } | null = null;
    let pages = 0;
    do {
      const page: Awaited<ReturnType<typeof ask>> = await ask(cursor);
      for (const topic of page.topics)
        for (const it of topic.partitions) seen.push(`${topic.name}-${it.partitionIndex}`);
      expect(page.topics.reduce((sum, it) => sum + it.partitions.length, 0)).toBeLessThanOrEqual(3);
      cursor = page.nextCursor;
      pages += 1;
    } while (cursor !== null);
    expect(pages).toBe(4);
    expect(seen).toEqual([
      'A-0',
      'b-0',
      'b-1',
      'c-0',
      'c-1',
      'c-2',
      'words-0',
      'words-1',
      'words-2',
      'words-3',
      'words-4',
    ]);
    await stop();

    function ask(at: { topicName: string; partitionIndex: number } | null) {
      return client.request(api.describeTopicPartitions, 0, {
        topics: [],
        responsePartitionLimit: 3,
        cursor: at,
      });
    }
  });

  it('tell of what is not there, and refuse a cursor that nobody gave', async () => {
    const { client, stop } = await withTopic(2);
    const ask = (
      topics: readonly string[],
      cursor: { topicName: string; partitionIndex: number } | null = null,
    ) =>
      client.request(api.describeTopicPartitions, 0, {
        topics: topics.map((name) => ({ name })),
        cursor,
      });
    const found = await ask(['words', 'none', 'words']);
    expect(found.topics.map((it) => [it.name, it.errorCode, it.partitions.length])).toEqual([
      ['none', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 0],
      ['words', ErrorCode.NONE, 2],
    ]);
    expect(found.nextCursor).toBe(null);
    const code = async (topicName: string, partitionIndex: number) =>
      (await ask(['words'], { topicName, partitionIndex })).topics.map((it) => it.errorCode);
    expect(await code('words', -1)).toEqual([ErrorCode.INVALID_REQUEST]);
    expect(await code('other', 0)).toEqual([ErrorCode.INVALID_REQUEST]);
    expect(await code('words', 1)).toEqual([ErrorCode.NONE]);
    expect(
      (await ask(['words'], { topicName: 'words', partitionIndex: 99 })).topics[0]!.partitions,
    ).toEqual([]);
    await stop();
  });
});

describe('metadata', () => {
  it('of all topics is asked for with an empty list in version 0, with null since', async () => {
    const { client, stop } = await withTopic();
    const names = async (version: number, topics: [] | null) =>
      (await client.request(api.metadata, version, { topics })).topics.map((it) => it.name);
    expect(await names(0, [])).toEqual(['words']);
    expect(await names(1, [])).toEqual([]);
    expect(await names(1, null)).toEqual(['words']);
    expect(await names(13, [])).toEqual([]);
    expect(await names(13, null)).toEqual(['words']);
    await stop();
  });

  it('of a topic is asked for by id from version 12 on', async () => {
    const { client, stop } = await withTopic();
    const topicId = (await client.request(api.metadata, 12, { topics: null })).topics[0]!.topicId;
    const byId = async (version: number, id: typeof topicId) =>
      (await client.request(api.metadata, version, { topics: [{ name: null, topicId: id }] }))
        .topics[0]!;
    expect(await byId(12, topicId)).toMatchObject({ errorCode: 0, name: 'words', topicId });
    const stranger = '000000000000000000000000000000aa' as typeof topicId;
    expect(await byId(12, stranger)).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_TOPIC_ID,
      name: null,
      topicId: stranger,
    });
    expect(await byId(11, topicId)).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST });
    await stop();
  });

  it('says once what is asked for twice, and what cannot be a topic', async () => {
    const { client, stop } = await withTopic();
    const { topics } = await client.request(api.metadata, 9, {
      topics: [{ name: 'words' }, { name: 'words' }, { name: 'no/name' }, { name: '' }],
    });
    expect(topics.map((it) => [it.name, it.errorCode])).toEqual([
      ['words', ErrorCode.NONE],
      ['no/name', ErrorCode.INVALID_TOPIC_EXCEPTION],
      ['', ErrorCode.INVALID_TOPIC_EXCEPTION],
    ]);
    await stop();
  });

  it('does not call topics into being when the broker does not allow it', async () => {
    const broker = await startTestBroker({ config: { 'auto.create.topics.enable': 'false' } });
    const client = broker.connect();
    for (const version of [1, 9]) {
      const { topics } = await client.request(api.metadata, version, {
        topics: [{ name: 'mine' }],
      });
      expect(topics[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    }
    expect(broker.broker.image.topics.size).toBe(0);
    await broker.stop();
  });

  it('tells what the asker may do only when that is asked', async () => {
    const { client, stop } = await withTopic();
    const asked = (isAsked: boolean) =>
      client.request(api.metadata, 8, {
        topics: [{ name: 'words' }],
        includeClusterAuthorizedOperations: isAsked,
        includeTopicAuthorizedOperations: isAsked,
      });
    const quiet = await asked(false);
    expect([quiet.clusterAuthorizedOperations, quiet.topics[0]!.topicAuthorizedOperations]).toEqual(
      [-2147483648, -2147483648],
    );
    const told = await asked(true);
    // READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS.
    const expected = [3, 4, 5, 6, 7, 8, 10, 11].reduce((bits, it) => bits | (1 << it), 0);
    expect(told.topics[0]!.topicAuthorizedOperations).toBe(expected);
    expect(told.clusterAuthorizedOperations).toBeGreaterThan(0);
    await stop();
  });
});

describe('the cluster', () => {
  it('is told by the listener that was asked, and only its brokers', async () => {
    const { connect, broker, stop } = await withTopic();
    const ask = (listener: string, endpointType = 1) =>
      connect(listener).request(api.describeCluster, 2, {
        includeClusterAuthorizedOperations: false,
        endpointType,
        includeFencedBrokers: true,
      });
    expect(await ask('WS')).toMatchObject({
      errorCode: 0,
      clusterId: broker.clusterId,
      controllerId: broker.nodeId,
      brokers: [
        { brokerId: broker.nodeId, host: 'broker', port: 9094, rack: null, isFenced: false },
      ],
    });
    expect((await ask('WS', 2)).errorCode).toBe(ErrorCode.MISMATCHED_ENDPOINT_TYPE);
    expect((await ask('WS', 9)).errorCode).toBe(ErrorCode.UNSUPPORTED_ENDPOINT_TYPE);
    await stop();
  });
});

describe('an idempotent producer', () => {
  it('names its id and its epoch, or neither', async () => {
    const { client, stop } = await withTopic();
    const ask = (producerId: number, producerEpoch: number) =>
      client.request(api.initProducerId, 4, {
        transactionalId: null,
        transactionTimeoutMs: 0,
        producerId,
        producerEpoch,
      });
    expect((await ask(5, -1)).errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect((await ask(-1, 5)).errorCode).toBe(ErrorCode.INVALID_REQUEST);
    const again = await ask(5, 5);
    expect(again).toMatchObject({ errorCode: ErrorCode.NONE, producerEpoch: 0 });
    expect(again.producerId).not.toBe(5);
    const empty = await client.request(api.initProducerId, 4, {
      transactionalId: '',
      transactionTimeoutMs: 0,
    });
    expect(empty.errorCode).toBe(ErrorCode.INVALID_REQUEST);
    await stop();
  });
});

describe('deleted records', () => {
  it('are refused where they may not be deleted', async () => {
    const { client, stop } = await withTopic();
    await produce(client, 'words', ['a']);
    const remove = async (name: string, offset: number, partitionIndex = 0) =>
      (
        await client.request(api.deleteRecords, 2, {
          topics: [{ name, partitions: [{ partitionIndex, offset }] }],
          timeoutMs: 1000,
        })
      ).topics[0]!.partitions[0]!;
    expect(await remove('none', 0)).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      lowWatermark: -1,
    });
    expect((await remove('words', 0, 7)).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect((await remove('words', 2)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect((await remove('words', -2)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    await createTopic(client, 'table', 1, { 'cleanup.policy': 'compact' });
    expect((await remove('table', 0)).errorCode).toBe(ErrorCode.POLICY_VIOLATION);
    await client.request(api.findCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'] });
    expect((await remove('__consumer_offsets', 0)).errorCode).toBe(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
    );
    expect(await remove('words', -1)).toMatchObject({ errorCode: ErrorCode.NONE, lowWatermark: 1 });
    await stop();
  });

  it('of many partitions at once stay deleted over a power cut', async () => {
    const before = await withTopic(20);
    for (let partition = 0; partition < 20; partition++)
      await produce(before.client, 'words', ['a', 'b'], { partition });
    for (let partition = 0; partition < 20; partition++)
      await produce(before.client, 'words', ['c'], { partition });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, partitionIndex) =>
        before.connect().request(api.deleteRecords, 2, {
          topics: [{ name: 'words', partitions: [{ partitionIndex, offset: 2 }] }],
          timeoutMs: 1000,
        }),
      ),
    );
    expect(answers.every((it) => it.topics[0]!.partitions[0]!.errorCode === ErrorCode.NONE)).toBe(
      true,
    );
    const after = await before.crash();
    for (let partition = 0; partition < 20; partition++) {
      expect(await fetchFrom(after.connect(), 'words', 2, { partition })).toMatchObject({
        values: ['c'],
        logStartOffset: 2,
      });
    }
    await after.stop();
  });
});

describe('without security', () => {
  it('access rules and logins are answered as Kafka does', async () => {
    const { client, stop } = await withTopic();
    expect((await client.request(wire.describeAcls, 3, wire.anyAcl)).errorCode).toBe(
      ErrorCode.SECURITY_DISABLED,
    );
    const { results } = await client.request(wire.createAcls, 3, {
      creations: [wire.acl, wire.acl],
    });
    expect(results.map((it) => it.errorCode)).toEqual([
      ErrorCode.SECURITY_DISABLED,
      ErrorCode.SECURITY_DISABLED,
    ]);
    const { filterResults } = await client.request(wire.deleteAcls, 3, { filters: [wire.anyAcl] });
    expect(filterResults[0]).toMatchObject({
      errorCode: ErrorCode.SECURITY_DISABLED,
      matchingAcls: [],
    });
    expect((await client.request(wire.saslHandshake, 1, { mechanism: 'PLAIN' })).errorCode).toBe(
      ErrorCode.ILLEGAL_SASL_STATE,
    );
    const login = { authBytes: utf8Encode('\0user\0secret') };
    expect((await client.request(wire.saslAuthenticate, 2, login)).errorCode).toBe(
      ErrorCode.ILLEGAL_SASL_STATE,
    );
    await stop();
  });
});
