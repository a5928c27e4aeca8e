/**
 * What all parts of a member know and change together: how far its log is committed, who votes, why it has failed; and the
 * machine, to which they tell what has happened. The parts (founding, voting, leading, following, reading) know this, and of
 * one another no more than the member introduces.
 */
import type { ActorRefFrom } from 'xstate';
import type { Clock, Logger } from '@odradek/ports';
import type { LeaderEpoch, NodeId, Offset } from '@odradek/protocol';
import { QuorumError } from '../errors.ts';
import { ELECTION_TIMEOUT_MS, FETCH_TIMEOUT_MS } from '../limits.ts';
import type { SnapshotId } from '../tree/snapshot.ts';
import { CommittedTree } from './committed-tree.ts';
import type { ElectionState, LogEnd } from './election.ts';
import { mutantsOf, type QuorumMutant } from './mutants.ts';
import { Observation } from './observation.ts';
import { noPeers, type QuorumPeers } from './peers.ts';
import type { MemberEvent } from './quorum-member.events.ts';
import type { quorumMemberMachine } from './quorum-member.machine.ts';
import type { QuorumLog } from './quorum-log.ts';
import type { QuorumMemberOptions } from './quorum-member.types.ts';
import type { Recovered } from './recovery.ts';
import type { ReplicaKey } from './replica-progress.ts';
import { isVoterIn, type VoterHistory } from './voters.ts';
import { Waiters } from './waiting.ts';

export class MemberCore {
  readonly options: QuorumMemberOptions;
  readonly self: ReplicaKey;
  readonly log: QuorumLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly peers: QuorumPeers;
  readonly mutants: ReadonlySet<QuorumMutant>;
  readonly committed: CommittedTree;
  readonly voters: VoterHistory;
  readonly observation: Observation;
  /** Whoever waits for something of this member's. */
  readonly waiters = new Waiters();
  highWatermark: Offset;
  /** A snapshot that takes the log's place just now. */
  installing: SnapshotId | undefined;
  #failure: Error | null = null;
  #actor: ActorRefFrom<typeof quorumMemberMachine> | undefined;

  constructor(options: QuorumMemberOptions, { snapshot, voters }: Recovered) {
    this.options = options;
    this.self = { id: options.nodeId, incarnation: options.incarnation };
    this.log = options.log;
    this.clock = options.clock;
    this.logger = options.logger;
    this.peers = options.peers ?? noPeers;
    this.mutants = mutantsOf(options.probe);
    this.voters = voters;
    this.observation = new Observation(this.self, options.probe?.observer);
    this.committed = new CommittedTree(snapshot, options.logger, {
      tellsTwice: this.mutants.has('watchBackInTime'),
    });
    this.highWatermark = this.committed.nextOffset;
  }

  /** The machine of its roles, which comes last: its effects are the parts'. */
  attach(actor: ActorRefFrom<typeof quorumMemberMachine>): void {
    this.#actor = actor;
  }

  get actor(): ActorRefFrom<typeof quorumMemberMachine> {
    return this.#actor!;
  }

  get election(): ElectionState {
    return this.actor.getSnapshot().context.election;
  }

  get isRunning(): boolean {
    return this.actor.getSnapshot().status === 'active';
  }

  readonly clusterId = (): string | null => this.options.clusterId?.() ?? null;

  get electionTimeoutMs(): number {
    return this.options.electionTimeoutMs ?? ELECTION_TIMEOUT_MS;
  }

  get fetchTimeoutMs(): number {
    return this.options.fetchTimeoutMs ?? FETCH_TIMEOUT_MS;
  }

  /** Of one request to another member. */
  get requestTimeoutMs(): number {
    return this.options.requestTimeoutMs ?? this.fetchTimeoutMs;
  }

  /**
   * What votes are compared by. Of what a log ends with that has nothing but a snapshot before it, only the snapshot knows the
   * epoch; and while one is put in the log's place, nobody is to be elected over what it holds.
   */
  readonly logEnd = (): LogEnd => {
    const coming = this.installing;
    if (coming !== undefined) return { lastEpoch: coming.epoch, endOffset: coming.nextOffset };
    const { latestEpoch, logEndOffset } = this.log;
    const { epoch, nextOffset } = this.committed.snapshotId;
    const lastEpoch = latestEpoch < 0 && nextOffset === logEndOffset ? epoch : latestEpoch;
    return { lastEpoch: Math.max(lastEpoch, 0) as LeaderEpoch, endOffset: logEndOffset };
  };

  get isVoter(): boolean {
    return isVoterIn(this.voters.latest, this.self.id, this.self.incarnation);
  }

  /** The machine may have ended: what comes later means nothing to it. */
  tell(event: MemberEvent): void {
    if (this.isRunning) this.actor.send(event);
  }

  /** What the machine was told of the voters is what the log says. */
  votersChanged(): void {
    this.tell({ type: 'voters.changed', voters: this.voters.latest });
  }

  /** Some message names an epoch and, maybe, who leads in it. */
  readonly hearStanding = (epoch: LeaderEpoch, leaderId: NodeId | null): void => {
    // Every answer says it, and nearly all of them what is known: the machine is not asked each time.
    const { election } = this.actor.getSnapshot().context;
    const isKnown = epoch === election.epoch && (leaderId === null || election.leaderId !== null);
    if (isKnown || epoch < election.epoch) return;
    if (leaderId !== null) this.tell({ type: 'leader.discovered', epoch, leaderId });
    // Whoever has no vote has no need of an epoch without a leader.
    else if (this.isVoter) this.tell({ type: 'epoch.observed', epoch });
  };

  get failure(): Error | null {
    return this.#failure;
  }

  /** The first failure is the one that is told. */
  failed(error: Error): Error {
    this.#failure ??= error;
    return this.#failure;
  }

  fail(error: Error): void {
    if (!this.isRunning) return;
    this.logger.error('the metadata log has failed: this member stops', { error });
    this.tell({ type: 'log.failed', reason: this.failed(error).message });
  }

  /** Why nothing is to be waited for any more. */
  readonly stopped = (): Error | undefined => {
    if (this.#failure !== null) return this.#failure;
    if (this.isRunning) return undefined;
    return new QuorumError('interrupted', 'the member was closed meanwhile');
  };
}
