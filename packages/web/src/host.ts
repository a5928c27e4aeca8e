/** What a browser provides, in a page and in a worker alike, for the ports that need no configuration: time and chance. */
import { longTimers, pooledNumbers } from '@odradek/ports';
import type { Clock, Random } from '@odradek/ports';

export function createBrowserClock(): Clock {
  return {
    wallTimeMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    ...longTimers(
      (callback, delayMs) => setTimeout(callback, delayMs),
      (handle) => clearTimeout(handle),
    ),
  };
}

export function createBrowserRandom(): Random {
  return {
    uint32: pooledNumbers((pool) => crypto.getRandomValues(pool)),
    bytes(length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at += RANDOM_BYTES_MAX)
        crypto.getRandomValues(bytes.subarray(at, at + RANDOM_BYTES_MAX));
      return bytes;
    },
  };
}

/** More at once is refused (Web Cryptography API, section 10.1.1). */
const RANDOM_BYTES_MAX = 65_536;
