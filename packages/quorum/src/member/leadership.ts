/**
 * What a leader does in its epoch, from the record that opens it on: takes proposals, counts who holds what and moves the
 * high watermark, watches over sessions and over its own majority, and changes the voters, one at a time.
 *
 * Invariants: the high watermark rests on what voters have flushed, the leader's own log included, and on a record of this
 * very epoch; the next change of the voters is not begun before the last one is committed, nor before the leader has
 * committed a record of its own (Raft, section 4.1, and its later correction).
 */
import type { Clock, Crc32c, Logger, TimerHandle } from '@odradek/ports';
import { ErrorCode, offset, type LeaderEpoch, type NodeId, type Offset } from '@odradek/protocol';
import { asError, QuorumError } from '../errors.ts';
import type { QuorumLimits } from '../limits.ts';
import type { SessionId, TreeChange } from '../tree/node.ts';
import type { SessionOp, TreeOp } from '../tree/operation.ts';
import type { CommittedTree } from './committed-tree.ts';
import { leaderChangeBatch, votersBatch } from './control-records.ts';
import { holdsMajority, majorityOffset } from './election.ts';
import { FetchPurgatory } from './fetch-purgatory.ts';
import type { QuorumMutant } from './mutants.ts';
import { Proposals, type Outcome } from './proposals.ts';
import type { QuorumLog } from './quorum-log.ts';
import { ReplicaProgress, type ReplicaKey } from './replica-progress.ts';
import { SessionClock } from './session-clock.ts';
import {
  idsOf,
  isVoterIn,
  withVoterAdded,
  withVoterRemoved,
  type Voter,
  type VoterHistory,
  type VoterSet,
} from './voters.ts';

export interface LeadershipOptions {
  readonly self: ReplicaKey;
  readonly epoch: LeaderEpoch;
  readonly granted: readonly NodeId[];
  readonly highWatermark: Offset;
  readonly log: QuorumLog;
  readonly committed: CommittedTree;
  readonly voters: VoterHistory;
  /** Nodes that are to vote; one that follows the log well is added again when its storage was replaced. */
  readonly configuredVoters: readonly NodeId[];
  readonly autoJoin: boolean;
  readonly mayJoin?: (id: NodeId) => boolean;
  readonly checkQuorumTimeoutMs: number;
  readonly clock: Clock;
  readonly crc32c: Crc32c;
  readonly logger: Logger;
  readonly limits: QuorumLimits;
  readonly mutants: ReadonlySet<QuorumMutant>;
  readonly events: LeadershipEvents;
}

export interface LeadershipEvents {
  /** A record of this epoch is committed: the tree can be brought up to here. */
  epochStartCommitted(): void;
  advanced(highWatermark: Offset): void;
  /** Proposals have come into the tree. */
  applied(): void;
  majorityLost(): void;
  /** The voters that have not fetched in this epoch yet, and may not know of it. */
  unheard(voters: VoterSet): void;
  votersChanged(): void;
  /** A set without this leader is committed. */
  removed(): void;
  sessionExpired(id: SessionId): void;
  failed(error: Error): void;
}

export type VoterChange =
  | { readonly status: 'committed'; readonly offset: Offset }
  | { readonly status: 'refused'; readonly errorCode: ErrorCode; readonly message: string };

const CHECKS_PER_TIMEOUT = 4;

const refused = (errorCode: ErrorCode, message: string): VoterChange => ({
  status: 'refused',
  errorCode,
  message,
});

export class Leadership {
  readonly epoch: LeaderEpoch;
  readonly startOffset: Offset;
  readonly waiting: FetchPurgatory;
  readonly progress: ReplicaProgress;
  readonly #options: LeadershipOptions;
  readonly #sessionClock: SessionClock;
  #highWatermark: Offset;
  /** From the time on when the whole log is in the tree. */
  #proposals: Proposals | undefined;
  #unfollow: (() => void) | undefined;
  #checkTimer: TimerHandle | undefined;
  #isStopped = false;

  /** Opens the epoch in the log. Throws QuorumError 'storage'. */
  constructor(options: LeadershipOptions) {
    const { clock, log, epoch, voters } = options;
    this.#options = options;
    this.epoch = epoch;
    this.startOffset = log.logEndOffset;
    this.#highWatermark = options.highWatermark;
    this.waiting = new FetchPurgatory(clock);
    this.progress = new ReplicaProgress(clock);
    this.#sessionClock = new SessionClock(clock, options.events.sessionExpired);
    const isFirst = voters.isProvisional && voters.latest.length > 1;
    const batch = leaderChangeBatch(
      {
        epoch,
        leaderId: options.self.id,
        voters: voters.latest,
        granted: options.granted,
        isFirst,
      },
      { baseOffset: this.startOffset, timestampMs: clock.wallTimeMs() },
      options.crc32c,
    );
    const appended = log.appendAsLeader(batch, { leaderEpoch: epoch, origin: 'coordinator' });
    if (appended.status === 'refused')
      throw new QuorumError(
        'storage',
        `the metadata log does not open epoch ${epoch}: ${appended.message}`,
      );
    if (isFirst) voters.add(offset(this.startOffset + 1), voters.latest);
    this.#watchMajority();
  }

  get highWatermark(): Offset {
    return this.#highWatermark;
  }

  get isActive(): boolean {
    return this.#proposals !== undefined;
  }

  /** The whole log is in the tree: proposals are taken from now on. */
  activate(): void {
    const { epoch, log, committed, clock, crc32c, limits } = this.#options;
    this.#proposals = new Proposals({ epoch, log, committed, clock, crc32c, limits });
    for (const session of committed.tree.sessions()) this.#sessionClock.watch(session);
    this.#unfollow = committed.onChange((changes) => this.#followSessions(changes));
  }

  /** Undefined: not yet active. Throws QuorumError 'storage'. */
  propose(
    ops: readonly (TreeOp | SessionOp)[],
    sessionId: SessionId | undefined,
  ): Promise<Outcome> | undefined {
    if (this.#proposals === undefined) return undefined;
    if (sessionId !== undefined) this.#sessionClock.touch(sessionId);
    return this.#proposals.propose(ops, sessionId);
  }

  touchSession(id: SessionId): boolean {
    return this.#sessionClock.touch(id);
  }

  async drained(): Promise<void> {
    await this.#proposals?.drained();
  }

  stop(error: QuorumError): void {
    this.#isStopped = true;
    this.#sessionClock.stop();
    this.#unfollow?.();
    if (this.#checkTimer !== undefined) this.#options.clock.clearTimeout(this.#checkTimer);
    const proposals = this.#proposals;
    this.#proposals = undefined;
    proposals?.abandon(error);
    this.waiting.releaseAll();
  }

  #followSessions(changes: readonly TreeChange[]): void {
    for (const change of changes) {
      if (change.kind === 'sessionOpened') this.#sessionClock.watch(change.session);
      else if (change.kind === 'sessionClosed') this.#sessionClock.forget(change.session.id);
    }
  }

  // Who holds what.

  /** The disk has taken something. */
  flushed(): void {
    this.#advance();
    this.waiting.moved(this.#options.log.flushedOffset, this.#highWatermark);
  }

  /** A replica has asked for what comes at `fetchOffset`, and holds what this leader has before. */
  fetched(replica: ReplicaKey, fetchOffset: Offset): void {
    this.progress.fetched(replica, fetchOffset, this.#options.log.logEndOffset);
    this.#advance();
    this.#mendVoters(replica, fetchOffset);
  }

  #advance(): void {
    if (this.#isStopped) return;
    const { log, self, voters, mutants, events } = this.#options;
    const own = mutants.has('ackBeforeFlush') ? log.logEndOffset : log.flushedOffset;
    const heldByVoter = voters.latest.map((voter) =>
      voter.id === self.id && voter.incarnation === self.incarnation
        ? own
        : this.progress.endOffsetOf(voter),
    );
    const held = majorityOffset(heldByVoter);
    // What an older epoch wrote is not committed by copies, but by a record of this one behind it.
    if (held <= this.startOffset && !mutants.has('commitOldEpoch')) return;
    if (held <= this.#highWatermark) return;
    this.#highWatermark = held;
    log.setHighWatermark?.(held);
    events.advanced(held);
    try {
      this.#proposals?.advance(held);
    } catch (thrown) {
      events.failed(asError(thrown));
      return;
    }
    if (this.#proposals !== undefined) events.applied();
    else if (held > this.startOffset) events.epochStartCommitted();
    this.waiting.moved(log.flushedOffset, held);
    if (!this.#isChangingVoters && !isVoterIn(voters.latest, self.id, self.incarnation))
      events.removed();
  }

  // Whether it still leads.

  /** Voters that were heard within the timeout, this one among them. */
  #aliveAmong(voters: VoterSet): readonly NodeId[] {
    const { self, checkQuorumTimeoutMs } = this.#options;
    return idsOf(
      voters.filter(
        (voter) =>
          (voter.id === self.id && voter.incarnation === self.incarnation) ||
          this.progress.silentForMs(voter) < checkQuorumTimeoutMs,
      ),
    );
  }

  /** A leader without followers has nobody to lose: a lone voter sets no timer. */
  #watchMajority(): void {
    const { clock, voters, self, checkQuorumTimeoutMs } = this.#options;
    if (this.#checkTimer !== undefined || this.#isStopped) return;
    if (voters.latest.every((voter) => voter.id === self.id)) return;
    this.#checkTimer = clock.setTimeout(() => {
      this.#checkTimer = undefined;
      this.#checkMajority();
    }, checkQuorumTimeoutMs / CHECKS_PER_TIMEOUT);
  }

  #checkMajority(): void {
    const { voters, mutants, events, self } = this.#options;
    const { latest } = voters;
    if (!holdsMajority(this.#aliveAmong(latest), idsOf(latest))) {
      if (!mutants.has('leaderWithoutCheckQuorum')) return events.majorityLost();
    }
    const unheard = latest.filter((it) => it.id !== self.id && !this.progress.hasFetched(it));
    if (unheard.length > 0) events.unheard(unheard);
    this.#watchMajority();
  }

  // Changes of the voters.

  get #isChangingVoters(): boolean {
    return this.#options.voters.latestOffset >= this.#highWatermark;
  }

  async addVoter(voter: Voter): Promise<VoterChange> {
    const { latest } = this.#options.voters;
    const fault = this.#changeFault();
    if (fault !== undefined) return fault;
    if (latest.some((it) => it.id === voter.id)) {
      return refused(
        ErrorCode.DUPLICATE_VOTER,
        `node ${voter.id} is a voter already: remove it before it is added with another incarnation`,
      );
    }
    const caughtUpMs = this.progress.silentForMs(voter);
    const isCaughtUp =
      this.progress.hasFetched(voter) &&
      caughtUpMs < this.#options.checkQuorumTimeoutMs &&
      this.progress.endOffsetOf(voter) >= this.#highWatermark;
    if (!isCaughtUp) {
      return refused(
        ErrorCode.REQUEST_TIMED_OUT,
        `node ${voter.id} (incarnation ${voter.incarnation}) does not follow the metadata log closely enough: start it as an observer, and add it when it has caught up`,
      );
    }
    return await this.#changeVoters(withVoterAdded(latest, voter));
  }

  async removeVoter({ id, incarnation }: ReplicaKey): Promise<VoterChange> {
    const { latest } = this.#options.voters;
    const fault = this.#changeFault();
    if (fault !== undefined) return fault;
    if (!isVoterIn(latest, id, incarnation)) {
      return refused(
        ErrorCode.VOTER_NOT_FOUND,
        `node ${id} (incarnation ${incarnation}) is no voter`,
      );
    }
    if (latest.length === 1)
      return refused(ErrorCode.INVALID_REQUEST, `node ${id} is the only voter: add another first`);
    return await this.#changeVoters(withVoterRemoved(latest, id));
  }

  #changeFault(): VoterChange | undefined {
    if (!this.isActive)
      return refused(ErrorCode.REQUEST_TIMED_OUT, 'the leader is not ready yet: ask again');
    if (this.#isChangingVoters)
      return refused(
        ErrorCode.REQUEST_TIMED_OUT,
        'another change of the voters is not committed yet: voters change one at a time, ask again',
      );
    return undefined;
  }

  async #changeVoters(next: VoterSet): Promise<VoterChange> {
    const { log, voters, clock, crc32c, events, logger } = this.#options;
    const baseOffset = log.logEndOffset;
    const batch = votersBatch(
      next,
      this.epoch,
      { baseOffset, timestampMs: clock.wallTimeMs() },
      crc32c,
    );
    const committed = this.#proposals!.appendControl(batch);
    voters.add(baseOffset, next);
    logger.info('the voters of the metadata quorum change', { voters: idsOf(next) });
    events.votersChanged();
    this.#watchMajority();
    const outcome = await committed;
    return outcome.status === 'committed'
      ? { status: 'committed', offset: outcome.offset }
      : refused(ErrorCode.UNKNOWN_SERVER_ERROR, outcome.error.message);
  }

  /**
   * A voter whose storage came back empty follows the log as an observer, under a new incarnation. Once it has caught up, and
   * nothing is heard of the old incarnation any more, the old one is removed, and then the new one added: two changes, each of
   * which leaves majorities that overlap. Nothing is removed that would leave less than a majority alive.
   */
  #mendVoters({ id, incarnation }: ReplicaKey, fetchOffset: Offset): void {
    const { voters, autoJoin, mayJoin, configuredVoters, checkQuorumTimeoutMs } = this.#options;
    const { latest } = voters;
    if (!autoJoin || isVoterIn(latest, id, incarnation)) return;
    if (this.#changeFault() !== undefined || fetchOffset < this.#highWatermark) return;
    const old = latest.find((voter) => voter.id === id);
    if (old === undefined) {
      if (configuredVoters.includes(id) && mayJoin?.(id) !== false)
        this.#mend(this.addVoter({ id, incarnation }), id);
      return;
    }
    const others = withVoterRemoved(latest, id);
    if (this.progress.silentForMs(old) < checkQuorumTimeoutMs) return;
    if (!holdsMajority(this.#aliveAmong(others), idsOf(others))) return;
    this.#mend(this.removeVoter(old), id);
  }

  #mend(change: Promise<VoterChange>, id: NodeId): void {
    change.catch((error: unknown) => {
      this.#options.logger.warn('the voters could not be mended', { nodeId: id, error });
    });
  }
}
