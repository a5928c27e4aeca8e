import { nodeId, offset } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { holdsMajority, isOutvoted, majorityOffset } from './election.ts';

const nodes = (...ids: number[]) => ids.map(nodeId);

describe('a majority', () => {
  it('is more than half of the voters, strangers not counted', () => {
    expect(holdsMajority(nodes(1), nodes(1))).toBe(true);
    expect(holdsMajority(nodes(1), nodes(1, 2, 3))).toBe(false);
    expect(holdsMajority(nodes(1, 9), nodes(1, 2, 3))).toBe(false);
    expect(holdsMajority(nodes(1, 3), nodes(1, 2, 3))).toBe(true);
    expect(holdsMajority(nodes(1, 2), nodes(1, 2, 3, 4))).toBe(false);
  });

  it('is out of reach when so many have refused', () => {
    expect(isOutvoted(nodes(), nodes(1))).toBe(false);
    expect(isOutvoted(nodes(2), nodes(1, 2, 3))).toBe(false);
    expect(isOutvoted(nodes(2, 3), nodes(1, 2, 3))).toBe(true);
    expect(isOutvoted(nodes(2, 9), nodes(1, 2, 3))).toBe(false);
  });

  it('holds what all of its members hold', () => {
    const held = (...offsets: number[]) => majorityOffset(offsets.map(offset));
    expect(held(7)).toBe(7);
    expect(held(9, 3, 5)).toBe(5);
    expect(held(9, 3)).toBe(3);
    expect(held(1, 2, 3, 4, 5)).toBe(3);
  });
});
