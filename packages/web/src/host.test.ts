import { describe, expect, it, vi } from 'vitest';
import { crc32cJs } from '@odradek/protocol';
import { createBrowserCrc32c } from './crc32c.ts';
import { createBrowserClock, createBrowserRandom } from './host.ts';

describe("a browser's clock", () => {
  it('waits longer than a browser can, and can be told not to', () => {
    vi.useFakeTimers();
    try {
      const clock = createBrowserClock();
      const sixtyDaysMs = 60 * 24 * 60 * 60 * 1000;
      let fired = 0;
      clock.setTimeout(() => (fired += 1), sixtyDaysMs);
      const never = clock.setTimeout(() => (fired += 10), sixtyDaysMs + 1);
      vi.advanceTimersByTime(sixtyDaysMs - 1);
      expect(fired).toBe(0);
      clock.clearTimeout(never);
      vi.advanceTimersByTime(2);
      expect(fired).toBe(1);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('tells time that is about now, and time that does not go back', () => {
    const clock = createBrowserClock();
    expect(Math.abs(clock.wallTimeMs() - Date.now())).toBeLessThan(1000);
    const before = clock.monotonicMs();
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(before);
  });
});

describe("a browser's chance", () => {
  it('gives whole numbers over the whole range, beyond one pool', () => {
    const random = createBrowserRandom();
    const numbers = Array.from({ length: 3000 }, () => random.uint32());
    expect(
      numbers.every((number) => Number.isInteger(number) && number >= 0 && number < 2 ** 32),
    ).toBe(true);
    expect(new Set(numbers).size).toBeGreaterThan(2990);
  });

  it('gives more bytes than the browser gives at once', () => {
    const bytes = createBrowserRandom().bytes(150_001);
    expect(bytes).toHaveLength(150_001);
    // One in 2^800 that an honest source leaves the last hundred as they were.
    expect(bytes.subarray(-100).some((byte) => byte !== 0)).toBe(true);
    expect(createBrowserRandom().bytes(0)).toHaveLength(0);
  });
});

describe("a browser's CRC-32C", () => {
  it('is the one of the protocol, in one piece and continued', () => {
    const bytes = createBrowserRandom().bytes(100_003);
    const expected = crc32cJs(bytes);
    const crc32c = createBrowserCrc32c();
    expect(crc32c(bytes)).toBe(expected);
    expect(crc32c(bytes.subarray(1001), crc32c(bytes.subarray(0, 1001)))).toBe(expected);
  });

  it('does without WebAssembly where that may not run', () => {
    const bytes = createBrowserRandom().bytes(1003);
    const refuse = vi.spyOn(WebAssembly, 'Module').mockImplementation(function refuseAll() {
      throw new WebAssembly.CompileError('refused by Content Security Policy');
    });
    expect(createBrowserCrc32c()(bytes)).toBe(crc32cJs(bytes));
    expect(refuse).toHaveBeenCalled();
    refuse.mockRestore();
  });
});
