/**
 * Which leaderships should go back to the replicas that are named first: after a broker's absence others lead what it led. A
 * broker that leads nearly all that it should is left alone, so that a single partition moves nobody
 * (`leader.imbalance.per.broker.percentage`). What is being reassigned waits until that is done.
 */
import type { NodeId } from '@odradek/protocol';
import { addingOf, removingOf } from '@odradek/replication';
import type { MetadataImage } from '../metadata/image.ts';
import { isActive } from './broker-changes.ts';

export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: number[];
}

/** Those whose first replica is up and in sync and does not lead, of the brokers that have lost more than the percentage. */
export const misplacedLeaders = (
  image: MetadataImage,
  percentage: number,
): readonly TopicPartitions[] => {
  const preferredBy = new Map<NodeId, { all: number; lost: [string, number][]; others: number }>();
  for (const { name, partitions } of image.topics.values()) {
    partitions.forEach((it, partition) => {
      const preferred = it.replicas[0]!;
      if (!isActive(image, preferred)) return;
      let broker = preferredBy.get(preferred);
      if (broker === undefined) {
        broker = { all: 0, lost: [], others: 0 };
        preferredBy.set(preferred, broker);
      }
      broker.all += 1;
      if (it.leader === preferred) return;
      broker.others += 1;
      const isMoving = addingOf(it).length > 0 || removingOf(it).length > 0;
      if (it.isr.includes(preferred) && !isMoving) broker.lost.push([name, partition]);
    });
  }
  const found = new Map<string, TopicPartitions>();
  for (const { all, lost, others } of preferredBy.values()) {
    if ((others / all) * 100 <= percentage) continue;
    for (const [topic, partition] of lost) {
      const known = found.get(topic);
      if (known === undefined) found.set(topic, { topic, partitions: [partition] });
      else known.partitions.push(partition);
    }
  }
  return [...found.values()];
};
