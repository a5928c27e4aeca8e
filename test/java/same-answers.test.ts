/**
 * The same questions to our broker and to a real Apache Kafka, most of them wrong in some way: the same answers. Messages for
 * people, ids and addresses may differ; codes, offsets, states and shapes may not.
 */
import * as wire from '@odradek/protocol';
import {
  ZERO_UUID,
  buildBatch,
  utf8Encode,
  type BatchInput,
  type Input,
  type Message,
  type Uuid,
} from '@odradek/protocol';
import { createNodeCrc32c } from '@odradek/node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startInProcess, type InProcessBroker } from '../support/in-process-broker.ts';
import { findKafka, kafkaVersion, type Kafka } from '../support/java.ts';
import { KafkaProcess } from '../support/kafka-process.ts';
import { until } from '../support/until.ts';
import { api as common } from '../support/wire-api.ts';
import { WireClient } from '../support/wire-client.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const START_MS = Date.now() - 60_000;
const NOBODY = '00112233445566778899aabbccddeeff' as Uuid;
const crc32c = createNodeCrc32c();

const api = {
  ...common,
  heartbeat: { request: wire.heartbeatRequest, response: wire.heartbeatResponse },
  joinGroup: { request: wire.joinGroupRequest, response: wire.joinGroupResponse },
  leaveGroup: { request: wire.leaveGroupRequest, response: wire.leaveGroupResponse },
  syncGroup: { request: wire.syncGroupRequest, response: wire.syncGroupResponse },
  describeGroups: { request: wire.describeGroupsRequest, response: wire.describeGroupsResponse },
  listGroups: { request: wire.listGroupsRequest, response: wire.listGroupsResponse },
  describeConfigs: { request: wire.describeConfigsRequest, response: wire.describeConfigsResponse },
  alterConfigs: { request: wire.alterConfigsRequest, response: wire.alterConfigsResponse },
  incrementalAlterConfigs: {
    request: wire.incrementalAlterConfigsRequest,
    response: wire.incrementalAlterConfigsResponse,
  },
  createPartitions: {
    request: wire.createPartitionsRequest,
    response: wire.createPartitionsResponse,
  },
  deleteGroups: { request: wire.deleteGroupsRequest, response: wire.deleteGroupsResponse },
  offsetDelete: { request: wire.offsetDeleteRequest, response: wire.offsetDeleteResponse },
  describeProducers: {
    request: wire.describeProducersRequest,
    response: wire.describeProducersResponse,
  },
};

it('compares with one version of Apache Kafka', () => {
  expect(kafkaVersion()).toMatch(/^4\.\d+\.\d+$/);
});

const kafka = await findKafka();
if (kafka !== undefined) describe(`Apache Kafka ${kafka.version} and we`, () => comparison(kafka));

function comparison(kafka: Kafka): void {
  let ours: InProcessBroker;
  let theirs: KafkaProcess;
  let clients: readonly [WireClient, WireClient];
  beforeAll(async () => {
    const config = { 'offsets.topic.num.partitions': '4', 'auto.create.topics.enable': 'false' };
    [ours, theirs] = await Promise.all([
      startInProcess({ config }),
      KafkaProcess.start(kafka, config),
    ]);
    clients = [
      await WireClient.connect(ours.addresses.kafka!),
      await WireClient.connect({ host: '127.0.0.1', port: theirs.port }),
    ];
    for (const client of clients) {
      await until(
        async () =>
          (
            await ask(
              client,
              'createTopics',
              7,
              topics(topic('plain', 2), topic('compacted', 1, { 'cleanup.policy': 'compact' })),
            )
          ).topics[0]!.errorCode !== 7,
      );
      await until(async () => {
        const { coordinators } = await ask(client, 'findCoordinator', 4, {
          keyType: 0,
          coordinatorKeys: ['g', 'h', 'i', 'j', 'k'],
        });
        return coordinators.every((it) => it.errorCode === 0);
      });
      await until(
        async () =>
          (await ask(client, 'joinGroup', 3, join({ groupId: 'probe', memberId: 'unknown' })))
            .errorCode === 25,
      );
    }
  });
  afterAll(async () => {
    for (const client of clients ?? []) client.close();
    await theirs?.dispose();
    await ours?.dispose();
  });

  type Name = keyof typeof api;
  const ask = <N extends Name>(
    client: WireClient,
    name: N,
    version: number,
    body: Input<(typeof api)[N]['request']>,
  ) =>
    client.request(
      api[name] as { request: Message; response: (typeof api)[N]['response'] },
      version,
      body as never,
    );

  /** Asks both at the same time, and expects one answer. */
  const same = async <N extends Name>(
    name: N,
    version: number,
    body: Input<(typeof api)[N]['request']>,
  ): Promise<void> => {
    const [our, their] = await Promise.all(
      clients.map(async (it) => plain(await ask(it, name, version, body))),
    );
    expect.soft(our, `${name} v${version} ${JSON.stringify(body, short)}`).toEqual(their);
  };

  const batch = (values: readonly string[], input: Partial<BatchInput> = {}) =>
    buildBatch({
      records: values.map((value, n) => ({
        timestampMs: START_MS + n,
        key: utf8Encode(`k${n}`),
        value: utf8Encode(value),
      })),
      crc32c,
      ...input,
    });
  const keyless = () =>
    buildBatch({ records: [{ timestampMs: START_MS, value: utf8Encode('v') }], crc32c });
  const produced = (
    name: string,
    index: number,
    records: Uint8Array | null,
    more: object = {},
  ) => ({
    acks: -1,
    timeoutMs: 5_000,
    topicData: [{ name, partitionData: [{ index, records }] }],
    ...more,
  });

  it('on what is produced', async () => {
    await same('produce', 9, produced('plain', 0, batch(['a', 'b', 'c'])));
    await same('produce', 3, produced('plain', 0, batch(['d'])));
    await same('produce', 9, produced('absent', 0, batch(['a'])));
    await same('produce', 9, produced('plain', 9, batch(['a'])));
    await same('produce', 9, produced('plain', 0, batch(['a']), { acks: 2 }));
    const twice = batch(['a']);
    await same('produce', 9, produced('plain', 0, Uint8Array.from([...twice, ...twice])));
    const broken = batch(['broken']);
    broken[broken.length - 2]! ^= 1;
    await same('produce', 9, produced('plain', 0, broken));
    await same('produce', 9, produced('compacted', 0, keyless()));
    await same('produce', 9, produced('compacted', 0, batch(['a'])));
    await same('produce', 9, produced('plain', 0, batch(['x'.repeat(1_100_000)])));
    await same(
      'produce',
      9,
      produced(
        'plain',
        0,
        buildBatch({
          records: [{ timestampMs: Date.now() + 7_200_000, value: utf8Encode('v') }],
          crc32c,
        }),
      ),
    );
    await same('produce', 9, produced('__consumer_offsets', 0, batch(['a'])));
    await same(
      'produce',
      9,
      produced('plain', 0, batch(['a'], { isControl: true, producerId: 1, producerEpoch: 0 })),
    );
  });

  it('on idempotent producers', async () => {
    const from = (baseSequence: number, values: readonly string[], producerEpoch = 0) =>
      batch(values, { producerId: 77, producerEpoch, baseSequence });
    const send = (records: Uint8Array) => same('produce', 9, produced('plain', 1, records));
    await send(from(0, ['a', 'b']));
    await send(from(0, ['a', 'b']));
    await send(from(2, ['c']));
    await send(from(9, ['gap']));
    await send(from(0, ['a']));
    await send(from(5, ['epoch'], 1));
    await send(from(0, ['epoch'], 1));
    await send(from(3, ['old']));
    await send(
      batch(['first of a new one'], { producerId: 78, producerEpoch: 0, baseSequence: 5 }),
    );
    await same('describeProducers', 0, { topics: [{ name: 'absent', partitionIndexes: [0] }] });
  });

  const fetched = (
    name: string,
    partition: number,
    fetchOffset: number,
    more: object = {},
    ofPartition: object = {},
  ) => ({
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1_000_000,
    topics: [
      {
        topic: name,
        partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_000_000, ...ofPartition }],
      },
    ],
    ...more,
  });

  it('on what is fetched', async () => {
    for (const version of [4, 5, 7, 9, 11, 12]) {
      await same('fetch', version, fetched('plain', 0, 0));
      await same('fetch', version, fetched('plain', 0, 2, { isolationLevel: 1 }));
      await same('fetch', version, fetched('plain', 0, 4));
      await same('fetch', version, fetched('plain', 0, 5));
      await same('fetch', version, fetched('plain', 0, -1));
      await same('fetch', version, fetched('plain', 7, 0));
      await same('fetch', version, fetched('absent', 0, 0));
    }
    await same('fetch', 11, fetched('plain', 0, 0, {}, { currentLeaderEpoch: 9 }));
    await same(
      'fetch',
      12,
      fetched('plain', 0, 4, {}, { currentLeaderEpoch: 0, lastFetchedEpoch: 0 }),
    );
    await same(
      'fetch',
      12,
      fetched('plain', 0, 4, {}, { currentLeaderEpoch: 0, lastFetchedEpoch: 5 }),
    );
    await same('fetch', 12, fetched('plain', 0, 0, { sessionId: 12_345, sessionEpoch: 1 }));
    await same('fetch', 12, fetched('plain', 0, 0, { sessionId: 12_345, sessionEpoch: 0 }));
    await same('fetch', 13, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [
        { topicId: NOBODY, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100 }] },
      ],
    });
  });

  it('on where offsets are', async () => {
    const at = (name: string, partitionIndex: number, timestamp: number, more: object = {}) => ({
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name, partitions: [{ partitionIndex, timestamp, ...more }] }],
    });
    for (const version of [1, 2, 4, 5, 7, 8, 9, 10]) {
      for (const timestamp of [-1, -2, START_MS, START_MS + 1, START_MS + 9_000])
        await same('listOffsets', version, at('plain', 0, timestamp));
      await same('listOffsets', version, at('absent', 0, -1));
      await same('listOffsets', version, at('plain', 8, -1));
    }
    for (const timestamp of [-3, -4]) await same('listOffsets', 8, at('plain', 0, timestamp));
    for (const timestamp of [-3, -4, -5]) await same('listOffsets', 9, at('plain', 0, timestamp));
    for (const timestamp of [-3, -4, -6, -7, -9])
      await same('listOffsets', 7, at('plain', 0, timestamp));
    await same('listOffsets', 7, at('plain', 0, -1, { currentLeaderEpoch: 8 }));
    const epochs = (name: string, leaderEpoch: number, currentLeaderEpoch = -1) => ({
      replicaId: -1,
      topics: [{ topic: name, partitions: [{ partition: 0, leaderEpoch, currentLeaderEpoch }] }],
    });
    for (const version of [2, 3, 4]) {
      await same('offsetForLeaderEpoch', version, epochs('plain', 0));
      await same('offsetForLeaderEpoch', version, epochs('plain', 4));
      await same('offsetForLeaderEpoch', version, epochs('plain', 0, 6));
      await same('offsetForLeaderEpoch', version, epochs('absent', 0));
    }
  });

  const topic = (
    name: string,
    numPartitions: number,
    configs: Record<string, string | null> = {},
    replicationFactor = 1,
  ) => ({
    name,
    numPartitions,
    replicationFactor,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  });
  const topics = (...all: readonly object[]) => ({ topics: all, timeoutMs: 10_000 }) as never;

  it('on topics', async () => {
    for (const version of [2, 5, 7]) {
      await same('createTopics', version, topics(topic('plain', 1)));
      await same(
        'createTopics',
        version,
        topics(topic('bad name', 1), topic('', 1), topic('..', 1), topic('x'.repeat(250), 1)),
      );
      await same(
        'createTopics',
        version,
        topics(
          topic('none', 0),
          topic('negative', -2),
          topic('replicas', 1, {}, 3),
          topic('norep', 1, {}, 0),
        ),
      );
      await same(
        'createTopics',
        version,
        topics(
          topic('cfg', 1, { 'no.such.key': '1' }),
          topic('cfg2', 1, { 'retention.ms': 'x' }),
          topic('cfg3', 1, { 'cleanup.policy': 'burn' }),
          topic('cfg4', 1, { 'retention.ms': null }),
        ),
      );
      await same('createTopics', version, topics(topic('twice', 1), topic('twice', 1)));
      await same(
        'createTopics',
        version,
        topics({
          ...topic('assigned', -1, {}, -1),
          assignments: [{ partitionIndex: 1, brokerIds: [1] }],
        }),
      );
      await same(
        'createTopics',
        version,
        topics({
          ...topic('assigned2', -1, {}, -1),
          assignments: [{ partitionIndex: 0, brokerIds: [9] }],
        }),
      );
      await same(
        'createTopics',
        version,
        topics({
          ...topic('assigned3', 1, {}, -1),
          assignments: [{ partitionIndex: 0, brokerIds: [1] }],
        }),
      );
      await same('createTopics', version, {
        ...(topics(topic('dry', 3)) as object),
        validateOnly: true,
      } as never);
    }
    await same('createTopics', 4, topics(topic('default', -1, {}, -1)));
    await same('createTopics', 4, topics(topic('a.b', 1)));
    await same('createTopics', 4, topics(topic('a_b', 1)));
    const grow = (
      name: string,
      count: number,
      assignments: object[] | null = null,
      more: object = {},
    ) =>
      ({
        topics: [{ name, count, assignments }],
        timeoutMs: 10_000,
        validateOnly: false,
        ...more,
      }) as never;
    for (const version of [0, 2, 3]) {
      await same('createPartitions', version, grow('plain', 2));
      await same('createPartitions', version, grow('plain', 1));
      await same('createPartitions', version, grow('plain', 0));
      await same('createPartitions', version, grow('absent', 3));
      await same('createPartitions', version, grow('plain', 4, [{ brokerIds: [1] }]));
      await same('createPartitions', version, grow('plain', 3, [{ brokerIds: [5] }]));
      await same('createPartitions', version, grow('plain', 3, [], {}));
      await same('createPartitions', version, grow('plain', 3, null, { validateOnly: true }));
    }
    await same('createPartitions', 3, grow('default', 2));
    await same('deleteTopics', 4, {
      topicNames: ['absent', 'default', 'bad name'],
      timeoutMs: 10_000,
    });
    await same('deleteTopics', 6, {
      topics: [{ name: 'absent', topicId: ZERO_UUID }, { topicId: NOBODY }],
      timeoutMs: 10_000,
    });
    const trim = (name: string, partitionIndex: number, at: number) => ({
      topics: [{ name, partitions: [{ partitionIndex, offset: at }] }],
      timeoutMs: 5_000,
    });
    for (const at of [99, -2, 1, -1]) await same('deleteRecords', 2, trim('plain', 0, at));
    await same('deleteRecords', 1, trim('absent', 0, 0));
    await same('deleteRecords', 1, trim('plain', 9, 0));
    await same('deleteRecords', 1, trim('compacted', 0, 0));
    for (const version of [1, 4, 9, 12, 13]) {
      await same('metadata', version, {
        topics: [{ name: 'absent' }, { name: 'bad name' }, { name: 'plain' }],
        allowAutoTopicCreation: true,
      });
      await same('metadata', version, { topics: [] });
    }
    await same('metadata', 12, { topics: [{ topicId: NOBODY, name: null }] });
    await same('describeTopicPartitions', 0, {
      topics: [{ name: 'absent' }, { name: 'plain' }],
      responsePartitionLimit: 10,
    });
    await same('describeTopicPartitions', 0, {
      topics: [{ name: 'plain' }],
      responsePartitionLimit: 1,
    });
  });

  it('on configurations', async () => {
    const describeOf = (
      resourceType: number,
      resourceName: string,
      configurationKeys: string[] | null = ['retention.ms', 'no.such.key'],
    ) =>
      ({
        resources: [{ resourceType, resourceName, configurationKeys }],
        includeSynonyms: true,
      }) as never;
    for (const version of [1, 4]) {
      await same('describeConfigs', version, describeOf(2, 'plain'));
      await same(
        'describeConfigs',
        version,
        describeOf(2, 'plain', [
          'cleanup.policy',
          'max.message.bytes',
          'segment.bytes',
          'min.insync.replicas',
          'compression.type',
          'message.timestamp.type',
          'unclean.leader.election.enable',
        ]),
      );
      await same('describeConfigs', version, describeOf(2, 'absent'));
      await same('describeConfigs', version, describeOf(2, 'bad name'));
      await same('describeConfigs', version, describeOf(4, '99'));
      await same('describeConfigs', version, describeOf(4, 'x'));
      await same('describeConfigs', version, describeOf(4, '', ['log.retention.ms']));
      await same('describeConfigs', version, describeOf(3, 'x'));
    }
    const change = (
      resourceType: number,
      resourceName: string,
      ...configs: (readonly [string, number, string | null])[]
    ) =>
      ({
        resources: [
          {
            resourceType,
            resourceName,
            configs: configs.map(([name, configOperation, value]) => ({
              name,
              configOperation,
              value,
            })),
          },
        ],
        validateOnly: false,
      }) as never;
    const incremental = (...args: Parameters<typeof change>) =>
      same('incrementalAlterConfigs', 1, change(...args));
    await incremental(2, 'plain', ['retention.ms', 0, '100000']);
    await incremental(2, 'plain', ['retention.ms', 0, 'x']);
    await incremental(2, 'plain', ['retention.ms', 0, null]);
    await incremental(2, 'plain', ['retention.ms', 2, '5']);
    await incremental(2, 'plain', ['no.such.key', 0, '5']);
    await incremental(2, 'plain', ['no.such.key', 1, null]);
    await incremental(2, 'plain', ['retention.ms', 0, '1'], ['retention.ms', 0, '2']);
    await incremental(2, 'plain', ['cleanup.policy', 2, 'compact']);
    await incremental(2, 'plain', ['cleanup.policy', 3, 'compact']);
    await incremental(2, 'plain', ['cleanup.policy', 3, 'absent']);
    await incremental(2, 'absent', ['retention.ms', 0, '1']);
    await incremental(4, '99', ['log.retention.ms', 0, '1']);
    await incremental(3, 'x', ['a', 0, 'b']);
    const alter = (name: string, ...configs: (readonly [string, string | null])[]) =>
      same('alterConfigs', 1, {
        resources: [
          {
            resourceType: 2,
            resourceName: name,
            configs: configs.map(([key, value]) => ({ name: key, value })),
          },
        ],
        validateOnly: false,
      });
    await alter('plain', ['segment.ms', '60000']);
    await alter('plain', ['segment.ms', 'x']);
    await alter('plain', ['segment.ms', null]);
    await alter('absent', ['segment.ms', '1']);
    await same(
      'describeConfigs',
      4,
      describeOf(2, 'plain', ['segment.ms', 'retention.ms', 'cleanup.policy']),
    );
  });

  const join = (more: object = {}) => ({
    groupId: 'g',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: new Uint8Array(4) }],
    ...more,
  });
  const commit = (groupId: string, more: object = {}, ofPartition: object = {}) => ({
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [
      {
        name: 'plain',
        partitions: [
          { partitionIndex: 0, committedOffset: 3, committedMetadata: 'm', ...ofPartition },
        ],
      },
    ],
    ...more,
  });

  it('on groups that are asked for wrongly', async () => {
    await same('joinGroup', 3, join({ groupId: '' }));
    await same('joinGroup', 3, join({ sessionTimeoutMs: 1 }));
    await same('joinGroup', 3, join({ sessionTimeoutMs: 100_000_000 }));
    await same('joinGroup', 3, join({ memberId: 'unknown' }));
    await same('joinGroup', 3, join({ protocols: [] }));
    await same('joinGroup', 3, join({ protocolType: '' }));
    await same('joinGroup', 7, join({ groupId: '', memberId: '' }));
    for (const groupId of ['', 'nobody']) {
      await same('heartbeat', 3, { groupId, generationId: 1, memberId: 'm' });
      await same('syncGroup', 3, { groupId, generationId: 1, memberId: 'm', assignments: [] });
      await same('leaveGroup', 2, { groupId, memberId: 'm' });
      await same('leaveGroup', 4, {
        groupId,
        members: [{ memberId: 'm' }, { memberId: '', groupInstanceId: 'i' }],
      });
      for (const version of [0, 4, 5, 6])
        await same('describeGroups', version, { groups: [groupId] });
      await same('deleteGroups', 2, { groupsNames: [groupId] });
      await same('offsetDelete', 0, {
        groupId,
        topics: [{ name: 'plain', partitions: [{ partitionIndex: 0 }] }],
      });
      await same('offsetFetch', 7, { groupId, topics: [{ name: 'plain', partitionIndexes: [0] }] });
      await same('offsetFetch', 7, { groupId, topics: null });
      await same(
        'offsetCommit',
        8,
        commit(groupId, { generationIdOrMemberEpoch: 3, memberId: 'm' }),
      );
    }
    for (const version of [4, 5])
      await same('listGroups', version, {
        statesFilter: ['NoSuchState'],
        typesFilter: ['classic'],
      });
    await same('listGroups', 5, { statesFilter: [], typesFilter: ['nosuchtype'] });
    await same('findCoordinator', 2, { key: '', keyType: 0 });
    await same('findCoordinator', 4, { keyType: 0, coordinatorKeys: ['', 'g'] });
    await same('findCoordinator', 4, { keyType: 9, coordinatorKeys: ['g'] });
  });

  it('on offsets', async () => {
    for (const version of [2, 5, 7, 8, 9]) {
      await same('offsetCommit', version, commit('o'));
      await same('offsetCommit', version, commit('o', {}, { partitionIndex: 9 }));
      await same(
        'offsetCommit',
        version,
        commit('o', {}, { committedMetadata: 'x'.repeat(5_000) }),
      );
      await same('offsetCommit', version, commit('o', {}, { committedMetadata: null }));
      await same(
        'offsetCommit',
        version,
        commit('o', { generationIdOrMemberEpoch: 4, memberId: 'm' }),
      );
      await same(
        'offsetCommit',
        version,
        commit('o', {
          topics: [
            {
              name: 'absent',
              partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }],
            },
          ],
        }),
      );
      await same('offsetCommit', version, commit('o', {}, { committedOffset: -5 }));
    }
    for (const version of [1, 2, 5, 7])
      await same('offsetFetch', version, {
        groupId: 'o',
        topics: [
          { name: 'plain', partitionIndexes: [0, 1, 9] },
          { name: 'absent', partitionIndexes: [0] },
        ],
      });
    await same('offsetFetch', 6, { groupId: 'o', topics: null });
    await same('offsetFetch', 9, {
      groups: [
        { groupId: 'o', topics: null },
        { groupId: 'nobody', topics: [{ name: 'plain', partitionIndexes: [0] }] },
        { groupId: 'o', memberId: 'm', memberEpoch: 4, topics: null },
      ],
    });
    await same('offsetDelete', 0, {
      groupId: 'o',
      topics: [
        { name: 'plain', partitions: [{ partitionIndex: 9 }] },
        { name: 'absent', partitions: [{ partitionIndex: 0 }] },
      ],
    });
    await same('describeGroups', 5, { groups: ['o'] });
    await same('deleteGroups', 1, { groupsNames: ['o', 'o'] });
    await same('deleteGroups', 1, { groupsNames: ['o'] });
  });

  it('on a group that lives', async () => {
    const identities = await Promise.all(clients.map((it) => ask(it, 'joinGroup', 5, join())));
    expect(identities.map((it) => it.errorCode)).toEqual([79, 79]);
    const memberIds = identities.map((it) => it.memberId);
    /** The same, each with the member id that its own broker gave. */
    const each = async <N extends Name>(
      name: N,
      version: number,
      body: (memberId: string) => Input<(typeof api)[N]['request']>,
    ) => {
      const [our, their] = await Promise.all(
        clients.map(async (it, n) =>
          plain(await ask(it, name, version, body(memberIds[n]!)), memberIds[n]),
        ),
      );
      expect.soft(our, `${name} v${version}`).toEqual(their);
    };
    await each('joinGroup', 9, (memberId) => join({ memberId }));
    await each('joinGroup', 9, (memberId) => join({ memberId, protocolType: 'connect' }));
    await each('joinGroup', 9, (memberId) =>
      join({ memberId, protocols: [{ name: 'other', metadata: new Uint8Array(1) }] }),
    );
    const sync = (memberId: string, more: object = {}) => ({
      groupId: 'g',
      generationId: 2,
      memberId,
      protocolType: 'consumer',
      protocolName: 'other',
      assignments: [{ memberId, assignment: new Uint8Array(3) }],
      ...more,
    });
    await each('heartbeat', 4, (memberId) => ({ groupId: 'g', generationId: 2, memberId }));
    await each('syncGroup', 5, (memberId) => sync(memberId, { generationId: 9 }));
    await each('syncGroup', 5, (memberId) => sync(memberId, { protocolName: 'wrong' }));
    await each('syncGroup', 5, (memberId) => sync(memberId));
    await each('syncGroup', 5, (memberId) => sync(memberId, { assignments: [] }));
    await each('heartbeat', 4, (memberId) => ({ groupId: 'g', generationId: 2, memberId }));
    await each('heartbeat', 4, (memberId) => ({ groupId: 'g', generationId: 1, memberId }));
    await each('heartbeat', 4, (memberId) => ({
      groupId: 'g',
      generationId: 2,
      memberId,
      groupInstanceId: 'static',
    }));
    await each('offsetCommit', 8, (memberId) =>
      commit('g', { memberId, generationIdOrMemberEpoch: 2 }),
    );
    await each('offsetCommit', 8, (memberId) =>
      commit('g', { memberId, generationIdOrMemberEpoch: 1 }),
    );
    await each('offsetCommit', 8, () => commit('g'));
    await each('describeGroups', 5, () => ({ groups: ['g'] }));
    for (const version of [0, 3, 4, 5])
      await each('listGroups', version, () => ({ statesFilter: ['Stable'], typesFilter: [] }));
    await each('deleteGroups', 2, () => ({ groupsNames: ['g'] }));
    await each('offsetDelete', 0, () => ({
      groupId: 'g',
      topics: [{ name: 'plain', partitions: [{ partitionIndex: 0 }] }],
    }));
    await each('leaveGroup', 5, (memberId) => ({
      groupId: 'g',
      members: [{ memberId }, { memberId: 'other' }],
    }));
    await each('describeGroups', 6, () => ({ groups: ['g'] }));
    await each('offsetDelete', 0, () => ({
      groupId: 'g',
      topics: [{ name: 'plain', partitions: [{ partitionIndex: 0 }] }],
    }));
    await each('deleteGroups', 2, () => ({ groupsNames: ['g'] }));
  });

  it('on names that no client should have', async () => {
    await same('apiVersions', 3, { clientSoftwareName: '', clientSoftwareVersion: '1' });
    await same('apiVersions', 3, { clientSoftwareName: 'bad name', clientSoftwareVersion: '1' });
  });
}

/** Bytes, long strings: not what a person wants to read in a failure. */
const short = (_: string, value: unknown): unknown =>
  value instanceof Uint8Array
    ? `${value.length} bytes`
    : typeof value === 'string' && value.length > 60
      ? `${value.length} characters`
      : value;

/** What belongs to one broker alone, or is for people. */
const IGNORED = new Set([
  // Kafka tells the time of the first one for a batch that came twice, and few synonyms.
  'logAppendTimeMs',
  'synonyms',
  'topicAuthorizedOperations',
  'errorMessage',
  'batchIndexErrorMessage',
  'message',
  'throttleTimeMs',
  'topicId',
  'clusterId',
  'port',
  'brokers',
  'supportedFeatures',
  'finalizedFeatures',
  'finalizedFeaturesEpoch',
  'zkMigrationReady',
  'documentation',
  'apiKeys',
  'recordErrors',
  'nodeEndpoints',
  'eligibleLeaderReplicas',
  'lastKnownElr',
  'authorizedOperations',
  'configType',
]);

/** Topic's keys that we have not, and two whose values are our own: what is acknowledged is flushed; Kafka keeps a second default for the other. */
const OTHER_KEYS =
  /^(compression\..*\.level|flush\.messages|min\.insync\.replicas|follower\..*|leader\..*|remote\..*|local\..*|.*\.internal|errors\..*)$/;

const isCompared = (it: unknown): boolean =>
  typeof it !== 'object' || it === null || !('name' in it) || !OTHER_KEYS.test(String(it.name));

/** The order of topics and keys means nothing. */
const inOrder = (all: unknown[]): unknown[] =>
  all.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

const plain = (value: unknown, memberId?: string): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value))
    return inOrder(value.filter(isCompared).map((it) => plain(it, memberId)));
  if (typeof value === 'string')
    return memberId !== undefined && value === memberId ? 'the member' : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !IGNORED.has(key))
      // Of a produce that was refused Kafka tells the log's start sometimes.
      .filter(([key]) => key !== 'logStartOffset' || !('baseOffset' in value))
      // Of a partition that cannot be read: none, or an empty list of them.
      .filter(
        ([key]) =>
          key !== 'abortedTransactions' || !('errorCode' in value) || value.errorCode === 0,
      )
      .map(([key, it]) => [
        key,
        key === 'sessionId' && it !== 0 ? 'a session' : plain(it, memberId),
      ]),
  );
};
