import { describe, expect, it } from 'vitest';
import { Progress } from './progress.ts';
import { formatTable } from './table.ts';
import { createFakeWorld } from './testing/fake-world.ts';
import type { FakeWorldOptions } from './testing/fake-world.ts';

/** Tells at each of the times, and ends. */
async function told(options: FakeWorldOptions, times: readonly number[]): Promise<string> {
  let nowMs = 0;
  const world = { ...createFakeWorld(options), monotonicMs: () => nowMs };
  const progress = new Progress(world);
  for (nowMs of times) progress.tell(() => `at ${nowMs}`);
  await progress.end();
  return world.err();
}

describe('progress', () => {
  it('is not told of what is done within a second', async () => {
    expect(await told({ terminals: ['stderr'] }, [0, 500, 999])).toBe('');
    expect(await told({}, [0, 500, 999])).toBe('');
  });

  it('is a line that is written over on a terminal, and taken away at the end', async () => {
    const clear = '\r\u001b[2K';
    expect(await told({ terminals: ['stderr'] }, [1000, 1050, 1100])).toBe(
      `${clear}at 1000${clear}at 1100${clear}`,
    );
  });

  it('is a line every five seconds elsewhere', async () => {
    expect(await told({}, [1000, 3000, 6000, 6001])).toBe('at 1000\nat 6000\n');
  });
});

describe('a table', () => {
  it('keeps to one line a row, whatever a cell holds and however wide it is shown', () => {
    expect(
      formatTable(
        ['NAME', 'N'],
        [
          ['wide \u6f22\u5b57', 1],
          ['two\nlines', 22],
          ['', ''],
        ],
      ),
    ).toBe(['NAME        N', 'wide \u6f22\u5b57   1', 'two\\nlines  22', '', ''].join('\n'));
  });
});
