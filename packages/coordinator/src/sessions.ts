/**
 * When members must have been heard of. Deadlines stand in the members themselves and a heartbeat only moves one, because heartbeats
 * are the most frequent request of all. One timer for the group runs for the earliest deadline that was known when it was set; when
 * it fires, deadlines have mostly moved on, and it is set for the next.
 */
import type { Clock } from '@odradek/ports';
import { TIMER_DELAY_MS_MAX } from './config.ts';
import type { Member, Roster } from './roster.ts';

export interface Expired {
  readonly members: readonly Member[];
  /** Ids that were handed out and never used; they are gone from the roster already. */
  readonly pending: readonly string[];
}

export class Sessions {
  readonly #clock: Clock;
  readonly #roster: Roster;
  readonly #onExpired: (expired: Expired) => void;
  #timer: ReturnType<Clock['setTimeout']> | undefined;
  #sweepAtMs = Infinity;

  constructor(clock: Clock, roster: Roster, onExpired: (expired: Expired) => void) {
    this.#clock = clock;
    this.#roster = roster;
    this.#onExpired = onExpired;
  }

  /** The member was heard of, or is about to be answered: it has this long from now. */
  renew(member: Member, withinMs: number = member.sessionTimeoutMs): void {
    const deadlineMs = this.#clock.monotonicMs() + withinMs;
    member.sessionDeadlineMs = deadlineMs;
    if (deadlineMs < this.#sweepAtMs) this.#sweepBy(deadlineMs);
  }

  /** A member id was handed out, to be used within this time. */
  awaitUse(memberId: string, withinMs: number): void {
    const deadlineMs = this.#clock.monotonicMs() + withinMs;
    this.#roster.pending.set(memberId, deadlineMs);
    if (deadlineMs < this.#sweepAtMs) this.#sweepBy(deadlineMs);
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    // Nothing is earlier.
    this.#sweepAtMs = -Infinity;
  }

  #sweepBy(deadlineMs: number): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    const delayMs = Math.min(
      Math.max(deadlineMs - this.#clock.monotonicMs(), 0),
      TIMER_DELAY_MS_MAX,
    );
    this.#sweepAtMs = deadlineMs;
    this.#timer = this.#clock.setTimeout(() => this.#sweep(), delayMs);
  }

  #sweep(): void {
    this.#timer = undefined;
    this.#sweepAtMs = Infinity;
    const nowMs = this.#clock.monotonicMs();
    let nextMs = Infinity;
    const pending: string[] = [];
    for (const [memberId, deadlineMs] of this.#roster.pending) {
      if (deadlineMs > nowMs) nextMs = Math.min(nextMs, deadlineMs);
      else pending.push(memberId);
    }
    for (const memberId of pending) this.#roster.pending.delete(memberId);
    const members: Member[] = [];
    for (const member of this.#roster.members.values()) {
      if (member.sessionDeadlineMs > nowMs) nextMs = Math.min(nextMs, member.sessionDeadlineMs);
      else if (isExcused(member)) member.sessionDeadlineMs = Infinity;
      else members.push(member);
    }
    if (nextMs < Infinity) this.#sweepBy(nextMs);
    if (members.length > 0 || pending.length > 0) this.#onExpired({ members, pending });
  }
}

/**
 * Who waits for an answer cannot send heartbeats; its session begins anew when it is answered. Not so a new member: it has no session
 * yet, its client may be gone, and it would be waited for for ever.
 */
function isExcused(member: Member): boolean {
  return !member.isNew && (member.join !== undefined || member.sync !== undefined);
}
