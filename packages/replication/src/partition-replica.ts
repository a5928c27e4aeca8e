/**
 * The hot side of one partition replica: appends and reads as plain calls, answered by its log. What role it has is the
 * machine's knowledge (partition-replica.machine.ts): the machine's effects `lead`, `follow`, `goOffline` set the role here,
 * so that a send through the machine is paid per change of leadership and never per batch.
 *
 * Invariants: nothing is acknowledged above the high watermark (acks=all) or above what is flushed (acks=1); the high
 * watermark never moves back; nobody but a replica reads above it.
 */
import type { AbortedTransaction, AppendOutcome, PartitionLog, ReadResult } from '@odradek/log';
import { ErrorCode, leaderEpoch, type NodeId, type Offset } from '@odradek/protocol';
import { Acknowledgements, type Acknowledge } from './acknowledgements.ts';
import type { PartitionAssignment } from './assignment.ts';
import { nextHighWatermark } from './high-watermark.ts';

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

export interface ReadRequest {
  readonly fetchOffset: Offset;
  /** The epoch that the reader believes in; -1 when it does not say (KIP-320). */
  readonly currentLeaderEpoch: number;
  /** The epoch of the last record that the reader holds; -1 when it does not say. */
  readonly lastFetchedEpoch: number;
  readonly maxBytes: number;
  /** The first non-empty partition of an answer gives a whole batch, however large (KIP-74). */
  readonly atLeastOneBatch: boolean;
  readonly isolation: 'readUncommitted' | 'readCommitted';
}

export interface PartitionRead {
  readonly errorCode: ErrorCode;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly records: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** The reader may see more: its limits, or a boundary within the log, kept it from being given at once. */
  readonly isCut: boolean;
  /** Null under read_uncommitted. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  /** Where the reader's log and ours part (KIP-595's DivergingEpoch). */
  readonly divergingEpoch?: EpochEnd;
}

type Role =
  | { readonly kind: 'loading' }
  | { readonly kind: 'leader'; readonly assignment: PartitionAssignment }
  | { readonly kind: 'follower'; readonly assignment: PartitionAssignment }
  | { readonly kind: 'offline'; readonly reason: string };

export interface PartitionReplicaOptions {
  readonly topic: string;
  readonly partition: number;
  readonly nodeId: NodeId;
  readonly settings: ReplicaSettings;
  /** The log could not be read while this broker led it. The reader is told KAFKA_STORAGE_ERROR; somebody should be told why. */
  readonly onReadFailed: (error: unknown) => void;
}

/** Where a leader epoch ends; both -1 when nothing is known of it. */
export interface EpochEnd {
  readonly epoch: number;
  readonly endOffset: number;
}

/** Told that a reader may find more: the high watermark rose, or the role changed. */
export type ReadWatcher = () => void;

const UNKNOWN_EPOCH_END: EpochEnd = { epoch: -1, endOffset: -1 };

const unavailableRead = (errorCode: ErrorCode): PartitionRead => ({
  errorCode,
  highWatermark: -1,
  lastStableOffset: -1,
  logStartOffset: -1,
  records: [],
  sizeBytes: 0,
  isCut: false,
  abortedTransactions: null,
});

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
  readonly #watchers = new Set<ReadWatcher>();

  constructor(options: PartitionReplicaOptions) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.nodeId = options.nodeId;
    this.settings = options.settings;
    this.#onReadFailed = options.onReadFailed;
  }

  /** The log once it is open. */
  get log(): PartitionLog | undefined {
    return this.#log;
  }

  get role(): Role['kind'] {
    return this.#role.kind;
  }

  get assignment(): PartitionAssignment | undefined {
    return this.#role.kind === 'leader' || this.#role.kind === 'follower'
      ? this.#role.assignment
      : undefined;
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

  lead(assignment: PartitionAssignment): void {
    this.#role = { kind: 'leader', assignment };
    this.#advanceHighWatermark();
    this.#notifyWatchers();
  }

  follow(assignment: PartitionAssignment): void {
    this.#role = { kind: 'follower', assignment };
    this.#abandon(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  }

  goOffline(reason: string): void {
    this.#role = { kind: 'offline', reason };
    this.#abandon(ErrorCode.KAFKA_STORAGE_ERROR);
  }

  /** The partition is deleted or the broker stops. */
  retire(errorCode: ErrorCode): void {
    this.#role = { kind: 'loading' };
    this.#abandon(errorCode);
  }

  /** NONE when this broker leads the partition and the asker's epoch is ours. */
  leaderError(currentLeaderEpoch: number): ErrorCode {
    const role = this.#role;
    if (role.kind === 'loading') return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    if (role.kind === 'offline') return ErrorCode.KAFKA_STORAGE_ERROR;
    if (currentLeaderEpoch >= 0) {
      if (currentLeaderEpoch < role.assignment.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
      if (currentLeaderEpoch > role.assignment.leaderEpoch) return ErrorCode.UNKNOWN_LEADER_EPOCH;
    }
    return role.kind === 'leader' ? ErrorCode.NONE : ErrorCode.NOT_LEADER_OR_FOLLOWER;
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
    if (request.acks === -1 && role.assignment.isr.length < this.settings.minInsyncReplicas) {
      return refused(
        ErrorCode.NOT_ENOUGH_REPLICAS,
        `${role.assignment.isr.length} replica(s) are in sync, min.insync.replicas is ${this.settings.minInsyncReplicas}`,
      );
    }
    const outcome = log.appendAsLeader(request.records, {
      leaderEpoch: role.assignment.leaderEpoch,
      origin: request.origin,
    });
    if (outcome.status === 'refused' || request.acks === 0) return outcome;
    const nextOffset = (outcome.lastOffset + 1) as Offset;
    if (request.acks === 1)
      this.#waitFor(this.#flushed, log.flushedOffset, nextOffset, acknowledge);
    else this.#waitFor(this.#committed, log.highWatermark, nextOffset, acknowledge);
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
    const error = this.leaderError(request.currentLeaderEpoch);
    if (error !== ErrorCode.NONE || log === undefined) return unavailableRead(error);
    const { fetchOffset, lastFetchedEpoch } = request;
    if (lastFetchedEpoch >= 0) {
      const ours = this.endOffsetForEpoch(lastFetchedEpoch);
      if (ours.epoch < 0 || ours.endOffset < 0 || fetchOffset < log.logStartOffset) {
        return this.#answer(log, ErrorCode.OFFSET_OUT_OF_RANGE);
      }
      if (ours.epoch < lastFetchedEpoch || ours.endOffset < fetchOffset) {
        return { ...this.#answer(log, ErrorCode.NONE), divergingEpoch: ours };
      }
    }
    if (fetchOffset < log.logStartOffset || fetchOffset > log.logEndOffset) {
      return this.#answer(log, ErrorCode.OFFSET_OUT_OF_RANGE);
    }
    const isCommitted = request.isolation === 'readCommitted';
    const below = isCommitted ? log.lastStableOffset : log.highWatermark;
    const isCut = request.maxBytes <= 0 && !request.atLeastOneBatch;
    if (fetchOffset >= below) return this.#answer(log, ErrorCode.NONE, isCommitted ? [] : null);
    if (isCut) return { ...this.#answer(log, ErrorCode.NONE, isCommitted ? [] : null), isCut };
    try {
      const result = log.read(fetchOffset, {
        maxBytes: request.maxBytes,
        atLeastOneBatch: request.atLeastOneBatch,
        below,
      });
      const read =
        result instanceof Promise
          ? result.then((found) => this.#found(log, request, found, below))
          : this.#found(log, request, result, below);
      return read instanceof Promise
        ? read.catch((cause: unknown) => this.#readFailed(log, cause))
        : read;
    } catch (cause) {
      return this.#readFailed(log, cause);
    }
  }

  watch(watcher: ReadWatcher): void {
    this.#watchers.add(watcher);
  }

  unwatch(watcher: ReadWatcher): void {
    this.#watchers.delete(watcher);
  }

  #found(
    log: PartitionLog,
    request: ReadRequest,
    result: ReadResult,
    below: Offset,
  ): PartitionRead | Promise<PartitionRead> {
    if (result.status === 'outOfRange') return this.#answer(log, ErrorCode.OFFSET_OUT_OF_RANGE);
    const answer = (abortedTransactions: readonly AbortedTransaction[] | null): PartitionRead => ({
      ...this.#answer(log, ErrorCode.NONE, abortedTransactions),
      records: result.records,
      sizeBytes: result.sizeBytes,
      isCut: result.nextOffset < below,
    });
    if (request.isolation !== 'readCommitted') return answer(null);
    const aborted = log.abortedTransactions(request.fetchOffset, result.nextOffset);
    return aborted instanceof Promise ? aborted.then(answer) : answer(aborted);
  }

  #readFailed(log: PartitionLog, cause: unknown): PartitionRead {
    // Closed or deleted under the read: that is no failure, and the reader is to look for the partition again.
    const error = this.leaderError(-1);
    if (error !== ErrorCode.NONE) return unavailableRead(error);
    this.#onReadFailed(cause);
    const isDamage = cause instanceof Error && cause.name === 'LogCorruptError';
    return this.#answer(log, isDamage ? ErrorCode.CORRUPT_MESSAGE : ErrorCode.KAFKA_STORAGE_ERROR);
  }

  #answer(
    log: PartitionLog,
    errorCode: ErrorCode,
    abortedTransactions: readonly AbortedTransaction[] | null = null,
  ): PartitionRead {
    return {
      errorCode,
      highWatermark: log.highWatermark,
      lastStableOffset: log.lastStableOffset,
      logStartOffset: log.logStartOffset,
      records: [],
      sizeBytes: 0,
      isCut: false,
      abortedTransactions,
    };
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
    const role = this.#role;
    const log = this.#log;
    if (role.kind !== 'leader' || log === undefined) return;
    const next = nextHighWatermark(log.highWatermark, role.assignment.isr, (member) =>
      member === this.nodeId ? log.flushedOffset : undefined,
    );
    if (next <= log.highWatermark) return;
    log.setHighWatermark(next);
    const enough = role.assignment.isr.length >= this.settings.minInsyncReplicas;
    this.#committed.reached(
      next,
      enough ? ErrorCode.NONE : ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    );
    this.#notifyWatchers();
  }

  #abandon(errorCode: ErrorCode): void {
    this.#flushed.failAll(errorCode);
    this.#committed.failAll(errorCode);
    this.#notifyWatchers();
  }

  #notifyWatchers(): void {
    if (this.#watchers.size === 0) return;
    for (const watcher of [...this.#watchers]) watcher();
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
