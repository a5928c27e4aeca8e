/**
 * `.txnindex`: the transactions that were aborted in a segment, in the order of their markers. 34 bytes an entry: version
 * (int16, 0), producer id, first offset, last offset (the marker's), last stable offset after it (int64 each). What a
 * read_committed consumer must drop. Few, so that a list of objects is kept. Derived, and rebuilt.
 */
import { offset, producerId } from '@odradek/protocol';
import type { Offset, ProducerId } from '@odradek/protocol';
import { readInt64, writeInt64 } from './int64.ts';

export interface AbortedTransaction {
  readonly producerId: ProducerId;
  readonly firstOffset: Offset;
  readonly lastOffset: Offset;
  readonly lastStableOffset: Offset;
}

export const ABORTED_ENTRY_BYTES = 34;

export function encodeAborted(transactions: readonly AbortedTransaction[]): Uint8Array {
  const bytes = new Uint8Array(transactions.length * ABORTED_ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  transactions.forEach((transaction, n) => {
    const at = n * ABORTED_ENTRY_BYTES;
    view.setInt16(at, 0);
    writeInt64(view, at + 2, transaction.producerId);
    writeInt64(view, at + 10, transaction.firstOffset);
    writeInt64(view, at + 18, transaction.lastOffset);
    writeInt64(view, at + 26, transaction.lastStableOffset);
  });
  return bytes;
}

/** Undefined when the bytes are no index of a segment [baseOffset, endOffset): rebuild it. */
export function decodeAborted(
  bytes: Uint8Array,
  baseOffset: Offset,
  endOffset: Offset,
): AbortedTransaction[] | undefined {
  if (bytes.length % ABORTED_ENTRY_BYTES !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const transactions: AbortedTransaction[] = [];
  let previous = baseOffset - 1;
  for (let at = 0; at < bytes.length; at += ABORTED_ENTRY_BYTES) {
    const transaction = {
      producerId: producerId(readInt64(view, at + 2)),
      firstOffset: offset(readInt64(view, at + 10)),
      lastOffset: offset(readInt64(view, at + 18)),
      lastStableOffset: offset(readInt64(view, at + 26)),
    };
    const { firstOffset, lastOffset, lastStableOffset } = transaction;
    if (
      view.getInt16(at) !== 0 ||
      transaction.producerId < 0 ||
      firstOffset < 0 ||
      firstOffset > lastOffset ||
      lastOffset <= previous
    )
      return undefined;
    if (lastOffset >= endOffset || lastStableOffset < 0 || lastStableOffset > lastOffset + 1)
      return undefined;
    previous = lastOffset;
    transactions.push(transaction);
  }
  return transactions;
}

export interface AbortedInRange {
  readonly transactions: readonly AbortedTransaction[];
  /** No later segment can hold one that reaches into the range. */
  readonly isComplete: boolean;
}

/** Those of one segment that reach into [from, upTo). */
export function abortedWithin(
  transactions: readonly AbortedTransaction[],
  from: Offset,
  upTo: Offset,
): AbortedInRange {
  const found: AbortedTransaction[] = [];
  for (const transaction of transactions) {
    if (transaction.lastOffset >= from && transaction.firstOffset < upTo) found.push(transaction);
    if (transaction.lastStableOffset >= upTo) return { transactions: found, isComplete: true };
  }
  return { transactions: found, isComplete: false };
}
