/** A Fetch as it goes out: what the session has not been told yet, or everything without one, under the consumer's limits. */
import type { Input, fetchRequest } from '@odradek/protocol';
import type { ConsumerSettings } from './consumer-options.ts';
import { FetchSession } from './fetch-session.ts';
import type { PartitionState } from './partition-state.ts';
import { groupByTopic, keyOf, partitionKey } from './topic-partition.ts';

export function nextFetch(
  session: FetchSession | undefined,
  states: readonly PartitionState[],
  settings: ConsumerSettings,
  maxWaitMs: number,
): Input<typeof fetchRequest> {
  const { minBytes, fetchMaxBytes, partitionMaxBytes, isolation, rackId } = settings;
  const wanted = states.map(({ topic, partition, fetchOffset, checkedEpoch = -1 }) => ({
    topic,
    partition,
    offset: fetchOffset,
    leaderEpoch: checkedEpoch,
  }));
  const { sessionId, sessionEpoch, changed, forgotten } =
    session?.next(wanted) ?? FetchSession.none(wanted);
  const named = new Map(changed.map((each) => [keyOf(each), each]));
  return {
    maxWaitMs,
    minBytes,
    maxBytes: fetchMaxBytes,
    isolationLevel: isolation === 'read_committed' ? 1 : 0,
    sessionId,
    sessionEpoch,
    topics: [...groupByTopic(changed)].map(([topic, partitions]) => ({
      topic,
      partitions: partitions.map((partition) => {
        const { offset, leaderEpoch } = named.get(partitionKey(topic, partition))!;
        return {
          partition,
          fetchOffset: offset,
          currentLeaderEpoch: leaderEpoch,
          partitionMaxBytes,
        };
      }),
    })),
    forgottenTopicsData: [...groupByTopic(forgotten)].map(([topic, partitions]) => ({
      topic,
      partitions,
    })),
    rackId,
  };
}
