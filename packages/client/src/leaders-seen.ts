/**
 * The leader epochs that were seen. A broker that is cut off from its cluster still takes itself for the leader of an earlier epoch, and says so: who
 * believed it would read an older log, find its own place missing there, and begin again elsewhere. So an epoch never goes back (KIP-320), unless nobody
 * says otherwise for long: a cluster that was restored from a backup does not know what came after it.
 */
import { ErrorCode, ZERO_UUID } from '@odradek/protocol';
import type { MetadataResponse } from '@odradek/protocol';

type TopicMetadata = MetadataResponse['topics'][number];

interface SeenTopic {
  readonly topicId: string;
  readonly epochs: Map<number, number>;
}

export class LeadersSeen {
  readonly #patienceMs: number;
  readonly #topics = new Map<string, SeenTopic>();
  #behindSinceMs: number | undefined;

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** The same, or a copy that names no leader where the topic names an earlier one. */
  checked(topic: TopicMetadata, nowMs: number): TopicMetadata {
    const { epochs } = this.#of(topic);
    const isOld = ({ partitionIndex, leaderEpoch }: TopicMetadata['partitions'][number]): boolean =>
      leaderEpoch >= 0 && leaderEpoch < (epochs.get(partitionIndex) ?? -1);
    const isBehind = topic.topicId !== ZERO_UUID && topic.partitions.some(isOld);
    this.#behindSinceMs = isBehind ? (this.#behindSinceMs ?? nowMs) : undefined;
    if (this.#behindSinceMs !== undefined && nowMs - this.#behindSinceMs < this.#patienceMs)
      return {
        ...topic,
        partitions: topic.partitions.map((each) =>
          isOld(each) ? { ...each, leaderId: -1, errorCode: ErrorCode.LEADER_NOT_AVAILABLE } : each,
        ),
      };
    for (const { partitionIndex, leaderEpoch } of topic.partitions)
      epochs.set(partitionIndex, leaderEpoch);
    return topic;
  }

  /** Another topic of the same name begins anew. */
  #of({ name, topicId }: TopicMetadata): SeenTopic {
    const known = this.#topics.get(name ?? '');
    if (known?.topicId === topicId) return known;
    const seen = { topicId, epochs: new Map<number, number>() };
    this.#topics.set(name ?? '', seen);
    return seen;
  }
}
