/** Which brokers are to hold which partitions. Decided here, done by the controller. */
import type { Reassignment, TopicMetadata } from '@odradek/client';
import { UsageError } from './world.ts';

export interface Move extends Reassignment {
  readonly from: readonly number[];
  readonly replicas: readonly number[];
}

/** To the brokers that are named; each next partition begins with the next of them, so that they share the leading. */
export function planTo(
  topic: TopicMetadata,
  to: readonly number[],
  partition: number | undefined,
): readonly Move[] {
  const name = topic.name ?? '';
  const chosen = topic.partitions.filter(
    ({ partitionIndex }) => partition === undefined || partitionIndex === partition,
  );
  if (chosen.length === 0) throw new UsageError(`${name} has no partition ${partition}`);
  return chosen
    .map(({ partitionIndex, replicaNodes }, index) => {
      const first = index % to.length;
      return {
        topic: name,
        partition: partitionIndex,
        from: replicaNodes,
        replicas: [...to.slice(first), ...to.slice(0, first)],
      };
    })
    .filter(({ from, replicas }) => from.join() !== replicas.join());
}

/** What the broker holds goes to those that hold least, in its place among the replicas. */
export function planWithout(
  topics: readonly TopicMetadata[],
  leaving: number,
  brokers: readonly number[],
): readonly Move[] {
  const staying = brokers.filter((nodeId) => nodeId !== leaving);
  const held = new Map(staying.map((nodeId) => [nodeId, 0]));
  const add = (nodeId: number): void => void held.set(nodeId, (held.get(nodeId) ?? 0) + 1);
  for (const { partitions } of topics)
    for (const { replicaNodes } of partitions) replicaNodes.forEach(add);
  return topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ replicaNodes }) => replicaNodes.includes(leaving))
      .map(({ partitionIndex, replicaNodes }) => {
        const heir = staying
          .filter((nodeId) => !replicaNodes.includes(nodeId))
          .sort((a, b) => held.get(a)! - held.get(b)! || a - b)[0];
        if (heir === undefined)
          throw new UsageError(
            `${name}-${partitionIndex} has ${replicaNodes.length} replicas, and besides broker ${leaving} there are ${staying.length} brokers: start another one, or name fewer with --to`,
          );
        add(heir);
        return {
          topic: name ?? '',
          partition: partitionIndex,
          from: replicaNodes,
          replicas: replicaNodes.map((nodeId) => (nodeId === leaving ? heir : nodeId)),
        };
      }),
  );
}
