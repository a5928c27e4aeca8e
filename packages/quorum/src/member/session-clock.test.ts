import { describe, expect, it } from 'vitest';
import { SESSION_TICK_MS } from '../limits.ts';
import { ManualClock } from '@odradek/ports/testing';
import { sessionId } from '../tree/node.ts';
import { SessionClock } from './session-clock.ts';

const [A, B, C] = [sessionId(1), sessionId(2), sessionId(3)];

function watching(...timeouts: number[]) {
  const clock = new ManualClock();
  const expired: string[] = [];
  const sessions: SessionClock = new SessionClock(clock, (id) => {
    expired.push(`${id} at ${clock.monotonicMs()}`);
    sessions.forget(id);
  });
  timeouts.forEach((timeoutMs, index) => sessions.watch({ id: sessionId(index + 1), timeoutMs }));
  return { clock, expired, sessions };
}

describe('the clock of sessions', () => {
  it('ends each after its own timeout, within a tick', () => {
    const { clock, expired } = watching(6000, 1000, 1030);
    clock.advance(999);
    expect(expired).toEqual([]);
    clock.advance(10_000);
    expect(expired).toEqual(['2 at 1000', '3 at 1100', '1 at 6000']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('lets those live that speak', () => {
    const { clock, expired, sessions } = watching(1000, 1000);
    for (let turn = 0; turn < 20; turn++) {
      clock.advance(900);
      expect(sessions.touch(A)).toBe(true);
    }
    expect(expired).toEqual(['2 at 1000']);
    expect(sessions.touch(B)).toBe(false);
    clock.advance(1000 + SESSION_TICK_MS);
    expect(expired).toHaveLength(2);
  });

  it('looks earlier when one with less time comes', () => {
    const { clock, expired, sessions } = watching(60_000);
    sessions.watch({ id: C, timeoutMs: 500 });
    clock.advance(500);
    expect(expired).toEqual(['3 at 500']);
  });

  it('does not hold against them the time in which nobody listened', () => {
    const { clock, expired, sessions } = watching(1000, 3000);
    clock.advance(900);
    clock.suspend(60_000);
    expect(expired).toEqual([]);
    expect(sessions.touch(A)).toBe(true);
    clock.advance(2500);
    expect(expired).toHaveLength(2);
  });

  it('asks again when the end did not come about', () => {
    const clock = new ManualClock();
    let asked = 0;
    const sessions = new SessionClock(clock, () => (asked += 1));
    sessions.watch({ id: A, timeoutMs: 1000 });
    clock.advance(3050);
    expect(asked).toBe(3);
    // Whoever heard "it lives" now would believe in a session that is as good as over.
    expect(sessions.touch(A)).toBe(false);
    sessions.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});
