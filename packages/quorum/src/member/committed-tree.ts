/**
 * The tree as far as it is committed, and those who follow it. Batches come in the order of the log, each whole; listeners are
 * called between batches and never within one, so that they see what every other member sees.
 */
import type { Logger } from '@odradek/ports';
import {
  leaderEpoch,
  offset,
  recordsIn,
  type BatchView,
  type LeaderEpoch,
  type Offset,
} from '@odradek/protocol';
import { invariant } from '../errors.ts';
import type { TreeChange } from '../tree/node.ts';
import { decodeRecord } from '../tree/record-codec.ts';
import type { TreeRecord } from '../tree/record.ts';
import type { SnapshotId, TreeSnapshot } from '../tree/snapshot.ts';
import { Tree } from '../tree/tree.ts';
import { assertKnownControlRecord } from './control-records.ts';
import { treeDifference } from '../tree/difference.ts';

export type ChangeListener = (changes: readonly TreeChange[], offset: Offset) => void;

/** One batch of the log, decoded. */
export interface CommittedBatch {
  readonly baseOffset: Offset;
  readonly nextOffset: Offset;
  readonly epoch: LeaderEpoch;
  /** None in a control batch. */
  readonly records: readonly TreeRecord[];
  readonly sizeBytes: number;
}

export class CommittedTree {
  readonly tree: Tree;
  readonly #listeners = new Set<ChangeListener>();
  readonly #logger: Logger;
  #nextOffset: Offset;
  #epoch: LeaderEpoch;
  #bytesSinceSnapshot = 0;

  /** See mutants.ts. */
  readonly #tellsTwice: boolean;
  #lastTold: { readonly changes: readonly TreeChange[]; readonly at: Offset } | undefined;

  constructor(snapshot: TreeSnapshot | undefined, logger: Logger, { tellsTwice = false } = {}) {
    this.#tellsTwice = tellsTwice;
    this.tree = snapshot?.tree ?? new Tree();
    this.#nextOffset = snapshot?.nextOffset ?? offset(0);
    this.#epoch = snapshot?.epoch ?? leaderEpoch(-1);
    this.#logger = logger;
  }

  /** The first offset that is not in the tree. */
  get nextOffset(): Offset {
    return this.#nextOffset;
  }

  get snapshotId(): SnapshotId {
    return { nextOffset: this.#nextOffset, epoch: this.#epoch };
  }

  /** Of the log, applied since the last snapshot. */
  get bytesSinceSnapshot(): number {
    return this.#bytesSinceSnapshot;
  }

  snapshotTaken(): void {
    this.#bytesSinceSnapshot = 0;
  }

  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `settled` is called when the tree has the batch and nobody was told yet. */
  apply(batch: CommittedBatch, settled?: () => void): void {
    invariant(
      batch.baseOffset === this.#nextOffset,
      `the batch at offset ${batch.baseOffset} is applied where ${this.#nextOffset} comes next`,
    );
    const changes: TreeChange[] = [];
    for (let index = 0; index < batch.records.length; index++) {
      for (const change of this.tree.apply(batch.records[index]!, offset(batch.baseOffset + index)))
        changes.push(change);
    }
    this.#nextOffset = batch.nextOffset;
    this.#epoch = batch.epoch;
    this.#bytesSinceSnapshot += batch.sizeBytes;
    settled?.();
    if (changes.length > 0) this.#tell(changes, offset(batch.nextOffset - 1));
  }

  /**
   * A snapshot from the leader in the place of what this member did not get to see. Those who follow the tree are told what
   * differs, as of the snapshot's end. Never back in time: what is no newer than the tree is passed over.
   */
  install({ tree, nextOffset, epoch }: TreeSnapshot): void {
    if (nextOffset <= this.#nextOffset) return;
    const changes = treeDifference(this.tree, tree);
    this.tree.become(tree);
    this.#nextOffset = nextOffset;
    this.#epoch = epoch;
    this.#bytesSinceSnapshot = 0;
    if (changes.length > 0) this.#tell(changes, offset(nextOffset - 1));
  }

  /** Another leader is followed from here on. */
  leaderChanged(): void {
    if (this.#tellsTwice && this.#lastTold !== undefined)
      this.#tell(this.#lastTold.changes, this.#lastTold.at);
  }

  #tell(changes: readonly TreeChange[], at: Offset): void {
    if (this.#tellsTwice) this.#lastTold = { changes, at };
    for (const listener of this.#listeners) {
      try {
        listener(changes, at);
      } catch (error) {
        // The others, and the log, are not to suffer for it.
        this.#logger.error('a listener of the metadata tree has thrown', { error, offset: at });
      }
    }
  }
}

/** A batch as it was read from the log. Throws QuorumError, MalformedBatch. */
export function decodeBatch(view: BatchView): CommittedBatch {
  const records: TreeRecord[] = [];
  for (const record of recordsIn(view)) {
    if (view.isControl) assertKnownControlRecord(record);
    else
      records.push(
        decodeRecord(
          record.value ?? new Uint8Array(0),
          `the record at offset ${record.offset} of the metadata log`,
        ),
      );
  }
  const { baseOffset, nextOffset, leaderEpoch: epoch, sizeBytes } = view;
  return { baseOffset, nextOffset, epoch, records, sizeBytes };
}
