/**
 * One incremental fetch session (KIP-227): the broker remembers which partitions a client reads and from where, so that the
 * client names only what changed, and is told only what is new. The order of partitions rotates: who got data goes to the
 * end, so that a full answer cannot starve the rest.
 */
import type { Uuid } from '@odradek/protocol';

export interface FetchTarget {
  readonly topic: string;
  /** The id by which the client named the topic; null when it named it by name. */
  readonly topicId: Uuid | null;
  readonly partition: number;
  readonly fetchOffset: number;
  readonly maxBytes: number;
  readonly currentLeaderEpoch: number;
  readonly lastFetchedEpoch: number;
}

/** What the client was last told of a partition. */
interface Told {
  highWatermark: number;
  logStartOffset: number;
}

interface Entry {
  target: FetchTarget;
  told: Told | null;
}

export const targetKey = (topicId: Uuid | null, topic: string, partition: number): string =>
  `${topicId ?? topic}:${partition}`;

export const EPOCH_FINAL = -1;
export const EPOCH_INITIAL = 0;

export class FetchSession {
  readonly id: number;
  /** Whether its partitions are named by topic id: the two cannot be mixed (FETCH_SESSION_TOPIC_ID_ERROR). */
  readonly usesTopicIds: boolean;
  /** The epoch that the next request must carry. */
  nextEpoch = 1;
  lastUsedMs: number;
  readonly #entries = new Map<string, Entry>();

  constructor(id: number, usesTopicIds: boolean, nowMs: number) {
    this.id = id;
    this.usesTopicIds = usesTopicIds;
    this.lastUsedMs = nowMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  update(targets: readonly FetchTarget[], forgotten: readonly string[]): void {
    for (const key of forgotten) this.#entries.delete(key);
    for (const target of targets) {
      const key = targetKey(target.topicId, target.topic, target.partition);
      const known = this.#entries.get(key);
      if (known === undefined) this.#entries.set(key, { target, told: null });
      else known.target = target;
    }
  }

  targets(): FetchTarget[] {
    return [...this.#entries.values()].map((it) => it.target);
  }

  /** Epochs count 1, 2, ... and go round to 1: 0 is the start of a session. */
  advance(nowMs: number): void {
    this.lastUsedMs = nowMs;
    this.nextEpoch = this.nextEpoch === 0x7fffffff ? 1 : this.nextEpoch + 1;
  }

  /** Whether an incremental answer must name the partition; remembers what it says. */
  mustTell(
    target: FetchTarget,
    read: { readonly errorCode: number; readonly highWatermark: number; readonly logStartOffset: number },
    hasNews: boolean,
  ): boolean {
    const key = targetKey(target.topicId, target.topic, target.partition);
    const entry = this.#entries.get(key);
    if (entry === undefined) return true;
    const changed =
      entry.told === null ||
      entry.told.highWatermark !== read.highWatermark ||
      entry.told.logStartOffset !== read.logStartOffset;
    entry.told = { highWatermark: read.highWatermark, logStartOffset: read.logStartOffset };
    if (read.errorCode !== 0) {
      // An error is told each time: the client must not take silence for health.
      entry.told.highWatermark = -1;
      return true;
    }
    if (hasNews) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    return hasNews || changed;
  }
}
