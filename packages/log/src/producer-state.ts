/**
 * What a partition remembers of its producers (KIP-98): the epoch, the last five batches (to recognise repeats and gaps), the
 * open transaction, the coordinator's epoch. State changes by `apply`, on append and on recovery alike; `check` decides
 * beforehand and changes nothing.
 *
 * Transactions: an open one pins the last stable offset at its first offset; a completed one still does until its marker is
 * below the high watermark, since a reader must not see a decision that may be lost.
 */
import { NO_SEQUENCE, incrementSequence, offset, producerEpoch } from '@odradek/protocol';
import type { BatchView, EndTxnMarker, Offset, ProducerEpoch, ProducerId } from '@odradek/protocol';
import { ErrorCode } from '@odradek/protocol';
import { BATCHES_KEPT_PER_PRODUCER } from './limits.ts';
import type { AbortedTransaction } from './transaction-index.ts';

export type AppendOrigin = 'client' | 'coordinator' | 'replica';

export interface BatchMark {
  readonly lastSequence: number;
  readonly lastOffset: Offset;
  /** Last offset minus first, which is last sequence minus first too. */
  readonly offsetDelta: number;
  readonly timestampMs: number;
}

export interface ProducerEntry {
  readonly producerId: ProducerId;
  epoch: ProducerEpoch;
  /** Of the last marker; -1 none. */
  coordinatorEpoch: number;
  lastTimestampMs: number;
  /** -1: no transaction is open. */
  txnFirstOffset: Offset;
  /** Oldest first, at most five, all of `epoch`. */
  batches: BatchMark[];
}

export interface CompletedTransaction {
  readonly producerId: ProducerId;
  readonly firstOffset: Offset;
  /** The marker's. */
  readonly lastOffset: Offset;
  readonly isAborted: boolean;
}

export type ProducerVerdict =
  | { readonly status: 'accepted' }
  | { readonly status: 'duplicate'; readonly mark: BatchMark }
  | { readonly status: 'refused'; readonly errorCode: ErrorCode; readonly message: string };

export const NO_TRANSACTION: Offset = offset(-1);
const NO_EPOCH: ProducerEpoch = producerEpoch(-1);
const ACCEPTED: ProducerVerdict = { status: 'accepted' };

export interface CheckOptions {
  readonly origin: AppendOrigin;
  /** A control batch's content. */
  readonly marker?: EndTxnMarker | undefined;
  /** From 2 on a marker carries an epoch of its own, above the transaction's (KIP-890). */
  readonly transactionVersion?: number | undefined;
}

export class ProducerStates {
  readonly #producers = new Map<ProducerId, ProducerEntry>();
  /** First offset to producer, of open transactions; insertion order is not offset order after a load, so it is searched. */
  readonly #open = new Map<Offset, ProducerId>();
  /** Decided, their markers not yet known to be below the high watermark. */
  #undelivered: CompletedTransaction[] = [];
  /** State covers the log up to here. */
  endOffset: Offset;

  constructor(endOffset: Offset) {
    this.endOffset = endOffset;
  }

  get size(): number {
    return this.#producers.size;
  }

  entries(): IterableIterator<ProducerEntry> {
    return this.#producers.values();
  }

  get(id: ProducerId): ProducerEntry | undefined {
    return this.#producers.get(id);
  }

  /** Of open and of undelivered transactions, the smallest first offset; undefined: nothing is unstable. */
  get firstUnstableOffset(): Offset | undefined {
    if (this.#open.size === 0 && this.#undelivered.length === 0) return undefined;
    let first = Infinity;
    for (const start of this.#open.keys()) if (start < first) first = start;
    for (const { firstOffset } of this.#undelivered) if (firstOffset < first) first = firstOffset;
    return offset(first);
  }

  /** What the transaction index says of an aborted one: with where the last stable offset stands once its marker is in. */
  abortedEntry({
    producerId: id,
    firstOffset,
    lastOffset,
  }: CompletedTransaction): AbortedTransaction {
    let stable = lastOffset + 1;
    for (const [start, other] of this.#open) if (other !== id && start < stable) stable = start;
    return { producerId: id, firstOffset, lastOffset, lastStableOffset: offset(stable) };
  }

  check(
    batch: BatchView,
    { origin, marker, transactionVersion = 0 }: CheckOptions,
  ): ProducerVerdict {
    if (origin === 'replica') return ACCEPTED;
    const id = batch.producerId;
    const entry = this.#producers.get(id);
    const epoch = batch.producerEpoch;
    const known = entry?.epoch ?? NO_EPOCH;
    if (marker !== undefined) {
      if (epoch < known || (transactionVersion >= 2 && epoch === known))
        return fenced(id, epoch, known);
      if (entry !== undefined && entry.coordinatorEpoch > marker.coordinatorEpoch) {
        return refused(
          ErrorCode.TRANSACTION_COORDINATOR_FENCED,
          `producer ${id}: a marker of coordinator epoch ${marker.coordinatorEpoch} after ${entry.coordinatorEpoch}`,
        );
      }
      return ACCEPTED;
    }
    if (origin === 'client' && entry !== undefined && entry.epoch === epoch) {
      const mark = repeatOf(entry, batch.baseSequence, batch.lastSequence);
      if (mark !== undefined) return { status: 'duplicate', mark };
    }
    if (epoch < known) return fenced(id, epoch, known);
    if (origin === 'client') {
      const problem = sequenceProblem(entry, epoch, batch.baseSequence);
      if (problem !== undefined)
        return refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, `producer ${id}: ${problem}`);
    }
    if (entry !== undefined && entry.txnFirstOffset >= 0 && !batch.isTransactional) {
      return refused(
        ErrorCode.INVALID_TXN_STATE,
        `producer ${id} has a transaction open since offset ${entry.txnFirstOffset}, and sent a batch outside of it`,
      );
    }
    return ACCEPTED;
  }

  /** The batch is in the log, with its final offsets. Gives the transaction that its marker ends. */
  apply(batch: BatchView, marker: EndTxnMarker | undefined): CompletedTransaction | undefined {
    this.endOffset = batch.nextOffset;
    const id = batch.producerId;
    if (id < 0 || (batch.isControl && marker === undefined)) return undefined;
    let entry = this.#producers.get(id);
    if (entry === undefined) {
      entry = {
        producerId: id,
        epoch: NO_EPOCH,
        coordinatorEpoch: -1,
        lastTimestampMs: -1,
        txnFirstOffset: NO_TRANSACTION,
        batches: [],
      };
      this.#producers.set(id, entry);
    }
    const epoch = batch.producerEpoch;
    if (entry.epoch !== epoch) {
      entry.epoch = epoch;
      entry.batches = [];
    }
    entry.lastTimestampMs = batch.maxTimestampMs;
    if (marker !== undefined) return this.#complete(entry, batch.lastOffset, marker);
    if (entry.batches.length === BATCHES_KEPT_PER_PRODUCER) entry.batches.shift();
    entry.batches.push({
      lastSequence: batch.lastSequence,
      lastOffset: batch.lastOffset,
      offsetDelta: batch.lastOffsetDelta,
      timestampMs: batch.maxTimestampMs,
    });
    if (batch.isTransactional && entry.txnFirstOffset < 0) {
      entry.txnFirstOffset = batch.baseOffset;
      this.#open.set(batch.baseOffset, id);
    }
    return undefined;
  }

  /** From a snapshot that covers the log up to `endOffset`. */
  load(entries: readonly ProducerEntry[], endOffset: Offset): void {
    this.clear(endOffset);
    for (const entry of entries) {
      this.#producers.set(entry.producerId, entry);
      if (entry.txnFirstOffset >= 0) this.#open.set(entry.txnFirstOffset, entry.producerId);
    }
  }

  clear(endOffset: Offset): void {
    this.#producers.clear();
    this.#open.clear();
    this.#undelivered = [];
    this.endOffset = endOffset;
  }

  /** Decisions below the high watermark cannot be lost any more. */
  highWatermarkMoved(highWatermark: Offset): void {
    if (this.#undelivered.length === 0) return;
    this.#undelivered = this.#undelivered.filter(({ lastOffset }) => lastOffset >= highWatermark);
  }

  /** Those that were silent for so long and have no transaction open are forgotten (producer.id.expiration.ms). */
  expire(nowMs: number, expirationMs: number): number {
    let count = 0;
    for (const entry of this.#producers.values()) {
      if (entry.txnFirstOffset >= 0 || nowMs - entry.lastTimestampMs < expirationMs) continue;
      this.#producers.delete(entry.producerId);
      count++;
    }
    return count;
  }

  #complete(
    entry: ProducerEntry,
    markerOffset: Offset,
    marker: EndTxnMarker,
  ): CompletedTransaction | undefined {
    entry.coordinatorEpoch = marker.coordinatorEpoch;
    const firstOffset = entry.txnFirstOffset;
    if (firstOffset < 0) return undefined;
    entry.txnFirstOffset = NO_TRANSACTION;
    this.#open.delete(firstOffset);
    const completed = {
      producerId: entry.producerId,
      firstOffset,
      lastOffset: markerOffset,
      isAborted: marker.kind === 'abort',
    };
    this.#undelivered.push(completed);
    return completed;
  }
}

/** The batch with exactly these sequences, which was appended before. */
function repeatOf(
  entry: ProducerEntry,
  baseSequence: number,
  lastSequence: number,
): BatchMark | undefined {
  return entry.batches.find(
    (mark) => mark.lastSequence === lastSequence && firstSequence(mark) === baseSequence,
  );
}

function firstSequence({ lastSequence, offsetDelta }: BatchMark): number {
  const first = lastSequence - offsetDelta;
  return first < 0 ? first + 0x80000000 : first;
}

/**
 * A producer that is not known here may begin anywhere: what was known may have expired, and the client cannot tell. A known
 * one continues its sequence, or begins a new epoch at 0.
 */
function sequenceProblem(
  entry: ProducerEntry | undefined,
  epoch: ProducerEpoch,
  baseSequence: number,
): string | undefined {
  if (entry === undefined || entry.epoch === NO_EPOCH) return undefined;
  if (entry.epoch !== epoch)
    return baseSequence === 0
      ? undefined
      : `epoch ${epoch} begins at sequence ${baseSequence}, not 0`;
  const lastSequence = entry.batches.at(-1)?.lastSequence ?? NO_SEQUENCE;
  const expected = lastSequence === NO_SEQUENCE ? 0 : incrementSequence(lastSequence, 1);
  return baseSequence === expected
    ? undefined
    : `sequence ${baseSequence} where ${expected} was to come`;
}

function fenced(id: ProducerId, epoch: ProducerEpoch, known: ProducerEpoch): ProducerVerdict {
  return refused(ErrorCode.INVALID_PRODUCER_EPOCH, `producer ${id}: epoch ${epoch} after ${known}`);
}

function refused(errorCode: ErrorCode, message: string): ProducerVerdict {
  return { status: 'refused', errorCode, message };
}
