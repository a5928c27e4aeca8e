/** What the cluster consists of. */
import { describeClusterApi, describeLogDirsApi, describeProducersApi } from './admin-api.ts';
import type { Cluster } from '../cluster.ts';
import { UnsupportedApi } from '../errors.ts';
import { withRetries } from '../retry.ts';
import { groupByTopic } from '../consumer/topic-partition.ts';
import type { TopicPartition } from '../consumer/topic-partition.ts';
import { check } from './asking.ts';

export interface BrokerInfo {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface ClusterInfo {
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly brokers: readonly BrokerInfo[];
}

export interface LogDir {
  readonly nodeId: number;
  readonly path: string;
  /** -1 when the broker does not tell. */
  readonly totalBytes: number;
  readonly usableBytes: number;
  readonly partitions: readonly (TopicPartition & { readonly sizeBytes: number })[];
}

export interface ActiveProducer extends TopicPartition {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestampMs: number;
}

/** DescribeCluster, or Metadata where brokers are older than 2.8. */
export const describeCluster = (cluster: Cluster): Promise<ClusterInfo> =>
  withRetries(cluster.host, cluster.retry, async () => {
    try {
      const answer = await cluster.askAny(describeClusterApi, {
        includeClusterAuthorizedOperations: false,
        includeFencedBrokers: false,
      });
      check(answer.errorCode, { api: 'DescribeCluster', detail: answer.errorMessage });
      const brokers = answer.brokers.map(({ brokerId: nodeId, host, port, rack }) => ({
        nodeId,
        host,
        port,
        rack,
      }));
      return { clusterId: answer.clusterId, controllerId: answer.controllerId, brokers };
    } catch (error) {
      if (!(error instanceof UnsupportedApi)) throw error;
    }
    const { clusterId, controllerId, brokers } = await cluster.metadata({ topics: [] });
    return { clusterId, controllerId, brokers };
  });

export const describeLogDirs = (cluster: Cluster): Promise<readonly LogDir[]> =>
  withRetries(cluster.host, cluster.retry, async () => {
    await cluster.metadata({ topics: [] });
    const answers = await Promise.all(
      cluster.nodeIds.map(async (nodeId) => ({
        nodeId,
        answer: await cluster.ask(nodeId, describeLogDirsApi, { topics: null }),
      })),
    );
    return answers.flatMap(({ nodeId, answer }) => {
      check(answer.errorCode, { api: 'DescribeLogDirs' });
      return answer.results.map(({ errorCode, logDir: path, topics, totalBytes, usableBytes }) => {
        check(errorCode, { api: `DescribeLogDirs of ${path}` });
        const partitions = topics.flatMap(({ name, partitions: list }) =>
          list.map(({ partitionIndex: partition, partitionSize: sizeBytes }) => ({
            topic: name,
            partition,
            sizeBytes,
          })),
        );
        return { nodeId, path, totalBytes, usableBytes, partitions };
      });
    });
  });

export const describeProducers = (
  cluster: Cluster,
  partitions: readonly TopicPartition[],
): Promise<readonly ActiveProducer[]> =>
  withRetries(cluster.host, cluster.retry, async () => {
    await cluster.metadata({ topics: [...groupByTopic(partitions).keys()] });
    const found: ActiveProducer[] = [];
    for (const { topic, partition } of partitions) {
      const connectionTo = cluster.leaderOf(topic, partition);
      const body = { topics: [{ name: topic, partitionIndexes: [partition] }] };
      const { topics } =
        connectionTo === undefined
          ? await cluster.askAny(describeProducersApi, body)
          : await cluster.ask(connectionTo, describeProducersApi, body);
      for (const answer of topics.flatMap((each) => each.partitions)) {
        check(answer.errorCode, { topic, partition, detail: answer.errorMessage });
        for (const {
          producerId,
          producerEpoch,
          lastSequence,
          lastTimestamp,
        } of answer.activeProducers)
          found.push({
            topic,
            partition,
            producerId,
            producerEpoch,
            lastSequence,
            lastTimestampMs: lastTimestamp,
          });
      }
    }
    return found;
  });
