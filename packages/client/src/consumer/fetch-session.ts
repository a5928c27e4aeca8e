/**
 * One broker's fetch session (KIP-227): it remembers what is asked for, so that a request names only what has changed. A broker may decline (id 0),
 * and may forget; then everything is named again.
 */
import { keyOf } from './topic-partition.ts';
import type { TopicPartition } from './topic-partition.ts';

export interface FetchPartition extends TopicPartition {
  readonly offset: number;
  readonly leaderEpoch: number;
}

export interface SessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly changed: readonly FetchPartition[];
  readonly forgotten: readonly TopicPartition[];
}

const NEW_SESSION_EPOCH = 0;
const NO_SESSION_EPOCH = -1;
const EPOCH_MAX = 2 ** 31 - 1;

export class FetchSession {
  #id = 0;
  #epoch = NEW_SESSION_EPOCH;
  #known = new Map<string, FetchPartition>();

  next(wanted: readonly FetchPartition[]): SessionRequest {
    const known = this.#known;
    this.#known = new Map(wanted.map((each) => [keyOf(each), each]));
    if (this.#id === 0)
      return { sessionId: 0, sessionEpoch: NEW_SESSION_EPOCH, changed: wanted, forgotten: [] };
    const changed = wanted.filter((each) => {
      const before = known.get(keyOf(each));
      return before?.offset !== each.offset || before.leaderEpoch !== each.leaderEpoch;
    });
    const forgotten = [...known].flatMap(([key, each]) => (this.#known.has(key) ? [] : [each]));
    return { sessionId: this.#id, sessionEpoch: this.#epoch, changed, forgotten };
  }

  answered(sessionId: number): void {
    this.#epoch =
      sessionId !== this.#id || this.#epoch === EPOCH_MAX || this.#epoch === NEW_SESSION_EPOCH
        ? 1
        : this.#epoch + 1;
    this.#id = sessionId;
  }

  /** Everything is named, and nothing remembered. */
  static none(changed: readonly FetchPartition[]): SessionRequest {
    return { sessionId: 0, sessionEpoch: NO_SESSION_EPOCH, changed, forgotten: [] };
  }

  /** The broker has forgotten it, or what it knows is not certain any more. */
  reset(): void {
    this.#id = 0;
    this.#epoch = NEW_SESSION_EPOCH;
    this.#known.clear();
  }
}
