/** KafkaJS's admin over this client's. What needs an ACL or a reassignment is refused by name. */
import { ErrorCode } from '@odradek/protocol';
import { Admin as Administrator } from '../admin/admin.ts';
import { lookUpOffsets } from '../consumer/offset-lookup.ts';
import { partitionKey } from '../consumer/topic-partition.ts';
import { BrokerError } from '../errors.ts';
import { withRetries } from '../retry.ts';
import { AdminConfigs } from './admin-configs.ts';
import { AdminGroups } from './admin-groups.ts';
import { EARLIEST_OFFSET, LATEST_OFFSET, adminEvents } from './constants.ts';
import { protocolInfo, toKafkaJS } from './error-mapping.ts';
import {
  KafkaJSAggregateError,
  KafkaJSCreateTopicError,
  KafkaJSDeleteTopicRecordsError,
  KafkaJSNonRetriableError,
  KafkaJSNotImplemented,
} from './errors.ts';
import { Emitter } from './events.ts';
import type { KafkaJSHost } from './host.ts';
import type { RetryPlan } from './retry-plan.ts';
import { Session } from './session.ts';
import { toPartitions } from './topic-metadata.ts';
import type { Admin, ITopicConfig, KafkaConfig, Logger, SeekEntry } from './types.ts';

export function createAdmin<B extends Uint8Array>(
  host: KafkaJSHost<B>,
  config: KafkaConfig,
  plan: RetryPlan,
  rootLogger: Logger,
): Admin<B> {
  const logger = rootLogger.namespace('Admin');
  const emitter = new Emitter('admin', adminEvents, host.clock, logger);
  const session = new Session({ host, config, plan, emitter, events: adminEvents });
  const configs = new AdminConfigs(session);
  const groups = new AdminGroups(session, host.toBuffer, (topic) => offsetsOf(session, topic));
  return {
    connect: async () => void (await session.connect()),
    disconnect: async () => session.disconnect(),
    listTopics: () =>
      session.run(async (cluster) =>
        (await new Administrator(cluster).listTopics()).map(({ name }) => name ?? ''),
      ),
    async createTopics({ topics, validateOnly = false }) {
      checkTopics(topics);
      return session.run(async (cluster) => {
        const administrator = new Administrator(cluster);
        const failures: KafkaJSCreateTopicError[] = [];
        await Promise.all(
          topics.map((each) =>
            administrator
              .createTopic(toNewTopic(each), { validateOnly })
              .catch((error: unknown) => {
                if (!(error instanceof BrokerError)) throw error;
                const info = protocolInfo(error.code, error, error.message);
                failures.push(new KafkaJSCreateTopicError(info, each.topic));
              }),
          ),
        );
        if (failures.some(({ code }) => code !== ErrorCode.TOPIC_ALREADY_EXISTS))
          throw new KafkaJSAggregateError('Topic creation errors', failures);
        if (failures.length > 0) return false;
        // Until somebody leads them they cannot be written to.
        if (!validateOnly) for (const { topic } of topics) await cluster.topic(topic);
        return true;
      });
    },
    async deleteTopics({ topics }) {
      checkNames(topics);
      await session.run((cluster) => new Administrator(cluster).deleteTopics(topics));
    },
    async createPartitions({ topicPartitions, validateOnly = false }) {
      if (!Array.isArray(topicPartitions) || topicPartitions.length === 0)
        throw new KafkaJSNonRetriableError(
          `Invalid topic partitions array ${String(topicPartitions)}`,
        );
      checkNames(topicPartitions.map(({ topic }) => topic));
      if (topicPartitions.some(({ assignments }) => assignments !== undefined))
        throw new KafkaJSNotImplemented('assignments by hand are not offered here');
      return session.run(async (cluster) => {
        for (const { topic, count } of topicPartitions)
          await new Administrator(cluster).createPartitions(topic, count, { validateOnly });
        return true;
      });
    },
    async fetchTopicMetadata({ topics = [] } = { topics: [] }) {
      checkNames(topics);
      return session.run((cluster) =>
        withRetries(host, plan.policy, async () => {
          const found = await cluster.metadata({ topics: topics.length === 0 ? null : topics });
          for (const { name, errorCode } of found.topics)
            if (errorCode !== ErrorCode.NONE)
              throw new BrokerError(errorCode, {
                topic: name ?? '',
                ...(errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && { retriable: false }),
              });
          return {
            topics: found.topics.map((topic) => ({
              name: topic.name ?? '',
              partitions: toPartitions(topic),
            })),
          };
        }),
      );
    },
    fetchTopicOffsets: (topic) => {
      checkNames([topic]);
      return offsetsOf(session, topic);
    },
    async fetchTopicOffsetsByTimestamp(topic, timestamp) {
      checkNames([topic]);
      return session.run(async (cluster) => {
        const administrator = new Administrator(cluster);
        const latest = await administrator.listOffsets(topic, 'latest');
        const found =
          timestamp === undefined
            ? latest
            : await administrator.listOffsets(topic, { timestampMs: timestamp });
        return found.map(({ partition, offset }, index) => ({
          partition,
          offset: String(offset >= 0 ? offset : latest[index]!.offset),
        }));
      });
    },
    describeCluster: () =>
      session.run(async (cluster) => {
        const info = await new Administrator(cluster).describeCluster();
        return {
          brokers: info.brokers.map(({ nodeId, host: name, port }) => ({
            nodeId,
            host: name,
            port,
          })),
          controller: info.controllerId < 0 ? null : info.controllerId,
          clusterId: info.clusterId ?? '',
        };
      }),
    describeConfigs: (query) => configs.describe(query),
    alterConfigs: (changes) => configs.alter(changes),
    fetchOffsets: (query) => groups.fetchOffsets(query),
    setOffsets: (offsets) => groups.setOffsets(offsets),
    resetOffsets: ({ groupId, topic, earliest = false }) =>
      groups.resetOffsets(groupId, topic, earliest),
    listGroups: () => groups.list(),
    describeGroups: (groupIds) => groups.describe(groupIds),
    deleteGroups: (groupIds) => groups.delete(groupIds),
    async deleteTopicRecords({ topic, partitions }) {
      checkNames([topic]);
      if (!Array.isArray(partitions) || partitions.length === 0)
        throw new KafkaJSNonRetriableError('Invalid partitions');
      await session.run((cluster) => deleteRecords(new Administrator(cluster), topic, partitions));
    },
    describeAcls: () => refused('describeAcls'),
    deleteAcls: () => refused('deleteAcls'),
    createAcls: () => refused('createAcls'),
    alterPartitionReassignments: () => refused('alterPartitionReassignments'),
    listPartitionReassignments: () => refused('listPartitionReassignments'),
    logger: () => logger,
    on: (eventName: string, listener: (event: never) => unknown) => emitter.on(eventName, listener),
    events: adminEvents,
  };
}

const refused = (name: string): Promise<never> =>
  Promise.reject(new KafkaJSNotImplemented(`${name} is not offered here`));

/** Each partition by itself: what one leader refuses, the others may have done. */
async function deleteRecords(
  administrator: Administrator,
  topic: string,
  partitions: readonly SeekEntry[],
): Promise<void> {
  const failures = await Promise.all(
    partitions.map(async ({ partition, offset }) => {
      try {
        await administrator.deleteRecords([{ topic, partition, offset: Number(offset) }]);
        return [];
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error;
        return [{ partition, offset, error: toKafkaJS(error) }];
      }
    }),
  );
  if (failures.flat().length > 0)
    throw new KafkaJSDeleteTopicRecordsError({ partitions: failures.flat() });
}

const offsetsOf = <B extends Uint8Array>(
  session: Session<B>,
  topic: string,
): Promise<(SeekEntry & { high: string; low: string })[]> =>
  session.run(async (cluster) => {
    const { partitions } = await cluster.topic(topic);
    const at = (timestamp: number) =>
      withRetries(cluster.host, cluster.retry, () =>
        lookUpOffsets(
          cluster,
          partitions.map(({ partitionIndex }) => ({ topic, partition: partitionIndex, timestamp })),
          false,
        ),
      );
    const [high, low] = await Promise.all([at(LATEST_OFFSET), at(EARLIEST_OFFSET)]);
    return partitions.map(({ partitionIndex: partition }) => {
      const key = partitionKey(topic, partition);
      const end = String(high.get(key)?.offset ?? LATEST_OFFSET);
      return { partition, offset: end, high: end, low: String(low.get(key)?.offset ?? 0) };
    });
  });

function checkNames(names: readonly string[]): void {
  if (!Array.isArray(names))
    throw new KafkaJSNonRetriableError(`Invalid topics array ${String(names)}`);
  const bad = names.find((name) => typeof name !== 'string' || name === '');
  if (bad !== undefined) throw new KafkaJSNonRetriableError(`Invalid topic ${String(bad)}`);
  if (new Set(names).size < names.length)
    throw new KafkaJSNonRetriableError(
      'Invalid topics array, it cannot have multiple entries for the same topic',
    );
}

function checkTopics(topics: readonly ITopicConfig[]): void {
  if (!Array.isArray(topics))
    throw new KafkaJSNonRetriableError(`Invalid topics array ${String(topics)}`);
  checkNames(topics.map(({ topic }) => topic));
  for (const { topic, configEntries } of topics as readonly ITopicConfig[]) {
    if (configEntries === undefined || configEntries === null) continue;
    if (
      !Array.isArray(configEntries) ||
      configEntries.some(
        (entry) => typeof entry?.name !== 'string' || typeof entry.value !== 'string',
      )
    )
      throw new KafkaJSNonRetriableError(
        `Invalid configEntries for topic "${topic}": each needs a name and a value that are strings`,
      );
  }
}

function toNewTopic({
  topic,
  numPartitions,
  replicationFactor,
  replicaAssignment,
  configEntries,
}: ITopicConfig): Parameters<Administrator['createTopic']>[0] {
  const byHand = replicaAssignment !== undefined && replicaAssignment.length > 0;
  return {
    name: topic,
    ...(!byHand && numPartitions !== undefined && { partitions: numPartitions }),
    ...(!byHand && replicationFactor !== undefined && { replicationFactor }),
    ...(byHand && {
      assignments: [...replicaAssignment]
        .sort((a, b) => a.partition - b.partition)
        .map(({ replicas }) => replicas),
    }),
    ...(configEntries && {
      configs: Object.fromEntries(configEntries.map(({ name, value }) => [name, value])),
    }),
  };
}
