/**
 * What a follower does to its log: appends the leader's batches, cuts what is not the leader's, puts a snapshot in the log's
 * place. What changes the log's end other than by appending is done one after another (`work`), with nobody reading what is
 * being cut; no vote is written and no epoch taken up before it is done.
 */
import {
  batchesIn,
  ErrorCode,
  offset,
  type LeaderEpoch,
  type NodeId,
  type Offset,
} from '@odradek/protocol';
import { asError, QuorumError } from '../errors.ts';
import { RETRY_BACKOFF_MS } from '../limits.ts';
import type { SnapshotId } from '../tree/snapshot.ts';
import type { Applier } from './applier.ts';
import { votersIn } from './control-records.ts';
import type { MemberCore } from './member-core.ts';
import { fetchSnapshot } from './snapshot-fetch.ts';
import type { SnapshotFiles } from './snapshot-files.ts';
import type { Snapshotter } from './snapshotter.ts';
import { decodeVoters } from './voters-record.ts';
import { sleep } from './waiting.ts';

export interface FollowedLogParts {
  readonly applier: Applier;
  readonly snapshots: SnapshotFiles;
  readonly snapshotter: Snapshotter;
  readonly isLeading: () => boolean;
}

export class FollowedLog {
  readonly #core: MemberCore;
  readonly #parts: FollowedLogParts;
  #work: Promise<void> = Promise.resolve();

  constructor(core: MemberCore, parts: FollowedLogParts) {
    this.#core = core;
    this.#parts = parts;
  }

  /** Rejects when the last of it has failed. */
  get work(): Promise<void> {
    return this.#work;
  }

  /** Undefined: everything is on the disk. */
  unflushed(): Promise<void> | undefined {
    const { log } = this.#core;
    return log.flushedOffset < log.logEndOffset ? this.#flush() : undefined;
  }

  #flush(): Promise<void> {
    return this.#core.mutants.has('ackBeforeFlush') ? Promise.resolve() : this.#core.log.flush();
  }

  /** Resolves when the records are flushed; undefined: they do not fit. Throws when the disk refuses. */
  append(records: Uint8Array): Promise<void> | undefined {
    const { log, logger } = this.#core;
    const before = log.logEndOffset;
    const appended = log.appendAsFollower(records);
    if (appended.status === 'refused') {
      if (appended.errorCode === ErrorCode.KAFKA_STORAGE_ERROR)
        throw new QuorumError('storage', `the metadata log takes no batch: ${appended.message}`);
      logger.warn("the leader's batches are not taken", { reason: appended.message });
      return undefined;
    }
    const isChanged = this.#noteVoters(records, before);
    // The flush first: whoever is made a voter by it may go over into another state at once.
    const flushed = this.#flush();
    if (isChanged) void flushed.then(() => this.#core.votersChanged()).catch(() => {});
    return flushed;
  }

  #noteVoters(records: Uint8Array, from: Offset): boolean {
    let isChanged = false;
    for (const view of batchesIn(records)) {
      if (!view.isControl || view.baseOffset < from) continue;
      for (const { at, voters } of votersIn(view)) {
        this.#core.voters.add(at, voters);
        isChanged = true;
      }
    }
    return isChanged;
  }

  /** The leader says how far its log is committed. */
  committedTo(leadersHighWatermark: Offset): void {
    const core = this.#core;
    const held = offset(Math.min(leadersHighWatermark, core.log.logEndOffset));
    if (held > core.highWatermark) {
      core.highWatermark = held;
      core.log.setHighWatermark?.(held);
      core.observation.highWatermarkMoved(core.election.epoch, held, false);
      this.#parts.applier.catchUp().catch((error: unknown) => core.fail(asError(error)));
    }
    core.waiters.changed();
  }

  truncate(epoch: LeaderEpoch, target: Offset): Promise<void> {
    return this.#change(() => this.#truncate(epoch, target));
  }

  async #truncate(epoch: LeaderEpoch, target: Offset): Promise<void> {
    const { log, highWatermark, clock, logger, voters } = this.#core;
    if (!this.#isFollowing(epoch)) return;
    if (target < highWatermark) {
      throw new QuorumError(
        'corrupt',
        `the leader's metadata log differs at offset ${target}, and offset ${highWatermark - 1} is committed here: one of the two was damaged or put back from an old copy`,
      );
    }
    // Nothing to cut: the leader contradicts itself, and may be asked again later.
    if (target >= log.logEndOffset) return await sleep(clock, RETRY_BACKOFF_MS);
    logger.info("the metadata log is cut to where it is the leader's", { epoch, target });
    await log.truncateTo(target);
    voters.truncateTo(target);
    this.#core.votersChanged();
  }

  async install(input: {
    readonly epoch: LeaderEpoch;
    readonly leaderId: NodeId | null;
    readonly id: SnapshotId;
  }): Promise<void> {
    const core = this.#core;
    const { epoch, leaderId, id } = input;
    const isWanted = (): boolean => this.#isFollowing(epoch);
    const bytes =
      leaderId === null || id.nextOffset <= core.highWatermark
        ? undefined
        : await fetchSnapshot({
            clusterId: core.clusterId(),
            nodeId: core.self.id,
            incarnation: core.self.incarnation,
            peers: core.peers,
            clock: core.clock,
            requestTimeoutMs: core.requestTimeoutMs,
            epoch,
            leaderId,
            id,
            isWanted,
          });
    if (bytes === undefined) return await sleep(core.clock, RETRY_BACKOFF_MS);
    await this.#change(async () => {
      if (!isWanted()) return;
      core.installing = id;
      try {
        await this.#replaceBySnapshot(bytes, id);
      } finally {
        core.installing = undefined;
      }
    });
  }

  /** The file first: after a crash the recovery finishes what it finds begun. */
  async #replaceBySnapshot(bytes: Uint8Array, id: SnapshotId): Promise<void> {
    const core = this.#core;
    const { applier, snapshots, snapshotter } = this.#parts;
    await applier.idle();
    await snapshotter.idle();
    const snapshot = snapshots.decode(bytes, id);
    await snapshots.saveBytes(bytes, id);
    await core.log.truncateFullyAndStartAt(id.nextOffset);
    core.log.setHighWatermark?.(id.nextOffset);
    if (snapshot.voters.length > 0)
      core.voters.restart(decodeVoters(snapshot.voters, 'in the snapshot of the metadata'));
    else core.voters.truncateTo(offset(0));
    core.highWatermark = id.nextOffset;
    core.logger.info('the metadata tree was taken over from the leader', { ...id });
    core.committed.install(snapshot);
    core.votersChanged();
    core.waiters.changed();
  }

  #isFollowing(epoch: LeaderEpoch): boolean {
    const { isRunning, election } = this.#core;
    return isRunning && !this.#parts.isLeading() && election.epoch === epoch;
  }

  /** One after another. */
  #change(work: () => Promise<void>): Promise<void> {
    const done = this.#work
      .catch(() => {})
      .then(async () => {
        await this.#parts.applier.idle();
        await work();
      })
      .catch((error: unknown) => {
        throw this.#core.failed(asError(error));
      });
    this.#work = done;
    done.catch(() => {});
    return done;
  }
}
