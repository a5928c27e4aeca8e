import { describe, expect, it } from 'vitest';
import { utf8Encode } from '@odradek/protocol';
import { murmur2, partitionOfKey } from './murmur2.ts';

describe('murmur2', () => {
  // The values that the Java client's own tests expect.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %s', (key, expected) => {
    expect(murmur2(utf8Encode(key))).toBe(expected);
  });

  it('gives a partition for negative hashes too', () => {
    for (let i = 0; i < 1000; i += 1) {
      const partition = partitionOfKey(utf8Encode(`key-${i}`), 7);
      expect(partition >= 0 && partition < 7).toBe(true);
    }
  });
});
