/** A partition by name, and collections of them. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export const partitionKey = (topic: string, partition: number): string => `${topic}/${partition}`;

export const keyOf = ({ topic, partition }: TopicPartition): string =>
  partitionKey(topic, partition);

export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const comparePartitions = (a: TopicPartition, b: TopicPartition): number =>
  compareText(a.topic, b.topic) || a.partition - b.partition;

export function groupByTopic(partitions: Iterable<TopicPartition>): ReadonlyMap<string, number[]> {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const list = topics.get(topic);
    if (list === undefined) topics.set(topic, [partition]);
    else list.push(partition);
  }
  return topics;
}
