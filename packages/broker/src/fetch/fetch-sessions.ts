/** The broker's fetch sessions, at most `slots` of them: when all are taken, the one longest unused goes if it is old enough, else the client does without. */
import type { Clock, Random } from '@odradek/ports';
import { ErrorCode } from '@odradek/protocol';
import { EPOCH_FINAL, EPOCH_INITIAL, FetchSession } from './fetch-session.ts';

/** A session unused for this long may be taken by another client (Kafka: MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS). */
export const SESSION_EVICTION_MS = 120_000;

export type SessionContext =
  /** Without a session: everything is asked and answered each time. */
  | { readonly kind: 'sessionless' }
  /** A new session: the answer tells everything and the session's id. */
  | { readonly kind: 'full'; readonly session: FetchSession }
  | { readonly kind: 'incremental'; readonly session: FetchSession }
  | { readonly kind: 'refused'; readonly errorCode: ErrorCode };

export class FetchSessions {
  readonly #sessions = new Map<number, FetchSession>();
  readonly #slots: number;
  readonly #clock: Clock;
  readonly #random: Random;
  evictions = 0;

  constructor(slots: number, clock: Clock, random: Random) {
    this.#slots = slots;
    this.#clock = clock;
    this.#random = random;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get partitionCount(): number {
    let count = 0;
    for (const session of this.#sessions.values()) count += session.size;
    return count;
  }

  resolve(sessionId: number, sessionEpoch: number, usesTopicIds: boolean): SessionContext {
    if (sessionEpoch === EPOCH_INITIAL || sessionEpoch === EPOCH_FINAL) {
      if (sessionId !== 0) this.#sessions.delete(sessionId);
      return sessionEpoch === EPOCH_FINAL ? { kind: 'sessionless' } : this.#create(usesTopicIds);
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return { kind: 'refused', errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND };
    if (session.nextEpoch !== sessionEpoch) {
      return { kind: 'refused', errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH };
    }
    if (session.usesTopicIds !== usesTopicIds) {
      return { kind: 'refused', errorCode: ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR };
    }
    session.advance(this.#clock.monotonicMs());
    // In the map's order the longest unused stands first.
    this.#sessions.delete(sessionId);
    this.#sessions.set(sessionId, session);
    return { kind: 'incremental', session };
  }

  /** A new session that proved too large or useless. */
  discard(session: FetchSession): void {
    this.#sessions.delete(session.id);
  }

  #create(usesTopicIds: boolean): SessionContext {
    const now = this.#clock.monotonicMs();
    if (this.#sessions.size >= this.#slots) {
      const oldest = this.#sessions.values().next().value;
      if (oldest === undefined || now - oldest.lastUsedMs < SESSION_EVICTION_MS) return { kind: 'sessionless' };
      this.#sessions.delete(oldest.id);
      this.evictions += 1;
    }
    let id = 0;
    while (id === 0 || this.#sessions.has(id)) id = this.#random.uint32() & 0x7fffffff;
    const session = new FetchSession(id, usesTopicIds, now);
    this.#sessions.set(id, session);
    return { kind: 'full', session };
  }
}
