/**
 * A member of the ensemble: the election machine, the metadata log and the tree that it builds, and the door through which
 * the broker proposes changes. This is the shell around decisions that are made elsewhere; what it adds is order: nothing is
 * answered before it is flushed, committed and in the tree.
 *
 * With one voter the member is its own ensemble: its flushed offset is the high watermark. Peers come in at three marked
 * places: requests to them, what they hold, and a follower's fetching.
 */
import { createActor, fromPromise, type ActorRefFrom } from 'xstate';
import type { Clock, Crc32c, Logger, Random, Volume } from '@odradek/ports';
import type { LeaderEpoch, NodeId, Offset, Uuid } from '@odradek/protocol';
import { asError, invariant, QuorumError } from '../errors.ts';
import {
  ELECTION_TIMEOUT_MS,
  FETCH_TIMEOUT_MS,
  QUORUM_LIMITS,
  SNAPSHOT_INTERVAL_BYTES,
  type QuorumLimits,
} from '../limits.ts';
import type { ReadonlyTree, Session, SessionEnd, SessionId, TreeChange } from '../tree/node.ts';
import type { SessionOp, TreeError, TreeOp } from '../tree/operation.ts';
import { CommittedTree } from './committed-tree.ts';
import { majorityOffset, type ElectionState } from './election.ts';
import { leaderChangeBatch } from './leader-change.ts';
import { Proposals, type Outcome } from './proposals.ts';
import {
  quorumMemberMachine,
  roleOf,
  type MemberEvent,
  type MemberRole,
} from './quorum-member.machine.ts';
import type { QuorumLog } from './quorum-log.ts';
import { writeQuorumState } from './quorum-state-file.ts';
import { recover, replayLog, type Recovered } from './recovery.ts';
import { SessionClock } from './session-clock.ts';
import { SnapshotFiles } from './snapshot-files.ts';
import { Snapshotter } from './snapshotter.ts';

export interface QuorumMemberOptions {
  readonly nodeId: NodeId;
  /** Ids of all voters; today this node alone. */
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
  /** Where `quorum-state` and the snapshots are: the log's own. */
  readonly folder?: string;
  readonly limits?: QuorumLimits;
  readonly snapshotIntervalBytes?: number;
}

export interface MemberSnapshot {
  readonly role: MemberRole;
  readonly epoch: LeaderEpoch;
  readonly leaderId: NodeId | null;
  readonly highWatermark: Offset;
  readonly logEndOffset: Offset;
  /** The first offset that is not in `tree`. */
  readonly appliedOffset: Offset;
  readonly voters: readonly NodeId[];
  /** Why the member has failed. */
  readonly failure: Error | null;
}

/**
 * Rejects with QuorumError where the answer is not known ('storage', 'interrupted'): the change may be found after a restart.
 */
export type Proposal = Outcome | { readonly status: 'notLeader'; readonly leaderId: NodeId | null };

export type SessionOpened =
  | { readonly status: 'committed'; readonly offset: Offset; readonly session: Session }
  | { readonly status: 'refused'; readonly error: TreeError }
  | { readonly status: 'notLeader'; readonly leaderId: NodeId | null };

export const METADATA_FOLDER = '__cluster_metadata-0';

export class QuorumMember {
  /** Recovers what is on the disk and takes part in the election; resolves when this member's role is settled. */
  static async start(options: QuorumMemberOptions): Promise<QuorumMember> {
    const folder = options.folder ?? METADATA_FOLDER;
    const snapshots = new SnapshotFiles({ ...options, folder });
    const recovered = await recover({ ...options, folder, snapshots });
    const member = new QuorumMember(options, folder, snapshots, recovered);
    await member.#join();
    return member;
  }

  readonly #options: QuorumMemberOptions;
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #snapshotter: Snapshotter;
  readonly #committed: CommittedTree;
  readonly #sessionClock: SessionClock;
  readonly #actor: ActorRefFrom<typeof quorumMemberMachine>;
  #highWatermark: Offset;
  /** While it leads: its epoch and where that begins. */
  #term: { readonly epoch: LeaderEpoch; readonly startOffset: Offset } | undefined;
  /** While it leads and has the whole log in its tree. */
  #proposals: Proposals | undefined;
  #unfollow: (() => void) | undefined;
  /** Votes are written one after another. */
  #persisting: Promise<void> = Promise.resolve();
  #failure: Error | null = null;
  #closing: Promise<void> | undefined;

  private constructor(
    options: QuorumMemberOptions,
    folder: string,
    snapshots: SnapshotFiles,
    { election, snapshot }: Recovered,
  ) {
    const { nodeId, incarnation, voters, clock, log, logger } = options;
    this.#options = options;
    this.#folder = folder;
    this.#logger = logger;
    this.#committed = new CommittedTree(snapshot, logger);
    this.#highWatermark = this.#committed.nextOffset;
    this.#snapshotter = new Snapshotter({
      files: snapshots,
      log,
      committed: this.#committed,
      intervalBytes: options.snapshotIntervalBytes ?? SNAPSHOT_INTERVAL_BYTES,
      logger,
    });
    this.#sessionClock = new SessionClock(clock, (id) => this.#expireSession(id));
    const input = { nodeId, incarnation, voters, election };
    this.#actor = createActor(this.#machine(), { clock, input });
    log.onFlushed = (flushedOffset) => this.#flushed(flushedOffset);
    log.onFailed = (error) => this.#fail(error);
  }

  /** What is committed. Whole multis only, in the order of the log. */
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
      voters,
      failure: this.#failure,
    };
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
    return this.#sessionClock.touch(sessionId);
  }

  /** Answers what was proposed, then gives up the lead. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#proposals?.drained();
    this.#tell({ type: 'shutdown.requested' });
    this.#actor.stop();
    await this.#persisting.catch(() => {});
    await this.#snapshotter.idle();
  }

  #submit(ops: readonly (TreeOp | SessionOp)[], sessionId?: SessionId): Promise<Proposal> {
    if (this.#proposals === undefined || this.#closing !== undefined) {
      const { leaderId } = this.#actor.getSnapshot().context.election;
      return Promise.resolve({
        status: 'notLeader',
        leaderId: leaderId === this.#options.nodeId ? null : leaderId,
      });
    }
    if (sessionId !== undefined) this.#sessionClock.touch(sessionId);
    try {
      return this.#proposals.propose(ops, sessionId);
    } catch (thrown) {
      this.#fail(asError(thrown));
      return Promise.reject(asError(thrown));
    }
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

  // The election.

  #machine(): typeof quorumMemberMachine {
    const { random } = this.#options;
    const jittered = (baseMs: number) => () => baseMs + (random.uint32() % baseMs);
    // Peers: there is nobody to ask yet, and a lone voter asks nobody.
    const noPeers = (_: unknown, { peers }: { peers: readonly NodeId[] }): void =>
      invariant(peers.length === 0, 'a lone voter has peers');
    return quorumMemberMachine.provide({
      delays: {
        electionTimeout: jittered(ELECTION_TIMEOUT_MS),
        fetchTimeout: () => FETCH_TIMEOUT_MS,
      },
      actions: {
        sendPreVoteRequests: noPeers,
        sendVoteRequests: noPeers,
        sendEndQuorumEpoch: noPeers,
        appendLeaderChange: (_, { epoch, granted }) => this.#openEpoch(epoch, granted),
        startLeading: (_, { epoch }) => this.#startLeading(epoch),
        stopLeading: () => this.#stopLeading(),
      },
      actors: {
        persistElection: fromPromise(({ input }) => this.#persist(input)),
        replayCommitted: fromPromise(() => this.#replay()),
      },
    });
  }

  /** The machine may have ended: what comes later means nothing to it. */
  #tell(event: MemberEvent): void {
    if (this.#actor.getSnapshot().status === 'active') this.#actor.send(event);
  }

  #join(): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (): void =>
        reject(
          this.#failure ?? new QuorumError('interrupted', 'the member was closed while it started'),
        );
      const subscription = this.#actor.subscribe({
        next: (state) => {
          if (!state.hasTag('settled')) return;
          resolve();
          subscription.unsubscribe();
        },
        error: reject,
        complete: failed,
      });
      this.#actor.start();
    });
  }

  #persist(election: ElectionState): Promise<void> {
    const { volume, crc32c } = this.#options;
    const written = this.#persisting
      .catch(() => {})
      .then(() => writeQuorumState(volume, this.#folder, election, crc32c))
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
    return written;
  }

  #openEpoch(epoch: LeaderEpoch, granted: readonly NodeId[]): void {
    const { log, clock, crc32c, nodeId: leaderId, incarnation, voters } = this.#options;
    const startOffset = log.logEndOffset;
    this.#term = { epoch, startOffset };
    try {
      const batch = leaderChangeBatch(
        { epoch, leaderId, incarnation, voters, granted },
        { baseOffset: startOffset, timestampMs: clock.wallTimeMs() },
        crc32c,
      );
      const appended = log.appendAsLeader(batch, { leaderEpoch: epoch, origin: 'coordinator' });
      if (appended.status === 'refused') {
        throw new QuorumError(
          'storage',
          `the metadata log does not open epoch ${epoch}: ${appended.message}`,
        );
      }
    } catch (thrown) {
      this.#fail(asError(thrown));
    }
  }

  #startLeading(epoch: LeaderEpoch): void {
    const { log, clock, crc32c, limits = QUORUM_LIMITS } = this.#options;
    this.#proposals = new Proposals({
      epoch,
      log,
      committed: this.#committed,
      clock,
      crc32c,
      limits,
    });
    for (const session of this.tree.sessions()) this.#sessionClock.watch(session);
    this.#unfollow = this.onChange((changes) => this.#followSessions(changes));
    this.#logger.info('leads the metadata quorum', { epoch, highWatermark: this.#highWatermark });
  }

  #stopLeading(): void {
    const error = new QuorumError(
      this.#failure === null ? 'interrupted' : 'storage',
      'this member no longer leads: whether the change was committed is not known, read it back before trying again',
      { cause: this.#failure ?? undefined },
    );
    this.#term = undefined;
    this.#sessionClock.stop();
    this.#unfollow?.();
    const proposals = this.#proposals;
    this.#proposals = undefined;
    proposals?.abandon(error);
  }

  #followSessions(changes: readonly TreeChange[]): void {
    for (const change of changes) {
      if (change.kind === 'sessionOpened') this.#sessionClock.watch(change.session);
      else if (change.kind === 'sessionClosed') this.#sessionClock.forget(change.session.id);
    }
  }

  // The log.

  #flushed(flushedOffset: Offset): void {
    const term = this.#term;
    if (term === undefined) return;
    // Peers: what each of them holds goes beside it.
    const held = majorityOffset([flushedOffset]);
    // What an older epoch wrote is not committed by copies, but by a record of this one behind it.
    if (held <= term.startOffset || held <= this.#highWatermark) return;
    this.#highWatermark = held;
    this.#options.log.setHighWatermark?.(held);
    if (this.#proposals === undefined) {
      this.#tell({ type: 'epochStart.committed', epoch: term.epoch });
      return;
    }
    try {
      this.#proposals.advance(held);
    } catch (thrown) {
      this.#fail(asError(thrown));
      return;
    }
    this.#snapshotter.ifDue();
  }

  /** From the snapshot, or the log's start, to the start of this epoch. */
  async #replay(): Promise<void> {
    const { log, crc32c } = this.#options;
    const isWanted = (): boolean => this.#term !== undefined;
    try {
      await replayLog(log, this.#committed, { end: this.#highWatermark, isWanted, crc32c });
    } catch (thrown) {
      throw this.#failed(asError(thrown));
    }
  }

  /** The first failure is the one that is told. */
  #failed(error: Error): Error {
    this.#failure ??= error;
    return this.#failure;
  }

  #fail(error: Error): void {
    this.#logger.error('the metadata log has failed: this member stops', { error });
    this.#tell({ type: 'log.failed', reason: this.#failed(error).message });
  }
}
