import { describe, expect, it } from 'vitest';
import { HandClock } from '../testing/hand-clock.ts';
import { ReplicationQuota } from './replication-quota.ts';

describe('a throttle', () => {
  it('lets a second’s worth through, and has the rest waited for', () => {
    const clock = new HandClock();
    const quota = new ReplicationQuota(clock, 1_000);
    expect(quota.waitMs()).toBe(0);
    quota.take(3_000);
    expect(quota.waitMs()).toBe(2_000);
    clock.advance(1_999);
    expect(quota.waitMs()).toBe(1);
    clock.advance(2);
    expect(quota.waitMs()).toBe(0);
  });

  it('keeps to its rate over time, however large an answer is', () => {
    const clock = new HandClock();
    const quota = new ReplicationQuota(clock, 1_000);
    let taken = 0;
    while (clock.nowMs < 60_000) {
      if (quota.waitMs() === 0) {
        quota.take(700);
        taken += 700;
      }
      clock.advance(10);
    }
    expect(taken).toBeGreaterThan(58_000);
    expect(taken).toBeLessThan(62_000);
  });

  it('may be changed, and may be none', () => {
    const clock = new HandClock();
    const quota = new ReplicationQuota(clock, Infinity);
    quota.take(1e12);
    expect(quota.waitMs()).toBe(0);
    quota.bytesPerSecond = 100;
    quota.take(200);
    expect(quota.waitMs()).toBe(1_000);
    quota.bytesPerSecond = 0;
    expect(quota.waitMs()).toBe(Infinity);
    quota.bytesPerSecond = Infinity;
    expect(quota.waitMs()).toBe(0);
  });
});
