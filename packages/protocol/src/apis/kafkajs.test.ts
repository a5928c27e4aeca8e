/**
 * kafkajs as a witness for the encodings before flexible versions, both ways: whole request frames
 * byte for byte, and answers as its own decoders see them.
 */
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { crc32cJs } from '../crc32c/index.ts';
import { ErrorCode } from '../error-codes.ts';
import { encodeRequest } from '../headers.ts';
import { buildBatch } from '../records/index.ts';
import { encode } from '../schema/message.ts';
import {
  apis,
  apiVersionsResponse,
  createTopicsResponse,
  describeGroupsResponse,
  fetchResponse,
  findCoordinatorResponse,
  joinGroupResponse,
  listOffsetsResponse,
  metadataResponse,
  offsetFetchResponse,
  produceResponse,
} from './index.ts';

interface TheirRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
}
type FrameOf = (of: {
  correlationId: number;
  clientId: string;
  request: TheirRequest;
}) => Promise<{ readonly buffer: Uint8Array }>;

const theirs = createRequire(import.meta.url);
const frameOf = theirs('kafkajs/src/protocol/request') as FrameOf;

const group = { groupId: 'g', memberId: 'm' };
const bytes = Uint8Array.of(0, 1, 2, 255);

/** Where their encoder is, what it is given, and the body that we would write for the same. */
const requests: readonly (readonly [string, unknown, unknown])[] = [
  ['apiVersions/v2', {}, {}],
  ['metadata/v1', { topics: ['a', 'b'] }, { topics: [{ name: 'a' }, { name: 'b' }] }],
  [
    'metadata/v6',
    { topics: ['grüße'], allowAutoTopicCreation: false },
    { topics: [{ name: 'grüße' }], allowAutoTopicCreation: false },
  ],
  [
    'fetch/v11',
    {
      replicaId: -1,
      maxWaitTime: 500,
      minBytes: 1,
      maxBytes: 1e6,
      isolationLevel: 1,
      topics: [{ topic: 't', partitions: [{ partition: 1, fetchOffset: '77', maxBytes: 5 }] }],
    },
    {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 1e6,
      isolationLevel: 1,
      topics: [
        { topic: 't', partitions: [{ partition: 1, fetchOffset: 77, partitionMaxBytes: 5 }] },
      ],
    },
  ],
  [
    'listOffsets/v3',
    {
      replicaId: -1,
      isolationLevel: 1,
      topics: [{ topic: 't', partitions: [{ partition: 0, timestamp: '-2' }] }],
    },
    {
      replicaId: -1,
      isolationLevel: 1,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -2 }] }],
    },
  ],
  [
    'offsetCommit/v5',
    {
      ...group,
      groupGenerationId: 3,
      topics: [{ topic: 't', partitions: [{ partition: 0, offset: '9007199254740991' }] }],
    },
    {
      ...group,
      generationIdOrMemberEpoch: 3,
      topics: [
        {
          name: 't',
          partitions: [
            { partitionIndex: 0, committedOffset: 9007199254740991, committedMetadata: null },
          ],
        },
      ],
    },
  ],
  [
    'offsetFetch/v4',
    { groupId: 'g', topics: [{ topic: 't', partitions: [{ partition: 0 }, { partition: 4 }] }] },
    { groupId: 'g', topics: [{ name: 't', partitionIndexes: [0, 4] }] },
  ],
  ['findCoordinator/v2', { coordinatorKey: 'g', coordinatorType: 0 }, { key: 'g', keyType: 0 }],
  [
    'joinGroup/v5',
    {
      ...group,
      sessionTimeout: 30_000,
      rebalanceTimeout: 60_000,
      protocolType: 'consumer',
      groupProtocols: [{ name: 'RoundRobin', metadata: Buffer.from(bytes) }],
    },
    {
      ...group,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: [{ name: 'RoundRobin', metadata: bytes }],
    },
  ],
  [
    'syncGroup/v3',
    {
      ...group,
      generationId: 3,
      groupInstanceId: 'i',
      groupAssignment: [{ memberId: 'm', memberAssignment: Buffer.from(bytes) }],
    },
    {
      ...group,
      generationId: 3,
      groupInstanceId: 'i',
      assignments: [{ memberId: 'm', assignment: bytes }],
    },
  ],
  [
    'heartbeat/v3',
    { ...group, groupGenerationId: 3, groupInstanceId: 'i' },
    { ...group, generationId: 3, groupInstanceId: 'i' },
  ],
  [
    'leaveGroup/v3',
    { groupId: 'g', members: [{ memberId: 'm' }] },
    { groupId: 'g', members: [{ memberId: 'm' }] },
  ],
  [
    'createTopics/v3',
    {
      topics: [{ topic: 't', configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
      timeout: 1000,
      validateOnly: true,
    },
    {
      topics: [
        {
          name: 't',
          numPartitions: -1,
          replicationFactor: -1,
          assignments: [],
          configs: [{ name: 'cleanup.policy', value: 'compact' }],
        },
      ],
      timeoutMs: 1000,
      validateOnly: true,
    },
  ],
  ['deleteTopics/v1', { topics: ['t'] }, { topicNames: ['t'], timeoutMs: 5000 }],
  [
    'deleteRecords/v1',
    { topics: [{ topic: 't', partitions: [{ partition: 0, offset: '-1' }] }] },
    { topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: -1 }] }], timeoutMs: 5000 },
  ],
  [
    'initProducerId/v1',
    { transactionalId: null, transactionTimeout: 1000 },
    { transactionalId: null, transactionTimeoutMs: 1000 },
  ],
  [
    'describeConfigs/v2',
    { resources: [{ type: 2, name: 't', configNames: ['a'] }], includeSynonyms: true },
    {
      resources: [{ resourceType: 2, resourceName: 't', configurationKeys: ['a'] }],
      includeSynonyms: true,
    },
  ],
  [
    'createPartitions/v1',
    { topicPartitions: [{ topic: 't', count: 4, assignments: [[1, 2]] }] },
    {
      topics: [{ name: 't', count: 4, assignments: [{ brokerIds: [1, 2] }] }],
      timeoutMs: 5000,
      validateOnly: false,
    },
  ],
];

describe('kafkajs writes the same requests', () => {
  it.each(requests)('%s', async (path, given, ours) => {
    const requestOf = theirs(`kafkajs/src/protocol/requests/${path}/request`) as (
      given: unknown,
    ) => TheirRequest;
    const request = requestOf(given);
    const identity = { correlationId: 1234, clientId: 'client' };
    const { buffer } = await frameOf({ ...identity, request });
    const api = apis.find(({ key }) => key === request.apiKey)!;
    const frame = encodeRequest(api.request, request.apiVersion, identity, ours as never);
    expect(Buffer.concat(frame).toString('hex')).toBe(Buffer.from(buffer).toString('hex'));
  });
});

describe('kafkajs reads our answers', () => {
  const read = async (path: string, chunks: readonly Uint8Array[]): Promise<unknown> => {
    const { decode } = theirs(`kafkajs/src/protocol/requests/${path}/response`) as {
      decode: (bytes: Buffer) => Promise<unknown>;
    };
    return decode(Buffer.concat(chunks));
  };

  it('ApiVersions v2', async () => {
    const chunks = encode(apiVersionsResponse, 2, {
      errorCode: 0,
      apiKeys: [{ apiKey: 3, minVersion: 0, maxVersion: 13 }],
    });
    expect(await read('apiVersions/v2', chunks)).toMatchObject({
      errorCode: 0,
      apiVersions: [{ apiKey: 3, minVersion: 0, maxVersion: 13 }],
    });
  });

  it('Metadata v6', async () => {
    const chunks = encode(metadataResponse, 6, {
      throttleTimeMs: 7,
      brokers: [{ nodeId: 1, host: 'localhost', port: 9092 }],
      clusterId: 'cluster',
      controllerId: 1,
      topics: [
        {
          errorCode: 0,
          name: 't',
          partitions: [
            { errorCode: 0, partitionIndex: 0, leaderId: 1, replicaNodes: [1, 2], isrNodes: [1] },
          ],
        },
      ],
    });
    expect(await read('metadata/v6', chunks)).toEqual({
      throttleTime: 0,
      clientSideThrottleTime: 7,
      brokers: [{ nodeId: 1, host: 'localhost', port: 9092, rack: null }],
      clusterId: 'cluster',
      controllerId: 1,
      topicMetadata: [
        {
          topicErrorCode: 0,
          topic: 't',
          isInternal: false,
          partitionMetadata: [
            {
              partitionErrorCode: 0,
              partitionId: 0,
              leader: 1,
              replicas: [1, 2],
              isr: [1],
              offlineReplicas: [],
            },
          ],
        },
      ],
    });
  });

  it('Fetch v11, the records in pieces', async () => {
    const batch = buildBatch({
      baseOffset: 40 as never,
      records: [{ key: null, value: Buffer.from('a'), timestampMs: 1000 }],
      crc32c: crc32cJs,
    });
    const chunks = encode(fetchResponse, 11, {
      responses: [
        {
          topic: 't',
          partitions: [
            {
              partitionIndex: 3,
              errorCode: 0,
              highWatermark: 41,
              lastStableOffset: 41,
              abortedTransactions: [{ producerId: 5, firstOffset: 39 }],
              records: [batch.subarray(0, 20), batch.subarray(20)],
            },
          ],
        },
      ],
    });
    expect(await read('fetch/v11', chunks)).toMatchObject({
      errorCode: 0,
      responses: [
        {
          topicName: 't',
          partitions: [
            {
              partition: 3,
              highWatermark: '41',
              lastStableOffset: '41',
              abortedTransactions: [{ producerId: '5', firstOffset: '39' }],
              messages: [{ offset: '40', timestamp: '1000', value: Buffer.from('a') }],
            },
          ],
        },
      ],
    });
  });

  it('Produce v7', async () => {
    const chunks = encode(produceResponse, 7, {
      responses: [{ name: 't', partitionResponses: [{ index: 1, errorCode: 6, baseOffset: -1 }] }],
    });
    const partitions = [
      { partition: 1, errorCode: 6, baseOffset: '-1', logAppendTime: '-1', logStartOffset: '-1' },
    ];
    expect(await read('produce/v7', chunks)).toMatchObject({ topics: [{ partitions }] });
  });

  it('JoinGroup v5', async () => {
    const chunks = encode(joinGroupResponse, 5, {
      errorCode: 0,
      generationId: 2,
      protocolName: 'range',
      leader: 'm',
      memberId: 'm',
      members: [{ memberId: 'm', metadata: bytes }],
    });
    expect(await read('joinGroup/v5', chunks)).toMatchObject({
      errorCode: 0,
      generationId: 2,
      groupProtocol: 'range',
      leaderId: 'm',
      memberId: 'm',
      members: [{ memberId: 'm', groupInstanceId: null, memberMetadata: Buffer.from(bytes) }],
    });
  });

  it('OffsetFetch v4', async () => {
    const partition = {
      partitionIndex: 0,
      committedOffset: 2 ** 40,
      metadata: null,
      errorCode: ErrorCode.NONE,
    };
    const chunks = encode(offsetFetchResponse, 4, {
      topics: [{ name: 't', partitions: [partition] }],
    });
    expect(await read('offsetFetch/v4', chunks)).toMatchObject({
      errorCode: 0,
      responses: [
        {
          topic: 't',
          partitions: [{ partition: 0, offset: '1099511627776', metadata: null, errorCode: 0 }],
        },
      ],
    });
  });

  it('FindCoordinator v2', async () => {
    const chunks = encode(findCoordinatorResponse, 2, { nodeId: 1, host: 'h', port: 9092 });
    expect(await read('findCoordinator/v2', chunks)).toMatchObject({
      errorCode: 0,
      errorMessage: null,
      coordinator: { nodeId: 1, host: 'h', port: 9092 },
    });
  });

  it('ListOffsets v3', async () => {
    const chunks = encode(listOffsetsResponse, 3, {
      topics: [
        { name: 't', partitions: [{ partitionIndex: 0, errorCode: 0, timestamp: -1, offset: 12 }] },
      ],
    });
    expect(await read('listOffsets/v3', chunks)).toMatchObject({
      responses: [
        {
          topic: 't',
          partitions: [{ partition: 0, errorCode: 0, timestamp: '-1', offset: '12' }],
        },
      ],
    });
  });

  it('CreateTopics v3', async () => {
    const chunks = encode(createTopicsResponse, 3, {
      topics: [{ name: 't', errorCode: 36, errorMessage: 'there is one', configs: null }],
    });
    expect(await read('createTopics/v3', chunks)).toMatchObject({
      topicErrors: [{ topic: 't', errorCode: 36, errorMessage: 'there is one' }],
    });
  });

  it('DescribeGroups v2', async () => {
    const chunks = encode(describeGroupsResponse, 2, {
      groups: [
        {
          errorCode: 0,
          groupId: 'g',
          groupState: 'Stable',
          protocolType: 'consumer',
          protocolData: 'range',
          members: [
            {
              memberId: 'm',
              clientId: 'c',
              clientHost: '/127.0.0.1',
              memberMetadata: bytes,
              memberAssignment: bytes,
            },
          ],
        },
      ],
    });
    expect(await read('describeGroups/v2', chunks)).toMatchObject({
      groups: [{ groupId: 'g', state: 'Stable', protocol: 'range', members: [{ memberId: 'm' }] }],
    });
  });
});
