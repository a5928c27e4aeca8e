import { describe, expect, it } from 'vitest';
import { formatFailure, simulate, type SimulationOptions } from './index.ts';

const run = (seed: number, options: Partial<SimulationOptions> = {}) =>
  simulate({ seed, seconds: 15, brokers: 2, shape: 'each', ...options });

describe('a simulation', () => {
  it('of single brokers under every kind of harm breaks no rule', async () => {
    for (const seed of [1, 2, 3]) {
      const result = await run(seed);
      if (result.violation !== undefined) expect.unreachable(formatFailure(result));
      expect(result.counts.acknowledged).toBeGreaterThan(50);
      expect(result.counts.polled).toBeGreaterThan(result.counts.acknowledged);
      expect(result.counts.committed).toBeGreaterThan(5);
      expect([...result.faults.values()].length).toBeGreaterThan(0);
    }
  }, 30_000);

  it('of three brokers as one cluster breaks no rule', async () => {
    for (const seed of [1]) {
      const result = await run(seed, { brokers: 3, shape: 'one' });
      if (result.violation !== undefined) expect.unreachable(formatFailure(result));
      expect(result.counts.acknowledged).toBeGreaterThan(20);
    }
  }, 60_000);

  it('is the same again from the same seed, and another from another', async () => {
    const first = await run(11);
    expect((await run(11)).hash).toBe(first.hash);
    expect((await run(12)).hash).not.toBe(first.hash);
  }, 30_000);

  it('is the same whether it is told line by line or not', async () => {
    const lines: string[] = [];
    const told = await run(11, { seconds: 5, print: ({ text }) => lines.push(text) });
    expect(told.hash).toBe((await run(11, { seconds: 5 })).hash);
    expect(lines).toContain('the time of harm begins');
  }, 30_000);

  it('draws the size of a cluster from the seed', async () => {
    const { violation, ...result } = await run(4, { brokers: 'mixed', shape: 'one', seconds: 5 });
    if (violation !== undefined) expect.unreachable(formatFailure({ violation, ...result }));
    expect(result.trace.speakers).toContain('b3');
  }, 60_000);

  // Faults with which each of them shows within seconds; a campaign finds them among all (scripts/mutants.mjs).
  const mutants = [
    ['acknowledgeBeforeFlush', 'each', ['powerCut']],
    ['forgetProducerStateOnRestart', 'each', ['kill']],
    ['truncateTornTailTooFar', 'each', ['powerCut']],
    ['highWatermarkAheadOfFlush', 'each', ['powerCut']],
    ['replication.truncateToHighWatermark', 'one', ['kill', 'powerCut']],
  ] as const;
  it.each(mutants)(
    'finds the mutant %s',
    async (mutant, shape, faults) => {
      for (let seed = 1; seed <= 20; seed += 1) {
        const { violation, ...result } = await run(seed, {
          mutants: [mutant],
          shape,
          brokers: shape === 'one' ? 3 : 2,
          faults,
          seconds: 30,
        });
        if (violation === undefined) continue;
        const text = formatFailure({ violation, ...result });
        expect(text).toContain(`seed ${seed} breaks ${violation.rule}`);
        expect(text).toContain('how it came to it:');
        expect(text).toMatch(/b\d +(is killed|loses power)/);
        return;
      }
      expect.unreachable(`${mutant} was not found`);
    },
    60_000,
  );
});
