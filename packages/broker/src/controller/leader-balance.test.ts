import { describe, expect, it } from 'vitest';
import { WORDS, imageOf, type Partition } from '../testing/image-of.ts';
import { misplacedLeaders } from './leader-balance.ts';

const led = (leader: number, over: Partition = {}): Partition => ({
  replicas: [1, 2, 3],
  leader,
  ...over,
});
const found = (partitions: readonly Partition[], percentage = 10, brokers?: { id: number }[]) =>
  misplacedLeaders(imageOf(partitions, brokers), percentage);

describe('leaderships that should go back', () => {
  it('are those of a broker that is named first, in sync, and leads too little', () => {
    expect(found([led(1), led(2), led(3)])).toEqual([{ topic: WORDS, partitions: [1, 2] }]);
    expect(found([led(1), led(1)])).toEqual([]);
  });

  it('are left where they are while no more than the percentage is elsewhere', () => {
    const nine = Array.from({ length: 9 }, () => led(1));
    expect(found([...nine, led(2)], 10)).toEqual([]);
    expect(found([...nine, led(2)], 9)).toEqual([{ topic: WORDS, partitions: [9] }]);
    expect(found([led(2)], 100)).toEqual([]);
  });

  it('are not of a broker that is behind, down, or being moved', () => {
    expect(found([led(2, { isr: [2, 3] })])).toEqual([]);
    expect(found([led(2, { addingReplicas: [1] })])).toEqual([]);
    const brokers = [{ id: 1, fenced: true }, { id: 2 }, { id: 3 }];
    expect(found([led(2)], 10, brokers)).toEqual([]);
  });
});
