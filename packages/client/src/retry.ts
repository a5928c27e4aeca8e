/** Trying again, with growing pauses and an end. */
import type { AbortSignalLike } from '@odradek/ports';
import { ClientClosed, isRetriable } from './errors.ts';
import type { ClientHost } from './host.ts';

export interface WaitOptions {
  /** Ends the waiting, not what was begun. */
  readonly signal?: AbortSignalLike;
}

export interface RetryPolicy {
  /** From the first try on; the last error is thrown when it is over. */
  readonly timeoutMs: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
}

/** Kafka's defaults for `default.api.timeout.ms`, `retry.backoff.ms` and `retry.backoff.max.ms`. */
export const RETRY_DEFAULT: RetryPolicy = { timeoutMs: 60_000, backoffMs: 100, backoffMaxMs: 1000 };

export async function withRetries<T>(
  host: ClientHost,
  policy: RetryPolicy,
  attempt: () => Promise<T>,
  signal?: AbortSignalLike,
): Promise<T> {
  const { clock } = host;
  const deadlineMs = clock.monotonicMs() + policy.timeoutMs;
  for (let failures = 0; ; failures += 1) {
    throwIfAborted(signal);
    try {
      return await attempt();
    } catch (error) {
      const pauseMs = backoffMs(host, policy, failures);
      if (!isRetriable(error) || clock.monotonicMs() + pauseMs >= deadlineMs) throw error;
      await pause(host, pauseMs, signal);
    }
  }
}

/** Doubling, with a fifth of chance either way (KIP-580), so that many clients do not return together. */
export function backoffMs({ random }: ClientHost, policy: RetryPolicy, failures: number): number {
  const plain = Math.min(policy.backoffMaxMs, policy.backoffMs * 2 ** Math.min(failures, 30));
  return Math.round(plain * (0.8 + (0.4 * random.uint32()) / 2 ** 32));
}

/** Rejects as soon as the signal is aborted. */
export function pause(
  { clock }: ClientHost,
  delayMs: number,
  signal?: AbortSignalLike,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, delayMs);
    const abort = (): void => {
      clock.clearTimeout(timer);
      reject(abandoned(signal));
    };
    signal?.addEventListener('abort', abort);
  });
}

export function throwIfAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted) throw abandoned(signal);
}

export const abandoned = (signal: AbortSignalLike | undefined): ClientClosed =>
  new ClientClosed('given up by the caller', { cause: signal?.reason });

/** Stops waiting at the signal; what was begun goes on. */
export function abortable<T>(work: Promise<T>, signal: AbortSignalLike | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(abandoned(signal));
    const forget = (): void => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort);
    work.then(resolve, reject).finally(forget);
    if (signal.aborted) abort();
  });
}
