/** Counts of the request path, in plain numbers: nothing is allocated per request. Rendered by the host when somebody asks. */

/** Upper bounds of the latency histogram's buckets. */
export const LATENCY_BUCKETS_MS: readonly number[] = [
  0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000,
];

export interface ApiMetrics {
  requests: number;
  failures: number;
  totalMs: number;
  /** Requests by bucket; the last place counts those beyond all bounds. */
  readonly buckets: number[];
}

export class RequestMetrics {
  bytesIn = 0;
  bytesOut = 0;
  connectionsAccepted = 0;
  connectionsRefused = 0;
  readonly byApi = new Map<string, ApiMetrics>();

  answered(api: string, durationMs: number): void {
    const metrics = this.#of(api);
    metrics.requests += 1;
    metrics.totalMs += durationMs;
    let bucket = 0;
    while (bucket < LATENCY_BUCKETS_MS.length && durationMs > LATENCY_BUCKETS_MS[bucket]!)
      bucket += 1;
    metrics.buckets[bucket]! += 1;
  }

  failed(api: string): void {
    this.#of(api).failures += 1;
  }

  #of(api: string): ApiMetrics {
    let metrics = this.byApi.get(api);
    if (metrics === undefined) {
      metrics = {
        requests: 0,
        failures: 0,
        totalMs: 0,
        buckets: new Array<number>(LATENCY_BUCKETS_MS.length + 1).fill(0),
      };
      this.byApi.set(api, metrics);
    }
    return metrics;
  }
}
