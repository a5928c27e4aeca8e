/**
 * One leader epoch of one partition, on the broker that leads it: its followers' progress, the ISR with what is wished of it,
 * and the high watermark that follows from both. It decides in memory; proposals leave through the cluster's port.
 *
 * Invariants: the mark moves only on what was said in this epoch, never while the ISR is smaller than it must be, and counts
 * all who may be in the ISR (design.md, replication rules 2 to 4). A follower joins only when it holds all that is committed
 * and all that was here when the epoch began, in the life that the cluster knows of.
 */
import type { PartitionLog } from '@odradek/log';
import { ErrorCode, type NodeId, type Offset } from '@odradek/protocol';
import { effectiveMinIsr, type PartitionAssignment } from './assignment.ts';
import type { IsrAnswer, ReplicaCluster } from './cluster-view.ts';
import { FollowerProgress, type FollowerFetch } from './follower-progress.ts';
import { nextHighWatermark } from './high-watermark.ts';
import { committedIsr, expanding, retracting, shrinking, type IsrState } from './isr-state.ts';

type LeaderLog = Pick<PartitionLog, 'topicId' | 'logEndOffset' | 'flushedOffset' | 'highWatermark'>;

export interface LeadershipOptions {
  readonly nodeId: NodeId;
  readonly partition: number;
  readonly assignment: PartitionAssignment;
  readonly log: LeaderLog;
  readonly cluster: ReplicaCluster;
  readonly minInsyncReplicas: () => number;
  /** The committed or the maximal ISR changed by the controller's answer: the high watermark may rise. */
  readonly onIsrChanged: () => void;
}

export class Leadership {
  /** The log's end when the epoch began: what is below was written in earlier ones. */
  readonly epochStartOffset: Offset;
  readonly #options: LeadershipOptions;
  readonly #log: LeaderLog;
  readonly #followers = new Map<NodeId, FollowerProgress>();
  #assignment: PartitionAssignment;
  #isr: IsrState;
  /** A proposal is on its way; an answer to an older one is told by its number. */
  #proposal = 0;
  #isOutstanding = false;
  #isOver = false;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#assignment = options.assignment;
    this.#isr = committedIsr(options.assignment.isr);
    this.epochStartOffset = options.log.logEndOffset;
    this.#keepFollowers();
  }

  get assignment(): PartitionAssignment {
    return this.#assignment;
  }

  get isr(): IsrState {
    return this.#isr;
  }

  follower(nodeId: NodeId): FollowerProgress | undefined {
    return this.#followers.get(nodeId);
  }

  /** Whether so few are in sync that the high watermark stands still. */
  get isUnderMinIsr(): boolean {
    if (this.#options.cluster.mutant === 'acknowledgedByTooFew') return false;
    const min = effectiveMinIsr(
      this.#options.minInsyncReplicas(),
      this.#assignment.replicas.length,
    );
    return this.#isr.committed.length < min;
  }

  /** The registration moved on within the epoch: whatever was wished has come to pass, or never will. */
  assigned(assignment: PartitionAssignment): void {
    const known = this.#assignment.partitionEpoch;
    // The controller's answer may have been faster than the metadata log.
    if (assignment.partitionEpoch < known) return;
    this.#assignment = assignment;
    if (assignment.partitionEpoch > known) this.#settle(assignment.isr);
    this.#keepFollowers();
  }

  /** The epoch has ended here: answers that still come are for nobody. */
  end(): void {
    this.#isOver = true;
  }

  /** It speaks for a life of the broker that is over (KIP-903). One that is newer than what we have heard may speak. */
  isOfOldLife(nodeId: NodeId, brokerEpoch: number): boolean {
    const { cluster } = this.#options;
    const known = cluster.broker(nodeId)?.brokerEpoch ?? -1;
    return brokerEpoch >= 0 && brokerEpoch < known && cluster.mutant !== 'staleBrokerEpochJoins';
  }

  /** The follower is assigned, and its log was found to agree with ours up to where it fetches. */
  noteFetch(fetch: FollowerFetch): void {
    const follower = this.#followers.get(fetch.nodeId);
    if (follower === undefined) return;
    follower.fetched(fetch, this.#log.logEndOffset, this.#options.cluster.clock.monotonicMs());
    this.#expandBy(follower);
  }

  nextHighWatermark(): Offset {
    const { nodeId, cluster } = this.#options;
    const { highWatermark, logEndOffset, flushedOffset } = this.#log;
    if (this.isUnderMinIsr) return highWatermark;
    const own = cluster.mutant === 'ackBeforeFlush' ? logEndOffset : flushedOffset;
    const counted =
      cluster.mutant === 'highWatermarkFromSmallerIsr' && this.#isr.change?.kind === 'shrinking'
        ? this.#isr.change.proposed
        : this.#isr.maximal;
    const next = nextHighWatermark(highWatermark, counted, (member) =>
      member === nodeId ? own : this.#followers.get(member)?.endOffset,
    );
    return next === highWatermark ? next : this.#heldForJoiners(next);
  }

  /** Asked from time to time: members who have been behind for too long are to leave. */
  shrinkIsr(): void {
    const { cluster, nodeId } = this.#options;
    if (this.#isr.change !== null) {
      // A retraction that was refused: the controller is about to say something new, or is to be asked again.
      if (!this.#isOutstanding && this.#isr.change.kind === 'retracting') this.#propose();
      return;
    }
    const nowMs = cluster.clock.monotonicMs();
    const lagTimeMaxMs = cluster.lagTimeMaxMs();
    const lagging = this.#isr.committed.filter((member) => {
      if (member === nodeId) return false;
      const follower = this.#followers.get(member);
      return !follower?.isCaughtUp(this.#log.logEndOffset, nowMs, lagTimeMaxMs);
    });
    if (lagging.length === 0) return;
    this.#isr = shrinking(this.#isr, new Set(lagging));
    this.#propose();
  }

  /** Somebody who is about to join is waited for, else the mark would run away from him. He has one lag time. */
  #heldForJoiners(next: Offset): Offset {
    const { cluster } = this.#options;
    const nowMs = cluster.clock.monotonicMs();
    let mark = next;
    for (const follower of this.#followers.values()) {
      const { endOffset, nodeId } = follower;
      if (endOffset === undefined || endOffset >= mark || this.#isr.maximal.includes(nodeId)) {
        continue;
      }
      if (!follower.isCaughtUp(this.#log.logEndOffset, nowMs, cluster.lagTimeMaxMs())) continue;
      if (this.#isEligible(follower)) mark = endOffset;
    }
    return mark < this.#log.highWatermark ? this.#log.highWatermark : mark;
  }

  #expandBy(follower: FollowerProgress): void {
    const { nodeId, endOffset } = follower;
    if (this.#isr.change !== null || this.#isr.committed.includes(nodeId)) return;
    if (endOffset === undefined || endOffset < this.#log.highWatermark) return;
    const isEpochReached =
      endOffset >= this.epochStartOffset || this.#options.cluster.mutant === 'isrGrownTooEarly';
    if (!isEpochReached || !this.#isEligible(follower)) return;
    this.#isr = expanding(this.#isr, nodeId);
    this.#propose();
  }

  /** Neither fenced nor leaving, and in the life that the cluster knows of (KIP-903). */
  #isEligible({ nodeId, brokerEpoch }: FollowerProgress): boolean {
    const { cluster } = this.#options;
    const peer = cluster.broker(nodeId);
    if (peer === undefined || peer.isFenced || peer.isShuttingDown) return false;
    if (cluster.mutant === 'staleBrokerEpochJoins') return true;
    return brokerEpoch === -1 || brokerEpoch === peer.brokerEpoch;
  }

  #propose(): void {
    const { cluster, partition, nodeId } = this.#options;
    const own = ++this.#proposal;
    this.#isOutstanding = true;
    const isLax = cluster.mutant === 'staleBrokerEpochJoins';
    cluster.proposeIsr(
      {
        topicId: this.#log.topicId,
        partition,
        leaderEpoch: this.#assignment.leaderEpoch,
        partitionEpoch: this.#assignment.partitionEpoch,
        isr: this.#isr.change!.proposed.map((brokerId) => ({
          brokerId,
          // Our own, and those who were members before: the controller put them there in the life that they have.
          brokerEpoch:
            brokerId === nodeId || isLax ? -1 : (this.#followers.get(brokerId)?.brokerEpoch ?? -1),
        })),
      },
      (answer) => {
        if (own === this.#proposal && !this.#isOver) this.#answered(answer);
      },
    );
  }

  #answered(answer: IsrAnswer): void {
    this.#isOutstanding = false;
    const { leaderEpoch, partitionEpoch } = this.#assignment;
    if (answer.errorCode === ErrorCode.NONE) {
      const isOurs =
        answer.leaderEpoch === leaderEpoch || this.#options.cluster.mutant === 'zombieLeader';
      if (!isOurs || answer.partitionEpoch < partitionEpoch) return;
      this.#assignment = {
        ...this.#assignment,
        isr: answer.isr,
        partitionEpoch: answer.partitionEpoch,
      };
      this.#settle(answer.isr);
      this.#options.onIsrChanged();
      return;
    }
    switch (answer.errorCode) {
      case ErrorCode.INELIGIBLE_REPLICA:
      case ErrorCode.OPERATION_NOT_ATTEMPTED:
        if (this.#isr.change?.kind === 'retracting') return;
        if (!answer.isAmbiguous) {
          this.#isr = committedIsr(this.#isr.committed);
          this.#options.onIsrChanged();
          return;
        }
        this.#isr = retracting(this.#isr);
        this.#propose();
        return;
      default:
      // Our knowledge is old: what was wished may be in the new registration, which the metadata log brings. Until then all
      // who may be members count.
    }
  }

  #settle(isr: readonly NodeId[]): void {
    this.#proposal++;
    this.#isOutstanding = false;
    this.#isr = committedIsr(isr);
  }

  #keepFollowers(): void {
    const { nodeId, cluster } = this.#options;
    const { replicas } = this.#assignment;
    for (const known of this.#followers.keys()) {
      if (!replicas.includes(known)) this.#followers.delete(known);
    }
    const nowMs = cluster.clock.monotonicMs();
    for (const replica of replicas) {
      if (replica === nodeId || this.#followers.has(replica)) continue;
      const isInSync = this.#isr.committed.includes(replica);
      this.#followers.set(
        replica,
        new FollowerProgress(replica, isInSync, this.#log.logEndOffset, nowMs),
      );
    }
  }
}
