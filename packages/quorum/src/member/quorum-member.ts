/**
 * A member of the ensemble: the machine of its roles, the metadata log and the tree that it builds, and the doors: one through
 * which the broker proposes changes, one through which the other members ask. Here its parts are introduced to one another;
 * what all of them know is in member-core.ts. What they keep is order: nothing is answered before it is flushed, committed
 * and in the tree.
 *
 *   who leads        quorum-member.machine.ts decides, answers.ts answers, elections.ts asks, vote-keeper.ts writes; founding.ts
 *   leading          leading.ts, leadership.ts, proposals.ts, read-index.ts
 *   following        following.ts, fetcher.ts, followed-log.ts, alignment.ts, snapshot-fetch.ts, applier.ts
 *   keeping          recovery.ts, quorum-state-file.ts, snapshot-files.ts, snapshotter.ts
 *   reading          committed-tree.ts, fresh-reads.ts
 */
import { createActor, fromPromise } from 'xstate';
import type {
  BeginQuorumEpochRequest,
  BeginQuorumEpochResponse,
  EndQuorumEpochRequest,
  EndQuorumEpochResponse,
  FetchRequest,
  FetchResponse,
  FetchSnapshotRequest,
  FetchSnapshotResponse,
  Offset,
  VoteRequest,
  VoteResponse,
} from '@odradek/protocol';
import { asError, invariant } from '../errors.ts';
import { DRAIN_MS, SNAPSHOT_INTERVAL_BYTES } from '../limits.ts';
import type { ReadonlyTree, SessionEnd, SessionId, TreeChange } from '../tree/node.ts';
import type { SessionOp, TreeOp } from '../tree/operation.ts';
import { Answers } from './answers.ts';
import { Applier } from './applier.ts';
import { Elections } from './elections.ts';
import { FollowedLog } from './followed-log.ts';
import { Following } from './following.ts';
import { Founding } from './founding.ts';
import { FreshReads } from './fresh-reads.ts';
import { Leading } from './leading.ts';
import type { VoterChange } from './leadership.ts';
import { MemberCore } from './member-core.ts';
import { quorumMemberMachine, roleOf } from './quorum-member.machine.ts';
import {
  METADATA_FOLDER,
  type MemberSnapshot,
  type NotLeader,
  type Proposal,
  type QuorumDescription,
  type QuorumMemberOptions,
  type SessionOpened,
} from './quorum-member.types.ts';
import { recover, type Recovered } from './recovery.ts';
import type { ReplicaKey } from './replica-progress.ts';
import { SnapshotFiles } from './snapshot-files.ts';
import { Snapshotter } from './snapshotter.ts';
import { VoteKeeper } from './vote-keeper.ts';
import { idsOf, type Voter } from './voters.ts';
import { encodeVoters } from './voters-record.ts';
import { withTimeout } from './waiting.ts';

export class QuorumMember {
  /**
   * Recovers what is on the disk and takes part in the election. A lone voter leads when this resolves; one of many has only
   * begun, because the others need its answers to get on: `ready` tells when there is a leader and the tree is up to date.
   */
  static async start(options: QuorumMemberOptions): Promise<QuorumMember> {
    const folder = options.folder ?? METADATA_FOLDER;
    const snapshots = new SnapshotFiles({ ...options, folder });
    const recovered = await recover({ ...options, folder, snapshots });
    const member = new QuorumMember(options, folder, snapshots, recovered);
    await member.#join();
    return member;
  }

  readonly #core: MemberCore;
  readonly #snapshotter: Snapshotter;
  readonly #applier: Applier;
  readonly #elections: Elections;
  readonly #votes: VoteKeeper;
  readonly #leading: Leading;
  readonly #followed: FollowedLog;
  readonly #following: Following;
  readonly #reads: FreshReads;
  readonly #answers: Answers;
  #closing: Promise<void> | undefined;

  private constructor(
    options: QuorumMemberOptions,
    folder: string,
    snapshots: SnapshotFiles,
    recovered: Recovered,
  ) {
    const core = new MemberCore(options, recovered);
    const { self, log, clock, clusterId, logEnd, committed, voters, logger } = core;
    this.#core = core;
    this.#snapshotter = new Snapshotter({
      files: snapshots,
      log,
      committed,
      intervalBytes: options.snapshotIntervalBytes ?? SNAPSHOT_INTERVAL_BYTES,
      votersBefore: (nextOffset) => {
        const set = voters.before(nextOffset);
        return voters.isProvisional || set.length === 0 ? new Uint8Array(0) : encodeVoters(set);
      },
      logger,
    });
    this.#applier = new Applier({
      log,
      committed,
      crc32c: options.crc32c,
      end: () => core.highWatermark,
      isWanted: () => core.installing === undefined && core.failure === null && core.isRunning,
      applied: () => this.#applied(),
    });
    this.#leading = new Leading(core, {
      elections: () => this.#elections,
      snapshots,
      applied: () => this.#applied(),
      sessionExpired: (id) => this.#expireSession(id),
    });
    this.#followed = new FollowedLog(core, {
      applier: this.#applier,
      snapshots,
      snapshotter: this.#snapshotter,
      isLeading: () => this.#leading.leadership !== undefined,
    });
    this.#following = new Following(core, this.#followed);
    this.#votes = new VoteKeeper(core, folder, () => this.#followed.work);
    this.#reads = new FreshReads(core, this.#leading);
    this.#answers = new Answers({
      self,
      clusterId,
      log,
      snapshots,
      mutants: core.mutants,
      election: () => core.election,
      logEnd,
      highWatermark: () => core.highWatermark,
      isContent: () => this.#isContent(),
      isStopped: () => !core.isRunning,
      leadership: () => this.#leading.leadership,
      tell: (event) => core.tell(event),
      persisted: () => this.#votes.written,
      confirmLeadership: () => this.#leading.confirm(),
      noteEmpty: new Founding(core).noteEmpty,
    });
    this.#elections = new Elections({
      self,
      clusterId,
      peers: core.peers,
      clock,
      requestTimeoutMs: core.requestTimeoutMs,
      logEnd,
      tell: (event) => core.tell(event),
      standing: core.hearStanding,
    });
    const { nodeId, incarnation } = options;
    const input = { nodeId, incarnation, voters: voters.latest, election: recovered.election };
    core.attach(createActor(this.#machine(), { clock, input }));
    log.onFlushed = () => this.#leading.leadership?.flushed();
    log.onFailed = (error) => core.fail(error);
  }

  /** What is committed, as far as this member knows. Whole multis only, in the order of the log. */
  get tree(): ReadonlyTree {
    return this.#core.committed.tree;
  }

  get snapshot(): MemberSnapshot {
    const state = this.#core.actor.getSnapshot();
    const { election, voters } = state.context;
    return {
      role: roleOf(state),
      epoch: election.epoch,
      leaderId: election.leaderId,
      highWatermark: this.#core.highWatermark,
      logEndOffset: this.#core.log.logEndOffset,
      appliedOffset: this.#core.committed.nextOffset,
      voters: idsOf(voters),
      failure: this.#core.failure,
    };
  }

  /** It leads, and has the whole log in its tree. */
  get acceptsProposals(): boolean {
    return this.#leading.leadership?.isActive === true;
  }

  /** Undefined: this member does not lead. */
  describe(): QuorumDescription | undefined {
    return this.#leading.describe();
  }

  /** As the newest record says, committed or not, with their endpoints where they were given. */
  get voterSet(): readonly Voter[] {
    return this.#core.voters.latest;
  }

  /** Tells of each new role, epoch or leader. Offsets change with each flush and are only to be asked for. */
  subscribe(listener: (snapshot: MemberSnapshot) => void): () => void {
    let told = this.snapshot;
    const tell = (): void => {
      const now = this.snapshot;
      if (now.role === told.role && now.epoch === told.epoch && now.leaderId === told.leaderId)
        return;
      told = now;
      listener(now);
    };
    const subscription = this.#core.actor.subscribe({ next: tell, complete: tell });
    return () => subscription.unsubscribe();
  }

  /** Called after each committed batch that changed something, in order; `offset` is that of the batch's last record. */
  onChange(listener: (changes: readonly TreeChange[], offset: Offset) => void): () => void {
    return this.#core.committed.onChange(listener);
  }

  /**
   * Resolves when there is a leader, and this member has what was committed when it had found it. Rejects with QuorumError when
   * it fails or is closed before.
   */
  ready(): Promise<void> {
    return this.#reads.ready();
  }

  /** All operations or none. Values are kept as they are: the caller changes their bytes no more. */
  propose(
    ops: readonly TreeOp[],
    { sessionId }: { sessionId?: SessionId } = {},
  ): Promise<Proposal> {
    return this.#submit(ops, sessionId);
  }

  /** The timeout comes back within the limits. */
  async openSession({ timeoutMs }: { timeoutMs: number }): Promise<SessionOpened> {
    const proposal = await this.#submit([{ op: 'openSession', timeoutMs }]);
    if (proposal.status !== 'committed') return proposal;
    const [result] = proposal.results;
    invariant(result?.op === 'openSession', 'an opened session is the result of opening one');
    return { status: 'committed', offset: proposal.offset, session: result.session };
  }

  /** Its ephemeral nodes go with it. */
  closeSession(sessionId: SessionId): Promise<Proposal> {
    return this.#endSession(sessionId, 'closed');
  }

  /** Its owner was heard. False: it is not open, or this member does not lead. A proposal of the session says the same. */
  touchSession(sessionId: SessionId): boolean {
    return this.#leading.leadership?.touchSession(sessionId) ?? false;
  }

  /**
   * Resolves when the tree has all that was committed when this was called, to where that ends. Rejects with QuorumError
   * 'unconfirmed' where there is no leader that could say so in time.
   */
  sync(): Promise<Offset> {
    return this.#reads.sync();
  }

  /** It must follow the log as an observer already. One change at a time. */
  async addVoter(voter: Voter): Promise<VoterChange | NotLeader> {
    return (await this.#leading.leadership?.addVoter(voter)) ?? this.#notLeader();
  }

  /** A leader that is removed resigns when that is committed. */
  async removeVoter(voter: ReplicaKey): Promise<VoterChange | NotLeader> {
    return (await this.#leading.leadership?.removeVoter(voter)) ?? this.#notLeader();
  }

  /** Gives up the lead, if this member has it, to whoever follows best. */
  resign(): void {
    this.#core.tell({ type: 'resignation.requested' });
  }

  // What the others ask.

  answerVote(request: VoteRequest): Promise<VoteResponse> {
    return this.#answers.vote(request);
  }

  answerBeginQuorumEpoch(request: BeginQuorumEpochRequest): Promise<BeginQuorumEpochResponse> {
    return this.#answers.beginQuorumEpoch(request);
  }

  answerEndQuorumEpoch(request: EndQuorumEpochRequest): Promise<EndQuorumEpochResponse> {
    return this.#answers.endQuorumEpoch(request);
  }

  /** May take as long as the request's `maxWaitMs`. */
  answerFetch(request: FetchRequest): Promise<FetchResponse> {
    return this.#answers.fetch(request);
  }

  answerFetchSnapshot(request: FetchSnapshotRequest): Promise<FetchSnapshotResponse> {
    return this.#answers.fetchSnapshot(request);
  }

  /** Answers what was proposed, then gives up the lead. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock, voters } = this.#core;
    const drained = this.#leading.leadership?.drained() ?? Promise.resolve();
    // A leader that has lost its majority would wait until it notices; a lone voter waits for its disk alone.
    if (voters.latest.length > 1) await withTimeout(clock, drained, DRAIN_MS).catch(() => {});
    else await drained;
    this.#core.tell({ type: 'shutdown.requested' });
    this.#core.actor.stop();
    this.#core.waiters.changed();
    await this.#elections.farewell();
    await this.#votes.written.catch(() => {});
    await this.#followed.work.catch(() => {});
    await this.#applier.idle();
    await this.#snapshotter.idle();
  }

  #submit(ops: readonly (TreeOp | SessionOp)[], sessionId?: SessionId): Promise<Proposal> {
    if (this.#closing !== undefined) return Promise.resolve(this.#notLeader());
    try {
      return (
        this.#leading.leadership?.propose(ops, sessionId) ??
        Promise.resolve<Proposal>(this.#notLeader())
      );
    } catch (thrown) {
      this.#core.fail(asError(thrown));
      return Promise.reject(asError(thrown));
    }
  }

  #notLeader(): NotLeader {
    const { leaderId } = this.#core.election;
    return { status: 'notLeader', leaderId: leaderId === this.#core.self.id ? null : leaderId };
  }

  #endSession(sessionId: SessionId, end: SessionEnd): Promise<Proposal> {
    return this.#submit([{ op: 'closeSession', sessionId, end }]);
  }

  #expireSession(id: SessionId): void {
    this.#core.logger.info('a session has expired', { sessionId: id });
    this.#endSession(id, 'expired').catch((error: unknown) => {
      this.#core.logger.warn('the end of an expired session could not be recorded', {
        sessionId: id,
        error,
      });
    });
  }

  #machine(): typeof quorumMemberMachine {
    const { electionTimeoutMs, fetchTimeoutMs, options } = this.#core;
    return quorumMemberMachine.provide({
      delays: {
        electionTimeout: () => electionTimeoutMs + (options.random.uint32() % electionTimeoutMs),
        fetchTimeout: () => {
          const leftMs = this.#following.msUntilSilent;
          return leftMs > 0 ? leftMs : fetchTimeoutMs;
        },
      },
      guards: { hasAnsweredMeanwhile: () => this.#following.msUntilSilent > 0 },
      actions: {
        sendPreVoteRequests: (_, { epoch, peers }) => this.#elections.askForPreVotes(epoch, peers),
        sendVoteRequests: (_, { epoch, peers }) => this.#elections.askForVotes(epoch, peers),
        sendEndQuorumEpoch: (_, { epoch, peers }) => this.#elections.leave(epoch, peers),
        appendLeaderChange: (_, { epoch, granted }) => this.#leading.openEpoch(epoch, granted),
        startLeading: (_, { epoch }) => this.#leading.start(epoch),
        stopLeading: () => this.#leading.stop(),
        startFetching: (_, { epoch, leaderId }) => this.#following.start(epoch, leaderId),
        stopFetching: () => this.#following.stop(),
      },
      actors: {
        persistElection: fromPromise(({ input }) => this.#votes.persist(input)),
        replayCommitted: fromPromise(() => this.#replay()),
        truncateLog: fromPromise(({ input }) => this.#followed.truncate(input.epoch, input.end)),
        installSnapshot: fromPromise(({ input }) => this.#followed.install(input)),
      },
    });
  }

  #join(): Promise<void> {
    const { actor, self, voters, waiters } = this.#core;
    const isAlone = voters.latest.length === 1 && voters.latest[0]!.id === self.id;
    const changed = (): void => waiters.changed();
    actor.subscribe({ next: changed, complete: changed });
    actor.start();
    return isAlone ? this.ready() : Promise.resolve();
  }

  async #replay(): Promise<void> {
    try {
      await this.#applier.catchUp();
    } catch (thrown) {
      throw this.#core.failed(asError(thrown));
    }
  }

  #applied(): void {
    this.#core.waiters.changed();
    if (this.#core.installing === undefined) this.#snapshotter.ifDue();
  }

  /** It has a leader, and need not help others to depose it. */
  #isContent(): boolean {
    if (this.#leading.leadership !== undefined) return true;
    const state = this.#core.actor.getSnapshot();
    const isHeard = state.hasTag('follows') && state.context.hasHeardLeader;
    return isHeard && !this.#following.isFailing;
  }
}
