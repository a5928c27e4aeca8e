import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyedLanes } from './keyed-lanes.ts';

describe('keyed lanes', () => {
  it('keep the order of each key, run so many at once and no more, whoever finishes first', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        fc.scheduler(),
        async (keys, concurrency, scheduler) => {
          const lanes = new KeyedLanes(concurrency);
          const seen = new Map<number | undefined, number[]>();
          let running = 0;
          for (const [index, key] of keys.entries())
            lanes.add(key === undefined ? undefined : `${key}`, async () => {
              running += 1;
              expect(running).toBeLessThanOrEqual(concurrency);
              await scheduler.schedule(Promise.resolve());
              running -= 1;
              seen.set(key, [...(seen.get(key) ?? []), index]);
            });
          const idle = lanes.idle();
          await scheduler.waitIdle();
          await idle;
          expect(lanes.failure).toBeUndefined();
          expect([...seen.values()].flat()).toHaveLength(keys.length);
          for (const [key, order] of seen)
            if (key !== undefined) expect(order).toEqual(order.toSorted((a, b) => a - b));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('begin nothing more after a failure', async () => {
    const lanes = new KeyedLanes(1);
    const done: number[] = [];
    for (let index = 0; index < 5; index += 1)
      lanes.add(undefined, async () => {
        if (index === 2) throw new Error('two');
        done.push(index);
      });
    await lanes.idle();
    expect(done).toEqual([0, 1]);
    expect(lanes.failure?.error).toEqual(new Error('two'));
  });
});
