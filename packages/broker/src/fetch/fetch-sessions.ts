/**
 * The broker's fetch sessions. They are few (`max.incremental.fetch.session.cache.slots`) and what they hold together is
 * bounded: when there is no place, the one that nobody has used for long goes; or an old one that is smaller than the new one,
 * because a large one saves more; else the client does without.
 */
import type { Clock, Random } from '@odradek/ports';
import { ErrorCode } from '@odradek/protocol';
import { FETCH_SESSIONS_PARTITIONS_MAX, FETCH_SESSION_PARTITIONS_MAX } from '../limits.ts';
import {
  EPOCH_FINAL,
  EPOCH_INITIAL,
  FetchSession,
  epochAfter,
  type FetchTarget,
} from './fetch-session.ts';

/** A session unused, or as old, for longer than this may have to make place (Kafka: MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS). */
export const SESSION_EVICTION_MS = 120_000;

export interface SessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly usesTopicIds: boolean;
  readonly targets: readonly FetchTarget[];
  /** Keys. */
  readonly forgotten: readonly string[];
}

export type SessionContext =
  /** Everything is asked and answered each time. */
  | { readonly kind: 'sessionless' }
  /** The answer tells everything, and a session may begin with it. */
  | { readonly kind: 'full' }
  | {
      readonly kind: 'incremental';
      readonly session: FetchSession;
      /** What the session expects next, unless another request came between. */
      readonly nextEpoch: number;
    }
  | { readonly kind: 'refused'; readonly errorCode: ErrorCode };

export class FetchSessions {
  /** The longest unused stands first. */
  readonly #sessions = new Map<number, FetchSession>();
  readonly #slots: number;
  readonly #clock: Clock;
  readonly #random: Random;
  #partitionCount = 0;
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
    return this.#partitionCount;
  }

  /** What the request means, and its changes to its session. */
  resolve(request: SessionRequest): SessionContext {
    const { sessionId, sessionEpoch, usesTopicIds, targets, forgotten } = request;
    const session = this.#sessions.get(sessionId);
    if (sessionEpoch === EPOCH_INITIAL || sessionEpoch === EPOCH_FINAL) {
      if (session !== undefined) this.#remove(session);
      return { kind: sessionEpoch === EPOCH_FINAL ? 'sessionless' : 'full' };
    }
    if (session === undefined) return refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    if (session.nextEpoch !== sessionEpoch) return refused(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    if (session.usesTopicIds !== usesTopicIds)
      return refused(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
    this.#partitionCount -= session.size;
    session.update(targets, forgotten);
    this.#partitionCount += session.size;
    if (session.size === 0) {
      this.#remove(session);
      return { kind: 'sessionless' };
    }
    if (!this.#hasRoomFor(0) || session.size > FETCH_SESSION_PARTITIONS_MAX) {
      // The client falls back to full requests.
      this.#remove(session);
      return refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    }
    session.nextEpoch = epochAfter(sessionEpoch);
    session.lastUsedMs = this.#clock.monotonicMs();
    this.#sessions.delete(sessionId);
    this.#sessions.set(sessionId, session);
    return { kind: 'incremental', session, nextEpoch: session.nextEpoch };
  }

  /** A session for what was just answered in full; undefined: there is no place for it. */
  begin(targets: readonly FetchTarget[], usesTopicIds: boolean): FetchSession | undefined {
    const now = this.#clock.monotonicMs();
    if (targets.length > FETCH_SESSION_PARTITIONS_MAX || !this.#hasRoomFor(targets.length))
      return undefined;
    if (this.#sessions.size >= this.#slots && !this.#evictFor(targets.length, now))
      return undefined;
    let id = 0;
    while (id === 0 || this.#sessions.has(id)) id = this.#random.uint32() & 0x7fffffff;
    const session = new FetchSession(id, usesTopicIds, now);
    session.update(targets, []);
    this.#sessions.set(id, session);
    this.#partitionCount += session.size;
    return session;
  }

  #hasRoomFor(partitions: number): boolean {
    return this.#partitionCount + partitions <= FETCH_SESSIONS_PARTITIONS_MAX;
  }

  #evictFor(size: number, now: number): boolean {
    const oldest = this.#sessions.values().next().value;
    if (oldest === undefined) return false;
    let victim: FetchSession | undefined;
    if (now - oldest.lastUsedMs > SESSION_EVICTION_MS) victim = oldest;
    else {
      for (const session of this.#sessions.values()) {
        if (now - session.createdMs <= SESSION_EVICTION_MS || session.size >= size) continue;
        if (victim === undefined || session.size < victim.size) victim = session;
      }
    }
    if (victim === undefined) return false;
    this.#remove(victim);
    this.evictions += 1;
    return true;
  }

  #remove(session: FetchSession): void {
    if (this.#sessions.delete(session.id)) this.#partitionCount -= session.size;
  }
}

const refused = (errorCode: ErrorCode): SessionContext => ({ kind: 'refused', errorCode });
