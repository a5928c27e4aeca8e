import { ErrorCode, ZERO_UUID } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { api } from './testing/api.ts';
import { createTopic, fetchFrom, produce } from './testing/stories.ts';
import { startTestBroker } from './testing/test-broker.ts';

describe('a broker with one client', () => {
  it('keeps what was produced, in order, and gives it back', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    expect(await produce(client, 'words', ['a', 'b'])).toMatchObject({
      errorCode: ErrorCode.NONE,
      baseOffset: 0,
    });
    expect(await produce(client, 'words', ['c'])).toMatchObject({
      errorCode: ErrorCode.NONE,
      baseOffset: 2,
    });
    const fetched = await fetchFrom(client, 'words', 0);
    expect(fetched.values).toEqual(['a', 'b', 'c']);
    expect(fetched.highWatermark).toBe(3);
    expect((await fetchFrom(client, 'words', 2)).values).toEqual(['c']);
    await stop();
  });

  it('answers pipelined requests in the order in which they came', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => produce(client, 'words', [`v${i}`])),
    );
    expect(answers.map((it) => it.baseOffset)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    await stop();
  });

  it('finds everything again after a power cut', async () => {
    const before = await startTestBroker();
    const client = before.connect();
    await createTopic(client, 'words', 2, { 'retention.ms': '12345678' });
    await produce(client, 'words', ['a', 'b'], { partition: 1 });
    const {
      topics: [known],
    } = await client.request(api.metadata, 12, { topics: null });
    const after = await before.crash();
    const again = after.connect();
    expect((await fetchFrom(again, 'words', 0, { partition: 1 })).values).toEqual(['a', 'b']);
    const {
      topics: [found],
      clusterId,
    } = await again.request(api.metadata, 12, { topics: null });
    expect(found!.topicId).toBe(known!.topicId);
    expect(clusterId).toBe(before.broker.clusterId);
    // What was written last may have been lost: the same offsets must not pass for the same records.
    expect(found!.partitions[0]!.leaderEpoch).toBe(known!.partitions[0]!.leaderEpoch + 1);
    const { results } = await again.request(api.describeConfigs, 4, {
      resources: [{ resourceType: 2, resourceName: 'words', configurationKeys: ['retention.ms'] }],
    });
    expect(results[0]!.configs[0]).toMatchObject({
      name: 'retention.ms',
      value: '12345678',
      configSource: 1,
    });
    await after.stop();
  });

  it('keeps its leader epochs over a stop in order', async () => {
    const before = await startTestBroker();
    await createTopic(before.connect(), 'words');
    await produce(before.connect(), 'words', ['a']);
    const after = await before.restart();
    const { topics } = await after.connect().request(api.metadata, 12, { topics: null });
    expect(topics[0]!.partitions[0]!.leaderEpoch).toBe(0);
    expect((await fetchFrom(after.connect(), 'words', 0)).values).toEqual(['a']);
    await after.stop();
  });

  it('does not keep a client waiting that comes while it stops', async () => {
    const { connect, stop } = await startTestBroker();
    const stopped = stop();
    await connect().closed;
    await stopped;
    await connect().closed;
  });

  it('tells each client the addresses of the listener that it came by', async () => {
    const { connect, stop } = await startTestBroker();
    const tcp = await connect('PLAINTEXT').request(api.metadata, 12, { topics: [] });
    const webSocket = await connect('WS').request(api.metadata, 12, { topics: [] });
    expect(tcp.brokers[0]).toMatchObject({ host: 'broker', port: 9092 });
    expect(webSocket.brokers[0]).toMatchObject({ host: 'broker', port: 9094 });
    await stop();
  });
});

describe('topics', () => {
  it('come by themselves when a client names them, and not when it forbids that', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    const forbidden = await client.request(api.metadata, 12, {
      topics: [{ name: 'mine' }],
      allowAutoTopicCreation: false,
    });
    expect(forbidden.topics[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const { topics } = await client.request(api.metadata, 12, { topics: [{ name: 'mine' }] });
    expect(topics[0]).toMatchObject({ errorCode: ErrorCode.NONE, name: 'mine' });
    expect(topics[0]!.topicId).not.toBe(ZERO_UUID);
    expect((await produce(client, 'mine', ['a'])).errorCode).toBe(ErrorCode.NONE);
    await stop();
  });

  it('are refused with the codes that Kafka gives', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'a.b');
    const ask = async (topic: object) => {
      const { topics } = await client.request(api.createTopics, 7, {
        topics: [
          {
            name: 'x',
            numPartitions: 1,
            replicationFactor: 1,
            assignments: [],
            configs: [],
            ...topic,
          },
        ],
        timeoutMs: 1_000,
      });
      return topics[0]!.errorCode;
    };
    expect(await ask({ name: 'a.b' })).toBe(ErrorCode.TOPIC_ALREADY_EXISTS);
    expect(await ask({ name: 'a_b' })).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    expect(await ask({ name: '../etc' })).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    expect(await ask({ name: '' })).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    expect(await ask({ numPartitions: 0 })).toBe(ErrorCode.INVALID_PARTITIONS);
    expect(await ask({ replicationFactor: 3 })).toBe(ErrorCode.INVALID_REPLICATION_FACTOR);
    expect(await ask({ configs: [{ name: 'retention.mss', value: '1' }] })).toBe(
      ErrorCode.INVALID_CONFIG,
    );
    expect(await ask({ configs: [{ name: 'retention.ms', value: 'soon' }] })).toBe(
      ErrorCode.INVALID_CONFIG,
    );
    expect(
      await ask({
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [9] }],
      }),
    ).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    await stop();
  });

  it('that are deleted are gone, and one made anew under the name is another topic', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    await produce(client, 'words', ['old']);
    const first = (await client.request(api.metadata, 12, { topics: null })).topics[0]!.topicId;
    const { responses } = await client.request(api.deleteTopics, 6, {
      topics: [{ name: 'words', topicId: ZERO_UUID }],
      timeoutMs: 1_000,
    });
    expect(responses[0]!.errorCode).toBe(ErrorCode.NONE);
    await createTopic(client, 'words');
    const second = (await client.request(api.metadata, 12, { topics: null })).topics[0]!.topicId;
    expect(second).not.toBe(first);
    expect((await fetchFrom(client, 'words', 0)).values).toEqual([]);
    await stop();
  });

  it('lose their first records for good when they are told to', async () => {
    const before = await startTestBroker();
    const client = before.connect();
    await createTopic(client, 'words');
    await produce(client, 'words', ['a', 'b']);
    await produce(client, 'words', ['c']);
    const deleteBefore = async (offset: number) =>
      (
        await client.request(api.deleteRecords, 2, {
          topics: [{ name: 'words', partitions: [{ partitionIndex: 0, offset }] }],
          timeoutMs: 1_000,
        })
      ).topics[0]!.partitions[0]!;
    expect(await deleteBefore(4)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
    expect(await deleteBefore(1)).toMatchObject({ errorCode: ErrorCode.NONE, lowWatermark: 1 });
    expect((await fetchFrom(client, 'words', 0)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    const after = await before.crash();
    expect((await fetchFrom(after.connect(), 'words', 0)).errorCode).toBe(
      ErrorCode.OFFSET_OUT_OF_RANGE,
    );
    expect((await fetchFrom(after.connect(), 'words', 2)).values).toEqual(['c']);
    await after.stop();
  });

  it('grow, and never shrink', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    const grow = async (count: number) =>
      (
        await client.request(api.createPartitions, 3, {
          topics: [{ name: 'words', count, assignments: null }],
          timeoutMs: 1_000,
          validateOnly: false,
        })
      ).results[0]!.errorCode;
    expect(await grow(3)).toBe(ErrorCode.NONE);
    expect(await grow(2)).toBe(ErrorCode.INVALID_PARTITIONS);
    expect((await produce(client, 'words', ['a'], { partition: 2 })).errorCode).toBe(
      ErrorCode.NONE,
    );
    await stop();
  });
});

describe('an idempotent producer', () => {
  it('may repeat a batch: it is kept once and answered as the first time', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    const { producerId, producerEpoch } = await client.request(api.initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 0,
    });
    const send = (value: string, baseSequence: number) =>
      produce(client, 'words', [value], { producerId, producerEpoch, baseSequence });
    expect((await send('a', 0)).baseOffset).toBe(0);
    expect((await send('b', 1)).baseOffset).toBe(1);
    expect(await send('a', 0)).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });
    expect((await send('d', 3)).errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect((await fetchFrom(client, 'words', 0)).values).toEqual(['a', 'b']);
    await stop();
  });

  it('is remembered over a power cut', async () => {
    const before = await startTestBroker();
    const client = before.connect();
    await createTopic(client, 'words');
    const { producerId } = await client.request(api.initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 0,
    });
    await produce(client, 'words', ['a'], { producerId, producerEpoch: 0, baseSequence: 0 });
    const after = await before.crash();
    const again = after.connect();
    const repeated = await produce(again, 'words', ['a'], {
      producerId,
      producerEpoch: 0,
      baseSequence: 0,
    });
    expect(repeated).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });
    expect((await fetchFrom(again, 'words', 0)).values).toEqual(['a']);
    const next = await again.request(api.initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 0,
    });
    expect(next.producerId).toBeGreaterThan(producerId);
    await after.stop();
  });

  it('cannot begin a transaction that nobody would end', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    const refused = await produce(client, 'words', ['a'], {
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: true,
    });
    expect(refused.errorCode).toBe(ErrorCode.INVALID_TXN_STATE);
    // Clients give up at this code, and ask again for ever at most others.
    const none = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    expect((await client.request(api.findCoordinator, 2, { key: 't', keyType: 1 })).errorCode).toBe(
      none,
    );
    const { coordinators } = await client.request(api.findCoordinator, 4, {
      coordinatorKeys: ['t'],
      keyType: 1,
    });
    expect(coordinators[0]).toMatchObject({ key: 't', nodeId: -1, errorCode: none });
    const id = await client.request(api.initProducerId, 4, {
      transactionalId: 't',
      transactionTimeoutMs: 1000,
    });
    expect(id).toMatchObject({ errorCode: none, producerId: -1 });
    await stop();
  });
});

describe('a fetch', () => {
  it('waits for records, and is answered by the produce that brings them', async () => {
    const { connect, stop } = await startTestBroker();
    const reader = connect();
    const writer = connect();
    await createTopic(writer, 'words');
    const waiting = fetchFrom(reader, 'words', 0, { maxWaitMs: 30_000 });
    await produce(writer, 'words', ['a']);
    expect((await waiting).values).toEqual(['a']);
    await stop();
  });

  it('out of range, of an old epoch, of a topic that is not there', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    expect(await fetchFrom(client, 'words', 5)).toMatchObject({
      errorCode: ErrorCode.OFFSET_OUT_OF_RANGE,
      highWatermark: -1,
    });
    expect((await fetchFrom(client, 'words', 0, { epoch: 7 })).errorCode).toBe(
      ErrorCode.UNKNOWN_LEADER_EPOCH,
    );
    expect((await fetchFrom(client, 'none', 0)).errorCode).toBe(
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    );
    await stop();
  });

  it('gives a whole batch even when that is more than was asked for', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    await produce(client, 'words', ['x'.repeat(5_000)]);
    expect((await fetchFrom(client, 'words', 0, { maxBytes: 10 })).values).toHaveLength(1);
    await stop();
  });

  it('cannot be made in the name of a replica', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    const answer = await client.request(api.fetch, 12, {
      replicaId: 2,
      maxWaitMs: 0,
      minBytes: 0,
      topics: [
        { topic: 'words', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }] },
      ],
      forgottenTopicsData: [],
    });
    expect(answer.errorCode).toBe(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    await stop();
  });

  it('in a session names only what changed', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words', 2);
    const { topics } = await client.request(api.metadata, 12, { topics: [{ name: 'words' }] });
    const topicId = topics[0]!.topicId;
    const ask = (sessionId: number, sessionEpoch: number, partitions: readonly number[]) =>
      client.request(api.fetch, 17, {
        maxWaitMs: 0,
        minBytes: 0,
        sessionId,
        sessionEpoch,
        topics:
          partitions.length === 0
            ? []
            : [
                {
                  topicId,
                  partitions: partitions.map((partition) => ({
                    partition,
                    fetchOffset: 0,
                    partitionMaxBytes: 1000,
                  })),
                },
              ],
        forgottenTopicsData: [],
      });
    const full = await ask(0, 0, [0, 1]);
    expect(full.sessionId).not.toBe(0);
    expect(full.responses[0]!.partitions).toHaveLength(2);
    expect((await ask(full.sessionId, 1, [])).responses).toEqual([]);
    await produce(client, 'words', ['a'], { partition: 1 });
    const news = await ask(full.sessionId, 2, []);
    expect(news.responses[0]!.partitions.map((it) => it.partitionIndex)).toEqual([1]);
    expect((await ask(full.sessionId, 2, [])).errorCode).toBe(
      ErrorCode.INVALID_FETCH_SESSION_EPOCH,
    );
    expect((await ask(12345, 1, [])).errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    await stop();
  });
});

describe('a client that does not keep to the protocol', () => {
  it('is cut off, and nobody else is harmed', async () => {
    const { connect, stop } = await startTestBroker();
    const good = connect();
    await createTopic(good, 'words');
    const hostile = [
      Uint8Array.of(0, 0, 0, 8, 0x7f, 0xff, 0, 0, 0, 0, 0, 1), // an API that is not there
      Uint8Array.of(0, 0, 0, 8, 0, 3, 0, 99, 0, 0, 0, 1), // a version that is not there
      Uint8Array.of(0, 0, 0, 2, 0, 3), // too short for a header
      Uint8Array.of(0xff, 0xff, 0xff, 0xff), // a negative length
      Uint8Array.of(0x7f, 0xff, 0xff, 0xff), // a length beyond socket.request.max.bytes
    ];
    for (const bytes of hostile) {
      const bad = connect();
      bad.sendBytes(bytes);
      await bad.closed;
    }
    expect((await produce(good, 'words', ['a'])).errorCode).toBe(ErrorCode.NONE);
    await stop();
  });

  it('that asks for ApiVersions too new is answered in version 0 with our range', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    client.sendBytes(Uint8Array.of(0, 0, 0, 11, 0, 18, 0, 99, 0, 0, 0, 7, 0xff, 0xff, 0));
    await new Promise<void>((resolve) => setImmediate(resolve));
    const [answer] = client.answers;
    const view = new DataView(answer!.buffer, answer!.byteOffset);
    expect(view.getInt32(0)).toBe(7);
    expect(view.getInt16(4)).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect(view.getInt32(6)).toBe(1);
    expect([view.getInt16(10), view.getInt16(12), view.getInt16(14)]).toEqual([18, 0, 4]);
    await stop();
  });
});

describe('a consumer group', () => {
  it('is coordinated here, and its offsets survive a power cut', async () => {
    const before = await startTestBroker({ config: { 'offsets.topic.num.partitions': '4' } });
    const client = before.connect();
    await createTopic(client, 'words');
    const found = await client.request(api.findCoordinator, 4, {
      keyType: 0,
      coordinatorKeys: ['readers'],
    });
    expect(found.coordinators[0]).toMatchObject({
      errorCode: ErrorCode.NONE,
      nodeId: before.broker.nodeId,
    });
    const join = (memberId: string) =>
      client.request(api.joinGroup, 5, {
        groupId: 'readers',
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        memberId,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: new Uint8Array(4) }],
      });
    const first = await join('');
    expect(first.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
    const joined = await join(first.memberId);
    expect(joined).toMatchObject({
      errorCode: ErrorCode.NONE,
      leader: first.memberId,
      generationId: 1,
    });
    const synced = await client.request(api.syncGroup, 3, {
      groupId: 'readers',
      generationId: 1,
      memberId: joined.memberId,
      assignments: [{ memberId: joined.memberId, assignment: Uint8Array.of(1, 2, 3) }],
    });
    expect([...synced.assignment]).toEqual([1, 2, 3]);
    const committed = await client.request(api.offsetCommit, 7, {
      groupId: 'readers',
      generationIdOrMemberEpoch: 1,
      memberId: joined.memberId,
      topics: [
        {
          name: 'words',
          partitions: [{ partitionIndex: 0, committedOffset: 42, committedMetadata: 'note' }],
        },
      ],
    });
    expect(committed.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NONE);
    const after = await before.crash();
    const again = after.connect();
    const fetchOffsets = () =>
      again.request(api.offsetFetch, 5, {
        groupId: 'readers',
        topics: [{ name: 'words', partitionIndexes: [0] }],
      });
    let answer = await fetchOffsets();
    while (answer.errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
      answer = await fetchOffsets();
    expect(answer.topics[0]!.partitions[0]).toMatchObject({
      committedOffset: 42,
      metadata: 'note',
      errorCode: ErrorCode.NONE,
    });
    await after.stop();
  });
});
