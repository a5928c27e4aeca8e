import { describe, expect, it } from 'vitest';
import { spendEvening } from '../testing/evening.ts';

const FROM = Number(process.env['ODRADEK_SEED'] ?? 1);
const COUNT = Number(process.env['ODRADEK_SEEDS'] ?? 4);

describe('an ensemble', () => {
  it('holds its invariants through every fault, and works again when they are over', async () => {
    let events = 0;
    let worst = 100;
    for (let seed = FROM; seed < FROM + COUNT; seed++) {
      const evening = await spendEvening({ seed });
      events += evening.events;
      worst = Math.min(worst, evening.answeredPercent);
      if (process.env['ODRADEK_TRACE'])
        process.stdout.write(`${seed} ${JSON.stringify({ ...evening, trace: undefined })}\n`);
    }
    expect(events).toBeGreaterThan(1000);
  }, 600_000);
});
