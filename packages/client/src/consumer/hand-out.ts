/**
 * Handing out what was fetched: one partition's batch after another's, each in order. The position moves as records leave; what is handed out is
 * in work until it is told to be finished.
 */
import type { ConsumerRecord, Fetched } from './fetched.ts';
import type { Holdings } from './holdings.ts';
import type { PartitionState } from './partition-state.ts';
import { keyOf } from './topic-partition.ts';

export class HandOut {
  readonly #holdings: Holdings;
  /** Whose batch is being handed out. */
  #current: PartitionState | undefined;

  constructor(holdings: Holdings) {
    this.#holdings = holdings;
  }

  /** The partition to serve now, its next records read; undefined when nothing is there. */
  serve(): PartitionState | undefined {
    const current = this.#current;
    if (current?.hasRecords === true && current.isServed) return current;
    const { partitions } = this.#holdings;
    for (const state of partitions.values()) {
      if (!this.canServe(state)) continue;
      partitions.delete(keyOf(state));
      partitions.set(keyOf(state), state);
      this.#current = state;
      return state;
    }
    return undefined;
  }

  /** Whether the partition has more to hand out at once. */
  canServe(state: PartitionState): boolean {
    if (!state.isServed) return false;
    try {
      return state.hasRecords || this.#read(state);
    } catch (error) {
      // A damaged batch is not passed over: who polls again is told again.
      this.#holdings.fail(error);
      throw error;
    }
  }

  /** The next record, without a list around it. */
  one(state: PartitionState): ConsumerRecord {
    const record = state.records[state.recordsAt]!;
    state.prefix.started(record.offset);
    this.#passed(state, state.recordsAt + 1);
    return record;
  }

  many(state: PartitionState, maxRecords: number): readonly ConsumerRecord[] {
    const { records, recordsAt: from } = state;
    const to = Math.min(records.length, from + maxRecords);
    for (let at = from; at < to; at += 1) state.prefix.started(records[at]!.offset);
    this.#passed(state, to);
    return from === 0 && to === records.length ? records : records.slice(from, to);
  }

  /** How far the batch is handed out, and with it the position. */
  #passed(state: PartitionState, to: number): void {
    state.recordsAt = to;
    const next = state.records[to];
    if (next !== undefined) {
      state.position = next.offset;
      return;
    }
    state.position = state.readOffset;
    state.prefix.passed(state.readOffset);
    state.records = [];
    state.recordsAt = 0;
    if (state.bufferedBytes < this.#holdings.settings.partitionMaxBytes) this.#holdings.pump();
  }

  /** Reads the next batch that has records; false when what was fetched is used up. */
  #read(state: PartitionState): boolean {
    for (let first = state.fetched[0]; first !== undefined; first = state.fetched[0]) {
      while (!first.isRead) {
        const { topic, partition } = state;
        const read = first.read(this.#holdings.cluster.host, topic, partition, state.position!);
        state.readOffset = read.nextOffset;
        state.positionEpoch = read.leaderEpoch;
        if (read.records.length > 0) {
          state.records = read.records;
          state.recordsAt = 0;
          if (first.isRead) used(state, first);
          return true;
        }
        state.position = read.nextOffset;
        state.prefix.passed(read.nextOffset);
      }
      used(state, first);
    }
    this.#holdings.pump();
    return false;
  }
}

function used(state: PartitionState, first: Fetched): void {
  state.fetched.shift();
  state.bufferedBytes -= first.sizeBytes;
}
