/** The steps that most stories share, over the wire client. */
import { ErrorCode, ZERO_UUID, errorInfo } from '@odradek/protocol';
import { api } from './wire-api.ts';
import type { WireClient } from './wire-client.ts';

export type Configs = Readonly<Record<string, string>>;

/** Gives the topic's id. */
export const createTopic = async (
  client: WireClient,
  name: string,
  numPartitions = 1,
  configs: Configs = {},
): Promise<string> => {
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
    timeoutMs: 10_000,
    validateOnly: false,
  });
  const created = topics[0]!;
  if (created.errorCode !== ErrorCode.NONE)
    throw new Error(`topic ${name}: ${nameOf(created.errorCode)} ${created.errorMessage}`);
  return created.topicId;
};

export const deleteTopic = async (client: WireClient, name: string): Promise<void> => {
  const { responses } = await client.request(api.deleteTopics, 6, {
    topics: [{ name, topicId: ZERO_UUID }],
    timeoutMs: 10_000,
  });
  const [deleted] = responses;
  if (deleted?.errorCode !== ErrorCode.NONE)
    throw new Error(`deletion of ${name}: ${nameOf(deleted?.errorCode)}`);
};

export interface Produced {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly baseOffset: number;
}

/** One partition's batch, with acks=all. An error is a value here. */
export const produce = async (
  client: WireClient,
  topic: string,
  partition: number,
  records: Uint8Array,
  timeoutMs = 10_000,
): Promise<Produced> => {
  const { responses } = await client.request(api.produce, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs,
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  });
  return responses[0]!.partitionResponses[0]!;
};

/** One partition's bytes from an offset on. */
export const fetchOnce = async (
  client: WireClient,
  topic: string,
  partition: number,
  fetchOffset: number,
  maxBytes = 4 * 1024 * 1024,
) => {
  const { responses } = await client.request(api.fetch, 12, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes,
    topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: maxBytes }] }],
    forgottenTopicsData: [],
  });
  return responses[0]!.partitions[0]!;
};

/** Where the partition begins (-2) or ends (-1); an error is a value here. */
export const offsetOf = async (
  client: WireClient,
  topic: string,
  partition: number,
  which: -1 | -2,
) => {
  const { topics } = await client.request(api.listOffsets, 5, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: which }] }],
  });
  return topics[0]!.partitions[0]!;
};

export const nameOf = (errorCode: number | undefined): string =>
  errorCode === undefined ? 'no answer' : errorInfo(errorCode as ErrorCode).name;
