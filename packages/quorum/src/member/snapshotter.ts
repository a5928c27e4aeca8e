/**
 * When the tree is snapshot: as soon as so much of the log was applied since the last time, one at a time. The log can do
 * without a snapshot, so that a failure costs only time at the next start, and it is tried again after as much log again.
 */
import type { Logger } from '@odradek/ports';
import type { Offset } from '@odradek/protocol';
import type { CommittedTree } from './committed-tree.ts';
import type { QuorumLog } from './quorum-log.ts';
import type { SnapshotFiles } from './snapshot-files.ts';

export interface SnapshotterOptions {
  readonly files: SnapshotFiles;
  readonly log: QuorumLog;
  readonly committed: CommittedTree;
  readonly intervalBytes: number;
  /** As a record in front of `nextOffset` has them, in its bytes. */
  readonly votersBefore: (nextOffset: Offset) => Uint8Array;
  readonly logger: Logger;
}

export class Snapshotter {
  readonly #options: SnapshotterOptions;
  #underWay: Promise<void> | undefined;

  constructor(options: SnapshotterOptions) {
    this.#options = options;
  }

  ifDue(): void {
    const { committed, intervalBytes } = this.#options;
    if (this.#underWay !== undefined || committed.bytesSinceSnapshot < intervalBytes) return;
    this.#underWay = this.#take().finally(() => (this.#underWay = undefined));
  }

  /** Nothing is under way. */
  async idle(): Promise<void> {
    await this.#underWay;
  }

  async #take(): Promise<void> {
    const { files, log, committed, votersBefore, logger } = this.#options;
    const id = committed.snapshotId;
    committed.snapshotTaken();
    try {
      const neededFrom = await files.save(committed.tree, id, votersBefore(id.nextOffset));
      await log.deleteRecordsBefore?.(neededFrom);
      await log.enforceRetention?.();
      logger.debug('the metadata tree was snapshot', { ...id, neededFrom });
    } catch (error) {
      logger.warn('the metadata tree could not be snapshot: the log is kept', { error });
    }
  }
}
