import { describe, expect, it } from 'vitest';
import { Scheduler } from '../time/scheduler.ts';
import { Trace } from '../trace.ts';
import { History } from './history.ts';
import { TreeCheck } from './tree.ts';

const rule = (act: (check: TreeCheck) => void): string | undefined => {
  const history = new History(new Scheduler(new Trace()));
  act(new TreeCheck(history, 'c'));
  return history.violation?.rule;
};

/** Two writes of one node, at 10 and at 20, which end at 1 and at 2 ms. */
const twoWrites = (check: TreeCheck): void => {
  for (const [value, offset, atMs] of [
    ['a', 10, 1],
    ['b', 20, 2],
  ] as const) {
    check.writeInvoked('/x', value);
    check.wrote('/x', value, offset, atMs - 0.5, atMs);
  }
};

describe('the tree', () => {
  it('is well when everybody sees what came before', () => {
    expect(
      rule((check) => {
        twoWrites(check);
        check.read('/x', 'b', 20, 25, 3, 4);
        check.read('/y', undefined, -1, 26, 4.5, 5);
      }),
    ).toBe(undefined);
  });

  it('may show what was so while the read was under way', () => {
    expect(
      rule((check) => {
        twoWrites(check);
        check.read('/x', 'a', 10, 15, 1.2, 4);
      }),
    ).toBe(undefined);
  });

  it('is stale when a read misses what had ended before it began', () => {
    expect(
      rule((check) => {
        twoWrites(check);
        check.read('/x', 'a', 10, 15, 3, 4);
      }),
    ).toBe('stale-tree');
  });

  it('is wrong when a read passes over a write, whichever is known first', () => {
    expect(
      rule((check) => {
        twoWrites(check);
        check.read('/x', 'a', 10, 25, 1.2, 4);
      }),
    ).toBe('stale-tree');
    expect(
      rule((check) => {
        check.writeInvoked('/x', 'a');
        check.read('/x', undefined, -1, 15, 1, 2);
        check.wrote('/x', 'a', 10, 1, 3);
      }),
    ).toBe('stale-tree');
  });

  it('shows a write whose outcome is not known, and nothing that nobody wrote', () => {
    const reads = (value: string) =>
      rule((check) => {
        check.writeInvoked('/x', 'a');
        check.read('/x', value, 10, 15, 3, 4);
      });
    expect(reads('a')).toBe(undefined);
    expect(reads('z')).toBe('stale-tree');
  });

  it('has a lock with one holder and growing fences', () => {
    const taken = (isHeld: boolean, fence: number) =>
      rule((check) => {
        check.holds('one', 5, () => isHeld);
        check.holds('two', fence, () => true);
      });
    expect(taken(false, 6)).toBe(undefined);
    expect(taken(true, 6)).toBe('two-holders');
    expect(taken(false, 5)).toBe('two-holders');
    expect(
      rule((check) => {
        check.holds('one', 5, () => true);
        check.released('one');
        check.holds('two', 6, () => true);
      }),
    ).toBe(undefined);
  });
});
