/**
 * What the broker tells about itself, in Prometheus' own terms; a host renders it. Names and labels obey Prometheus' rules:
 * `[a-zA-Z_:][a-zA-Z0-9_:]*`, counters end in `_total`, units are base units (`_seconds`, `_bytes`).
 */
export type MetricFamily = ScalarFamily | HistogramFamily;

export type MetricLabels = Readonly<Record<string, string>>;

export interface ScalarFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly ScalarSample[];
}

export interface ScalarSample {
  readonly labels: MetricLabels;
  readonly value: number;
}

export interface HistogramFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'histogram';
  readonly samples: readonly HistogramSample[];
}

export interface HistogramSample {
  readonly labels: MetricLabels;
  /** Rising, without infinity. */
  readonly upperBounds: readonly number[];
  /** How many observations fell into each bucket alone, not cumulated; one place more than there are bounds, for those beyond all. */
  readonly counts: readonly number[];
  readonly sum: number;
}
