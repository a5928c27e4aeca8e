/** The steps that most stories share. */
import { ErrorCode } from '@odradek/protocol';
import { api } from './api.ts';
import { batchOf, valuesIn, type BatchOptions } from './records.ts';
import type { TestClient } from './test-broker.ts';

export const createTopic = async (
  client: TestClient,
  name: string,
  numPartitions = 1,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const { topics } = await client.request(api.createTopics, 7, {
    topics: [
      {
        name,
        numPartitions,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      },
    ],
    timeoutMs: 5_000,
    validateOnly: false,
  });
  if (topics[0]?.errorCode !== ErrorCode.NONE)
    throw new Error(`topic ${name}: ${topics[0]?.errorMessage}`);
};

export const produce = async (
  client: TestClient,
  topic: string,
  values: readonly string[],
  options: BatchOptions & {
    readonly partition?: number;
    readonly acks?: number;
    readonly version?: number;
  } = {},
) => {
  const { responses } = await client.request(api.produce, options.version ?? 9, {
    transactionalId: null,
    acks: options.acks ?? -1,
    timeoutMs: 5_000,
    topicData: [
      {
        name: topic,
        partitionData: [{ index: options.partition ?? 0, records: batchOf(values, options) }],
      },
    ],
  });
  return responses[0]!.partitionResponses[0]!;
};

export const fetchFrom = async (
  client: TestClient,
  topic: string,
  fetchOffset: number,
  options: {
    partition?: number;
    maxWaitMs?: number;
    minBytes?: number;
    maxBytes?: number;
    epoch?: number;
  } = {},
) => {
  const { responses } = await client.request(api.fetch, 12, {
    maxWaitMs: options.maxWaitMs ?? 0,
    minBytes: options.minBytes ?? 1,
    maxBytes: options.maxBytes ?? 1_000_000,
    topics: [
      {
        topic,
        partitions: [
          {
            partition: options.partition ?? 0,
            fetchOffset,
            partitionMaxBytes: options.maxBytes ?? 1_000_000,
            currentLeaderEpoch: options.epoch ?? -1,
          },
        ],
      },
    ],
    forgottenTopicsData: [],
  });
  const found = responses[0]!.partitions[0]!;
  return { ...found, values: valuesIn(found.records) };
};

/** Joins a group alone, with the second request that a new member needs. */
export const joinGroup = async (client: TestClient, groupId: string, memberId = '') => {
  await client.request(api.findCoordinator, 4, { keyType: 0, coordinatorKeys: [groupId] });
  const join = (id: string) =>
    client.request(api.joinGroup, 5, {
      groupId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: id,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: new Uint8Array(4) }],
    });
  const first = await join(memberId);
  return first.errorCode === ErrorCode.MEMBER_ID_REQUIRED ? join(first.memberId) : first;
};
