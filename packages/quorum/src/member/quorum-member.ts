/**
 * A member of the ensemble: the machine of its roles, the metadata log and the tree that it builds, and the doors: one through
 * which the broker proposes changes, one through which the other members ask. This is the shell around decisions that are
 * made elsewhere; what it adds is order: nothing is answered before it is flushed, committed and in the tree.
 *
 *   who leads        quorum-member.machine.ts decides, answers.ts answers, elections.ts asks
 *   leading          leadership.ts, proposals.ts, read-index.ts
 *   following        fetcher.ts, alignment.ts, snapshot-fetch.ts, applier.ts
 *   keeping          recovery.ts, quorum-state-file.ts, snapshot-files.ts, snapshotter.ts
 *
 * Whatever changes the log's end other than by appending is done one after another (`#logWork`), and no vote is written and
 * no epoch taken up before it is done.
 */
import { createActor, fromPromise, type ActorRefFrom } from 'xstate';
import type { Clock, Crc32c, Logger, Probe, Random, Volume } from '@odradek/ports';
import {
  batchesIn,
  ErrorCode,
  offset,
  type BeginQuorumEpochRequest,
  type BeginQuorumEpochResponse,
  type EndQuorumEpochRequest,
  type EndQuorumEpochResponse,
  type FetchRequest,
  type FetchResponse,
  type FetchSnapshotRequest,
  type FetchSnapshotResponse,
  type LeaderEpoch,
  type NodeId,
  type Offset,
  type Uuid,
  type VoteRequest,
  type VoteResponse,
} from '@odradek/protocol';
import { asError, invariant, QuorumError } from '../errors.ts';
import {
  CHECK_QUORUM_FACTOR,
  ELECTION_TIMEOUT_MS,
  FETCH_TIMEOUT_MS,
  HESITATION_FACTOR,
  QUORUM_LIMITS,
  RETRY_BACKOFF_MS,
  SNAPSHOT_INTERVAL_BYTES,
  type QuorumLimits,
} from '../limits.ts';
import type { ReadonlyTree, Session, SessionEnd, SessionId, TreeChange } from '../tree/node.ts';
import type { SessionOp, TreeError, TreeOp } from '../tree/operation.ts';
import type { SnapshotId } from '../tree/snapshot.ts';
import { truncationOffset } from './alignment.ts';
import { Answers } from './answers.ts';
import { Applier } from './applier.ts';
import { CommittedTree } from './committed-tree.ts';
import { votersIn } from './control-records.ts';
import type { ElectionState, LogEnd } from './election.ts';
import { Elections } from './elections.ts';
import { Fetcher } from './fetcher.ts';
import { Leadership, type VoterChange } from './leadership.ts';
import { fetchedPartitionOf, probeOf } from './messages.ts';
import { mutantsOf, type QuorumMutant } from './mutants.ts';
import { noPeers, type QuorumPeers } from './peers.ts';
import type { Outcome } from './proposals.ts';
import type { MemberEvent, MemberRole } from './quorum-member.events.ts';
import { quorumMemberMachine, roleOf } from './quorum-member.machine.ts';
import type { QuorumLog } from './quorum-log.ts';
import { writeQuorumState } from './quorum-state-file.ts';
import { Confirmation } from './read-index.ts';
import { recover, type Recovered } from './recovery.ts';
import type { ReplicaDescription, ReplicaKey } from './replica-progress.ts';
import { fetchSnapshot } from './snapshot-fetch.ts';
import { SnapshotFiles } from './snapshot-files.ts';
import { Snapshotter } from './snapshotter.ts';
import { idsOf, type Voter, type VoterHistory } from './voters.ts';
import { decodeVoters, encodeVoters } from './voters-record.ts';
import { sleep, Waiters, withTimeout } from './waiting.ts';

export interface QuorumMemberOptions {
  readonly nodeId: NodeId;
  /**
   * Ids of all voters as configured, an odd number. They count until the log says who votes, and name those whom a member asks
   * for the leader. This node alone: it needs nobody.
   */
  readonly voters: readonly NodeId[];
  /** Of this node's storage: another one when the storage came back empty. */
  readonly incarnation: Uuid;
  readonly volume: Volume;
  /** Opened and recovered; closed by its owner, after the member. */
  readonly log: QuorumLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly crc32c: Crc32c;
  /** The way to the others; a node that is configured alone has none to talk to. */
  readonly peers?: QuorumPeers;
  /** Asked for each request; null: not known yet, and any cluster's requests are answered. */
  readonly clusterId?: () => string | null;
  /** Where `quorum-state` and the snapshots are: the log's own. */
  readonly folder?: string;
  readonly limits?: QuorumLimits;
  readonly snapshotIntervalBytes?: number;
  /** controller.quorum.election.timeout.ms: the least that a voter waits; at most twice as long. */
  readonly electionTimeoutMs?: number;
  /** controller.quorum.fetch.timeout.ms: how long a leader may be silent. */
  readonly fetchTimeoutMs?: number;
  /** Of one request to another member. */
  readonly requestTimeoutMs?: number;
  /** Configured voters that follow well are made voters (again) by the leader. */
  readonly autoJoin?: boolean;
  /** For simulations alone. */
  readonly probe?: Probe | undefined;
}

export interface MemberSnapshot {
  readonly role: MemberRole;
  readonly epoch: LeaderEpoch;
  readonly leaderId: NodeId | null;
  readonly highWatermark: Offset;
  readonly logEndOffset: Offset;
  /** The first offset that is not in `tree`. */
  readonly appliedOffset: Offset;
  /** Ids. Empty: this member does not know them yet. */
  readonly voters: readonly NodeId[];
  /** Why the member has failed. */
  readonly failure: Error | null;
}

/** What a leader can tell of its ensemble, for DescribeQuorum. */
export interface QuorumDescription {
  readonly leaderId: NodeId;
  readonly epoch: LeaderEpoch;
  readonly highWatermark: Offset;
  readonly voters: readonly ReplicaDescription[];
  readonly observers: readonly ReplicaDescription[];
}

export interface NotLeader {
  readonly status: 'notLeader';
  readonly leaderId: NodeId | null;
}

/**
 * Rejects with QuorumError where the answer is not known ('storage', 'interrupted'): the change may be found after a restart.
 */
export type Proposal = Outcome | NotLeader;

export type SessionOpened =
  | { readonly status: 'committed'; readonly offset: Offset; readonly session: Session }
  | { readonly status: 'refused'; readonly error: TreeError }
  | NotLeader;

const METADATA_TOPIC = '__cluster_metadata';
export const METADATA_FOLDER = `${METADATA_TOPIC}-0`;

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

  readonly #options: QuorumMemberOptions;
  readonly #mutants: ReadonlySet<QuorumMutant>;
  readonly #self: ReplicaKey;
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #peers: QuorumPeers;
  readonly #snapshots: SnapshotFiles;
  readonly #snapshotter: Snapshotter;
  readonly #committed: CommittedTree;
  readonly #applier: Applier;
  readonly #voters: VoterHistory;
  readonly #answers: Answers;
  readonly #elections: Elections;
  readonly #waiters = new Waiters();
  readonly #actor: ActorRefFrom<typeof quorumMemberMachine>;
  #highWatermark: Offset;
  #leadership: Leadership | undefined;
  #confirmation: Confirmation | undefined;
  #fetcher: Fetcher | undefined;
  /** Configured voters with empty logs, while nobody has said who votes. */
  readonly #empty = new Map<NodeId, Uuid>();
  /** Votes are written one after another. */
  #persisting: Promise<void> = Promise.resolve();
  #logWork: Promise<void> = Promise.resolve();
  /** A snapshot that takes the log's place just now. */
  #installing: SnapshotId | undefined;
  #failure: Error | null = null;
  #closing: Promise<void> | undefined;

  private constructor(
    options: QuorumMemberOptions,
    folder: string,
    snapshots: SnapshotFiles,
    { election, snapshot, voters }: Recovered,
  ) {
    const { nodeId, incarnation, clock, log, logger, crc32c } = options;
    this.#options = options;
    this.#mutants = mutantsOf(options.probe);
    this.#self = { id: nodeId, incarnation };
    this.#folder = folder;
    this.#logger = logger;
    this.#peers = options.peers ?? noPeers;
    this.#snapshots = snapshots;
    this.#voters = voters;
    this.#committed = new CommittedTree(snapshot, logger, {
      tellsTwice: this.#mutants.has('watchBackInTime'),
    });
    this.#highWatermark = this.#committed.nextOffset;
    this.#snapshotter = new Snapshotter({
      files: snapshots,
      log,
      committed: this.#committed,
      intervalBytes: options.snapshotIntervalBytes ?? SNAPSHOT_INTERVAL_BYTES,
      votersBefore: (nextOffset) => {
        const set = voters.before(nextOffset);
        return voters.isProvisional || set.length === 0 ? new Uint8Array(0) : encodeVoters(set);
      },
      logger,
    });
    this.#applier = new Applier({
      log,
      committed: this.#committed,
      crc32c,
      end: () => this.#highWatermark,
      isWanted: () => this.#installing === undefined && this.#failure === null && this.#isRunning,
      applied: () => this.#applied(),
    });
    this.#answers = new Answers({
      self: this.#self,
      clusterId: this.#clusterId,
      log,
      snapshots,
      mutants: this.#mutants,
      election: () => this.#election,
      logEnd: () => this.#logEnd(),
      highWatermark: () => this.#highWatermark,
      isContent: () => this.#isContent(),
      isStopped: () => !this.#isRunning,
      leadership: () => this.#leadership,
      tell: (event) => this.#tell(event),
      persisted: () => this.#persisting,
      confirmLeadership: () => this.#confirmation?.confirm() ?? Promise.resolve(false),
      noteEmpty: (replica) => this.#noteEmpty(replica),
    });
    this.#elections = new Elections({
      self: this.#self,
      clusterId: this.#clusterId,
      peers: this.#peers,
      clock,
      requestTimeoutMs: this.#requestTimeoutMs,
      logEnd: () => this.#logEnd(),
      tell: (event) => this.#tell(event),
      standing: (epoch, leaderId) => this.#hearStanding(epoch, leaderId),
    });
    const input = { nodeId, incarnation, voters: voters.latest, election };
    this.#actor = createActor(this.#machine(), { clock, input });
    log.onFlushed = () => this.#leadership?.flushed();
    log.onFailed = (error) => this.#fail(error);
  }

  /** What is committed, as far as this member knows. Whole multis only, in the order of the log. */
  get tree(): ReadonlyTree {
    return this.#committed.tree;
  }

  get snapshot(): MemberSnapshot {
    const state = this.#actor.getSnapshot();
    const { election, voters } = state.context;
    return {
      role: roleOf(state),
      epoch: election.epoch,
      leaderId: election.leaderId,
      highWatermark: this.#highWatermark,
      logEndOffset: this.#options.log.logEndOffset,
      appliedOffset: this.#committed.nextOffset,
      voters: idsOf(voters),
      failure: this.#failure,
    };
  }

  /** It leads, and has the whole log in its tree. */
  get acceptsProposals(): boolean {
    return this.#leadership?.isActive === true;
  }

  /** Undefined: this member does not lead. */
  describe(): QuorumDescription | undefined {
    const leadership = this.#leadership;
    if (leadership === undefined) return undefined;
    const { log, clock } = this.#options;
    const nowMs = clock.wallTimeMs();
    const own: ReplicaDescription = {
      ...this.#self,
      logEndOffset: log.logEndOffset,
      lastFetchTimestampMs: nowMs,
      lastCaughtUpTimestampMs: nowMs,
    };
    const { latest } = this.#voters;
    return {
      leaderId: this.#self.id,
      epoch: leadership.epoch,
      highWatermark: this.#highWatermark,
      voters: latest.map((it) => (it.id === own.id ? own : leadership.progress.describe(it))),
      observers: leadership.progress.observers(latest),
    };
  }

  /** As the newest record says, committed or not, with their endpoints where they were given. */
  get voterSet(): readonly Voter[] {
    return this.#voters.latest;
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
    const subscription = this.#actor.subscribe({ next: tell, complete: tell });
    return () => subscription.unsubscribe();
  }

  /** Called after each committed batch that changed something, in order; `offset` is that of the batch's last record. */
  onChange(listener: (changes: readonly TreeChange[], offset: Offset) => void): () => void {
    return this.#committed.onChange(listener);
  }

  /**
   * Resolves when there is a leader, and this member has what was committed when it had found it. Rejects with QuorumError when
   * it fails or is closed before.
   */
  async ready(): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const error = this.#stopped();
      if (error !== undefined) throw error;
      await this.#waiters.until(() => this.#knowsWhom, this.#stopped);
      if (this.#leadership?.isActive === true) return;
      try {
        await this.sync();
        return;
      } catch {
        // The leader has only begun, or was the leader no more.
        await sleep(clock, RETRY_BACKOFF_MS);
      }
    }
  }

  /** To ask what is committed; itself, if it leads and is up to date. */
  get #knowsWhom(): boolean {
    const { leaderId } = this.#election;
    if (leaderId === this.#self.id) return this.#leadership?.isActive === true;
    return leaderId !== null;
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
    return this.#leadership?.touchSession(sessionId) ?? false;
  }

  /**
   * Resolves when the tree has all that was committed when this was called, to where that ends. Rejects with QuorumError
   * 'unconfirmed' where there is no leader that could say so in time.
   */
  async sync(): Promise<Offset> {
    const readIndex = await this.#readIndex();
    const arrived = this.#waiters.until(
      () => this.#committed.nextOffset >= readIndex,
      this.#stopped,
    );
    await withTimeout(this.#options.clock, arrived, this.#requestTimeoutMs).catch(
      (cause: unknown) => {
        throw unconfirmed('what the leader has committed has not come here in time', cause);
      },
    );
    return readIndex;
  }

  /** To where the log is committed now, as nobody but a leader with its majority knows. */
  async #readIndex(): Promise<Offset> {
    const { clock, nodeId } = this.#options;
    if (this.#leadership?.isActive === true) {
      const leadership = this.#leadership;
      const readIndex = this.#highWatermark;
      const isConfirmed =
        this.#mutants.has('unconfirmedReadIndex') || (await this.#confirmation!.confirm());
      if (isConfirmed && this.#leadership === leadership) return readIndex;
      throw unconfirmed('this member does not lead any more');
    }
    const { leaderId } = this.#election;
    if (leaderId === null || leaderId === nodeId)
      throw unconfirmed('no leader of the metadata quorum is known');
    const answer = await withTimeout(
      clock,
      this.#peers.fetch(leaderId, probeOf(this.#clusterId())),
      this.#requestTimeoutMs,
    ).catch((cause: unknown) => {
      throw unconfirmed(`node ${leaderId}, the leader, does not answer`, cause);
    });
    const partition = fetchedPartitionOf(answer);
    if (partition?.errorCode !== ErrorCode.NONE)
      throw unconfirmed(`node ${leaderId} is not, or not yet, the leader that it was`);
    return offset(partition.highWatermark);
  }

  /** It must follow the log as an observer already. One change at a time. */
  async addVoter(voter: Voter): Promise<VoterChange | NotLeader> {
    return (await this.#leadership?.addVoter(voter)) ?? this.#notLeader();
  }

  /** A leader that is removed resigns when that is committed. */
  async removeVoter(voter: ReplicaKey): Promise<VoterChange | NotLeader> {
    return (await this.#leadership?.removeVoter(voter)) ?? this.#notLeader();
  }

  /** Gives up the lead, if this member has it, to whoever follows best. */
  resign(): void {
    this.#tell({ type: 'resignation.requested' });
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
    await this.#leadership?.drained();
    this.#tell({ type: 'shutdown.requested' });
    this.#actor.stop();
    this.#waiters.changed();
    await this.#elections.farewell();
    await this.#persisting.catch(() => {});
    await this.#logWork.catch(() => {});
    await this.#applier.idle();
    await this.#snapshotter.idle();
  }

  #submit(ops: readonly (TreeOp | SessionOp)[], sessionId?: SessionId): Promise<Proposal> {
    if (this.#closing !== undefined) return Promise.resolve(this.#notLeader());
    try {
      return (
        this.#leadership?.propose(ops, sessionId) ?? Promise.resolve<Proposal>(this.#notLeader())
      );
    } catch (thrown) {
      this.#fail(asError(thrown));
      return Promise.reject(asError(thrown));
    }
  }

  #notLeader(): NotLeader {
    const { leaderId } = this.#election;
    return { status: 'notLeader', leaderId: leaderId === this.#options.nodeId ? null : leaderId };
  }

  #endSession(sessionId: SessionId, end: SessionEnd): Promise<Proposal> {
    return this.#submit([{ op: 'closeSession', sessionId, end }]);
  }

  #expireSession(id: SessionId): void {
    this.#logger.info('a session has expired', { sessionId: id });
    this.#endSession(id, 'expired').catch((error: unknown) => {
      this.#logger.warn('the end of an expired session could not be recorded', {
        sessionId: id,
        error,
      });
    });
  }

  // What this member knows of itself.

  readonly #clusterId = (): string | null => this.#options.clusterId?.() ?? null;

  get #requestTimeoutMs(): number {
    return this.#options.requestTimeoutMs ?? this.#options.fetchTimeoutMs ?? FETCH_TIMEOUT_MS;
  }

  get #electionTimeoutMs(): number {
    return this.#options.electionTimeoutMs ?? ELECTION_TIMEOUT_MS;
  }

  get #election(): ElectionState {
    return this.#actor.getSnapshot().context.election;
  }

  get #isRunning(): boolean {
    return this.#actor.getSnapshot().status === 'active';
  }

  /**
   * What votes are compared by. Of what a log ends with that has nothing but a snapshot before it, only the snapshot knows the
   * epoch; and while one is put in the log's place, nobody is to be elected over what it holds.
   */
  #logEnd(): LogEnd {
    const coming = this.#installing;
    if (coming !== undefined) return { lastEpoch: coming.epoch, endOffset: coming.nextOffset };
    const { latestEpoch, logEndOffset } = this.#options.log;
    const { epoch, nextOffset } = this.#committed.snapshotId;
    const lastEpoch = latestEpoch < 0 && nextOffset === logEndOffset ? epoch : latestEpoch;
    return { lastEpoch: Math.max(lastEpoch, 0) as LeaderEpoch, endOffset: logEndOffset };
  }

  #isContent(): boolean {
    if (this.#leadership !== undefined) return true;
    const state = this.#actor.getSnapshot();
    const isHeard = state.hasTag('follows') && state.context.hasHeardLeader;
    return isHeard && this.#fetcher?.isFailing !== true;
  }

  /** Why nothing is to be waited for any more. */
  readonly #stopped = (): Error | undefined => {
    if (this.#failure !== null) return this.#failure;
    if (this.#isRunning) return undefined;
    return new QuorumError('interrupted', 'the member was closed meanwhile');
  };

  // Roles.

  #machine(): typeof quorumMemberMachine {
    const electionTimeoutMs = this.#electionTimeoutMs;
    const { random } = this.#options;
    const { fetchTimeoutMs = FETCH_TIMEOUT_MS } = this.#options;
    return quorumMemberMachine.provide({
      delays: {
        electionTimeout: () => electionTimeoutMs + (random.uint32() % electionTimeoutMs),
        fetchTimeout: () => fetchTimeoutMs,
      },
      actions: {
        sendPreVoteRequests: (_, { epoch, peers }) => this.#elections.askForPreVotes(epoch, peers),
        sendVoteRequests: (_, { epoch, peers }) => this.#elections.askForVotes(epoch, peers),
        sendEndQuorumEpoch: (_, { epoch, peers }) => this.#elections.leave(epoch, peers),
        appendLeaderChange: (_, { epoch, granted }) => this.#openEpoch(epoch, granted),
        startLeading: (_, { epoch }) => this.#startLeading(epoch),
        stopLeading: () => this.#stopLeading(),
        startFetching: (_, { epoch, leaderId }) => this.#startFetching(epoch, leaderId),
        stopFetching: () => this.#fetcher?.stop(),
      },
      actors: {
        persistElection: fromPromise(({ input }) => this.#persist(input)),
        replayCommitted: fromPromise(() => this.#replay()),
        truncateLog: fromPromise(({ input }) =>
          this.#changeLog(() => this.#truncate(input.epoch, input.end)),
        ),
        installSnapshot: fromPromise(({ input }) => this.#install(input)),
      },
    });
  }

  /** The machine may have ended: what comes later means nothing to it. */
  #tell(event: MemberEvent): void {
    if (this.#isRunning) this.#actor.send(event);
  }

  #join(): Promise<void> {
    const isAlone =
      this.#voters.latest.length === 1 && this.#voters.latest[0]!.id === this.#self.id;
    this.#actor.subscribe({
      next: () => this.#waiters.changed(),
      complete: () => this.#waiters.changed(),
    });
    this.#actor.start();
    return isAlone ? this.ready() : Promise.resolve();
  }

  #hearStanding(epoch: LeaderEpoch, leaderId: NodeId | null): void {
    if (leaderId !== null) this.#tell({ type: 'leader.discovered', epoch, leaderId });
    // Whoever has no vote has no need of an epoch without a leader.
    else if (this.#isVoter) this.#tell({ type: 'epoch.observed', epoch });
  }

  get #isVoter(): boolean {
    const { id, incarnation } = this.#self;
    return this.#voters.latest.some((it) => it.id === id && it.incarnation === incarnation);
  }

  /** What the machine was told of the voters is what the log says. */
  #votersChanged(): void {
    this.#tell({ type: 'voters.changed', voters: this.#voters.latest });
  }

  /**
   * The ensemble's very beginning: nobody has said yet who votes. The configured voter with the lowest id says so, once every
   * other one has shown itself with an empty log. All of them, because a majority of empty disks may be a majority of
   * disks that were lost.
   */
  #noteEmpty({ id, incarnation }: ReplicaKey): void {
    const { voters, nodeId } = this.#options;
    const isFirst = voters.every((voter) => voter >= nodeId) && voters.includes(nodeId);
    if (!isFirst || !voters.includes(id) || id === nodeId || this.#voters.latest.length > 0) return;
    this.#empty.set(id, incarnation);
    if (this.#empty.size < voters.length - 1) return;
    const found: Voter[] = [{ ...this.#self }, ...this.#othersFound()];
    this.#voters.found(found.sort((a, b) => a.id - b.id));
    this.#logger.info('all voters of a new metadata quorum have been found', { voters });
    this.#votersChanged();
    // None of them could stand in its place: they do not know yet who votes.
    this.#tell({ type: 'leader.missing' });
  }

  #othersFound(): Voter[] {
    return [...this.#empty].map(([id, incarnation]) => ({ id, incarnation }));
  }

  #persist(election: ElectionState): Promise<void> {
    const { volume, crc32c, nodeId } = this.#options;
    const isForgotten =
      this.#mutants.has('lostVote') && election.votedId !== null && election.votedId !== nodeId;
    const written = Promise.allSettled([this.#persisting, this.#logWork])
      .then(() =>
        isForgotten ? undefined : writeQuorumState(volume, this.#folder, election, crc32c),
      )
      .catch((cause: unknown) => {
        throw this.#failed(
          new QuorumError(
            'storage',
            `the vote could not be written: this member votes no more until it is restarted on a sound disk (${asError(cause).message})`,
            { cause },
          ),
        );
      });
    this.#persisting = written;
    this.#tellVote(written, election);
    // Whoever needs it waits for it; the machine learns of a failure in any case.
    written.catch(() => {});
    return written;
  }

  // For whoever observes.

  #tellVote(written: Promise<void>, { epoch, votedId }: ElectionState): void {
    const observer = this.#options.probe?.observer;
    if (observer === undefined || votedId === null) return;
    const { nodeId, incarnation } = this.#options;
    written.then(
      () => observer.voteGranted?.({ nodeId, incarnation, epoch, candidateId: votedId }),
      () => {},
    );
  }

  #tellHighWatermark(epoch: LeaderEpoch, isLeader: boolean): void {
    const highWatermark = this.#highWatermark;
    const facts = { ...this.#facts(epoch), highWatermark, isLeader };
    this.#options.probe?.observer?.highWatermarkMoved?.(facts);
  }

  #facts(epoch: LeaderEpoch) {
    const { nodeId } = this.#options;
    return { nodeId, topic: METADATA_TOPIC, partition: 0, leaderEpoch: epoch };
  }

  // Leading.

  #openEpoch(epoch: LeaderEpoch, granted: readonly NodeId[]): void {
    this.#options.probe?.observer?.leaderBecame?.({
      ...this.#facts(epoch),
      logEndOffset: this.#options.log.logEndOffset,
    });
    const { fetchTimeoutMs = FETCH_TIMEOUT_MS, limits = QUORUM_LIMITS } = this.#options;
    try {
      this.#leadership = new Leadership({
        ...this.#options,
        self: this.#self,
        epoch,
        granted,
        highWatermark: this.#highWatermark,
        committed: this.#committed,
        voters: this.#voters,
        configuredVoters: this.#options.voters,
        autoJoin: this.#options.autoJoin ?? true,
        checkQuorumTimeoutMs: fetchTimeoutMs * CHECK_QUORUM_FACTOR,
        limits,
        mutants: this.#mutants,
        events: {
          epochStartCommitted: () => this.#tell({ type: 'epochStart.committed', epoch }),
          advanced: (highWatermark) => {
            this.#highWatermark = highWatermark;
            this.#tellHighWatermark(epoch, true);
          },
          applied: () => this.#applied(),
          majorityLost: () => {
            this.#logger.warn('no majority of the voters asks this leader: it resigns', { epoch });
            this.#tell({ type: 'majority.lost', epoch });
          },
          unheard: (voters) => this.#elections.announce(epoch, voters),
          votersChanged: () => this.#votersChanged(),
          removed: () => this.#tell({ type: 'resignation.requested' }),
          sessionExpired: (id) => this.#expireSession(id),
          failed: (error) => this.#fail(error),
        },
      });
    } catch (thrown) {
      this.#fail(asError(thrown));
      return;
    }
    this.#confirmation = new Confirmation({
      self: this.#self,
      epoch,
      clusterId: this.#clusterId,
      voters: () => this.#voters.latest,
      peers: this.#peers,
      clock: this.#options.clock,
      requestTimeoutMs: this.#requestTimeoutMs,
      standing: (at, leaderId) => this.#hearStanding(at, leaderId),
    });
    const others = this.#voters.latest.filter((voter) => voter.id !== this.#self.id);
    this.#elections.announce(epoch, others);
  }

  async #replay(): Promise<void> {
    try {
      await this.#applier.catchUp();
    } catch (thrown) {
      throw this.#failed(asError(thrown));
    }
  }

  #startLeading(epoch: LeaderEpoch): void {
    this.#leadership!.activate();
    this.#logger.info('leads the metadata quorum', { epoch, highWatermark: this.#highWatermark });
  }

  #stopLeading(): void {
    const error = new QuorumError(
      this.#failure === null ? 'interrupted' : 'storage',
      'this member no longer leads: whether the change was committed is not known, read it back before trying again',
      { cause: this.#failure ?? undefined },
    );
    const leadership = this.#leadership;
    this.#leadership = undefined;
    this.#confirmation = undefined;
    this.#snapshots.forgetServed();
    leadership?.stop(error);
    // Best first: who has most of the log.
    if (leadership !== undefined)
      this.#elections.rankSuccessors((voter) => leadership.progress.endOffsetOf(voter));
  }

  // Following.

  #startFetching(epoch: LeaderEpoch, leaderId: NodeId | null): void {
    const { log, clock, random, nodeId, voters } = this.#options;
    const fetcher = new Fetcher(
      {
        clusterId: this.#clusterId,
        nodeId,
        incarnation: this.#self.incarnation,
        peers: this.#peers,
        clock,
        random,
        logger: this.#logger,
        requestTimeoutMs: this.#requestTimeoutMs,
        logEnd: () => this.#logEnd(),
        flushed: () => (log.flushedOffset < log.logEndOffset ? this.#flush() : undefined),
        highWatermark: () => this.#highWatermark,
        candidates: () =>
          [...new Set([...voters, ...idsOf(this.#voters.latest)])].filter((id) => id !== nodeId),
        voters: () => idsOf(this.#voters.latest),
        hesitationMsMax: Math.ceil(this.#electionTimeoutMs * HESITATION_FACTOR),
        append: (records) => this.#append(records),
        heard: {
          answered: () => this.#tell({ type: 'fetch.succeeded', epoch }),
          committed: (highWatermark) => this.#committedTo(highWatermark),
          diverged: (end) => {
            const target = truncationOffset(log, end);
            this.#tell({ type: 'divergence.found', epoch, end: target });
          },
          snapshotRequired: (id) => this.#tell({ type: 'snapshot.required', epoch, id }),
          standing: (at, leader) => this.#hearStanding(at, leader),
          leaderLeft: () => this.#tell({ type: 'leader.left', epoch, isSuccessor: false }),
          unreachable: () => this.#tell({ type: 'leader.lost', epoch }),
          leaderMissing: () => this.#tell({ type: 'leader.missing' }),
        },
      },
      epoch,
    );
    this.#fetcher = fetcher;
    this.#committed.leaderChanged();
    const fetching = leaderId === null ? fetcher.search() : this.#follow(fetcher, epoch, leaderId);
    fetching.catch((error: unknown) => this.#fail(asError(error)));
  }

  async #follow(fetcher: Fetcher, epoch: LeaderEpoch, leaderId: NodeId): Promise<void> {
    await this.#logWork.catch(() => {});
    const isNewEpoch = this.#options.log.latestEpoch < epoch;
    if (isNewEpoch && this.#mutants.has('truncateToHighWatermark'))
      await this.#changeLog(() => this.#truncate(epoch, this.#highWatermark));
    await fetcher.follow(leaderId);
  }

  #flush(): Promise<void> {
    return this.#mutants.has('ackBeforeFlush') ? Promise.resolve() : this.#options.log.flush();
  }

  #append(records: Uint8Array): Promise<void> | undefined {
    const { log } = this.#options;
    const before = log.logEndOffset;
    const appended = log.appendAsFollower(records);
    if (appended.status === 'refused') {
      if (appended.errorCode === ErrorCode.KAFKA_STORAGE_ERROR)
        throw new QuorumError('storage', `the metadata log takes no batch: ${appended.message}`);
      this.#logger.warn("the leader's batches are not taken", { reason: appended.message });
      return undefined;
    }
    let isChanged = false;
    for (const view of batchesIn(records)) {
      if (!view.isControl || view.baseOffset < before) continue;
      for (const { at, voters } of votersIn(view)) {
        this.#voters.add(at, voters);
        isChanged = true;
      }
    }
    // The flush first: whoever is made a voter by it may go over into another state at once.
    const flushed = this.#flush();
    if (isChanged) void flushed.then(() => this.#votersChanged()).catch(() => {});
    return flushed;
  }

  #committedTo(leadersHighWatermark: Offset): void {
    const { log } = this.#options;
    const held = offset(Math.min(leadersHighWatermark, log.logEndOffset));
    if (held > this.#highWatermark) {
      this.#highWatermark = held;
      log.setHighWatermark?.(held);
      this.#tellHighWatermark(this.#election.epoch, false);
      this.#applier.catchUp().catch((error: unknown) => this.#fail(asError(error)));
    }
    this.#waiters.changed();
  }

  #applied(): void {
    this.#waiters.changed();
    if (this.#installing === undefined) this.#snapshotter.ifDue();
  }

  /** One after another, and nobody reads what is being cut. */
  #changeLog(work: () => Promise<void>): Promise<void> {
    const done = this.#logWork
      .catch(() => {})
      .then(async () => {
        await this.#applier.idle();
        await work();
      })
      .catch((error: unknown) => {
        throw this.#failed(asError(error));
      });
    this.#logWork = done;
    done.catch(() => {});
    return done;
  }

  #isFollowing(epoch: LeaderEpoch): boolean {
    return this.#isRunning && this.#leadership === undefined && this.#election.epoch === epoch;
  }

  async #truncate(epoch: LeaderEpoch, target: Offset): Promise<void> {
    const { log } = this.#options;
    if (!this.#isFollowing(epoch)) return;
    if (target < this.#highWatermark) {
      throw new QuorumError(
        'corrupt',
        `the leader's metadata log differs at offset ${target}, and offset ${this.#highWatermark - 1} is committed here: one of the two was damaged or put back from an old copy`,
      );
    }
    // Nothing to cut: the leader contradicts itself, and may be asked again later.
    if (target >= log.logEndOffset) return await sleep(this.#options.clock, RETRY_BACKOFF_MS);
    this.#logger.info("the metadata log is cut to where it is the leader's", { epoch, target });
    await log.truncateTo(target);
    this.#voters.truncateTo(target);
    this.#votersChanged();
  }

  async #install(input: {
    readonly epoch: LeaderEpoch;
    readonly leaderId: NodeId | null;
    readonly id: SnapshotId;
  }): Promise<void> {
    const { clock, nodeId } = this.#options;
    const { epoch, leaderId, id } = input;
    const isWanted = (): boolean => this.#isFollowing(epoch);
    const bytes =
      leaderId === null || id.nextOffset <= this.#highWatermark
        ? undefined
        : await fetchSnapshot({
            clusterId: this.#clusterId(),
            nodeId,
            incarnation: this.#self.incarnation,
            peers: this.#peers,
            clock,
            requestTimeoutMs: this.#requestTimeoutMs,
            epoch,
            leaderId,
            id,
            isWanted,
          });
    if (bytes === undefined) return await sleep(clock, RETRY_BACKOFF_MS);
    await this.#changeLog(async () => {
      if (!isWanted()) return;
      this.#installing = id;
      try {
        await this.#replaceBySnapshot(bytes, id);
      } finally {
        this.#installing = undefined;
      }
    });
  }

  /** The file first: after a crash the recovery finishes what it finds begun. */
  async #replaceBySnapshot(bytes: Uint8Array, id: SnapshotId): Promise<void> {
    const { log } = this.#options;
    await this.#applier.idle();
    await this.#snapshotter.idle();
    const snapshot = this.#snapshots.decode(bytes, id);
    await this.#snapshots.saveBytes(bytes, id);
    await log.truncateFullyAndStartAt(id.nextOffset);
    log.setHighWatermark?.(id.nextOffset);
    if (snapshot.voters.length > 0)
      this.#voters.restart(decodeVoters(snapshot.voters, 'in the snapshot of the metadata'));
    else this.#voters.truncateTo(offset(0));
    this.#highWatermark = id.nextOffset;
    this.#logger.info('the metadata tree was taken over from the leader', { ...id });
    this.#committed.install(snapshot);
    this.#votersChanged();
    this.#waiters.changed();
  }

  /** The first failure is the one that is told. */
  #failed(error: Error): Error {
    this.#failure ??= error;
    return this.#failure;
  }

  #fail(error: Error): void {
    if (!this.#isRunning) return;
    this.#logger.error('the metadata log has failed: this member stops', { error });
    this.#tell({ type: 'log.failed', reason: this.#failed(error).message });
  }
}

const unconfirmed = (why: string, cause?: unknown): QuorumError =>
  new QuorumError('unconfirmed', `${why}: ask again`, { cause });
