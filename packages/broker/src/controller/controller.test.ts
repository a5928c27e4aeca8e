/** What is decided about topics and configurations, when many ask at once and when power fails in between. */
import { ErrorCode, ZERO_UUID } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { api } from '../testing/api.ts';
import { collectingLogger } from '../testing/collecting-logger.ts';
import { createTopic, fetchFrom, produce } from '../testing/stories.ts';
import { startTestBroker, type TestBroker, type TestClient } from '../testing/test-broker.ts';
import { settle, until } from '../testing/turns.ts';

interface Wish {
  readonly name: string;
  readonly numPartitions?: number;
  readonly replicationFactor?: number;
  readonly assignments?: readonly { partitionIndex: number; brokerIds: readonly number[] }[];
  readonly configs?: readonly { name: string; value: string | null }[];
}

const create = async (client: TestClient, wishes: readonly Wish[], validateOnly = false) => {
  const { topics } = await client.request(api.createTopics, 7, {
    topics: wishes.map((it) => ({
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
      ...it,
    })),
    timeoutMs: 5_000,
    validateOnly,
  });
  return topics;
};

const codes = (results: readonly { errorCode: ErrorCode }[]) => results.map((it) => it.errorCode);

const remove = async (client: TestClient, ...names: readonly string[]) =>
  (
    await client.request(api.deleteTopics, 6, {
      topics: names.map((name) => ({ name, topicId: ZERO_UUID })),
      timeoutMs: 5_000,
    })
  ).responses;

const alter = async (
  client: TestClient,
  resource: readonly [type: number, name: string],
  configs: Readonly<Record<string, string | null>>,
  options: { readonly operation?: number; readonly validateOnly?: boolean } = {},
) => {
  const { responses } = await client.request(api.incrementalAlterConfigs, 1, {
    resources: [
      {
        resourceType: resource[0],
        resourceName: resource[1],
        configs: Object.entries(configs).map(([name, value]) => ({
          name,
          value,
          configOperation: options.operation ?? (value === null ? 1 : 0),
        })),
      },
    ],
    validateOnly: options.validateOnly ?? false,
  });
  return responses[0]!;
};

const TOPIC = 2;
const own = async (client: TestClient, topic: string) => {
  const { results } = await client.request(api.describeConfigs, 4, {
    resources: [{ resourceType: TOPIC, resourceName: topic, configurationKeys: null }],
  });
  return Object.fromEntries(
    results[0]!.configs.filter((it) => it.configSource === 1).map((it) => [it.name, it.value]),
  );
};

describe('the creation of a topic', () => {
  it('by many clients at once succeeds for exactly one', async () => {
    const { connect, stop } = await startTestBroker();
    const results = await Promise.all(
      Array.from({ length: 30 }, () => create(connect(), [{ name: 'words', numPartitions: 3 }])),
    );
    const found = results.map((it) => it[0]!.errorCode).toSorted();
    expect(found).toEqual([
      ErrorCode.NONE,
      ...Array.from({ length: 29 }, () => ErrorCode.TOPIC_ALREADY_EXISTS),
    ]);
    const { topics } = await connect().request(api.metadata, 12, { topics: null });
    expect(topics[0]!.partitions).toHaveLength(3);
    await stop();
  });

  it('by naming it, by many clients at once, is one creation', async () => {
    const { connect, stop } = await startTestBroker();
    const asked = await Promise.all(
      Array.from({ length: 20 }, () =>
        connect().request(api.metadata, 12, { topics: [{ name: 'words' }, { name: 'more' }] }),
      ),
    );
    const ids = new Set(asked.flatMap((it) => it.topics.map((topic) => topic.topicId)));
    expect(ids.size).toBe(2);
    expect(
      asked.every((it) => it.topics.every((topic) => topic.errorCode === ErrorCode.NONE)),
    ).toBe(true);
    await stop();
  });

  it('excludes names that differ only in "." and "_", also when both are asked for at once', async () => {
    const { connect, stop } = await startTestBroker();
    const results = await Promise.all(['a.b', 'a_b'].map((name) => create(connect(), [{ name }])));
    expect(codes(results.flat()).toSorted()).toEqual([
      ErrorCode.NONE,
      ErrorCode.INVALID_TOPIC_EXCEPTION,
    ]);
    expect(codes(await create(connect(), [{ name: 'a.c' }, { name: 'ab' }]))).toEqual([0, 0]);
    await remove(connect(), 'a.b');
    expect(codes(await create(connect(), [{ name: 'a_b' }]))).toEqual([ErrorCode.NONE]);
    await stop();
  });

  it('cannot take the name of the metadata log, whose folder it would share', async () => {
    const { connect, stop } = await startTestBroker();
    const name = '__cluster_metadata';
    expect(codes(await create(connect(), [{ name }]))).toEqual([ErrorCode.INVALID_REQUEST]);
    const { topics } = await connect().request(api.metadata, 12, { topics: [{ name }] });
    expect(codes(topics)).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    await stop();
  });

  it('is refused for topics that one request names twice, and done for the others', async () => {
    const { connect, stop } = await startTestBroker();
    const results = await create(connect(), [{ name: 'a' }, { name: 'b' }, { name: 'a' }]);
    expect(Object.fromEntries(results.map((it) => [it.name, it.errorCode]))).toEqual({
      a: ErrorCode.INVALID_REQUEST,
      b: ErrorCode.NONE,
    });
    await stop();
  });

  it('tells what it would be when it is only validated, and makes nothing', async () => {
    const { connect, stop } = await startTestBroker({ config: { 'num.partitions': '5' } });
    const client = connect();
    const wish = { name: 'words', numPartitions: -1, replicationFactor: -1 };
    const [validated] = await create(client, [wish], true);
    expect(validated).toMatchObject({
      errorCode: ErrorCode.NONE,
      numPartitions: 5,
      replicationFactor: 1,
    });
    expect((await client.request(api.metadata, 12, { topics: null })).topics).toEqual([]);
    const [made] = await create(client, [wish]);
    expect(made).toMatchObject({ numPartitions: 5, topicId: expect.not.stringMatching(ZERO_UUID) });
    expect(made!.configs!.find((it) => it.name === 'cleanup.policy')).toMatchObject({
      value: 'delete',
      configSource: 5,
    });
    await stop();
  });

  it('may say where its partitions are, if that can be', async () => {
    const { connect, stop, broker } = await startTestBroker();
    const byHand = (...assignments: { partitionIndex: number; brokerIds: readonly number[] }[]) =>
      create(connect(), [{ name: 'words', numPartitions: -1, replicationFactor: -1, assignments }]);
    const self = broker.nodeId;
    const at = (partitionIndex: number, ...brokerIds: number[]) => ({ partitionIndex, brokerIds });
    expect(codes(await byHand(at(0, self), at(2, self)))).toEqual([
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ]);
    expect(codes(await byHand(at(0, self), at(0, self)))).toEqual([
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ]);
    expect(codes(await byHand(at(0, self, self)))).toEqual([ErrorCode.INVALID_REPLICA_ASSIGNMENT]);
    expect(codes(await byHand(at(0)))).toEqual([ErrorCode.INVALID_REPLICA_ASSIGNMENT]);
    expect(codes(await create(connect(), [{ name: 'words', assignments: [at(0, self)] }]))).toEqual(
      [ErrorCode.INVALID_REQUEST],
    );
    expect(codes(await byHand(at(1, self), at(0, self)))).toEqual([ErrorCode.NONE]);
    await stop();
  });

  it('checks its configuration as a whole', async () => {
    const { connect, stop } = await startTestBroker();
    const configs = [
      { name: 'min.compaction.lag.ms', value: '1000' },
      { name: 'max.compaction.lag.ms', value: '10' },
    ];
    expect(codes(await create(connect(), [{ name: 'words', configs }]))).toEqual([
      ErrorCode.INVALID_CONFIG,
    ]);
    const none = [{ name: 'retention.ms', value: null }];
    expect(codes(await create(connect(), [{ name: 'words', configs: none }]))).toEqual([
      ErrorCode.INVALID_CONFIG,
    ]);
    await stop();
  });

  it('keeps the bound on partitions, also when many are made at once', async () => {
    const { connect, stop, broker } = await startTestBroker({
      config: { 'odradek.max.partitions': '10' },
    });
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) => create(connect(), [{ name: `t${i}`, numPartitions: 3 }])),
    );
    const found = codes(results.flat());
    expect(found.filter((it) => it === ErrorCode.NONE)).toHaveLength(3);
    expect(found.filter((it) => it === ErrorCode.POLICY_VIOLATION)).toHaveLength(5);
    expect(broker.image.partitionCount).toBe(9);
    const grown = await connect().request(api.createPartitions, 3, {
      topics: [{ name: broker.image.topics.keys().next().value!, count: 5, assignments: null }],
      timeoutMs: 1000,
      validateOnly: false,
    });
    expect(codes(grown.results)).toEqual([ErrorCode.POLICY_VIOLATION]);
    expect(codes(await create(connect(), [{ name: 'huge', numPartitions: 9_001 }]))).toEqual([
      ErrorCode.INVALID_PARTITIONS,
    ]);
    await stop();
  });
});

describe('the growth of a topic', () => {
  const grow = async (
    client: TestClient,
    topics: { name: string; count: number; assignments?: { brokerIds: number[] }[] }[],
    validateOnly = false,
  ) =>
    (
      await client.request(api.createPartitions, 3, {
        topics: topics.map((it) => ({ assignments: null, ...it })),
        timeoutMs: 1000,
        validateOnly,
      })
    ).results;

  it('is decided one after the other', async () => {
    const { connect, stop } = await startTestBroker();
    await createTopic(connect(), 'words');
    const results = await Promise.all(
      [3, 3, 2].map((count) => grow(connect(), [{ name: 'words', count }])),
    );
    expect(codes(results.flat())).toEqual([
      ErrorCode.NONE,
      ErrorCode.INVALID_PARTITIONS,
      ErrorCode.INVALID_PARTITIONS,
    ]);
    await stop();
  });

  it('is refused with the codes that Kafka gives', async () => {
    const { connect, stop, broker } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    const one = async (...args: Parameters<typeof grow>[1]) => codes(await grow(client, args));
    expect(await one({ name: 'none', count: 3 })).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    expect(await one({ name: 'words', count: 3 }, { name: 'words', count: 4 })).toEqual([
      ErrorCode.INVALID_REQUEST,
    ]);
    expect(
      await one({ name: 'words', count: 3, assignments: [{ brokerIds: [broker.nodeId] }] }),
    ).toEqual([ErrorCode.INVALID_REPLICA_ASSIGNMENT]);
    expect(await one({ name: 'words', count: 2, assignments: [{ brokerIds: [77] }] })).toEqual([
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ]);
    expect(await one({ name: 'words', count: 9_001 })).toEqual([ErrorCode.INVALID_PARTITIONS]);
    expect(codes(await grow(client, [{ name: 'words', count: 2 }], true))).toEqual([
      ErrorCode.NONE,
    ]);
    expect(
      await one({ name: 'words', count: 2, assignments: [{ brokerIds: [broker.nodeId] }] }),
    ).toEqual([ErrorCode.NONE]);
    await stop();
  });
});

describe('the deletion of a topic', () => {
  it('by many at once succeeds for one', async () => {
    const { connect, stop } = await startTestBroker();
    await createTopic(connect(), 'words');
    const results = await Promise.all(Array.from({ length: 5 }, () => remove(connect(), 'words')));
    expect(codes(results.flat()).toSorted()).toEqual([0, 3, 3, 3, 3]);
    await stop();
  });

  it('is refused with the codes that Kafka gives', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    const { topics } = await client.request(api.metadata, 12, { topics: [{ name: 'words' }] });
    const { topicId } = topics[0]!;
    const one = async (...asked: { name: string | null; topicId: typeof topicId }[]) =>
      codes(
        (await client.request(api.deleteTopics, 6, { topics: asked, timeoutMs: 1000 })).responses,
      );
    const stranger = '000000000000000000000000000000ff' as typeof topicId;
    expect(await one({ name: 'none', topicId: ZERO_UUID })).toEqual([
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    expect(await one({ name: null, topicId: stranger })).toEqual([ErrorCode.UNKNOWN_TOPIC_ID]);
    expect(await one({ name: 'words', topicId })).toEqual([ErrorCode.INVALID_REQUEST]);
    expect(await one({ name: null, topicId: ZERO_UUID })).toEqual([ErrorCode.INVALID_REQUEST]);
    expect(await one({ name: null, topicId }, { name: null, topicId })).toEqual([
      ErrorCode.INVALID_REQUEST,
    ]);
    expect(await one({ name: null, topicId })).toEqual([ErrorCode.NONE]);
    await stop();
  });

  it('may be forbidden, which old clients are told in words that they know', async () => {
    const { connect, stop } = await startTestBroker({ config: { 'delete.topic.enable': 'false' } });
    const client = connect();
    await createTopic(client, 'words');
    const code = async (version: number) =>
      (await client.request(api.deleteTopics, version, { topicNames: ['words'], timeoutMs: 1000 }))
        .responses[0]!.errorCode;
    expect([await code(1), await code(3)]).toEqual([
      ErrorCode.INVALID_REQUEST,
      ErrorCode.TOPIC_DELETION_DISABLED,
    ]);
    await stop();
  });

  it('and creation of one name, again and again at once, ends in one topic with its own files', async () => {
    const { connect, stop, disk, broker } = await startTestBroker();
    const release = disk.hold('remove', 'words-');
    for (let n = 0; n < 4; n++) {
      await createTopicSoon(connect(), 'words');
      await remove(connect(), 'words');
    }
    await createTopicSoon(connect(), 'words');
    release();
    await until(() => broker.image.deletions.size === 0);
    const client = connect();
    await until(() => broker.problems().length === 0);
    let produced = await produce(client, 'words', ['a']);
    while (produced.errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER) {
      await settle(1);
      produced = await produce(client, 'words', ['a']);
    }
    expect(produced).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });
    await stop();
    const again = await startTestBroker({ disk });
    expect((await fetchFrom(again.connect(), 'words', 0)).values).toEqual(['a']);
    await again.stop();
  });

  it('that power cut off before the files were gone is finished by the next start', async () => {
    const logger = collectingLogger();
    const before = await startTestBroker({ logger });
    const client = before.connect();
    await createTopic(client, 'words', 3);
    await createTopic(client, 'kept');
    for (const partition of [0, 1, 2]) await produce(client, 'words', ['a'], { partition });
    before.disk.hold('remove', 'words-');
    expect(codes(await remove(client, 'words'))).toEqual([ErrorCode.NONE]);
    await createTopicSoon(before.connect(), 'words');
    expect(filesOf(before, 'words-')).not.toEqual([]);
    const after = await before.crash();
    expect(after.broker.image.topics.has('words')).toBe(true);
    expect((await fetchFrom(after.connect(), 'words', 0)).values).toEqual([]);
    expect(filesOf(after, 'words-1/')).toEqual([]);
    await until(() => after.broker.image.deletions.size === 0);
    expect((await fetchFrom(after.connect(), 'kept', 0)).errorCode).toBe(ErrorCode.NONE);
    expect(logger.lines.filter((it) => it.includes('left alone'))).toEqual([]);
    await after.stop();
  });

  it('whose files could not all be removed keeps its note until they are', async () => {
    const logger = collectingLogger();
    const before = await startTestBroker({ logger });
    const client = before.connect();
    await createTopic(client, 'words', 3);
    before.disk.failNext('remove', 'failed', 0, 'words-1/');
    await remove(client, 'words');
    await settle();
    expect(logger.lines.join('\n')).toContain('files of a deleted partition could not be removed');
    expect(before.broker.image.deletions.size).toBe(1);
    const after = await before.restart();
    await until(() => after.broker.image.deletions.size === 0);
    expect(filesOf(after, 'words-')).toEqual([]);
    await after.stop();
  });
});

/** Without waiting for its log: that may wait for the files of an older one. */
const createTopicSoon = async (client: TestClient, name: string): Promise<void> => {
  const { topics } = await client.request(api.createTopics, 7, {
    topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 0,
    validateOnly: false,
  });
  expect(codes(topics)).toEqual([ErrorCode.NONE]);
};

const filesOf = ({ disk }: TestBroker, prefix: string): string[] =>
  [...disk.files.keys()].filter((it) => it.startsWith(prefix));

describe('alterations of one resource', () => {
  it('at the same time are all made', async () => {
    const { connect, stop } = await startTestBroker();
    await createTopic(connect(), 'words');
    const wished = {
      'retention.ms': '1000',
      'retention.bytes': '2000',
      'segment.ms': '3000',
      'max.message.bytes': '4000',
      'min.insync.replicas': '1',
    };
    const answers = await Promise.all(
      Object.entries(wished).map(([name, value]) =>
        alter(connect(), [TOPIC, 'words'], { [name]: value }),
      ),
    );
    expect(codes(answers)).toEqual([0, 0, 0, 0, 0]);
    expect(await own(connect(), 'words')).toEqual(wished);
    await stop();
  });

  it('do not outlive their topic, nor keep its name', async () => {
    const { connect, stop } = await startTestBroker();
    for (let n = 0; n < 5; n++) {
      await createTopic(connect(), 'words');
      await Promise.all([
        alter(connect(), [TOPIC, 'words'], { 'retention.ms': '1000' }),
        remove(connect(), 'words'),
        alter(connect(), [TOPIC, 'words'], { 'retention.bytes': '1000' }),
      ]);
    }
    await createTopic(connect(), 'words');
    expect(await own(connect(), 'words')).toEqual({});
    await stop();
  });

  it('are kept over a power cut, and taken back one by one', async () => {
    const before = await startTestBroker();
    await createTopic(before.connect(), 'words', 1, { 'retention.ms': '1000' });
    await alter(before.connect(), [TOPIC, 'words'], { 'retention.bytes': '5' });
    const after = await before.crash();
    expect(await own(after.connect(), 'words')).toEqual({
      'retention.ms': '1000',
      'retention.bytes': '5',
    });
    await alter(after.connect(), [TOPIC, 'words'], { 'retention.ms': null });
    expect(await own(after.connect(), 'words')).toEqual({ 'retention.bytes': '5' });
    await alter(after.connect(), [TOPIC, 'words'], { 'retention.bytes': null });
    expect(await own(after.connect(), 'words')).toEqual({});
    await after.stop();
  });
});

describe('producer ids', () => {
  it('are never given twice, whatever power does', async () => {
    const given = new Set<number>();
    let count = 0;
    let broker = await startTestBroker();
    for (let life = 0; life < 4; life++) {
      const client = broker.connect();
      const take = async () => {
        const wish = { transactionalId: null, transactionTimeoutMs: 0 };
        const { producerId, errorCode } = await client.request(api.initProducerId, 4, wish);
        expect(errorCode).toBe(ErrorCode.NONE);
        given.add(producerId);
        count += 1;
      };
      // More than one block, asked for at once.
      await Promise.all(Array.from({ length: 1_200 }, take));
      broker = life % 2 === 0 ? await broker.crash() : await broker.restart();
    }
    expect(given.size).toBe(count);
    await broker.stop();
  });
});
