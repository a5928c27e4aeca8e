/** Times that were measured, and their percentiles: all of them up to a limit, beyond it every second, fourth, eighth one. */
const SAMPLES_MAX = 1_000_000;

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export class Latencies {
  #samples: number[] = [];
  #every = 1;
  #seen = 0;
  #max = 0;

  add(ms: number): void {
    if (ms > this.#max) this.#max = ms;
    if (this.#seen++ % this.#every !== 0) return;
    this.#samples.push(ms);
    if (this.#samples.length < SAMPLES_MAX) return;
    this.#samples = this.#samples.filter((_, index) => index % 2 === 0);
    this.#every *= 2;
  }

  /** Undefined when nothing was measured. */
  percentiles(): Percentiles | undefined {
    if (this.#samples.length === 0) return undefined;
    const sorted = Float64Array.from(this.#samples).sort();
    // The nearest rank: a value that was really measured.
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!;
    return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: this.#max };
  }

  /** Those of several together. */
  static merged(all: readonly Latencies[]): Latencies {
    const merged = new Latencies();
    for (const each of all) {
      for (const ms of each.#samples) merged.add(ms);
      merged.#max = Math.max(merged.#max, each.#max);
    }
    return merged;
  }
}
