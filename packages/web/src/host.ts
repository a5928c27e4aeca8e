/** What a browser provides, in a page and in a worker alike, for the ports that need no configuration: time and chance. */
import type { Clock, Random } from '@odradek/ports';

export function createBrowserClock(): Clock {
  return {
    wallTimeMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    setTimeout(callback, delayMs) {
      const timer: LongTimer = { handle: undefined };
      arm(timer, callback, delayMs);
      return timer;
    },
    clearTimeout(timer) {
      clearTimeout((timer as LongTimer).handle);
    },
  };
}

interface LongTimer {
  handle: number | undefined;
}

/** A timer of more than 2^31-1 ms fires at once. It is walked there in steps. */
function arm(timer: LongTimer, callback: () => void, delayMs: number): void {
  timer.handle =
    delayMs <= DELAY_MS_MAX
      ? setTimeout(callback, delayMs)
      : setTimeout(() => arm(timer, callback, delayMs - DELAY_MS_MAX), DELAY_MS_MAX);
}

const DELAY_MS_MAX = 2 ** 31 - 1;

/** Numbers come from a pool: a call into the browser costs more than the four bytes are worth. */
export function createBrowserRandom(): Random {
  const pool = new Uint32Array(POOL_NUMBERS);
  let next = POOL_NUMBERS;
  return {
    uint32() {
      if (next === POOL_NUMBERS) {
        crypto.getRandomValues(pool);
        next = 0;
      }
      const number = pool[next]!;
      pool[next++] = 0;
      return number;
    },
    bytes(length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at += RANDOM_BYTES_MAX)
        crypto.getRandomValues(bytes.subarray(at, at + RANDOM_BYTES_MAX));
      return bytes;
    },
  };
}

const POOL_NUMBERS = 1024;
/** More at once is refused (Web Cryptography API, section 10.1.1). */
const RANDOM_BYTES_MAX = 65_536;
