/**
 * Brings the tree up to what is committed, from the log: for followers, and for a leader before it takes its first proposal.
 * One pass at a time; whoever asks for more meanwhile prolongs the one that is under way. What is cut off the log or replaced
 * by a snapshot in mid-pass was not committed, or is in the snapshot.
 */
import type { Crc32c } from '@odradek/ports';
import type { Offset } from '@odradek/protocol';
import type { CommittedTree } from './committed-tree.ts';
import type { QuorumLog } from './quorum-log.ts';
import { replayLog } from './recovery.ts';

export interface ApplierOptions {
  readonly log: QuorumLog;
  readonly committed: CommittedTree;
  readonly crc32c: Crc32c;
  /** Where the committed part of this member's log ends now. */
  readonly end: () => Offset;
  readonly isWanted: () => boolean;
  /** Some of the log came into the tree. */
  readonly applied: () => void;
}

export class Applier {
  readonly #options: ApplierOptions;
  #underWay: Promise<void> | undefined;

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  /** Resolves when the tree has what was committed at the time of the call. Rejects with QuorumError, VolumeError. */
  catchUp(): Promise<void> {
    const { committed, end, isWanted } = this.#options;
    if (this.#underWay === undefined && committed.nextOffset < end() && isWanted())
      this.#underWay = this.#run().finally(() => (this.#underWay = undefined));
    return this.#underWay ?? Promise.resolve();
  }

  /** No pass is under way. */
  async idle(): Promise<void> {
    await this.#underWay?.catch(() => {});
  }

  async #run(): Promise<void> {
    const { log, committed, crc32c, end, isWanted, applied } = this.#options;
    while (committed.nextOffset < end() && isWanted()) {
      await replayLog(log, committed, { end: end(), isWanted, crc32c });
      applied();
    }
  }
}
