/**
 * When a session has been silent for too long. Only the leader runs it, and it only asks for the end: the session ends when
 * its record is committed. A new leader has heard nothing yet, so each session gets its whole timeout again.
 *
 * Deadlines are plain numbers that a touch moves, and one timer waits for the earliest that was known when it was set. Time
 * in which this process did not run (a suspended machine, a frozen tab) is not held against the sessions: their owners may
 * have spoken, and were not heard.
 */
import type { Clock, TimerHandle } from '@odradek/ports';
import { SESSION_TICK_MS } from '../limits.ts';
import type { Session, SessionId } from '../tree/node.ts';

interface Watched {
  readonly timeoutMs: number;
  deadlineMs: number;
  /** Its end is asked for and will come: nobody may be told any more that it lives on. */
  isEnding: boolean;
}

export class SessionClock {
  readonly #clock: Clock;
  readonly #expire: (id: SessionId) => void;
  readonly #watched = new Map<SessionId, Watched>();
  #timer: TimerHandle | undefined;
  #dueMs = 0;

  constructor(clock: Clock, expire: (id: SessionId) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** From now on, for its whole timeout. */
  watch({ id, timeoutMs }: Session): void {
    const deadlineMs = this.#clock.monotonicMs() + timeoutMs;
    this.#watched.set(id, { timeoutMs, deadlineMs, isEnding: false });
    if (this.#timer === undefined || deadlineMs < this.#dueMs) this.#arm(deadlineMs);
  }

  /** Its owner was heard. False when it is not open (any more), or is about to end. */
  touch(id: SessionId): boolean {
    const watched = this.#watched.get(id);
    if (watched === undefined || watched.isEnding) return false;
    watched.deadlineMs = this.#clock.monotonicMs() + watched.timeoutMs;
    return true;
  }

  forget(id: SessionId): void {
    this.#watched.delete(id);
    if (this.#watched.size === 0) this.stop();
  }

  stop(): void {
    this.#watched.clear();
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(dueMs: number): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    const nowMs = this.#clock.monotonicMs();
    this.#dueMs = Math.max(dueMs, nowMs + SESSION_TICK_MS);
    this.#timer = this.#clock.setTimeout(() => this.#look(), this.#dueMs - nowMs);
  }

  #look(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.monotonicMs();
    const lateMs = nowMs - this.#dueMs;
    if (lateMs > SESSION_TICK_MS) this.#forgive(lateMs + SESSION_TICK_MS);
    let earliestMs = Infinity;
    for (const [id, watched] of this.#watched) {
      if (watched.deadlineMs <= nowMs) {
        watched.isEnding = true;
        this.#expire(id);
        // Asked for again, should the answer be that too much is waiting.
        watched.deadlineMs = nowMs + watched.timeoutMs;
      }
      if (watched.deadlineMs < earliestMs) earliestMs = watched.deadlineMs;
    }
    if (this.#watched.size > 0) this.#arm(earliestMs);
  }

  /** A tick more than was slept: what was said meanwhile is read only after the timers. */
  #forgive(extraMs: number): void {
    for (const watched of this.#watched.values()) watched.deadlineMs += extraMs;
  }
}
