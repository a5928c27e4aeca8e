/**
 * Where each leader epoch began in this log: epochs and start offsets rise together. What followers and consumers align by
 * (KIP-101, KIP-279, KIP-320). The list is short (one entry a leader change), so that it is a plain array.
 *
 * The checkpoint file is written behind the decision. A crash in between is no loss: recovery assigns epochs from the
 * batches behind the recovery point, which does not pass entries that are not yet on the disk.
 */
import { leaderEpoch, offset } from '@odradek/protocol';
import type { LeaderEpoch, Offset } from '@odradek/protocol';

export interface EpochStart {
  readonly epoch: LeaderEpoch;
  readonly startOffset: Offset;
}

/** What is known of an epoch's end; both -1 when nothing is. */
export interface EpochEnd {
  readonly epoch: LeaderEpoch;
  readonly endOffset: Offset;
}

export const UNDEFINED_EPOCH_END: EpochEnd = { epoch: leaderEpoch(-1), endOffset: offset(-1) };

export class LeaderEpochs {
  #entries: EpochStart[];
  /** Counts changes: whoever writes the file knows by it whether the file is behind. */
  revision = 0;

  constructor(entries: readonly EpochStart[] = []) {
    this.#entries = [];
    for (const { epoch, startOffset } of entries) this.assign(epoch, startOffset);
    this.revision = 0;
  }

  get entries(): readonly EpochStart[] {
    return this.#entries;
  }

  get latestEpoch(): LeaderEpoch | undefined {
    return this.#entries.at(-1)?.epoch;
  }

  get earliest(): EpochStart | undefined {
    return this.#entries[0];
  }

  /** Batches of `epoch` begin at `startOffset`. Entries that cannot stand beside it (from a log since replaced) go. */
  assign(epoch: LeaderEpoch, startOffset: Offset): void {
    const latest = this.#entries.at(-1);
    if (latest !== undefined && epoch === latest.epoch && startOffset >= latest.startOffset) return;
    while (this.#entries.length > 0) {
      const last = this.#entries.at(-1)!;
      if (last.epoch < epoch && last.startOffset < startOffset) break;
      this.#entries.pop();
    }
    this.#entries.push({ epoch, startOffset });
    this.revision++;
  }

  /**
   * Where the requested epoch ends in this log: the largest epoch known that is not above it, and the start of the next one
   * (the log's end for the latest).
   */
  endOf(requested: LeaderEpoch, logEndOffset: Offset): EpochEnd {
    if (requested < 0) return UNDEFINED_EPOCH_END;
    if (requested === this.latestEpoch) return { epoch: requested, endOffset: logEndOffset };
    const next = this.#entries.findIndex((entry) => entry.epoch > requested);
    if (next < 0) return UNDEFINED_EPOCH_END;
    const floor = this.#entries[next - 1];
    return { epoch: floor?.epoch ?? requested, endOffset: this.#entries[next]!.startOffset };
  }

  epochAt(at: Offset): LeaderEpoch | undefined {
    return this.#entries.findLast((entry) => entry.startOffset <= at)?.epoch;
  }

  /** The log now ends at `endOffset`. */
  truncateFromEnd(endOffset: Offset): void {
    const kept = this.#entries.filter((entry) => entry.startOffset < endOffset);
    if (kept.length === this.#entries.length) return;
    this.#entries = kept;
    this.revision++;
  }

  /** The log now starts at `startOffset`: the epoch that covers it starts there. */
  truncateFromStart(startOffset: Offset): void {
    const first = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset);
    if (first < 0 || (first === 0 && this.#entries[0]!.startOffset === startOffset)) return;
    this.#entries = [
      { epoch: this.#entries[first]!.epoch, startOffset },
      ...this.#entries.slice(first + 1),
    ];
    this.revision++;
  }

  clear(): void {
    if (this.#entries.length === 0) return;
    this.#entries = [];
    this.revision++;
  }
}
