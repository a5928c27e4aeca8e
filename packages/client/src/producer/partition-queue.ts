/**
 * The batches of one partition that are not settled, oldest first: those that were sent at least once, then full ones, then the one that is
 * being filled. It says what may be sent when, and keeps the sequence numbers.
 *
 * Invariants (KIP-98, KIP-360). A batch gets its numbers when it is first sent and keeps them as long as its fate is unknown: the broker tells a
 * repetition by them. Nothing passes a batch that waits for its next try. After a batch was given up, or the broker has lost the producer's
 * state, numbers begin anew under the next epoch; but not while anything is on the wire, and not before the first numbered batch is known to
 * be absent from the log. Since the log takes numbers without gaps, those behind an absent one are absent too.
 *
 * It takes any number, though, from an identity that it does not know yet (it may have forgotten it with old records). So the first batch of an
 * identity goes alone: were it refused for a passing reason (a leader that has just been elected), those behind it would be taken before it.
 */
import type { RecordInput } from '@odradek/protocol';
import type { Identity } from './producer.machine.ts';

/** Who waits for a record. */
export interface Sink {
  delivered(partition: number, offset: number, timestampMs: number): void;
  failed(error: Error): void;
}

export interface Batch {
  records: RecordInput[];
  sinks: Sink[];
  /** Before compression, a little more than it will be. */
  sizeBytes: number;
  readonly createdMs: number;
  readonly deadlineMs: number;
  /** Built when first sent, under the identity and numbers that it then gets. */
  bytes: Uint8Array | undefined;
  identity: Identity | undefined;
  baseSequence: number;
  /** Its place among the batches of its identity; of no meaning before it is numbered. */
  ordinal: number;
  isOnWire: boolean;
  /** The broker said that it cannot have it: an earlier number is missing, or all. */
  isAbsent: boolean;
  /** The caller knows already that it took too long; its numbers are still to be accounted for. */
  isSettled: boolean;
  notBeforeMs: number;
  attempts: number;
  lastError: Error | undefined;
}

const NO_SEQUENCE = -1;
const SEQUENCES = 2 ** 31;
const EPOCH_MAX = 32_767;
export const NEVER = Number.POSITIVE_INFINITY;

export interface QueueLimits {
  readonly batchBytes: number;
  readonly lingerMs: number;
  readonly deliveryTimeoutMs: number;
  readonly inFlightMax: number;
}

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly batches: Batch[] = [];
  readonly #limits: QueueLimits;
  /** Undefined until the first batch is numbered, and after numbers ran out. */
  #identity: Identity | undefined;
  #nextSequence = 0;
  #nextOrdinal = 0;
  #onWire = 0;
  /** Whether the log has a batch of the identity's: from then on it keeps the order itself. */
  #isKnown = false;
  /** Numbers are missing in the log, or it has forgotten them. */
  #mustRestart = false;

  constructor(topic: string, partition: number, limits: QueueLimits) {
    this.topic = topic;
    this.partition = partition;
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.batches.length === 0;
  }

  append(record: RecordInput, sizeBytes: number, sink: Sink, nowMs: number): void {
    const last = this.batches.at(-1);
    if (
      last !== undefined &&
      isFilling(last) &&
      last.sizeBytes + sizeBytes <= this.#limits.batchBytes
    ) {
      last.records.push(record);
      last.sinks.push(sink);
      last.sizeBytes += sizeBytes;
      return;
    }
    this.batches.push(
      newBatch([record], [sink], sizeBytes, nowMs, nowMs + this.#limits.deliveryTimeoutMs),
    );
  }

  /** When the next batch may be sent; NEVER while only an answer can change that. */
  readyAtMs(nowMs: number, isFlushing: boolean): number {
    const { inFlightMax, lingerMs, batchBytes } = this.#limits;
    if (this.#onWire >= (this.#isKnown ? inFlightMax : 1)) return NEVER;
    const index = this.batches.findIndex((batch) => !batch.isOnWire);
    const batch = this.batches[index];
    if (batch === undefined) return NEVER;
    if (batch.baseSequence === NO_SEQUENCE && this.#mustRestart && this.#onWire > 0) return NEVER;
    if (batch.baseSequence === NO_SEQUENCE && this.#isTooFarAhead()) return NEVER;
    if (batch.attempts > 0) return batch.notBeforeMs;
    const isFull = index < this.batches.length - 1 || batch.sizeBytes >= batchBytes;
    return isFull || isFlushing ? nowMs : batch.createdMs + lingerMs;
  }

  /** The batch that `readyAtMs` spoke of, numbered; undefined when an identity is needed first. */
  take(identity: Identity | undefined, isIdempotent: boolean): Batch | undefined {
    const batch = this.batches.find((each) => !each.isOnWire);
    if (batch === undefined) return undefined;
    if (isIdempotent && batch.baseSequence === NO_SEQUENCE) {
      if (this.#mustRestart) this.#restart();
      this.#identity ??= identity;
      if (this.#identity === undefined) return undefined;
      batch.identity = this.#identity;
      batch.baseSequence = this.#nextSequence;
      batch.ordinal = this.#nextOrdinal++;
      this.#nextSequence = (this.#nextSequence + batch.records.length) % SEQUENCES;
    }
    batch.isOnWire = true;
    batch.isAbsent = false;
    batch.attempts += 1;
    this.#onWire += 1;
    return batch;
  }

  returned(batch: Batch): void {
    batch.isOnWire = false;
    this.#onWire -= 1;
  }

  isFirst(batch: Batch): boolean {
    return this.batches[0] === batch;
  }

  remove(batch: Batch): void {
    const index = this.batches.indexOf(batch);
    if (index >= 0) this.batches.splice(index, 1);
  }

  /** Taken by the broker. */
  taken(batch: Batch): void {
    this.remove(batch);
    if (batch.identity === this.#identity) this.#isKnown = true;
  }

  /** Given up: its numbers may be missing in the log. */
  giveUp(batch: Batch): void {
    this.remove(batch);
    if (batch.baseSequence !== NO_SEQUENCE) this.#mustRestart = true;
    this.#restartWhenAbsent();
  }

  /** The broker does not know what came before it. `isForgotten`: it does not know the identity either. */
  absent(batch: Batch, isForgotten: boolean): void {
    batch.isAbsent = true;
    if (!this.isFirst(batch)) return;
    this.#mustRestart = true;
    if (isForgotten) this.#identity = undefined;
    this.#restartWhenAbsent();
  }

  /** Too large for the broker as one: two halves in its place, to be numbered anew. */
  split(batch: Batch): void {
    const index = this.batches.indexOf(batch);
    const middle = batch.records.length >> 1;
    const firstBytes = batch.sizeBytes >> 1;
    const half = (from: number, to: number, sizeBytes: number): Batch => ({
      ...newBatch(
        batch.records.slice(from, to),
        batch.sinks.slice(from, to),
        sizeBytes,
        batch.createdMs,
        batch.deadlineMs,
      ),
      attempts: batch.attempts,
      isAbsent: true,
    });
    this.batches.splice(
      index,
      1,
      half(0, middle, firstBytes),
      half(middle, batch.records.length, batch.sizeBytes - firstBytes),
    );
    if (batch.baseSequence !== NO_SEQUENCE) this.#mustRestart = true;
    this.#restartWhenAbsent();
  }

  /**
   * A broker tells a repetition of a producer's last five batches, not of one further back. Those behind a batch that is tried again may long be in the
   * log: were more of them sent while its fate is open, it would be forgotten, refused, and be in the log twice under another number.
   */
  #isTooFarAhead(): boolean {
    const oldest = this.batches.find((batch) => batch.baseSequence !== NO_SEQUENCE);
    return oldest !== undefined && this.#nextOrdinal - oldest.ordinal >= this.#limits.inFlightMax;
  }

  #restartWhenAbsent(): void {
    if (!this.#mustRestart || this.#onWire > 0) return;
    const first = this.batches.find((batch) => batch.baseSequence !== NO_SEQUENCE);
    if (first === undefined || first.isAbsent || this.batches[0]?.isAbsent === true)
      this.#restart();
  }

  /** Everything that is left is numbered anew under the next epoch. */
  #restart(): void {
    this.#mustRestart = false;
    this.#isKnown = false;
    this.#nextSequence = 0;
    this.#nextOrdinal = 0;
    const { producerId, producerEpoch } = this.#identity ?? { producerId: -1, producerEpoch: -1 };
    this.#identity =
      producerId < 0 || producerEpoch >= EPOCH_MAX
        ? undefined
        : { producerId, producerEpoch: producerEpoch + 1 };
    for (const batch of this.batches) {
      batch.baseSequence = NO_SEQUENCE;
      batch.identity = undefined;
      batch.bytes = undefined;
      batch.isAbsent = false;
    }
  }
}

const isFilling = (batch: Batch): boolean => batch.attempts === 0;

const newBatch = (
  records: RecordInput[],
  sinks: Sink[],
  sizeBytes: number,
  createdMs: number,
  deadlineMs: number,
): Batch => ({
  records,
  sinks,
  sizeBytes,
  createdMs,
  deadlineMs,
  bytes: undefined,
  identity: undefined,
  baseSequence: NO_SEQUENCE,
  ordinal: 0,
  isOnWire: false,
  isAbsent: false,
  isSettled: false,
  notBeforeMs: 0,
  attempts: 0,
  lastError: undefined,
});
