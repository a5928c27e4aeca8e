/** Where to begin: offsets by time and at the ends, and whether a position still lies in its leader's log (KIP-320). */
import { ErrorCode } from '@odradek/protocol';
import { listOffsetsApi, offsetForLeaderEpochApi } from '../api.ts';
import type { Cluster } from '../cluster.ts';
import { BrokerError, ClientError, check } from '../errors.ts';
import type { StartingAt } from './partition-state.ts';
import { groupByTopic, keyOf, partitionKey } from './topic-partition.ts';
import type { TopicPartition } from './topic-partition.ts';

const EARLIEST = -2;
const LATEST = -1;

export interface FoundOffset {
  /** -1: nothing is that young. */
  readonly offset: number;
  readonly leaderEpoch: number;
}

export interface EndOfEpoch {
  /** -1 when the leader knows nothing of the epoch. */
  readonly leaderEpoch: number;
  readonly endOffset: number;
}

export const timestampOf = (at: StartingAt): number =>
  at === 'earliest' ? EARLIEST : at === 'latest' ? LATEST : at.timestampMs;

/** Once. */
export async function lookUpOffsets(
  cluster: Cluster,
  wanted: readonly (TopicPartition & { readonly timestamp: number })[],
  isReadCommitted: boolean,
): Promise<ReadonlyMap<string, FoundOffset>> {
  const timestamps = new Map(wanted.map((each) => [keyOf(each), each.timestamp]));
  const found = new Map<string, FoundOffset>();
  await eachLeader(cluster, wanted, async (nodeId, led) => {
    const { topics } = await cluster.ask(nodeId, listOffsetsApi, {
      replicaId: -1,
      isolationLevel: isReadCommitted ? 1 : 0,
      topics: [...groupByTopic(led)].map(([name, partitions]) => ({
        name,
        partitions: partitions.map((partitionIndex) => ({
          partitionIndex,
          timestamp: timestamps.get(partitionKey(name, partitionIndex))!,
        })),
      })),
      timeoutMs: 0,
    });
    for (const { name, partitions } of topics)
      for (const { partitionIndex, errorCode, offset, leaderEpoch } of partitions) {
        checkPartition(cluster, errorCode, name, partitionIndex);
        found.set(partitionKey(name, partitionIndex), { offset, leaderEpoch });
      }
  });
  return found;
}

/** Once. */
export async function endsOfEpochs(
  cluster: Cluster,
  wanted: readonly (TopicPartition & { readonly leaderEpoch: number })[],
): Promise<ReadonlyMap<string, EndOfEpoch>> {
  const epochs = new Map(wanted.map((each) => [keyOf(each), each.leaderEpoch]));
  const found = new Map<string, EndOfEpoch>();
  await eachLeader(cluster, wanted, async (nodeId, led) => {
    const { topics } = await cluster.ask(nodeId, offsetForLeaderEpochApi, {
      replicaId: -1,
      topics: [...groupByTopic(led)].map(([topic, partitions]) => ({
        topic,
        partitions: partitions.map((partition) => ({
          partition,
          currentLeaderEpoch: cluster.leader(topic, partition)?.epoch ?? -1,
          leaderEpoch: epochs.get(partitionKey(topic, partition))!,
        })),
      })),
    });
    for (const { topic, partitions } of topics)
      for (const { partition, errorCode, leaderEpoch, endOffset } of partitions) {
        checkPartition(cluster, errorCode, topic, partition);
        found.set(partitionKey(topic, partition), { leaderEpoch, endOffset });
      }
  });
  return found;
}

function checkPartition(
  cluster: Cluster,
  errorCode: number,
  topic: string,
  partition: number,
): void {
  if (errorCode !== 0) cluster.forgetLeaders(topic);
  check(errorCode, { topic, partition });
}

/** Finds out who leads where that is not known, and asks each for its own. */
async function eachLeader(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  ask: (nodeId: number, led: readonly TopicPartition[]) => Promise<void>,
): Promise<void> {
  const unknown = partitions.filter(
    ({ topic, partition }) => cluster.leaderOf(topic, partition) === undefined,
  );
  if (unknown.length > 0)
    await cluster.metadata({ topics: [...new Set(unknown.map(({ topic }) => topic))] });
  const byNode = new Map<number, TopicPartition[]>();
  for (const each of partitions) {
    const leader = cluster.leaderOf(each.topic, each.partition);
    if (leader === undefined) throw new BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, each);
    const led = byNode.get(leader);
    if (led === undefined) byNode.set(leader, [each]);
    else led.push(each);
  }
  try {
    await Promise.all([...byNode].map(([nodeId, led]) => ask(nodeId, led)));
  } catch (error) {
    if (error instanceof ClientError && !(error instanceof BrokerError))
      for (const { topic } of partitions) cluster.forgetLeaders(topic);
    throw error;
  }
}
