/**
 * Which batches of transactions compaction may drop. Batches of aborted ones go. A marker goes when its transaction has no
 * batch left; the first cleaning that finds it so gives it a delete horizon, a later one drops it. Fed with every batch in
 * the order of offsets, and beforehand with the aborted transactions of the range.
 */
import type { BatchView, EndTxnMarker, Offset, ProducerId } from '@odradek/protocol';
import type { AbortedTransaction } from '../transaction-index.ts';

interface OngoingAbort {
  readonly transaction: AbortedTransaction;
  hasBatches: boolean;
}

export class TransactionFilter {
  readonly #committed = new Set<ProducerId>();
  readonly #aborts = new Map<ProducerId, OngoingAbort>();
  /** Not yet reached, by first offset. */
  #coming: AbortedTransaction[] = [];
  /** Of the segment that is being written: aborted transactions that still have batches, in the order of their markers. */
  retained: AbortedTransaction[] = [];

  expect(aborted: readonly AbortedTransaction[]): void {
    this.#coming = [...this.#coming, ...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** May this batch of data go, since it was aborted? */
  isAborted(batch: BatchView): boolean {
    this.#reach(batch.lastOffset);
    if (!batch.isTransactional) return false;
    const abort = this.#aborts.get(batch.producerId);
    if (abort === undefined) {
      this.#committed.add(batch.producerId);
      return false;
    }
    abort.hasBatches = true;
    return true;
  }

  /** May this control batch go, since nothing is left of its transaction? `marker` is undefined when it holds no marker. */
  isMarkerIdle(batch: BatchView, marker: EndTxnMarker | undefined): boolean {
    this.#reach(batch.lastOffset);
    // Emptied by an earlier cleaning; a control record of another kind stays.
    if (marker === undefined) return batch.recordCount === 0;
    if (marker.kind === 'commit') return !this.#committed.delete(batch.producerId);
    const abort = this.#aborts.get(batch.producerId);
    this.#aborts.delete(batch.producerId);
    if (abort?.hasBatches !== true) return true;
    this.retained.push(abort.transaction);
    return false;
  }

  #reach(upTo: Offset): void {
    while (this.#coming[0] !== undefined && this.#coming[0].firstOffset <= upTo) {
      const transaction = this.#coming.shift()!;
      if (!this.#aborts.has(transaction.producerId))
        this.#aborts.set(transaction.producerId, { transaction, hasBatches: false });
    }
  }
}
