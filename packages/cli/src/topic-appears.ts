/** Waits until a topic that the controller has made is known to the brokers too: in a cluster that takes a moment. */
import { BrokerError } from '@odradek/client';
import type { Cluster, TopicMetadata } from '@odradek/client';
import { ErrorCode } from '@odradek/protocol';

const LOOK_EVERY_MS = 50;

export async function topicAppears(cluster: Cluster, name: string): Promise<TopicMetadata> {
  const { clock } = cluster.host;
  const deadlineMs = clock.monotonicMs() + cluster.retry.timeoutMs;
  for (;;) {
    try {
      return await cluster.topic(name);
    } catch (error) {
      const isUnknown =
        error instanceof BrokerError && error.code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      if (!isUnknown || clock.monotonicMs() >= deadlineMs) throw error;
    }
    await new Promise<void>((resolve) => clock.setTimeout(resolve, LOOK_EVERY_MS));
  }
}
