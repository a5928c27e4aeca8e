import { describe, expect, it } from 'vitest';
import { spendEvening } from '../testing/evening.ts';
import { Violation } from '../testing/judge.ts';
import { QUORUM_MUTANTS, type QuorumMutant } from './mutants.ts';

const SEEDS_MAX = Number(process.env['ODRADEK_SEEDS'] ?? 80);

/** Where to begin, so that a run of all the tests is short: seeds before have not found it. From the first one on it takes no more than 80. */
const BEGIN: Readonly<Partial<Record<QuorumMutant, number>>> =
  process.env['ODRADEK_SEEDS'] === undefined
    ? {
        lostVote: 79,
        forgottenIncarnation: 9,
        ackBeforeFlush: 3,
        truncateToHighWatermark: 2,
        leaderWithoutCheckQuorum: 3,
        unconfirmedReadIndex: 4,
      }
    : {};

/** The first seed that finds it, and what it finds. */
async function hunt(mutant: QuorumMutant): Promise<string | undefined> {
  const first = BEGIN[mutant] ?? 1;
  for (let seed = first; seed < first + SEEDS_MAX; seed++) {
    try {
      await spendEvening({ seed, mutants: [mutant] });
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return error.message;
    }
  }
  return undefined;
}

describe('a known bug', () => {
  it.each(QUORUM_MUTANTS)(
    '%s is found',
    async (mutant) => {
      const found = await hunt(mutant);
      if (process.env['ODRADEK_TRACE']) process.stdout.write(`${mutant}: ${found}\n`);
      expect(found).toBeDefined();
    },
    600_000,
  );
});
