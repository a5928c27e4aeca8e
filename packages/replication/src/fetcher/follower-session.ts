/**
 * A follower's side of an incremental fetch session (KIP-227): of thousands of partitions a request names only those that
 * have changed since the last one, and those that are not asked for at present.
 */
import { ErrorCode, type FetchResponse, type LeaderEpoch, type Offset } from '@odradek/protocol';
import type { Input, Uuid, fetchRequest } from '@odradek/protocol';

export interface WantedPartition {
  readonly key: string;
  readonly topic: string;
  readonly topicId: Uuid;
  readonly partition: number;
  readonly currentLeaderEpoch: LeaderEpoch;
  readonly fetchOffset: Offset;
  readonly lastFetchedEpoch: LeaderEpoch;
  readonly logStartOffset: Offset;
  readonly highWatermark: Offset;
}

export type SessionPart = Pick<
  Input<typeof fetchRequest>,
  'sessionId' | 'sessionEpoch' | 'topics' | 'forgottenTopicsData'
>;

type AskedTopic = Input<typeof fetchRequest>['topics'][number];
type ForgottenTopic = NonNullable<Input<typeof fetchRequest>['forgottenTopicsData']>[number];

const NO_SESSION = 0;
const EPOCH_INITIAL = 0;

export const partitionKey = (topicId: string, partition: number): string =>
  `${topicId}:${partition}`;

export class FollowerSession {
  #id = NO_SESSION;
  #epoch = EPOCH_INITIAL;
  #known = new Map<string, WantedPartition>();
  #isBeginning = true;

  /** The leader has not answered yet whether it keeps one. */
  get isBeginning(): boolean {
    return this.#isBeginning;
  }

  /** What the leader has been told of a partition. */
  asked(key: string): WantedPartition | undefined {
    return this.#known.get(key);
  }

  /** The next request's share, by which the leader comes to know exactly these. */
  next(wanted: readonly WantedPartition[], partitionMaxBytes: number): SessionPart {
    const isFull = this.#epoch === EPOCH_INITIAL;
    const topics = new Map<Uuid, AskedTopic & { partitions: AskedTopic['partitions'][number][] }>();
    const next = new Map<string, WantedPartition>();
    for (const it of wanted) {
      const known = this.#known.get(it.key);
      next.set(it.key, it);
      if (!isFull && known !== undefined && isSame(known, it)) continue;
      let topic = topics.get(it.topicId);
      if (topic === undefined) {
        topic = { topic: it.topic, topicId: it.topicId, partitions: [] };
        topics.set(it.topicId, topic);
      }
      topic.partitions.push({
        partition: it.partition,
        currentLeaderEpoch: it.currentLeaderEpoch,
        fetchOffset: it.fetchOffset,
        lastFetchedEpoch: it.lastFetchedEpoch,
        logStartOffset: it.logStartOffset,
        highWatermark: it.highWatermark,
        partitionMaxBytes,
      });
    }
    const forgotten = new Map<Uuid, ForgottenTopic & { partitions: number[] }>();
    if (!isFull) {
      for (const { key, topic, topicId, partition } of this.#known.values()) {
        if (next.has(key)) continue;
        const of = forgotten.get(topicId);
        if (of === undefined) forgotten.set(topicId, { topic, topicId, partitions: [partition] });
        else of.partitions.push(partition);
      }
    }
    this.#known = next;
    return {
      sessionId: this.#id,
      sessionEpoch: this.#epoch,
      topics: [...topics.values()],
      forgottenTopicsData: [...forgotten.values()],
    };
  }

  /** False: the leader has no such session; the next request begins one. */
  answered(response: FetchResponse): boolean {
    if (response.errorCode !== ErrorCode.NONE) {
      this.#begin(NO_SESSION);
      return false;
    }
    this.#id = response.sessionId;
    this.#isBeginning = false;
    // Without a session every request is a full one.
    if (this.#id === NO_SESSION) this.#epoch = EPOCH_INITIAL;
    else this.#epoch = this.#epoch === 0x7fffffff ? 1 : this.#epoch + 1;
    return true;
  }

  /** No answer came: the leader's idea of the session is unknown, so that the next request begins a new one in its place. */
  failed(): void {
    this.#begin(this.#id);
  }

  #begin(id: number): void {
    this.#id = id;
    this.#epoch = EPOCH_INITIAL;
    this.#known = new Map();
    this.#isBeginning = true;
  }
}

const isSame = (a: WantedPartition, b: WantedPartition): boolean =>
  a.fetchOffset === b.fetchOffset &&
  a.currentLeaderEpoch === b.currentLeaderEpoch &&
  a.lastFetchedEpoch === b.lastFetchedEpoch &&
  a.logStartOffset === b.logStartOffset &&
  a.highWatermark === b.highWatermark;
