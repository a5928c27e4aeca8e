/**
 * @platformatic/kafka as a witness for requests in flexible encodings: given the same, it must
 * write the same bytes as we do, and we must read back what it wrote.
 */
import * as platformatic from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import type { Uuid } from '../ids.ts';
import { batchesIn } from '../records/index.ts';
import { decode, encode } from '../schema/message.ts';
import { apis, produceRequest } from './index.ts';

const TOPIC_ID = '0123456789abcdef0123456789abcdef' as Uuid;
const THEIR_TOPIC_ID = '01234567-89ab-cdef-0123-456789abcdef';

const fetchedPartition = {
  partition: 2,
  currentLeaderEpoch: 4,
  lastFetchedEpoch: -1,
  partitionMaxBytes: 1000,
};
const topicToCreate = {
  name: 't',
  numPartitions: 3,
  replicationFactor: 1,
  assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }],
  configs: [{ name: 'cleanup.policy', value: 'compact' }],
};
const transaction = {
  transactionalId: 'tx',
  producerEpoch: 3,
  verifyOnly: true,
  topics: [{ name: 't', partitions: [0, 1] }],
};
const configResource = {
  resourceType: 2,
  resourceName: 't',
  configs: [{ name: 'retention.ms', configOperation: 0, value: '1' }],
};
const offsetsOfGroup = {
  groupId: 'g',
  memberId: 'm',
  memberEpoch: 4,
  topics: [{ name: 't', partitionIndexes: [1, 2] }],
};
const committed = { partitionIndex: 1, committedLeaderEpoch: 2, committedMetadata: 'here' };

interface TheirApi {
  readonly api: { readonly key: number; readonly version: number };
  readonly createRequest: (...args: never[]) => { readonly buffer: Uint8Array };
}

/** Their arguments, and the body that we would write for the same. */
const requests: readonly (readonly [string, readonly unknown[], unknown])[] = [
  [
    'apiVersionsV4',
    ['odradek', '1.0'],
    { clientSoftwareName: 'odradek', clientSoftwareVersion: '1.0' },
  ],
  ['metadataV12', [[], true, true], { topics: [], includeTopicAuthorizedOperations: true }],
  [
    'metadataV12',
    [['wörter', 'b']],
    {
      topics: [{ name: 'wörter' }, { name: 'b' }],
      allowAutoTopicCreation: false,
    },
  ],
  [
    'fetchV17',
    [
      500,
      1,
      1e6,
      1,
      7,
      3,
      [{ topicId: THEIR_TOPIC_ID, partitions: [{ ...fetchedPartition, fetchOffset: 1n }] }],
      [],
      'rack',
    ],
    {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 1e6,
      isolationLevel: 1,
      sessionId: 7,
      sessionEpoch: 3,
      topics: [{ topicId: TOPIC_ID, partitions: [{ ...fetchedPartition, fetchOffset: 1 }] }],
      rackId: 'rack',
    },
  ],
  [
    'listOffsetsV9',
    [
      -1,
      1,
      [{ name: 't', partitions: [{ partitionIndex: 1, currentLeaderEpoch: -1, timestamp: -2n }] }],
    ],
    {
      replicaId: -1,
      isolationLevel: 1,
      topics: [{ name: 't', partitions: [{ partitionIndex: 1, timestamp: -2 }] }],
    },
  ],
  ['findCoordinatorV6', [0, ['g1', 'g2']], { keyType: 0, coordinatorKeys: ['g1', 'g2'] }],
  [
    'joinGroupV9',
    [
      'g',
      10_000,
      60_000,
      '',
      null,
      'consumer',
      [{ name: 'range', metadata: Buffer.from([1, 2]) }],
      null,
    ],
    {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Uint8Array.of(1, 2) }],
    },
  ],
  [
    'syncGroupV5',
    ['g', 3, 'm', 'i', 'consumer', 'range', [{ memberId: 'm', assignment: Buffer.from([9]) }]],
    {
      groupId: 'g',
      generationId: 3,
      memberId: 'm',
      groupInstanceId: 'i',
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [{ memberId: 'm', assignment: Uint8Array.of(9) }],
    },
  ],
  ['heartbeatV4', ['g', 3, 'm', null], { groupId: 'g', generationId: 3, memberId: 'm' }],
  [
    'offsetCommitV9',
    [
      'g',
      3,
      'm',
      null,
      [{ name: 't', partitions: [{ ...committed, committedOffset: 2n ** 40n }] }],
    ],
    {
      groupId: 'g',
      generationIdOrMemberEpoch: 3,
      memberId: 'm',
      topics: [{ name: 't', partitions: [{ ...committed, committedOffset: 2 ** 40 }] }],
    },
  ],
  ['offsetFetchV9', [[offsetsOfGroup], true], { groups: [offsetsOfGroup], requireStable: true }],
  [
    'createTopicsV7',
    [[topicToCreate], 5000, true],
    { topics: [topicToCreate], timeoutMs: 5000, validateOnly: true },
  ],
  [
    'initProducerIdV5',
    ['tx', 1000, -1n, -1],
    { transactionalId: 'tx', transactionTimeoutMs: 1000 },
  ],
  [
    'addPartitionsToTxnV5',
    [[{ ...transaction, producerId: 5n }]],
    { transactions: [{ ...transaction, producerId: 5 }] },
  ],
  [
    'consumerGroupHeartbeatV1',
    ['g', 'm', 0, null, null, 1000, ['a', 'b'], null, 'uniform', []],
    {
      groupId: 'g',
      memberId: 'm',
      memberEpoch: 0,
      rebalanceTimeoutMs: 1000,
      subscribedTopicNames: ['a', 'b'],
      serverAssignor: 'uniform',
      topicPartitions: [],
    },
  ],
  [
    'incrementalAlterConfigsV1',
    [[configResource], false],
    { resources: [configResource], validateOnly: false },
  ],
];

describe('@platformatic/kafka writes the same requests', () => {
  it.each(requests)('%s', (name, args, ours) => {
    const { api, createRequest } = (platformatic as unknown as Record<string, TheirApi>)[name]!;
    const { request } = apis.find(({ key }) => key === api.key)!;
    const written = createRequest(...(args as never[])).buffer;
    expect(hex(Buffer.concat(encode(request, api.version, ours as never)))).toBe(hex(written));
    const read = decode(request, api.version, written);
    expect(hex(Buffer.concat(encode(request, api.version, read as never)))).toBe(hex(written));
  });

  it('produceV11, with records that are handed on untouched', () => {
    const written = platformatic.produceV11.createRequest(
      -1,
      1500,
      [
        {
          topic: 'words',
          partition: 3,
          key: Buffer.from('k'),
          value: Buffer.from('v'),
          headers: new Map(),
        },
      ] as never,
      { transactionalId: 'tx', producerId: 7n, producerEpoch: 1 } as never,
    ).buffer;
    const body = decode(produceRequest, 11, written);
    expect(body).toMatchObject({ transactionalId: 'tx', acks: -1, timeoutMs: 1500 });
    const [partition] = body.topicData[0]!.partitionData;
    expect(partition!.index).toBe(3);
    const [batch] = [...batchesIn(partition!.records!)];
    expect(batch).toMatchObject({ producerId: 7, recordCount: 1 });
    expect(hex(Buffer.concat(encode(produceRequest, 11, body)))).toBe(hex(written));
  });
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
