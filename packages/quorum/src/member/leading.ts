/** A leader's part: the epoch that it opens, what it does in it (leadership.ts), and whether it may still be believed. */
import type { LeaderEpoch, NodeId, Offset } from '@odradek/protocol';
import { asError, QuorumError } from '../errors.ts';
import { CHECK_QUORUM_FACTOR, QUORUM_LIMITS } from '../limits.ts';
import type { SessionId } from '../tree/node.ts';
import type { Elections } from './elections.ts';
import { Leadership, type LeadershipEvents } from './leadership.ts';
import type { MemberCore } from './member-core.ts';
import type { QuorumDescription } from './quorum-member.types.ts';
import { Confirmation } from './read-index.ts';
import type { ReplicaDescription } from './replica-progress.ts';
import type { SnapshotFiles } from './snapshot-files.ts';

export interface LeadingParts {
  readonly elections: () => Elections;
  readonly snapshots: SnapshotFiles;
  /** Proposals have come into the tree. */
  readonly applied: () => void;
  readonly sessionExpired: (id: SessionId) => void;
}

export class Leading {
  readonly #core: MemberCore;
  readonly #parts: LeadingParts;
  #leadership: Leadership | undefined;
  #confirmation: Confirmation | undefined;

  constructor(core: MemberCore, parts: LeadingParts) {
    this.#core = core;
    this.#parts = parts;
  }

  /** Undefined: this member does not lead. */
  get leadership(): Leadership | undefined {
    return this.#leadership;
  }

  /** Asks a majority whether this member leads still. */
  confirm(): Promise<boolean> {
    return this.#confirmation?.confirm() ?? Promise.resolve(false);
  }

  openEpoch(epoch: LeaderEpoch, granted: readonly NodeId[]): void {
    const core = this.#core;
    core.observation.leaderBecame(epoch, core.log.logEndOffset);
    try {
      this.#leadership = new Leadership({
        ...core.options,
        self: core.self,
        epoch,
        granted,
        highWatermark: core.highWatermark,
        committed: core.committed,
        voters: core.voters,
        configuredVoters: core.options.voters,
        autoJoin: core.options.autoJoin ?? true,
        checkQuorumTimeoutMs: core.fetchTimeoutMs * CHECK_QUORUM_FACTOR,
        limits: core.options.limits ?? QUORUM_LIMITS,
        mutants: core.mutants,
        events: this.#eventsOf(epoch),
      });
    } catch (thrown) {
      core.fail(asError(thrown));
      return;
    }
    this.#confirmation = new Confirmation({
      self: core.self,
      epoch,
      clusterId: core.clusterId,
      voters: () => core.voters.latest,
      peers: core.peers,
      clock: core.clock,
      requestTimeoutMs: core.requestTimeoutMs,
      standing: core.hearStanding,
    });
    const others = core.voters.latest.filter((voter) => voter.id !== core.self.id);
    this.#parts.elections().announce(epoch, others);
  }

  /** The whole log is in the tree. */
  start(epoch: LeaderEpoch): void {
    const { logger, highWatermark } = this.#core;
    this.#leadership!.activate();
    logger.info('leads the metadata quorum', { epoch, highWatermark });
  }

  stop(): void {
    const { failure } = this.#core;
    const error = new QuorumError(
      failure === null ? 'interrupted' : 'storage',
      'this member no longer leads: whether the change was committed is not known, read it back before trying again',
      { cause: failure ?? undefined },
    );
    const leadership = this.#leadership;
    this.#leadership = undefined;
    this.#confirmation = undefined;
    this.#parts.snapshots.forgetServed();
    leadership?.stop(error);
    // Best first: who has most of the log.
    if (leadership !== undefined)
      this.#parts.elections().rankSuccessors((voter) => leadership.progress.endOffsetOf(voter));
  }

  describe(): QuorumDescription | undefined {
    const leadership = this.#leadership;
    if (leadership === undefined) return undefined;
    const { self, log, clock, voters, highWatermark } = this.#core;
    const nowMs = clock.wallTimeMs();
    const own: ReplicaDescription = {
      ...self,
      logEndOffset: log.logEndOffset,
      lastFetchTimestampMs: nowMs,
      lastCaughtUpTimestampMs: nowMs,
    };
    const { latest } = voters;
    return {
      leaderId: self.id,
      epoch: leadership.epoch,
      highWatermark,
      voters: latest.map((it) => (it.id === own.id ? own : leadership.progress.describe(it))),
      observers: leadership.progress.observers(latest),
    };
  }

  #eventsOf(epoch: LeaderEpoch): LeadershipEvents {
    const core = this.#core;
    const { applied, elections, sessionExpired } = this.#parts;
    return {
      epochStartCommitted: () => core.tell({ type: 'epochStart.committed', epoch }),
      advanced: (highWatermark: Offset) => {
        core.highWatermark = highWatermark;
        core.observation.highWatermarkMoved(epoch, highWatermark, true);
      },
      applied,
      majorityLost: () => {
        core.logger.warn('no majority of the voters asks this leader: it resigns', { epoch });
        core.tell({ type: 'majority.lost', epoch });
      },
      unheard: (voters) => elections().announce(epoch, voters),
      votersChanged: () => core.votersChanged(),
      removed: () => core.tell({ type: 'resignation.requested' }),
      sessionExpired,
      failed: (error) => core.fail(error),
    };
  }
}
