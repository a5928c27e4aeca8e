/**
 * The hot side of one partition replica: appends and reads as plain calls, answered by its log. What role it has is the
 * machine's knowledge (partition-replica.machine.ts): the machine's effects `lead`, `follow`, `goOffline` set the role here,
 * so that a send through the machine is paid per change of leadership and never per batch.
 *
 * Invariants: nothing is acknowledged above the high watermark (acks=all) or above what is flushed (acks=1); the high
 * watermark never moves back; nobody but a replica reads above it; a follower says that it holds only what it has flushed.
 */
import type { AppendOutcome, PartitionLog } from '@odradek/log';
import {
  ErrorCode,
  leaderEpoch,
  offset,
  type LeaderEpoch,
  type NodeId,
  type Offset,
} from '@odradek/protocol';
import { Acknowledgements, type Acknowledge } from './acknowledgements.ts';
import type { PartitionAssignment } from './assignment.ts';
import { ALONE, type ReplicaCluster } from './cluster-view.ts';
import {
  appendTo,
  divergenceOf,
  positionIn,
  type FetchedOutcome,
  type FetchedRecords,
  type FollowerPosition,
  type Truncation,
} from './following.ts';
import { Leadership } from './leadership.ts';
import { preferredReadReplica } from './read-replica.ts';
import {
  emptyRead,
  readBatches,
  unavailableRead,
  type EpochEnd,
  type PartitionRead,
  type ReadRequest,
} from './reading.ts';
import { Watchers, type ReadWatcher } from './watchers.ts';

export interface ReplicaSettings {
  /** Topic's `min.insync.replicas`. */
  readonly minInsyncReplicas: number;
}

/** 0: no answer; 1: flushed here; -1: on every in-sync replica. */
export type RequiredAcks = 0 | 1 | -1;

export interface AppendRequest {
  /** The batches as they came; valid only during the call. */
  readonly records: Uint8Array;
  readonly acks: RequiredAcks;
  readonly origin: 'client' | 'coordinator';
}

type Role =
  | { readonly kind: 'loading' }
  | { readonly kind: 'leader'; readonly leadership: Leadership }
  | { readonly kind: 'follower'; readonly assignment: PartitionAssignment }
  | { readonly kind: 'offline'; readonly reason: string };

export interface PartitionReplicaOptions {
  readonly topic: string;
  readonly partition: number;
  readonly nodeId: NodeId;
  readonly settings: ReplicaSettings;
  /** The log could not be read while this broker led it. The reader is told KAFKA_STORAGE_ERROR; somebody should be told why. */
  readonly onReadFailed: (error: unknown) => void;
  /** The other brokers; left out by a broker that has none. */
  readonly cluster?: ReplicaCluster;
}

const UNKNOWN_EPOCH_END: EpochEnd = { epoch: -1, endOffset: -1 };

export class PartitionReplica {
  readonly topic: string;
  readonly partition: number;
  readonly nodeId: NodeId;
  settings: ReplicaSettings;
  #role: Role = { kind: 'loading' };
  #log: PartitionLog | undefined;
  readonly #onReadFailed: (error: unknown) => void;
  readonly #flushed = new Acknowledgements();
  readonly #committed = new Acknowledgements();
  readonly #cluster: ReplicaCluster;
  readonly #watchers = new Watchers();

  constructor(options: PartitionReplicaOptions) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.nodeId = options.nodeId;
    this.settings = options.settings;
    this.#onReadFailed = options.onReadFailed;
    this.#cluster = options.cluster ?? ALONE;
  }

  /** The log once it is open. */
  get log(): PartitionLog | undefined {
    return this.#log;
  }

  get role(): Role['kind'] {
    return this.#role.kind;
  }

  get assignment(): PartitionAssignment | undefined {
    if (this.#role.kind === 'leader') return this.#role.leadership.assignment;
    return this.#role.kind === 'follower' ? this.#role.assignment : undefined;
  }

  /** While it leads: followers, ISR, the start of its epoch. For descriptions, metrics and checks. */
  get leadership(): Leadership | undefined {
    return this.#role.kind === 'leader' ? this.#role.leadership : undefined;
  }

  /**
   * A leader whose high watermark has not reached the start of its epoch does not know yet what is committed: where the log
   * ends for clients cannot be told (OFFSET_NOT_AVAILABLE, KIP-207).
   */
  get isHighWatermarkKnown(): boolean {
    const leadership = this.leadership;
    return (
      leadership === undefined ||
      (this.#log !== undefined && this.#log.highWatermark >= leadership.epochStartOffset)
    );
  }

  /** Below it no replica that is up holds anything: what DeleteRecords waits for (KIP-107). */
  get lowWatermark(): Offset | undefined {
    const leadership = this.leadership;
    if (leadership === undefined || this.#log === undefined) return undefined;
    let low = this.#log.logStartOffset;
    for (const replica of leadership.assignment.replicas) {
      const follower = leadership.follower(replica);
      const peer = this.#cluster.broker(replica);
      if (follower === undefined || peer === undefined || peer.isFenced) continue;
      if (follower.logStartOffset < low) low = follower.logStartOffset;
    }
    return low;
  }

  /** Produces that wait for a flush or for the in-sync replicas. */
  get waitingProduces(): number {
    return this.#flushed.size + this.#committed.size;
  }

  /** The machine's `openLog` is done. */
  attach(log: PartitionLog): void {
    this.#log = log;
    log.onFlushed = (flushedOffset) => this.#onFlushed(flushedOffset);
  }

  /** The log is closed, and another one will take its place. */
  detach(): void {
    this.#log = undefined;
  }

  lead(assignment: PartitionAssignment): void {
    const log = this.#log;
    if (log === undefined) throw new Error(`${this.topic}-${this.partition} leads without a log`);
    log.completed();
    const known = this.leadership;
    if (known !== undefined && known.assignment.leaderEpoch === assignment.leaderEpoch) {
      known.assigned(assignment);
    } else {
      known?.end();
      // What a follower has not flushed yet counts for nobody; who waited as its leader of before was answered then.
      this.#flushed.failAll(ErrorCode.NOT_LEADER_OR_FOLLOWER);
      this.#committed.failAll(ErrorCode.NOT_LEADER_OR_FOLLOWER);
      const leadership = new Leadership({
        nodeId: this.nodeId,
        partition: this.partition,
        assignment,
        log,
        cluster: this.#cluster,
        minInsyncReplicas: () => this.settings.minInsyncReplicas,
        onIsrChanged: () => this.#isrChanged(),
      });
      this.#role = { kind: 'leader', leadership };
      this.#cluster.observer?.leaderBecame?.({
        ...this.#facts(assignment),
        logEndOffset: log.logEndOffset,
      });
    }
    this.#isrChanged();
    this.#watchers.tell();
  }

  follow(assignment: PartitionAssignment): void {
    const isSameEpoch =
      this.#role.kind === 'follower' &&
      this.#role.assignment.leaderEpoch === assignment.leaderEpoch;
    this.leadership?.end();
    this.#role = { kind: 'follower', assignment };
    // In sync by what it has in this life: a registration after an unclean stop took it off the list.
    if (assignment.isr.includes(this.nodeId)) this.#log?.completed();
    if (!isSameEpoch) this.#abandon(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  }

  goOffline(reason: string): void {
    this.leadership?.end();
    this.#role = { kind: 'offline', reason };
    this.#abandon(ErrorCode.KAFKA_STORAGE_ERROR);
  }

  /** The partition is deleted or the broker stops. */
  retire(errorCode: ErrorCode): void {
    this.leadership?.end();
    this.#role = { kind: 'loading' };
    this.#abandon(errorCode);
  }

  /** NONE when this broker leads the partition and the asker's epoch is ours. */
  leaderError(currentLeaderEpoch: number, mayReadFollower = false): ErrorCode {
    const role = this.#role;
    if (role.kind === 'loading') return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    if (role.kind === 'offline') return ErrorCode.KAFKA_STORAGE_ERROR;
    if (currentLeaderEpoch >= 0) {
      const known = this.assignment!.leaderEpoch;
      if (currentLeaderEpoch < known) return ErrorCode.FENCED_LEADER_EPOCH;
      if (currentLeaderEpoch > known) return ErrorCode.UNKNOWN_LEADER_EPOCH;
    }
    return role.kind === 'leader' || mayReadFollower
      ? ErrorCode.NONE
      : ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }

  /**
   * Decides the append at once; `acknowledge` is called when the records are as safe as `acks` asks, never before this
   * returns and never for a refused append. With acks=0 it is not called at all.
   */
  append(request: AppendRequest, acknowledge: Acknowledge): AppendOutcome {
    const role = this.#role;
    const log = this.#log;
    if (role.kind !== 'leader' || log === undefined) {
      return role.kind === 'offline'
        ? refused(ErrorCode.KAFKA_STORAGE_ERROR, `the partition is offline: ${role.reason}`)
        : refused(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    }
    const { assignment, isr } = role.leadership;
    if (request.acks === -1 && isr.committed.length < this.settings.minInsyncReplicas) {
      return refused(
        ErrorCode.NOT_ENOUGH_REPLICAS,
        `${isr.committed.length} replica(s) are in sync, min.insync.replicas is ${this.settings.minInsyncReplicas}`,
      );
    }
    const outcome = log.appendAsLeader(request.records, {
      leaderEpoch: assignment.leaderEpoch,
      origin: request.origin,
    });
    if (outcome.status === 'refused') return outcome;
    this.#watchers.tellOfAppend();
    if (request.acks === 0) return outcome;
    const nextOffset = (outcome.lastOffset + 1) as Offset;
    if (request.acks === 1)
      this.#waitFor(this.#flushed, log.flushedOffset, nextOffset, acknowledge);
    else {
      const told = this.#told(role.leadership, nextOffset, acknowledge);
      this.#waitFor(this.#committed, log.highWatermark, nextOffset, told);
    }
    return outcome;
  }

  /**
   * Where the epoch ended here (KIP-101): the largest known epoch that is not above it, and where the next one began. A
   * leader's own epoch begins at the log's end as soon as it leads, whether or not a record of it has come: the log knows of
   * epochs only by their records, so that a start does not have to write a file for every partition.
   */
  endOffsetForEpoch(epoch: number): EpochEnd {
    const log = this.#log;
    const own = this.assignment?.leaderEpoch ?? -1;
    if (log === undefined || epoch < 0) return UNKNOWN_EPOCH_END;
    if (epoch <= log.latestEpoch || epoch > own || this.role !== 'leader') {
      return log.endOffsetForEpoch(leaderEpoch(epoch));
    }
    const known = epoch === own || log.latestEpoch < 0 ? epoch : log.latestEpoch;
    return { epoch: known, endOffset: log.logEndOffset };
  }

  /** Whole batches at and after the offset, for a client. Synchronous when the tail in memory has them. Never rejects. */
  read(request: ReadRequest): PartitionRead | Promise<PartitionRead> {
    const log = this.#log;
    const { fetchOffset, lastFetchedEpoch, replica } = request;
    const mayReadFollower = request.mayReadFollower === true && replica === undefined;
    const error = this.leaderError(request.currentLeaderEpoch, mayReadFollower);
    if (error !== ErrorCode.NONE || log === undefined) return unavailableRead(error);
    if (replica !== undefined && this.leadership!.follower(replica.nodeId) === undefined) {
      // In this very epoch it may be a replica that a newer registration adds: it is to come again (as in Kafka).
      return unavailableRead(
        request.currentLeaderEpoch >= 0
          ? ErrorCode.UNKNOWN_LEADER_EPOCH
          : ErrorCode.NOT_LEADER_OR_FOLLOWER,
      );
    }
    if (
      replica !== undefined &&
      this.leadership!.isOfOldLife(replica.nodeId, replica.brokerEpoch)
    ) {
      return unavailableRead(ErrorCode.STALE_BROKER_EPOCH);
    }
    if (lastFetchedEpoch >= 0) {
      const ours = this.endOffsetForEpoch(lastFetchedEpoch);
      if (ours.epoch < 0 || ours.endOffset < 0 || fetchOffset < log.logStartOffset) {
        return emptyRead(log, ErrorCode.OFFSET_OUT_OF_RANGE);
      }
      if (ours.epoch < lastFetchedEpoch || ours.endOffset < fetchOffset) {
        return { ...emptyRead(log, ErrorCode.NONE), divergingEpoch: ours };
      }
    }
    if (fetchOffset < log.logStartOffset || fetchOffset > log.logEndOffset) {
      return emptyRead(log, ErrorCode.OFFSET_OUT_OF_RANGE);
    }
    if (replica !== undefined && !replica.isRepeat) {
      this.leadership!.noteFetch({ ...replica, fetchOffset });
      this.#advanceHighWatermark();
    }
    return readBatches(log, request, this.#boundFor(log, request), (cause) =>
      this.#readFailed(log, mayReadFollower, cause),
    );
  }

  /** Who in the client's rack should be read instead of this leader (KIP-392); undefined: nobody. */
  preferredReadReplica(clientRack: string, fetchOffset: Offset): NodeId | undefined {
    const leadership = this.leadership;
    return leadership === undefined || clientRack === ''
      ? undefined
      : preferredReadReplica(leadership, this.nodeId, clientRack, fetchOffset, this.#cluster);
  }

  /** Asked about twice in each lag time: members of the ISR who are behind for too long are to leave it. */
  shrinkIsr(): void {
    this.leadership?.shrinkIsr();
  }

  /** Whether a follower of this partition is behind; for metrics, throttles and descriptions. */
  isInSync(nodeId: NodeId): boolean {
    return this.leadership?.isr.committed.includes(nodeId) ?? false;
  }

  /**
   * From where to fetch in this leader epoch. Undefined while it does not follow in it, or while something that was appended
   * is not flushed: a fetch says to the leader that all before it is held.
   */
  followerPosition(epoch: LeaderEpoch): FollowerPosition | undefined {
    const log = this.#log;
    if (log === undefined || !this.#follows(epoch)) return undefined;
    return positionIn(log, this.#cluster.mutant);
  }

  /** Appends what the leader of this epoch gave at `fetchOffset`, and takes over how far it is committed. */
  appendFetched(epoch: LeaderEpoch, fetchOffset: Offset, fetched: FetchedRecords): FetchedOutcome {
    const log = this.#log;
    if (log === undefined || !this.#follows(epoch) || log.logEndOffset !== fetchOffset) {
      return { status: 'stale' };
    }
    const before = log.highWatermark;
    const outcome = appendTo(log, fetchOffset, fetched);
    if (log.highWatermark > before) {
      this.#tellHighWatermark(log);
      this.#watchers.tell();
    }
    if (outcome.status === 'appended' && fetched.logStartOffset > log.logStartOffset) {
      // Not above its own high watermark: it comes again with the next answer.
      log.deleteRecordsBefore(offset(Math.min(fetched.logStartOffset, log.highWatermark)));
    }
    return outcome;
  }

  /** Resolves when all that is appended now is flushed, or never will be. */
  whenFlushed(): Promise<void> {
    const log = this.#log;
    const isSafe = log === undefined || log.flushedOffset >= log.logEndOffset;
    if (isSafe || this.#cluster.mutant === 'ackBeforeFlush') return Promise.resolve();
    return new Promise((resolve) => this.#flushed.wait(log.logEndOffset, () => resolve()));
  }

  /** Where this follower's log parts from the leader's, by what the leader says of the epoch (KIP-101, KIP-279, KIP-595). */
  divergenceFrom(leaders: EpochEnd): Truncation {
    const log = this.#log;
    if (log === undefined)
      throw new Error(`${this.topic}-${this.partition} diverges without a log`);
    return divergenceOf(log, leaders, this.#cluster.mutant);
  }

  /** Null, but for a mutant: what is to be cut before the first fetch of an epoch is told by the leader. */
  cutBeforeFetching(): Truncation | null {
    const log = this.#log;
    if (log === undefined || this.#cluster.mutant !== 'truncateToHighWatermark') return null;
    return log.highWatermark < log.logEndOffset
      ? { kind: 'cut', endOffset: log.highWatermark }
      : null;
  }

  /** The machine's `truncateLog`: durable on return. */
  async truncate(truncation: Truncation): Promise<void> {
    const log = this.#log;
    if (log === undefined) throw new Error(`${this.topic}-${this.partition} is cut without a log`);
    if (truncation.kind === 'cut') await log.truncateTo(truncation.endOffset);
    else await log.truncateFullyAndStartAt(truncation.startOffset);
  }

  /** `ofAppends`: told of every append, as a follower wants to be, not only of what is committed. */
  watch(watcher: ReadWatcher, { ofAppends = false } = {}): void {
    this.#watchers.add(watcher, ofAppends);
  }

  unwatch(watcher: ReadWatcher): void {
    this.#watchers.delete(watcher);
  }

  #follows(epoch: LeaderEpoch): boolean {
    return this.#role.kind === 'follower' && this.#role.assignment.leaderEpoch === epoch;
  }

  /** A reader sees nothing at or above it. */
  #boundFor(log: PartitionLog, { replica, isolation }: ReadRequest): Offset {
    if (replica !== undefined) return log.logEndOffset;
    if (isolation === 'readCommitted') return log.lastStableOffset;
    const { mutant } = this.#cluster;
    return mutant === 'followerReadsToEnd' && this.role === 'follower'
      ? log.logEndOffset
      : log.highWatermark;
  }

  #readFailed(log: PartitionLog, mayReadFollower: boolean, cause: unknown): PartitionRead {
    // Closed or deleted under the read: that is no failure, and the reader is to look for the partition again.
    const error = this.leaderError(-1, mayReadFollower);
    if (error !== ErrorCode.NONE) return unavailableRead(error);
    this.#onReadFailed(cause);
    const isDamage = cause instanceof Error && cause.name === 'LogCorruptError';
    return emptyRead(log, isDamage ? ErrorCode.CORRUPT_MESSAGE : ErrorCode.KAFKA_STORAGE_ERROR);
  }

  #waitFor(
    line: Acknowledgements,
    mark: Offset,
    nextOffset: Offset,
    acknowledge: Acknowledge,
  ): void {
    // A duplicate of what is safe already is answered in a microtask: never before `append` returned.
    if (nextOffset <= mark) void Promise.resolve().then(() => acknowledge(ErrorCode.NONE));
    else line.wait(nextOffset, acknowledge);
  }

  #onFlushed(flushedOffset: Offset): void {
    this.#flushed.reached(flushedOffset);
    if (this.#role.kind === 'leader') this.#advanceHighWatermark();
  }

  #advanceHighWatermark(): void {
    const leadership = this.leadership;
    const log = this.#log;
    if (leadership === undefined || log === undefined) return;
    const next = leadership.nextHighWatermark();
    if (next <= log.highWatermark) return;
    log.setHighWatermark(next);
    this.#tellHighWatermark(log);
    const enough = leadership.isr.committed.length >= this.settings.minInsyncReplicas;
    this.#committed.reached(
      next,
      enough ? ErrorCode.NONE : ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    );
    this.#watchers.tell();
  }

  #tellHighWatermark({ highWatermark }: PartitionLog): void {
    const { observer } = this.#cluster;
    const { assignment } = this;
    if (observer === undefined || assignment === undefined) return;
    const isLeader = this.role === 'leader';
    observer.highWatermarkMoved?.({ ...this.#facts(assignment), highWatermark, isLeader });
  }

  /** For whoever observes, at the moment at which the producer is told. */
  #told(leadership: Leadership, nextOffset: Offset, acknowledge: Acknowledge): Acknowledge {
    const { observer } = this.#cluster;
    if (observer === undefined) return acknowledge;
    return (errorCode) => {
      if (errorCode === ErrorCode.NONE)
        observer.acknowledged?.({
          ...this.#facts(leadership.assignment),
          nextOffset,
          isr: leadership.isr.committed,
          minInsyncReplicas: this.settings.minInsyncReplicas,
        });
      acknowledge(errorCode);
    };
  }

  #facts({ leaderEpoch: epoch }: PartitionAssignment) {
    const { nodeId, topic, partition } = this;
    return { nodeId, topic, partition, leaderEpoch: epoch };
  }

  #isrChanged(): void {
    this.#advanceHighWatermark();
    // The mark stands still from now on: who waits for it is told, instead of after a timeout.
    if (this.leadership?.isUnderMinIsr) {
      this.#committed.failAll(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    }
  }

  #abandon(errorCode: ErrorCode): void {
    this.#flushed.failAll(errorCode);
    this.#committed.failAll(errorCode);
    this.#watchers.tell();
  }
}

const refused = (
  errorCode: ErrorCode,
  message = 'this broker does not lead the partition',
): AppendOutcome => ({
  status: 'refused',
  errorCode,
  message,
  recordErrors: [],
});
