/**
 * One incremental fetch session (KIP-227): the broker remembers which partitions a client reads and from where, so that the
 * client names only what changed, and is told only what is new. The order of partitions rotates: who got data goes to the
 * end, so that a full answer cannot starve the rest.
 */
import { ErrorCode, type Uuid } from '@odradek/protocol';
import type { GatheredRead } from './gather.ts';

export interface FetchTarget {
  /** The name by which the client named the topic; empty when it named it by id. */
  readonly topic: string;
  /** The id by which the client named the topic; null when it named it by name. */
  readonly topicId: Uuid | null;
  readonly partition: number;
  readonly fetchOffset: number;
  readonly maxBytes: number;
  readonly currentLeaderEpoch: number;
  readonly lastFetchedEpoch: number;
  /** Of a follower; -1 for a client. */
  readonly logStartOffset: number;
}

/** A partition as the session knows it. */
export interface SessionPartition {
  readonly key: string;
  target: FetchTarget;
  /** What the client was last told; -1 makes the next answer news. */
  toldHighWatermark: number;
  toldLogStartOffset: number;
}

export const targetKey = (topicId: Uuid | null, topic: string, partition: number): string =>
  `${topicId ?? topic}:${partition}`;

/** The request names all it reads, and ends the session, or begins one. */
export const EPOCH_FINAL = -1;
export const EPOCH_INITIAL = 0;

/** Epochs count 1, 2, ... and go round to 1: 0 is the start of a session. */
export const epochAfter = (epoch: number): number => (epoch === 0x7fffffff ? 1 : epoch + 1);

export class FetchSession {
  readonly id: number;
  /** Whether its partitions are named by topic id: the two cannot be mixed (FETCH_SESSION_TOPIC_ID_ERROR). */
  readonly usesTopicIds: boolean;
  readonly createdMs: number;
  /** The epoch that the next request must carry. */
  nextEpoch = 1;
  lastUsedMs: number;
  readonly #partitions = new Map<string, SessionPartition>();

  constructor(id: number, usesTopicIds: boolean, nowMs: number) {
    this.id = id;
    this.usesTopicIds = usesTopicIds;
    this.createdMs = nowMs;
    this.lastUsedMs = nowMs;
  }

  get size(): number {
    return this.#partitions.size;
  }

  /** What is named twice, as wanted and as forgotten, is forgotten. */
  update(targets: readonly FetchTarget[], forgotten: readonly string[]): void {
    for (const target of targets) {
      const key = targetKey(target.topicId, target.topic, target.partition);
      const known = this.#partitions.get(key);
      if (known !== undefined) known.target = target;
      else {
        this.#partitions.set(key, { key, target, toldHighWatermark: -1, toldLogStartOffset: -1 });
      }
    }
    for (const key of forgotten) this.#partitions.delete(key);
  }

  /** As they stand now, in the order in which they are to be read. */
  partitions(): SessionPartition[] {
    return [...this.#partitions.values()];
  }

  /** Whether an incremental answer must name the partition; remembers that it was told. */
  tell(partition: SessionPartition, read: GatheredRead): boolean {
    const isChanged =
      partition.toldHighWatermark !== read.highWatermark ||
      partition.toldLogStartOffset !== read.logStartOffset;
    partition.toldHighWatermark = read.highWatermark;
    partition.toldLogStartOffset = read.logStartOffset;
    if (read.errorCode !== ErrorCode.NONE) {
      // What comes after an error is news, even if it is as it was before.
      partition.toldHighWatermark = -1;
      return true;
    }
    if (read.sizeBytes > 0) {
      this.#partitions.delete(partition.key);
      this.#partitions.set(partition.key, partition);
      return true;
    }
    const isElsewhere = read.preferredReadReplica !== undefined;
    return isChanged || isElsewhere || read.divergingEpoch !== undefined;
  }
}
