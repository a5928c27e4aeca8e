import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { crc32cJs } from '@odradek/protocol';
import { createNodeClock, createNodeCrc32c, createNodeRandom } from './host.ts';

describe("Node's clock", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('waits longer than Node can, and not longer than asked', () => {
    const clock = createNodeClock();
    const sixtyDaysMs = 60 * 24 * 60 * 60 * 1000;
    let fired = 0;
    clock.setTimeout(() => fired++, sixtyDaysMs);
    vi.advanceTimersByTime(sixtyDaysMs - 1);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
    vi.advanceTimersByTime(sixtyDaysMs);
    expect(fired).toBe(1);
  });

  it('can be told not to, at any time on the way', () => {
    const clock = createNodeClock();
    const short = clock.setTimeout(() => expect.unreachable(), 10);
    const long = clock.setTimeout(() => expect.unreachable(), 2 ** 33);
    vi.advanceTimersByTime(5);
    clock.clearTimeout(short);
    vi.advanceTimersByTime(2 ** 32);
    clock.clearTimeout(long);
    clock.clearTimeout(long);
    vi.advanceTimersByTime(2 ** 33);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('tells wall time in milliseconds, and time that does not go back', () => {
    vi.setSystemTime(1_700_000_000_000);
    const clock = createNodeClock();
    expect(clock.wallTimeMs()).toBe(1_700_000_000_000);
    const before = clock.monotonicMs();
    vi.setSystemTime(0);
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(before);
  });
});

describe("Node's chance", () => {
  it('gives whole numbers over the whole range, beyond one pool', () => {
    const random = createNodeRandom();
    const numbers = Array.from({ length: 3_000 }, () => random.uint32());
    expect(
      numbers.every((number) => Number.isInteger(number) && number >= 0 && number < 2 ** 32),
    ).toBe(true);
    expect(new Set(numbers).size).toBeGreaterThan(2_990);
    expect(Math.max(...numbers)).toBeGreaterThan(2 ** 31);
  });

  it('gives bytes that are the caller’s own', () => {
    const random = createNodeRandom();
    const bytes = random.bytes(16);
    const copy = bytes.slice();
    expect(random.bytes(16)).not.toEqual(copy);
    expect(bytes).toEqual(copy);
    expect(random.bytes(0)).toHaveLength(0);
  });
});

describe("Node's CRC-32C", () => {
  const bytes = createNodeRandom().bytes(100_003);

  it('is the one of the protocol, in one piece and continued', () => {
    const crc32c = createNodeCrc32c({
      onFallback: (_, cause) => expect.unreachable(String(cause)),
    });
    expect(crc32c(bytes)).toBe(crc32cJs(bytes));
    expect(crc32c(bytes.subarray(1_001), crc32c(bytes.subarray(0, 1_001)))).toBe(crc32cJs(bytes));
  });

  it('does not load the native one for what a start has to check', () => {
    let loads = 0;
    const crc32c = createNodeCrc32c({
      loadNative: () => {
        loads += 1;
        return crc32cJs;
      },
    });
    expect(crc32c(bytes.subarray(0, 60_000))).toBe(crc32cJs(bytes.subarray(0, 60_000)));
    expect(loads).toBe(0);
    for (let i = 0; i < 3; i++) expect(crc32c(bytes)).toBe(crc32cJs(bytes));
    expect(loads).toBe(1);
  });

  it.each([
    [
      'does not load',
      () => {
        throw new Error('no such module');
      },
    ],
    ['computes something else', () => () => 1],
  ])('is replaced when the native one %s, and says so once', (_, loadNative) => {
    const told: unknown[] = [];
    const crc32c = createNodeCrc32c({
      loadNative,
      onFallback: (to, cause) => told.push([to, cause]),
    });
    expect(told).toEqual([]);
    expect(crc32c(bytes)).toBe(crc32cJs(bytes));
    expect(crc32c(bytes)).toBe(crc32cJs(bytes));
    expect(told).toEqual([['wasm', expect.any(Error)]]);
  });
});
