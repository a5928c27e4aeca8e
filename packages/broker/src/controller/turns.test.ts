import { describe, expect, it } from 'vitest';
import { settle } from '../testing/turns.ts';
import { Turns } from './turns.ts';

describe('turns', () => {
  it('are taken one at a time for a key, in the order of asking, and beside those of others', async () => {
    const turns = new Turns();
    const told: string[] = [];
    const ends = new Map<string, () => void>();
    const ask = (key: string, name: string) =>
      turns.run(key, async () => {
        told.push(`${name} begins`);
        await new Promise<void>((resolve) => ends.set(name, resolve));
        told.push(`${name} ends`);
        return name;
      });
    const asked = [ask('a', '1'), ask('a', '2'), ask('b', '3')];
    await settle(2);
    expect(told).toEqual(['1 begins', '3 begins']);
    ends.get('1')!();
    await settle(2);
    expect(told.slice(2)).toEqual(['1 ends', '2 begins']);
    ends.get('2')!();
    ends.get('3')!();
    expect(await Promise.all(asked)).toEqual(['1', '2', '3']);
    await settle(2);
    expect(turns.size).toBe(0);
  });

  it('go on after one that failed', async () => {
    const turns = new Turns();
    const failed = turns.run('a', () => Promise.reject(new Error('no')));
    const next = turns.run('a', () => Promise.resolve('yes'));
    await expect(failed).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });
});
