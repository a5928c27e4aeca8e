import { describe, expect, it } from 'vitest';
import { IDLE_BYTES_MAX, ReadBuffers } from './read-buffers.ts';

const MEBIBYTE = 1024 * 1024;

describe('buffers for reads', () => {
  it('are used again once they have been given back', () => {
    const pool = new ReadBuffers();
    const first = pool.take(MEBIBYTE);
    expect(pool.take(MEBIBYTE).buffer).not.toBe(first.buffer);
    pool.giveBack(first.subarray(100, 2_000));
    const second = pool.take(MEBIBYTE - 5);
    expect(second.buffer).toBe(first.buffer);
    expect(second.byteLength).toBe(MEBIBYTE - 5);
  });

  it('are not handed out twice when they are given back twice', () => {
    const pool = new ReadBuffers();
    const first = pool.take(MEBIBYTE);
    pool.giveBack(first);
    pool.giveBack(first);
    expect(pool.take(MEBIBYTE).buffer).toBe(first.buffer);
    expect(pool.take(MEBIBYTE).buffer).not.toBe(first.buffer);
  });

  it('leave alone what came from elsewhere, and small reads', () => {
    const pool = new ReadBuffers();
    pool.giveBack(new Uint8Array(MEBIBYTE));
    pool.giveBack(pool.take(100));
    expect(pool.idleBytes).toBe(0);
  });

  it('give a large buffer to no small read, and keep no more than the limit', () => {
    const pool = new ReadBuffers();
    const large = pool.take(4 * MEBIBYTE);
    pool.giveBack(large);
    expect(pool.take(MEBIBYTE).buffer).not.toBe(large.buffer);
    const taken = Array.from({ length: 40 }, () => pool.take(MEBIBYTE));
    for (const each of taken) pool.giveBack(each);
    expect(pool.idleBytes).toBeLessThanOrEqual(IDLE_BYTES_MAX);
    expect(pool.idleBytes).toBeGreaterThan(IDLE_BYTES_MAX - 2 * MEBIBYTE);
  });
});
