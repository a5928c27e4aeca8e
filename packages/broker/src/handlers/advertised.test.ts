/**
 * Every API in every version that is advertised, asked once with a small valid request: the answer can be decoded and says
 * something sensible. What is advertised and not done shows here.
 */
import { ErrorCode, ZERO_UUID, type Message, type Uuid } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { api } from '../testing/api.ts';
import { batchOf } from '../testing/records.ts';
import { createTopic, joinGroup, produce } from '../testing/stories.ts';
import { startTestBroker, type TestClient } from '../testing/test-broker.ts';
import { handlers } from './index.ts';

const { NONE } = ErrorCode;

interface World {
  readonly client: TestClient;
  readonly nodeId: number;
  readonly topicId: Uuid;
  /** A group with one member, in its first generation. */
  readonly memberId: string;
}

interface Question {
  readonly body: (version: number, world: World) => unknown;
  /** All codes that the answer holds, each once; NONE alone unless said otherwise. */
  readonly codes?: (version: number) => readonly ErrorCode[];
  /** What else the answer must say. */
  readonly says?: (version: number, world: World) => object;
}

const partition = (world: World, version: number, since: number, fields: object) => ({
  topic: 'words',
  name: 'words',
  topicId: version >= since ? world.topicId : ZERO_UUID,
  ...fields,
});
const acl = {
  resourceType: 2,
  resourceName: 'words',
  principal: 'User:x',
  host: '*',
  operation: 3,
  permissionType: 3,
};
const aclFilter = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
};
const GROUP = 'asked';

const questions: Readonly<Record<string, Question>> = {
  Produce: {
    body: (version, world) => ({
      transactionalId: null,
      acks: -1,
      timeoutMs: 5000,
      topicData: [
        partition(world, version, 13, {
          partitionData: [{ index: 0, records: batchOf([`v${version}`]) }],
        }),
      ],
    }),
    says: (version, world) => ({
      responses: [
        {
          ...(version >= 13 ? { topicId: world.topicId } : { name: 'words' }),
          partitionResponses: [{ baseOffset: expect.any(Number) as number }],
        },
      ],
    }),
  },
  Fetch: {
    body: (version, world) => ({
      maxWaitMs: 0,
      minBytes: 1,
      ...(version >= 15 && { replicaState: { replicaId: -1 } }),
      topics: [
        partition(world, version, 13, {
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100 }],
        }),
      ],
      forgottenTopicsData: [],
    }),
    says: (version, world) => ({
      responses: [
        {
          ...(version >= 13 ? { topicId: world.topicId } : { topic: 'words' }),
          partitions: [{ records: expect.any(Uint8Array) as Uint8Array }],
        },
      ],
    }),
  },
  ListOffsets: {
    body: () => ({
      replicaId: -1,
      topics: [{ name: 'words', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    }),
    says: () => ({ topics: [{ partitions: [{ offset: expect.any(Number) as number }] }] }),
  },
  Metadata: {
    body: () => ({ topics: [{ name: 'words' }] }),
    says: (_, world) => ({
      brokers: [{ nodeId: world.nodeId, host: 'broker', port: 9092 }],
      topics: [{ name: 'words', partitions: [{ leaderId: world.nodeId }] }],
    }),
  },
  OffsetCommit: {
    body: (version, world) => ({
      groupId: 'simple',
      memberId: '',
      topics: [
        partition(world, version, 10, {
          partitions: [{ partitionIndex: 0, committedOffset: version, committedMetadata: null }],
        }),
      ],
    }),
  },
  OffsetFetch: {
    body: (version, world) => {
      const topics = [partition(world, version, 10, { partitionIndexes: [0] })];
      return version >= 8
        ? { groups: [{ groupId: 'simple', topics }] }
        : { groupId: 'simple', topics };
    },
    says: (version) => {
      const topics = [{ partitions: [{ partitionIndex: 0 }] }];
      return version >= 8 ? { groups: [{ groupId: 'simple', topics }] } : { topics };
    },
  },
  FindCoordinator: {
    body: (version) => (version >= 4 ? { coordinatorKeys: [GROUP] } : { key: GROUP }),
    says: (version, { nodeId }) =>
      version >= 4 ? { coordinators: [{ key: GROUP, nodeId }] } : { nodeId },
  },
  JoinGroup: {
    body: (version) => ({
      groupId: `joined-${version}`,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: new Uint8Array(0) }],
    }),
    // KIP-394.
    codes: (version) => [version >= 4 ? ErrorCode.MEMBER_ID_REQUIRED : NONE],
    says: () => ({ memberId: expect.stringMatching(/./) as string }),
  },
  Heartbeat: { body: (_, { memberId }) => ({ groupId: GROUP, generationId: 1, memberId }) },
  LeaveGroup: {
    body: (version) =>
      version >= 3
        ? { groupId: GROUP, members: [{ memberId: 'nobody' }] }
        : { groupId: GROUP, memberId: 'nobody' },
    codes: (version) =>
      version >= 3 ? [NONE, ErrorCode.UNKNOWN_MEMBER_ID] : [ErrorCode.UNKNOWN_MEMBER_ID],
  },
  SyncGroup: {
    body: (version, { memberId }) => ({
      groupId: GROUP,
      generationId: 1,
      memberId,
      ...(version >= 5 && { protocolType: 'consumer', protocolName: 'range' }),
      assignments: [{ memberId, assignment: Uint8Array.of(7) }],
    }),
    says: () => ({ assignment: Uint8Array.of(7) }),
  },
  DescribeGroups: {
    body: (version) => ({
      groups: [GROUP],
      ...(version >= 3 && { includeAuthorizedOperations: false }),
    }),
    says: () => ({ groups: [{ groupId: GROUP, protocolType: 'consumer', members: [{}] }] }),
  },
  ListGroups: {
    body: (version) => ({
      ...(version >= 4 && { statesFilter: [] }),
      ...(version >= 5 && { typesFilter: [] }),
    }),
    says: () => ({
      groups: expect.arrayContaining([expect.objectContaining({ groupId: GROUP })]) as object[],
    }),
  },
  SaslHandshake: {
    body: () => ({ mechanism: 'PLAIN' }),
    codes: () => [ErrorCode.ILLEGAL_SASL_STATE],
  },
  ApiVersions: {
    body: () => ({ clientSoftwareName: 'test', clientSoftwareVersion: '1.0' }),
    says: () => ({
      apiKeys: expect.arrayContaining([
        { apiKey: 0, minVersion: 0, maxVersion: 13 },
        { apiKey: 18, minVersion: 0, maxVersion: 4 },
      ]) as object[],
    }),
  },
  CreateTopics: {
    body: (version) => ({
      topics: [
        {
          name: `made-${version}`,
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: [],
        },
      ],
      timeoutMs: 5000,
    }),
    says: (version) => ({ topics: [{ name: `made-${version}` }] }),
  },
  DeleteTopics: {
    body: (version) => ({
      ...(version >= 6
        ? { topics: [{ name: `doomed-${version}`, topicId: ZERO_UUID }] }
        : { topicNames: [`doomed-${version}`] }),
      timeoutMs: 5000,
    }),
    says: (version) => ({ responses: [{ name: `doomed-${version}` }] }),
  },
  DeleteRecords: {
    body: () => ({
      topics: [{ name: 'words', partitions: [{ partitionIndex: 0, offset: 0 }] }],
      timeoutMs: 5000,
    }),
    says: () => ({ topics: [{ partitions: [{ lowWatermark: 0 }] }] }),
  },
  InitProducerId: {
    body: () => ({ transactionalId: null, transactionTimeoutMs: 0 }),
    says: () => ({ producerId: expect.any(Number) as number, producerEpoch: 0 }),
  },
  OffsetForLeaderEpoch: {
    body: () => ({ topics: [{ topic: 'words', partitions: [{ partition: 0, leaderEpoch: 0 }] }] }),
    says: () => ({
      topics: [{ partitions: [{ leaderEpoch: 0, endOffset: expect.any(Number) as number }] }],
    }),
  },
  DescribeAcls: { body: () => aclFilter, codes: () => [ErrorCode.SECURITY_DISABLED] },
  CreateAcls: { body: () => ({ creations: [acl] }), codes: () => [ErrorCode.SECURITY_DISABLED] },
  DeleteAcls: {
    body: () => ({ filters: [aclFilter] }),
    codes: () => [ErrorCode.SECURITY_DISABLED],
  },
  DescribeConfigs: {
    body: () => ({
      resources: [
        { resourceType: 2, resourceName: 'words', configurationKeys: ['cleanup.policy'] },
        { resourceType: 4, resourceName: '1', configurationKeys: ['node.id'] },
      ],
    }),
    says: () => ({
      results: [
        { configs: [{ name: 'cleanup.policy', value: 'delete' }] },
        { configs: [{ name: 'node.id', value: '1' }] },
      ],
    }),
  },
  AlterConfigs: {
    body: () => ({
      resources: [
        {
          resourceType: 2,
          resourceName: 'words',
          configs: [{ name: 'retention.ms', value: '-1' }],
        },
      ],
      validateOnly: false,
    }),
  },
  DescribeLogDirs: {
    body: () => ({ topics: [{ topic: 'words', partitions: [0] }] }),
    says: () => ({
      results: [
        { logDir: 'memory', topics: [{ name: 'words', partitions: [{ partitionIndex: 0 }] }] },
      ],
    }),
  },
  SaslAuthenticate: {
    body: () => ({ authBytes: new Uint8Array(0) }),
    codes: () => [ErrorCode.ILLEGAL_SASL_STATE],
  },
  CreatePartitions: {
    body: (version) => ({
      topics: [{ name: 'growing', count: 2 + version, assignments: null }],
      timeoutMs: 5000,
      validateOnly: false,
    }),
  },
  DeleteGroups: {
    body: () => ({ groupsNames: ['none'] }),
    codes: () => [ErrorCode.GROUP_ID_NOT_FOUND],
  },
  IncrementalAlterConfigs: {
    body: () => ({
      resources: [
        {
          resourceType: 2,
          resourceName: 'words',
          configs: [{ name: 'retention.ms', configOperation: 1, value: null }],
        },
      ],
      validateOnly: false,
    }),
  },
  OffsetDelete: {
    body: () => ({
      groupId: 'simple',
      topics: [{ name: 'words', partitions: [{ partitionIndex: 0 }] }],
    }),
  },
  ElectLeaders: {
    body: () => ({ electionType: 0, topicPartitions: [{ topic: 'words', partitions: [0] }] }),
    codes: () => [NONE, ErrorCode.ELECTION_NOT_NEEDED],
  },
  AlterPartitionReassignments: {
    body: (_, { nodeId }) => ({
      topics: [{ name: 'words', partitions: [{ partitionIndex: 0, replicas: [nodeId] }] }],
    }),
  },
  ListPartitionReassignments: { body: () => ({ topics: null }), says: () => ({ topics: [] }) },
  DescribeQuorum: {
    body: () => ({
      topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
    }),
    says: (_, { nodeId }) => ({
      topics: [{ partitions: [{ leaderId: nodeId, currentVoters: [{ replicaId: nodeId }] }] }],
    }),
  },
  AddRaftVoter: {
    body: (version) => ({
      clusterId: null,
      timeoutMs: 0,
      voterId: 77,
      voterDirectoryId: '7'.repeat(32) as Uuid,
      listeners: [{ name: 'WS', host: 'elsewhere', port: 1 }],
      ...(version >= 1 && { ackWhenCommitted: true }),
    }),
    // It does not follow the log.
    codes: () => [ErrorCode.REQUEST_TIMED_OUT],
  },
  RemoveRaftVoter: {
    body: () => ({ clusterId: null, voterId: 77, voterDirectoryId: '7'.repeat(32) as Uuid }),
    codes: () => [ErrorCode.VOTER_NOT_FOUND],
  },
  UnregisterBroker: {
    body: () => ({ brokerId: 77 }),
    codes: () => [ErrorCode.BROKER_ID_NOT_REGISTERED],
  },
  DescribeCluster: {
    body: (version) => ({
      includeClusterAuthorizedOperations: false,
      ...(version >= 2 && { includeFencedBrokers: false }),
    }),
    says: (_, { nodeId }) => ({
      controllerId: nodeId,
      brokers: [{ brokerId: nodeId, host: 'broker', port: 9092 }],
    }),
  },
  DescribeProducers: {
    body: () => ({ topics: [{ name: 'words', partitionIndexes: [0] }] }),
    says: () => ({ topics: [{ partitions: [{ activeProducers: [] }] }] }),
  },
  ListConfigResources: {
    body: (version) => (version >= 1 ? { resourceTypes: [2] } : {}),
    says: (version) => ({
      configResources:
        version >= 1
          ? (expect.arrayContaining([{ resourceName: 'words', resourceType: 2 }]) as object[])
          : [],
    }),
  },
  DescribeTopicPartitions: {
    body: () => ({ topics: [{ name: 'words' }] }),
    says: (_, { nodeId }) => ({
      topics: [{ name: 'words', partitions: [{ leaderId: nodeId }] }],
      nextCursor: null,
    }),
  },
  OpenTreeSession: {
    body: () => ({ timeoutMs: 5000 }),
    says: () => ({ sessionId: expect.any(Number) as number, timeoutMs: 5000 }),
  },
  RenewTreeSession: {
    body: () => ({ sessionId: 123_456_789 }),
    codes: () => [ErrorCode.UNKNOWN_MEMBER_ID],
  },
  CloseTreeSession: {
    body: () => ({ sessionId: 123_456_789 }),
    codes: () => [ErrorCode.UNKNOWN_MEMBER_ID],
  },
  ReadTree: {
    body: () => ({ maxWaitMs: 0, reads: [{ kind: 1, path: '/' }] }),
    says: () => ({ results: [{ result: 0, children: [] }] }),
  },
  WriteTree: {
    body: () => ({ timeoutMs: 5000, ops: [{ kind: 0, path: '/written' }] }),
    says: () => ({ result: 0, results: [{ path: '/written', version: 0 }] }),
  },
  WatchTree: {
    body: () => ({ fromOffset: 0, maxWaitMs: 0, watches: [{ path: '/', scope: 2 }] }),
    says: () => ({ nextOffset: expect.any(Number) as number }),
  },
};

const codesIn = (answer: unknown, found = new Set<number>()): Set<number> => {
  if (Array.isArray(answer)) for (const item of answer) codesIn(item, found);
  else if (answer !== null && typeof answer === 'object' && !(answer instanceof Uint8Array)) {
    for (const [name, value] of Object.entries(answer)) {
      if (name === 'errorCode') found.add(value as number);
      else codesIn(value, found);
    }
  }
  return found;
};

const prepare = async () => {
  const broker = await startTestBroker({ config: { 'offsets.topic.num.partitions': '1' } });
  const client = broker.connect();
  await createTopic(client, 'words');
  await createTopic(client, 'growing');
  for (let version = 0; version < 10; version++) await createTopic(client, `doomed-${version}`);
  await produce(client, 'words', ['a']);
  const { memberId } = await joinGroup(client, GROUP);
  const sync = {
    groupId: GROUP,
    generationId: 1,
    memberId,
    assignments: [{ memberId, assignment: Uint8Array.of(7) }],
  };
  await client.request(api.syncGroup, 3, sync);
  const { topics } = await client.request(api.metadata, 12, { topics: [{ name: 'words' }] });
  const world: World = {
    client,
    nodeId: broker.broker.nodeId,
    topicId: topics[0]!.topicId,
    memberId,
  };
  return { ...broker, world };
};

describe('every API that is advertised', () => {
  it('has a question here', () => {
    expect(Object.keys(questions).toSorted()).toEqual(handlers.map((it) => it.name).toSorted());
  });

  it('is answered in every version', async () => {
    const { connect, world, stop } = await prepare();
    let count = 0;
    for (const { name, versions, request, response } of handlers) {
      const { body, codes, says } = questions[name]!;
      for (let version = versions[0]; version <= versions[1]; version++) {
        const client = connect();
        const pair = { request, response } as {
          request: Message<unknown, unknown>;
          response: Message<unknown, unknown>;
        };
        const answer = await client.request(pair as never, version, body(version, world) as never);
        const where = `${name} v${version}`;
        const expected = [...(codes?.(version) ?? [NONE])].toSorted();
        const found = [...codesIn(answer)].toSorted();
        expect([where, found.length === 0 ? [NONE] : found]).toEqual([where, expected]);
        if (says !== undefined)
          expect({ where, answer }).toMatchObject({ where, answer: says(version, world) });
        client.close();
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(150);
    await stop();
  });

  it('is advertised in just those versions, but for the old ones of Produce that librdkafka looks for', async () => {
    const { connect, stop } = await startTestBroker();
    const { apiKeys } = await connect().request(api.apiVersions, 3, {
      clientSoftwareName: 'test',
      clientSoftwareVersion: '1',
    });
    const byKey = new Map(apiKeys.map((it) => [it.apiKey, [it.minVersion, it.maxVersion]]));
    expect(byKey.size).toBe(handlers.length);
    for (const { key, name, versions } of handlers) {
      expect([name, byKey.get(key)]).toEqual([name, name === 'Produce' ? [0, 13] : versions]);
    }
    await stop();
  });

  it('is not told to a client that says of itself what cannot be', async () => {
    const { connect, stop } = await startTestBroker();
    const ask = async (clientSoftwareName: string, clientSoftwareVersion: string) =>
      (await connect().request(api.apiVersions, 3, { clientSoftwareName, clientSoftwareVersion }))
        .errorCode;
    expect(await ask('kafka-go', '1.2.3')).toBe(ErrorCode.NONE);
    for (const name of ['', '-x', 'x.', 'a b', 'ä']) {
      expect(await ask(name, '1')).toBe(ErrorCode.INVALID_REQUEST);
      expect(await ask('x', name)).toBe(ErrorCode.INVALID_REQUEST);
    }
    await stop();
  });

  it('closes the connection in a version that it does not have', async () => {
    const { connect, stop } = await startTestBroker();
    for (const { key, name, versions } of handlers) {
      if (name === 'ApiVersions') continue;
      for (const version of [versions[1] + 1, versions[0] - 1, -1]) {
        const client = connect();
        const frame = new Uint8Array(64);
        const view = new DataView(frame.buffer);
        view.setInt32(0, 60);
        view.setInt16(4, key);
        view.setInt16(6, version);
        client.sendBytes(frame);
        await client.closed;
        expect(client.answers).toEqual([]);
      }
    }
    await stop();
  });
});
