/** A broker that was away for an hour holds, soon after its return, all that the others have committed meanwhile. */
import { formatFailure, simulate } from '@odradek/simulator';
import { describe, expect, it } from 'vitest';

const HOUR_MS = 3_600_000;
const GONE_AT_MS = 5_000;
const BACK_AT_MS = GONE_AT_MS + HOUR_MS;
const AFTERWARDS_MS = 5_000;

describe('a follower', () => {
  it.each(['kill', 'powerCut'] as const)(
    'catches up after an hour of absence (%s)',
    async (act) => {
      // In peace, the simulation demands that every replica is in sync and that readers and groups come to the end.
      const result = await simulate({
        seed: 4,
        seconds: (BACK_AT_MS + AFTERWARDS_MS) / 1000,
        brokers: 3,
        shape: 'one',
        faults: [],
        calm: 30,
        plan: [
          { atMs: GONE_AT_MS, node: 2, act },
          { atMs: BACK_AT_MS, node: 2, act: 'start' },
        ],
      });
      if (result.violation !== undefined) expect.unreachable(formatFailure(result));
      expect(result.counts.acknowledged).toBeGreaterThan(1_000);
      const last = (partition: string) => result.trace.lastLines(partition).at(-1)?.text;
      for (const partition of ['c1/orders-0', 'c1/events-0'])
        expect(last(partition)).toMatch(/isr (\d \d \d), elr -/);
    },
    300_000,
  );
});
