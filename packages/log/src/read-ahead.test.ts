import { describe, expect, it } from 'vitest';
import { ReadAhead } from './read-ahead.ts';
import type { Segment } from './segment.ts';

/** A segment of which only the file is asked. */
const segmentOf = (bytes: Uint8Array): { segment: Segment; reads: [number, number][] } => {
  const reads: [number, number][] = [];
  const read = (position: number, length: number): Promise<Uint8Array> => {
    reads.push([position, length]);
    return Promise.resolve(bytes.subarray(position, position + length));
  };
  return { segment: { file: { read } } as unknown as Segment, reads };
};

const numbers = Uint8Array.from({ length: 100 }, (_, i) => i);

describe('reading ahead', () => {
  it('has the piece ready for whoever asks for that place, once', async () => {
    const { segment, reads } = segmentOf(numbers);
    const readAhead = new ReadAhead(1000);
    readAhead.begin(segment, 10, 20, 1);
    expect(await readAhead.take(segment, 10, 5, 1)).toEqual(numbers.subarray(10, 15));
    expect(readAhead.take(segment, 10, 5, 1)).toBeUndefined();
    expect(reads).toEqual([[10, 20]]);
    expect(readAhead.sizeBytes).toBe(0);
  });

  it('is no help for another place, for more than was read, or after the files changed', () => {
    const { segment } = segmentOf(numbers);
    const readAhead = new ReadAhead(1000);
    readAhead.begin(segment, 10, 20, 1);
    expect(readAhead.take(segment, 11, 5, 1)).toBeUndefined();
    expect(readAhead.take(segmentOf(numbers).segment, 10, 5, 1)).toBeUndefined();
    expect(readAhead.take(segment, 10, 5, 2)).toBeUndefined();
    readAhead.begin(segment, 10, 20, 1);
    expect(readAhead.take(segment, 10, 21, 1)).toBeUndefined();
  });

  it('holds no more than its bound: the oldest goes', () => {
    const { segment } = segmentOf(numbers);
    const readAhead = new ReadAhead(50);
    for (const position of [0, 20, 40]) readAhead.begin(segment, position, 20, 1);
    readAhead.begin(segment, 0, 51, 1);
    expect(readAhead.sizeBytes).toBe(40);
    expect(readAhead.take(segment, 0, 20, 1)).toBeUndefined();
    expect(readAhead.take(segment, 20, 20, 1)).toBeDefined();
  });

  it('forgets a read that failed, and troubles nobody with it', async () => {
    const segment = {
      file: { read: () => Promise.reject(new Error('gone')) },
    } as unknown as Segment;
    const readAhead = new ReadAhead(1000);
    readAhead.begin(segment, 0, 10, 1);
    await Promise.resolve();
    await Promise.resolve();
    expect(readAhead.sizeBytes).toBe(0);
  });
});
