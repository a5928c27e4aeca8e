/** Handle of a pending timer; opaque to callers. */
export type TimerHandle = { readonly __timer?: never } | number | object;

/**
 * Time, as a host provides it. Wall time stamps records; it may jump and is never used for leases, timeouts or order.
 * `setTimeout`/`clearTimeout` have the shape that XState asks of an actor system's clock.
 */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00Z. May jump in either direction. */
  wallTimeMs(): number;
  /** Milliseconds since an arbitrary origin; never goes back. */
  monotonicMs(): number;
  setTimeout(callback: () => void, delayMs: number): TimerHandle;
  clearTimeout(handle: TimerHandle): void;
}
