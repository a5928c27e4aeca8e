/**
 * One partition's log. It decides synchronously and in memory; the disk follows, and says so through `onFlushed`. This file
 * puts the parts together; what each does stands in its own.
 *
 *   appending   append.ts decides, tail.ts holds, writer.ts writes, sealing.ts ends a segment
 *   reading     reader.ts, lookup.ts, transactions.ts over segment.ts and indexes.ts
 *   opening     recovery.ts, damage.ts, producer-replay.ts; closing.ts for the end
 *   forgetting  retention.ts, truncation.ts, cleaner/
 */
import { leaderEpoch, offset } from '@odradek/protocol';
import type { LeaderEpoch, Offset, ProducerEpoch, ProducerId, Uuid } from '@odradek/protocol';
import { NO_MUTANTS, type FileEntry, type LogObserver, type Mutants } from '@odradek/ports';
import { appendAsFollower, appendAsLeader } from './append.ts';
import type { AppendAsLeaderOptions, AppendOutcome } from './append.ts';
import { compact, compactionNeed } from './cleaner/compaction.ts';
import type { CompactionNeed, CompactionOptions, CompactionOutcome } from './cleaner/compaction.ts';
import { close, deleteLog } from './closing.ts';
import type { EpochEnd } from './leader-epochs.ts';
import { PENDING_BYTES_MAX } from './limits.ts';
import type { LogConfig } from './log-config.ts';
import { onOneGeneration, sizeBytesOf } from './log-state.ts';
import type { LogPorts, LogState } from './log-state.ts';
import { earliestOffset, latestOffset, maxTimestampOffset, offsetForTimestamp } from './lookup.ts';
import type { FoundOffset } from './lookup.ts';
import { INCOMPLETE, folderOf } from './names.ts';
import { read } from './reader.ts';
import type { ReadOptions, ReadResult } from './reader.ts';
import { Reaper } from './reaper.ts';
import { recover } from './recovery.ts';
import { LogResources } from './resources.ts';
import { deleteRecordsBefore, enforceRetention } from './retention.ts';
import type { RetentionOutcome } from './retention.ts';
import { recoveryPointOf, saveLeaderEpochs, saveLeaderEpochsBehind } from './sealing.ts';
import { Serial } from './serial.ts';
import { Tail } from './tail.ts';
import type { AbortedTransaction } from './transaction-index.ts';
import { abortedInMemory, abortedTransactions } from './transactions.ts';
import { truncateFullyAndStartAt, truncateTo } from './truncation.ts';
import { Writer } from './writer.ts';
import { asError } from './errors.ts';

export interface LogOptions extends Omit<LogPorts, 'resources'> {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid;
  readonly config: LogConfig;
  /** Shared with the volume's other logs; one of its own when left out. */
  readonly resources?: LogResources;
  /** Of recovery-point-offset-checkpoint; 0 when there is none. */
  readonly recoveryPoint?: Offset;
  /** Of log-start-offset-checkpoint; 0 when there is none. */
  readonly logStartOffset?: Offset;
  /** Of cleaner-offset-checkpoint. */
  readonly firstDirtyOffset?: Offset;
  /** The last owner closed every log with `close({ clean: true })`, and wrote down that it did. */
  readonly cleanShutdown?: boolean;
  /**
   * The machine stopped, not only the process: what was not flushed may have holes. Believed of the end of the log only.
   * False: the process alone; then the end of the log is the front of what was written, and anything else is damage.
   * An owner that cannot tell leaves it out: then damage with sound batches behind it is reported, never cut.
   */
  readonly powerLoss?: boolean;
  /** The partition's, as the cluster has it: what says that it is of a later one is damaged. The checksum does not cover it. */
  readonly leaderEpochMax?: number;
  /** The folder's files, where the owner has listed many folders at once. */
  readonly files?: readonly FileEntry[];
  /** producer.id.expiration.ms */
  readonly producerIdExpirationMs?: number;
  /** For simulations (ports/src/probe.ts). */
  readonly mutants?: Mutants;
  readonly observer?: LogObserver;
}

export interface ProducerDescription {
  readonly producerId: ProducerId;
  readonly producerEpoch: ProducerEpoch;
  /** -1: none. */
  readonly lastSequence: number;
  readonly lastTimestampMs: number;
  /** -1: none. */
  readonly coordinatorEpoch: number;
  /** -1: none. */
  readonly currentTxnStartOffset: Offset;
}

const DAY_MS = 24 * 60 * 60 * 1000;

export class PartitionLog {
  readonly topicPartition: { readonly topic: string; readonly partition: number };
  readonly topicId: Uuid;
  /** Acknowledged up to this offset: flushed with flush.messages=1, else written. In order, once for many appends. */
  onFlushed: (flushedOffset: Offset) => void = () => {};
  /** Once, and for good: nothing is appended any more. Make the replica offline. */
  onFailed: (error: Error) => void = () => {};
  readonly #log: LogState;
  readonly #producerIdExpirationMs: number;

  private constructor(options: LogOptions, log: LogState) {
    this.topicPartition = { topic: options.topic, partition: options.partition };
    this.topicId = options.topicId;
    this.#log = log;
    this.#producerIdExpirationMs = options.producerIdExpirationMs ?? DAY_MS;
  }

  /** Recovery included. Rejects with LogCorruptError, InconsistentTopicIdError, VolumeError. */
  static async open(options: LogOptions): Promise<PartitionLog> {
    const { volume, clock, logger, crc32c, compression, random, config } = options;
    const resources = options.resources ?? new LogResources({ clock, traits: volume.traits });
    const ports = {
      volume,
      clock,
      logger,
      crc32c,
      compression,
      random,
      resources,
      decompress: compression.decompress.bind(compression),
      mutants: options.mutants ?? NO_MUTANTS,
      observer: options.observer,
    };
    const contents = await recover(ports, folderOf(options.topic, options.partition), config, {
      topicId: options.topicId,
      files: options.files,
      recoveryPoint: options.recoveryPoint ?? offset(0),
      logStartOffset: options.logStartOffset ?? offset(0),
      cleanShutdown: options.cleanShutdown ?? false,
      powerLoss: options.powerLoss,
      leaderEpochMax: options.leaderEpochMax ?? Infinity,
    });
    const { logEndOffset, logStartOffset } = contents;
    options.observer?.opened(logStartOffset, logEndOffset);
    const writer = new Writer({
      clock,
      resources,
      mutants: ports.mutants,
      config: () => log.config,
      endOffset: logEndOffset,
      onFlushed: (flushedOffset) => {
        ports.observer?.flushed(flushedOffset);
        opened.onFlushed(flushedOffset);
      },
      onFailed: (error) => {
        logger.error('the log has failed: it takes no more appends', { folder: log.folder, error });
        opened.onFailed(error);
      },
    });
    const background = new Serial((error) => writer.fail(asError(error)));
    const log: LogState = {
      ...contents,
      tail: new Tail(resources.tails),
      writer,
      background,
      maintenance: new Serial(),
      reaper: new Reaper(clock, background),
      highWatermark: logStartOffset,
      savedEpochsRevision: 0,
      sealsUnderWay: 0,
      recoveryPoint: logEndOffset,
      firstDirtyOffset: options.firstDirtyOffset ?? logStartOffset,
      cleanEndOffset: options.cleanShutdown === true ? logEndOffset : offset(-1),
      phase: 'open',
      urgent: 0,
      generation: 0,
    };
    const opened: PartitionLog = new PartitionLog(options, log);
    // What recovery found out about epochs is on the disk before anybody builds on it.
    await saveLeaderEpochs(log);
    return opened;
  }

  /**
   * It may lack records that it acknowledged: something was cut when it was opened, now or before, which was never told to
   * anybody, or was damaged.
   */
  get isIncomplete(): boolean {
    return this.#log.isIncomplete;
  }

  /** It has caught up with those who have everything. */
  completed(): void {
    const log = this.#log;
    if (!log.isIncomplete) return;
    log.isIncomplete = false;
    log.background.start(() => log.ports.volume.remove(`${log.folder}/${INCOMPLETE}`));
  }

  get config(): LogConfig {
    return this.#log.config;
  }

  updateConfig(config: LogConfig): void {
    this.#log.config = config;
  }

  get logStartOffset(): Offset {
    return this.#log.logStartOffset;
  }

  /** Of the next record to be appended. */
  get logEndOffset(): Offset {
    return this.#log.logEndOffset;
  }

  /** Everything below is as durable as the flush policy promises. */
  get flushedOffset(): Offset {
    return this.#log.writer.flushedOffset;
  }

  /** For recovery-point-offset-checkpoint. Write it after truncations too, which lower it. */
  get recoveryPoint(): Offset {
    return recoveryPointOf(this.#log);
  }

  get highWatermark(): Offset {
    return this.#log.highWatermark;
  }

  /** The replica's decision. Kept within the log. */
  setHighWatermark(highWatermark: Offset): void {
    const log = this.#log;
    log.highWatermark = offset(
      Math.max(log.logStartOffset, Math.min(highWatermark, log.logEndOffset)),
    );
    log.producers.highWatermarkMoved(log.highWatermark);
  }

  /** Below it every transaction is decided: what a read_committed consumer may see. */
  get lastStableOffset(): Offset {
    const { producers, highWatermark, logStartOffset } = this.#log;
    const unstable = producers.firstUnstableOffset;
    return unstable === undefined
      ? highWatermark
      : offset(Math.min(highWatermark, Math.max(unstable, logStartOffset)));
  }

  /** Of all segments, what is queued for the disk included. */
  get sizeBytes(): number {
    return sizeBytesOf(this.#log.segments);
  }

  get segmentCount(): number {
    return this.#log.segments.length;
  }

  /** Appended and not yet acknowledged. */
  get pendingBytes(): number {
    return this.#log.writer.pendingBytes;
  }

  /** The disk does not keep up: stop reading from connections until `onFlushed` has been called and this is false. */
  get isCongested(): boolean {
    return this.#log.writer.pendingBytes > PENDING_BYTES_MAX;
  }

  get failure(): Error | undefined {
    return this.#log.phase === 'closed' ? undefined : this.#log.writer.failure;
  }

  /** -1: the log has none. */
  get latestEpoch(): LeaderEpoch {
    return this.#log.epochs.latestEpoch ?? leaderEpoch(-1);
  }

  /** A leader's epoch begins at the log's end even before its first record. */
  assignEpochAtEnd(epoch: LeaderEpoch): void {
    this.#log.epochs.assign(epoch, this.#log.logEndOffset);
    saveLeaderEpochsBehind(this.#log);
  }

  endOffsetForEpoch(epoch: LeaderEpoch): EpochEnd {
    return this.#log.epochs.endOf(epoch, this.#log.logEndOffset);
  }

  epochAt(at: Offset): LeaderEpoch | undefined {
    return this.#log.epochs.epochAt(at);
  }

  /** `records` is copied: it may change after the call. */
  appendAsLeader(records: Uint8Array, options: AppendAsLeaderOptions): AppendOutcome {
    const outcome = appendAsLeader(this.#log, records, options);
    if (this.#log.ports.mutants.has('highWatermarkAheadOfFlush'))
      this.setHighWatermark(this.#log.logEndOffset);
    return outcome;
  }

  /** Batches as the leader has them. `records` is copied. */
  appendAsFollower(records: Uint8Array): AppendOutcome {
    return appendAsFollower(this.#log, records);
  }

  /** At once when the bytes are in memory. Rejects with LogCorruptError or VolumeError, never for a range. */
  read(from: Offset, options: ReadOptions): ReadResult | Promise<ReadResult> {
    return read(this.#log, from, options);
  }

  /** Those that a reader of [from, upTo) must drop. */
  abortedTransactions(
    from: Offset,
    upTo: Offset,
  ): readonly AbortedTransaction[] | Promise<readonly AbortedTransaction[]> {
    return (
      abortedInMemory(this.#log, from, upTo) ??
      onOneGeneration(this.#log, () => abortedTransactions(this.#log, from, upTo))
    );
  }

  /** The first record at `timestampMs` or later, if it lies below `below`. */
  offsetForTimestamp(timestampMs: number, below: Offset): Promise<FoundOffset | undefined> {
    return offsetForTimestamp(this.#log, timestampMs, below);
  }

  /** The first record with the largest timestamp; undefined: no record has a time. */
  maxTimestampOffset(): Promise<FoundOffset | undefined> {
    return maxTimestampOffset(this.#log);
  }

  get earliest(): FoundOffset {
    return earliestOffset(this.#log);
  }

  get latest(): FoundOffset {
    return latestOffset(this.#log);
  }

  /** Durable on return. False: the log ended there or before. No appends meanwhile. */
  truncateTo(target: Offset): Promise<boolean> {
    return truncateTo(this.#log, target);
  }

  /** Durable on return. */
  truncateFullyAndStartAt(start: Offset): Promise<void> {
    return truncateFullyAndStartAt(this.#log, start);
  }

  /** Moves the log's start, and gives where it is now; undefined: above the high watermark. Write log-start-offset-checkpoint. */
  deleteRecordsBefore(before: Offset): Offset | undefined {
    return deleteRecordsBefore(this.#log, before);
  }

  /** For DescribeProducers. */
  producerStates(): readonly ProducerDescription[] {
    return Array.from(this.#log.producers.entries(), (entry) => ({
      producerId: entry.producerId,
      producerEpoch: entry.epoch,
      lastSequence: entry.batches.at(-1)?.lastSequence ?? -1,
      lastTimestampMs: entry.lastTimestampMs,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnStartOffset: entry.txnFirstOffset,
    }));
  }

  /** Everything appended before the call is on the disk on return. */
  flush(): Promise<void> {
    return this.#log.writer.flush();
  }

  /** retention.ms, retention.bytes, what DeleteRecords has left; and producers that were silent for too long. */
  enforceRetention(): Promise<RetentionOutcome> {
    this.#log.producers.expire(this.#log.ports.clock.wallTimeMs(), this.#producerIdExpirationMs);
    return enforceRetention(this.#log);
  }

  /** How dirty a compacted log is: the owner cleans the dirtiest first. */
  compactionNeed(): Promise<CompactionNeed> {
    return compactionNeed(this.#log);
  }

  /** Compacts what may be compacted, in steps that leave the event loop free. */
  compact(options?: CompactionOptions): Promise<CompactionOutcome> {
    return compact(this.#log, options);
  }

  /** For cleaner-offset-checkpoint. */
  get firstDirtyOffset(): Offset {
    return this.#log.firstDirtyOffset;
  }

  /** After a clean close the next open reads next to nothing. An unclean one drops what is not yet on the disk. */
  close(options: { readonly clean: boolean }): Promise<void> {
    return close(this.#log, options);
  }

  /** Closes it, and removes its files. */
  delete(): Promise<void> {
    return deleteLog(this.#log);
  }
}
