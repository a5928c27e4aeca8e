/** What one reader of a partition may be handed: every offset once, in order, from where it began. */
import type { History, PartitionHistory } from './history.ts';

export class ReaderCheck {
  readonly #history: History;
  readonly #who: string;
  readonly #next = new Map<PartitionHistory, number>();

  constructor(history: History, who: string) {
    this.#history = history;
    this.#who = who;
  }

  /** It begins anew, from wherever. */
  restarts(partition: PartitionHistory, atOffset?: number): void {
    if (atOffset === undefined) this.#next.delete(partition);
    else this.#next.set(partition, atOffset);
  }

  polled(partition: PartitionHistory, offset: number, value: string): void {
    const next = this.#next.get(partition);
    if (next !== undefined && offset < next)
      this.#history.violate(
        'nonmonotonic-poll',
        `${this.#who} is given ${partition.name}@${offset} after ${next - 1}`,
      );
    // The topics of the workload are neither compacted nor transactional: offsets have no gaps.
    if (next !== undefined && offset > next)
      this.#history.violate(
        'skipped-poll',
        `${this.#who} is given ${partition.name}@${offset} after ${next - 1}`,
      );
    this.#next.set(partition, offset + 1);
    this.#history.polled(partition, offset, value, this.#who);
  }

  next(partition: PartitionHistory): number | undefined {
    return this.#next.get(partition);
  }
}
