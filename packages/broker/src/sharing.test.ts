import { describe, expect, it } from 'vitest';
import { sharing } from './sharing.ts';

/** A task whose runs end when the test says so. */
const heldTask = () => {
  const ends: { done: () => void; failed: (error: Error) => void }[] = [];
  const run = sharing(() => new Promise<void>((done, failed) => ends.push({ done, failed })));
  return { run, ends };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a shared task', () => {
  it('runs once for all who ask before it begins, and once more for all who ask while it runs', async () => {
    const { run, ends } = heldTask();
    const told: string[] = [];
    const ask = (name: string) => void run().then(() => told.push(name));
    ask('a');
    ask('b');
    await turn();
    expect(ends).toHaveLength(1);
    ask('c');
    ask('d');
    await turn();
    expect(ends).toHaveLength(1);
    ends[0]!.done();
    await turn();
    expect(told).toEqual(['a', 'b']);
    expect(ends).toHaveLength(2);
    ends[1]!.done();
    await turn();
    expect(told).toEqual(['a', 'b', 'c', 'd']);
  });

  it('fails for those who asked for that run, and runs again for the next', async () => {
    const { run, ends } = heldTask();
    const first = run();
    await turn();
    const second = run();
    ends[0]!.failed(new Error('full'));
    await expect(first).rejects.toThrow('full');
    await turn();
    ends[1]!.done();
    await second;
  });
});
