/** Synchronous access handles are for workers alone: the suite runs there, and is told here. */
import { expect, it } from 'vitest';
import { outcomesFrom } from './run-in-worker.testing.ts';

const outcomes = await outcomesFrom(
  new Worker(new URL('./contract.worker.ts', import.meta.url), { type: 'module' }),
);

it('runs in the worker', () => {
  expect(outcomes.length).toBeGreaterThan(70);
});

for (const { path, state, errors } of outcomes) {
  it(path.join(' > '), () => {
    if (state !== 'passed') throw new Error(errors.join('\n') || state);
  });
}
