/** KafkaJS's `retry`, which counts attempts, in this client's words, which have an end in time. */
import type { RetryPolicy } from '../retry.ts';
import type { RetryOptions } from './types.ts';

export interface RetryPlan {
  readonly policy: RetryPolicy;
  readonly retries: number;
  readonly initialRetryTimeMs: number;
  /** What KafkaJSNumberOfRetriesExceeded tells. */
  readonly spent: { readonly retryCount: number; readonly retryTime: number };
}

const DEFAULTS = { maxRetryTime: 30_000, initialRetryTime: 300, multiplier: 2, retries: 5 };
/** `retries` may be as good as infinite; a timer is not. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

export function planRetries(...options: readonly (RetryOptions | undefined)[]): RetryPlan {
  const given = options.flatMap((each) =>
    Object.entries(each ?? {}).filter(([, value]) => value !== undefined),
  );
  const merged = { ...DEFAULTS, ...(Object.fromEntries(given) as RetryOptions) };
  const { retries, initialRetryTime, maxRetryTime, multiplier } = merged;
  let timeoutMs = 0;
  let pauseMs = Math.min(initialRetryTime, maxRetryTime);
  let left = retries;
  for (; left > 0 && pauseMs < maxRetryTime && timeoutMs < TIMEOUT_MS_MAX; left -= 1) {
    timeoutMs += pauseMs;
    pauseMs = Math.min(pauseMs * Math.max(multiplier, 1.01), maxRetryTime);
  }
  timeoutMs = Math.min(timeoutMs + left * pauseMs, TIMEOUT_MS_MAX);
  return {
    policy: { timeoutMs, backoffMs: initialRetryTime, backoffMaxMs: maxRetryTime },
    retries,
    initialRetryTimeMs: initialRetryTime,
    spent: { retryCount: retries, retryTime: Math.round(pauseMs) },
  };
}
