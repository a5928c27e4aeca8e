/**
 * How many bytes a second of a reassignment's replication may cost (KIP-73): `leader.` and
 * `follower.replication.throttled.rate`. A bucket of one second: what is taken beyond it is waited for, so that the rate
 * holds however large one answer is.
 */
import type { Clock } from '@odradek/ports';

const BURST_MS = 1000;

export class ReplicationQuota {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #bytesPerSecond: number;
  #level: number;
  #filledMs: number;

  /** Infinity: no limit. */
  constructor(clock: Pick<Clock, 'monotonicMs'>, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#level = this.#capacity;
    this.#filledMs = clock.monotonicMs();
  }

  set bytesPerSecond(bytesPerSecond: number) {
    this.#fill();
    this.#bytesPerSecond = bytesPerSecond;
    this.#level = Math.min(this.#level, this.#capacity);
  }

  take(bytes: number): void {
    this.#fill();
    if (this.#bytesPerSecond !== Infinity) this.#level -= bytes;
  }

  /** 0: there is something left. */
  waitMs(): number {
    this.#fill();
    if (this.#level > 0) return 0;
    return this.#bytesPerSecond <= 0
      ? Infinity
      : Math.max(1, Math.ceil((-this.#level * 1000) / this.#bytesPerSecond));
  }

  get #capacity(): number {
    return (this.#bytesPerSecond * BURST_MS) / 1000;
  }

  #fill(): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#bytesPerSecond === Infinity) this.#level = Infinity;
    else {
      const grown = this.#level + ((nowMs - this.#filledMs) * this.#bytesPerSecond) / 1000;
      this.#level = Math.min(this.#capacity, grown);
    }
    this.#filledMs = nowMs;
  }
}
