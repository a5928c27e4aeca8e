/**
 * From files to a log. After a clean stop the files are believed and hardly any is read. After any other stop the log is
 * scanned from the segment of the recovery point on: every batch's checksum, indexes and producer state built on the way. A
 * torn end is cut; damage before it is reported and nothing is cut (damage.ts).
 *
 * Recovery may itself be cut short at any point: it does nothing that the next one would not do again.
 */
import { isCrcValid, offset } from '@odradek/protocol';
import type { Offset, Uuid } from '@odradek/protocol';
import type { FileEntry } from '@odradek/ports';
import {
  decodeLeaderEpochs,
  decodePartitionMetadata,
  encodePartitionMetadata,
} from './checkpoints.ts';
import { finishSwap } from './cleaner/swap.ts';
import { endOf, whyNotTorn } from './damage.ts';
import { InconsistentTopicIdError, LogCorruptError, asError } from './errors.ts';
import type { LogEnd } from './errors.ts';
import {
  firstTimestampMs,
  indexesOf,
  readIndexes,
  rebuildIndexes,
  saveIndexes,
} from './indexes.ts';
import { LeaderEpochs } from './leader-epochs.ts';
import { SMALL_SEGMENT_BYTES } from './limits.ts';
import type { LogConfig } from './log-config.ts';
import { activeSegment, newSegment, segmentIndexOf } from './log-state.ts';
import type { LogContents, LogHost } from './log-state.ts';
import {
  INCOMPLETE,
  LEADER_EPOCHS,
  PARTITION_METADATA,
  segmentFile,
  sortedFiles,
} from './names.ts';
import type { FolderFiles, SegmentFiles } from './names.ts';
import { loadNewestSnapshot, markerOf, replayProducers } from './producer-replay.ts';
import { ProducerStates } from './producer-state.ts';
import { saveSnapshot, snapshotOf } from './sealing.ts';
import { scan, walk } from './scan.ts';
import type { Visit, WalkEnd } from './scan.ts';
import type { Segment } from './segment.ts';
import { abortedOf } from './transactions.ts';

export interface RecoveryOptions {
  readonly topicId: Uuid;
  /** The folder's files, where the owner has listed them already. */
  readonly files?: readonly FileEntry[] | undefined;
  /** Everything below was flushed and complete: what `recoveryPoint` said last. */
  readonly recoveryPoint: Offset;
  /** What `logStartOffset` said last. */
  readonly logStartOffset: Offset;
  /** The last owner closed this log with `close({ clean: true })`. */
  readonly cleanShutdown: boolean;
  /** The machine stopped, not only the process; undefined: nobody knows. */
  readonly powerLoss: boolean | undefined;
  /** No leader has had a later one. */
  readonly leaderEpochMax: number;
}

export async function recover(
  ports: LogHost,
  folder: string,
  config: LogConfig,
  options: RecoveryOptions,
): Promise<LogContents> {
  const { volume } = ports;
  let files = sortedFiles(folder, options.files ?? (await volume.list(`${folder}/`)));
  await checkTopicId(ports, folder, files, options.topicId);
  if (await finishSwap(ports, folder, files))
    files = sortedFiles(folder, await volume.list(`${folder}/`));
  const log: LogContents = {
    ports,
    folder,
    config,
    segments: [],
    epochs: await readEpochs(ports, folder, files),
    producers: new ProducerStates(offset(0)),
    snapshots: new Set(files.snapshots),
    logStartOffset: options.logStartOffset,
    logEndOffset: options.logStartOffset,
    isIncomplete: files.isIncomplete,
  };
  try {
    await readSegments(log, files, options);
  } catch (error) {
    // Whoever wants to delete what cannot be read must be able to.
    for (const segment of log.segments) await segment.file.retire().catch(() => {});
    throw error;
  }
  return log;
}

async function readSegments(
  log: LogContents,
  files: FolderFiles,
  options: RecoveryOptions,
): Promise<void> {
  await findSegments(log, files);
  const hasEpochs = log.epochs.latestEpoch !== undefined;
  if (log.segments.length === 0) beginAt(log, log.logStartOffset);
  else if (!options.cleanShutdown || !(await openCleanly(log))) await recoverSegments(log, options);
  if (log.ports.mutants.has('forgetProducerStateOnRestart')) log.producers.clear(log.logEndOffset);
  if (!hasEpochs) await rebuildEpochs(log);
  await completeIndexes(log, files);
  await settleBounds(log, options);
}

async function checkTopicId(
  { volume }: LogHost,
  folder: string,
  files: FolderFiles,
  topicId: Uuid,
): Promise<void> {
  const name = `${folder}/${PARTITION_METADATA}`;
  const bytes = files.hasMetadata ? await volume.readSmall(name) : undefined;
  if (bytes === undefined) return volume.replace(name, encodePartitionMetadata(topicId));
  const found = decodePartitionMetadata(bytes);
  if (found === undefined) throw new LogCorruptError(name, 0, 'no topic id can be read from it');
  if (found !== topicId) throw new InconsistentTopicIdError(folder, found, topicId);
}

/** A damaged checkpoint counts as none: the batches themselves say their epochs. */
async function readEpochs(
  { volume, logger }: LogHost,
  folder: string,
  files: FolderFiles,
): Promise<LeaderEpochs> {
  const name = `${folder}/${LEADER_EPOCHS}`;
  const bytes = files.hasLeaderEpochs ? await volume.readSmall(name) : undefined;
  const entries = bytes === undefined ? [] : decodeLeaderEpochs(bytes);
  if (entries === undefined)
    logger.warn('the leader epoch checkpoint is damaged: epochs are taken from the log', {
      file: name,
    });
  return new LeaderEpochs(entries);
}

/** Sealed segments have their files, as Kafka's tools expect. A truncation that was cut short has removed some. */
async function completeIndexes(log: LogContents, files: FolderFiles): Promise<void> {
  const missing = new Set(
    files.segments
      .filter(({ index, timeIndex }) => index === undefined || timeIndex === undefined)
      .map(({ baseOffset }) => baseOffset),
  );
  for (const segment of log.segments) {
    if (
      segment.isSealed &&
      segment.sizeBytes > 0 &&
      segment.indexes === undefined &&
      missing.has(segment.baseOffset)
    )
      await rebuildIndexes(log, segment);
  }
}

/** From every batch's header: only when the checkpoint is lost, which takes as long as reading the log. */
async function rebuildEpochs(log: LogContents): Promise<void> {
  log.epochs.clear();
  for (const segment of log.segments) {
    const range = { from: 0, to: segment.sizeBytes, minOffset: segment.baseOffset };
    const end = await scan(
      (position, length) => segment.file.read(position, length),
      range,
      (batch) => {
        if (batch.leaderEpoch > (log.epochs.latestEpoch ?? -1))
          log.epochs.assign(batch.leaderEpoch, batch.baseOffset);
        return undefined;
      },
    );
    if (end.problem !== undefined)
      throw new LogCorruptError(segment.file.name, end.position, end.problem);
  }
}

async function findSegments(log: LogContents, files: FolderFiles): Promise<void> {
  for (const found of files.segments) {
    if (found.log === undefined) await removeOrphans(log, found);
    else {
      const segment = newSegment(log, {
        baseOffset: found.baseOffset,
        sizeBytes: found.log,
        hasTxnIndex: found.txnIndex !== undefined,
      });
      segment.isSealed = true;
      segment.isProven = false;
      log.segments.push(segment);
    }
  }
  const active = log.segments.at(-1);
  if (active !== undefined) active.isSealed = false;
}

async function removeOrphans(
  { ports, folder }: LogContents,
  { baseOffset, index, timeIndex, txnIndex }: SegmentFiles,
): Promise<void> {
  if (index !== undefined) await ports.volume.remove(segmentFile(folder, baseOffset, '.index'));
  if (timeIndex !== undefined)
    await ports.volume.remove(segmentFile(folder, baseOffset, '.timeindex'));
  if (txnIndex !== undefined)
    await ports.volume.remove(segmentFile(folder, baseOffset, '.txnindex'));
}

function beginAt(log: LogContents, baseOffset: Offset): void {
  const segment = newSegment(log, { baseOffset });
  segment.beginIndexes();
  log.segments = [segment];
  log.logEndOffset = baseOffset;
  log.producers.clear(baseOffset);
}

/** False: the files are not what a clean stop leaves, the active segment must be scanned. */
async function openCleanly(log: LogContents): Promise<boolean> {
  const active = activeSegment(log);
  const { sizeBytes, baseOffset } = active;
  active.beginIndexes();
  let bytes: Uint8Array | undefined;
  let end: WalkEnd;
  if (sizeBytes <= SMALL_SEGMENT_BYTES) {
    bytes = sizeBytes === 0 ? new Uint8Array(0) : await active.file.read(0, sizeBytes);
    end = walk(bytes, 0, baseOffset, (batch, position) => {
      active.noteBatch(batch, position, log.config);
      return undefined;
    });
    active.sizeBytes = sizeBytes;
  } else {
    const indexes = await readIndexes(log, active, offset(Number.MAX_SAFE_INTEGER));
    if (indexes === undefined) return false;
    active.resumeIndexes(indexes);
    active.firstTimestampMs = undefined;
    await firstTimestampMs(active);
    let max = indexes.times.last ?? { timestampMs: -1, offset: baseOffset };
    const range = {
      from: indexes.offsets.last?.position ?? 0,
      to: sizeBytes,
      minOffset: baseOffset,
    };
    end = await scan(
      (position, length) => active.file.read(position, length),
      range,
      (batch) => {
        if (batch.maxTimestampMs > max.timestampMs)
          max = { timestampMs: batch.maxTimestampMs, offset: batch.lastOffset };
        return undefined;
      },
    );
    active.maxTimestamp = max;
  }
  if (end.problem !== undefined || end.position !== sizeBytes) return false;
  log.logEndOffset = end.nextOffset;
  await abortedOf(log, active);
  const from = await loadNewestSnapshot(log, log.producers, log.logEndOffset);
  if (from >= log.logEndOffset) return true;
  if (bytes === undefined) {
    await replayProducers(log, log.producers, from, log.logEndOffset);
    return true;
  }
  // The bytes are at hand: no second read.
  if (from < baseOffset) await replayProducers(log, log.producers, from, baseOffset);
  walk(bytes, 0, baseOffset, (batch) => {
    if (batch.baseOffset >= from) log.producers.apply(batch, markerOf(batch, log.ports.decompress));
    return undefined;
  });
  return true;
}

async function recoverSegments(log: LogContents, options: RecoveryOptions): Promise<void> {
  const { logger } = log.ports;
  let firstIndex = Math.max(
    0,
    segmentIndexOf(
      log.segments,
      options.cleanShutdown ? activeSegment(log).baseOffset : options.recoveryPoint,
    ),
  );
  // The recovery point may have been the end of a segment that was rolled right then. Its snapshot is the last thing that
  // sealing writes; one of the same offset may stem from a clean stop, and then the indexes do too, not all of them flushed.
  if (firstIndex > 0 && !log.snapshots.has(log.segments[firstIndex]!.baseOffset)) firstIndex--;
  const first = log.segments[firstIndex]!;
  const before = log.segments[firstIndex - 1];
  if (before !== undefined && before.sizeBytes > 0) await indexesOf(log, before);
  const from = await loadNewestSnapshot(log, log.producers, first.baseOffset);
  if (from < first.baseOffset) await replayProducers(log, log.producers, from, first.baseOffset);
  log.producers.endOffset = first.baseOffset;
  const seen = { epoch: -1 };
  for (let n = firstIndex; n < log.segments.length; n++) {
    const segment = log.segments[n]!;
    await dropSnapshotsWithin(log, segment.baseOffset, log.segments[n + 1]?.baseOffset);
    const sizeBytes = segment.sizeBytes;
    const nextBase = log.segments[n + 1]?.baseOffset;
    const end = await scanSegment(log, segment, nextBase, seen, options.leaderEpochMax);
    log.logEndOffset = end.nextOffset;
    if (end.problem !== undefined) {
      segment.sizeBytes = sizeBytes;
      await cutOrRefuse(log, n, end, options);
      if (log.ports.mutants.has('truncateTornTailTooFar'))
        await cutTooFar(log, segment, seen, options);
    }
    await segment.file.sync();
    segment.isProven = true;
    if (segment === activeSegment(log)) break;
    segment.completeTimeIndex();
    await saveIndexes(log, segment);
    segment.isSealed = true;
    log.ports.resources.indexes.used(segment);
    log.producers.endOffset = log.segments[n + 1]!.baseOffset;
    await saveSnapshot(log, snapshotOf(log));
  }
  logger.info('the log was scanned after an unclean stop', {
    folder: log.folder,
    fromOffset: first.baseOffset,
    logEndOffset: log.logEndOffset,
  });
}

/** A snapshot within what is scanned may be of a future that was cut off. */
async function dropSnapshotsWithin(
  log: LogContents,
  from: Offset,
  to: Offset | undefined,
): Promise<void> {
  for (const at of log.snapshots) {
    if (at <= from || (to !== undefined && at > to)) continue;
    await log.ports.volume.remove(segmentFile(log.folder, at, '.snapshot'));
    log.snapshots.delete(at);
  }
}

/** Kafka's indexes have 32 bits for an offset, from the segment's own on. */
const SEGMENT_OFFSETS_MAX = 2 ** 31 - 1;

function scanSegment(
  log: LogContents,
  segment: Segment,
  nextBase: Offset | undefined,
  /** The epoch of the last batch so far. */
  seen: { epoch: number },
  leaderEpochMax: number,
): Promise<WalkEnd> {
  const { crc32c, decompress } = log.ports;
  const to = segment.sizeBytes;
  segment.beginIndexes();
  segment.aborted = [];
  segment.isSealed = false;
  const visit: Visit = (batch, position) => {
    if (!isCrcValid(batch, crc32c)) return 'a batch does not match its checksum';
    // The checksum does not cover the offset; but a segment holds no more offsets than its indexes can name.
    if (batch.lastOffset - segment.baseOffset > SEGMENT_OFFSETS_MAX)
      return `a batch at offset ${batch.baseOffset} in the segment of offset ${segment.baseOffset}`;
    if (nextBase !== undefined && batch.lastOffset >= nextBase)
      return `a batch reaches into the next segment, which begins at offset ${nextBase}`;
    const epoch = batch.leaderEpoch;
    // The checksum does not cover the epoch; but no leader is followed by one of an earlier epoch.
    if (epoch >= 0 && epoch < seen.epoch)
      return `a batch of epoch ${epoch} follows one of epoch ${seen.epoch}`;
    if (epoch > leaderEpochMax)
      return `a batch of epoch ${epoch}, and no leader has had one after ${leaderEpochMax}`;
    seen.epoch = Math.max(epoch, seen.epoch);
    try {
      const completed = log.producers.apply(batch, markerOf(batch, decompress));
      if (completed?.isAborted === true)
        segment.aborted!.push(log.producers.abortedEntry(completed));
    } catch (error) {
      return asError(error).message;
    }
    segment.noteBatch(batch, position, log.config);
    if (epoch >= 0 && epoch > (log.epochs.latestEpoch ?? -1))
      log.epochs.assign(epoch, batch.baseOffset);
    return undefined;
  };
  return scan(
    (position, length) => segment.file.read(position, length),
    { from: 0, to, minOffset: segment.baseOffset },
    visit,
  );
}

/** Cuts a torn end, the segments behind it included. Throws LogCorruptError when it is not torn, and has cut nothing then. */
async function cutOrRefuse(
  log: LogContents,
  n: number,
  end: WalkEnd,
  options: RecoveryOptions,
): Promise<void> {
  const segment = log.segments[n]!;
  const later = log.segments.slice(n + 1);
  // After a clean stop nothing can be torn.
  const recoveryPoint = options.cleanShutdown
    ? offset(Number.MAX_SAFE_INTEGER)
    : options.recoveryPoint;
  const damage = {
    segment,
    position: end.position,
    offset: end.nextOffset,
    later: later.filter((next) => next.sizeBytes > 0),
  };
  const why = await whyNotTorn(damage, {
    recoveryPoint,
    isPowerLoss: options.powerLoss,
    config: log.config,
    crc32c: log.ports.crc32c,
  });
  if (why !== undefined)
    throw new LogCorruptError(segment.file.name, end.position, `${end.problem}, and ${why}`, {
      end: await endBehind(log, segment, end.position),
    });
  await noteIncomplete(log);
  log.ports.logger.warn('the end of the log was torn by the stop, and is cut', {
    file: segment.file.name,
    position: end.position,
    cutBytes: segment.sizeBytes - end.position,
    problem: end.problem,
  });
  // The later ones first: a log with a gap in the middle must never be found.
  for (const next of later.reverse()) await removeSegmentFiles(log, next);
  await segment.file.sync();
  await segment.file.truncate(end.position);
  segment.sizeBytes = end.position;
  log.segments = log.segments.slice(0, n + 1);
}

/** Before anything is cut: a start that comes after this one must know it too. */
async function noteIncomplete(log: LogContents): Promise<void> {
  if (!log.isIncomplete)
    await log.ports.volume.replace(`${log.folder}/${INCOMPLETE}`, new Uint8Array(0));
  log.isIncomplete = true;
}

/** Of a damaged log: the last segment tells, wherever the damage is. */
async function endBehind(
  log: LogContents,
  damaged: Segment,
  position: number,
): Promise<LogEnd | undefined> {
  const last = log.segments.findLast((it) => it.sizeBytes > 0)!;
  return endOf(last, last === damaged ? position : 0, log.ports.crc32c);
}

/** The mutant: what was sound is cut off with what was torn. */
async function cutTooFar(
  log: LogContents,
  segment: Segment,
  seen: { epoch: number },
  options: RecoveryOptions,
): Promise<void> {
  await segment.file.truncate(0);
  segment.sizeBytes = 0;
  log.producers.clear(segment.baseOffset);
  const end = await scanSegment(log, segment, undefined, seen, options.leaderEpochMax);
  log.logEndOffset = end.nextOffset;
}

async function removeSegmentFiles(log: LogContents, segment: Segment): Promise<void> {
  const { volume } = log.ports;
  await segment.file.remove();
  for (const suffix of ['.index', '.timeindex', '.txnindex', '.snapshot'] as const)
    await volume.remove(segmentFile(log.folder, segment.baseOffset, suffix));
  log.snapshots.delete(segment.baseOffset);
}

/** The start moves only over what was flushed: it is what was noted of it that is wrong. */
function startsBehindItsEnd(log: LogContents): LogCorruptError {
  const { file, sizeBytes } = activeSegment(log);
  return new LogCorruptError(
    file.name,
    sizeBytes,
    `the log ends at offset ${log.logEndOffset}, and is noted to start at ${log.logStartOffset} (log-start-offset-checkpoint)`,
  );
}

/** Start and end, epochs and snapshots agree. */
async function settleBounds(log: LogContents, { powerLoss }: RecoveryOptions): Promise<void> {
  if (log.logEndOffset < log.logStartOffset) {
    if (powerLoss === false || log.config.flushMessages <= 1) throw startsBehindItsEnd(log);
    // The end was lost (page-cache mode) behind a start that had been moved: nothing that is left may be read.
    await noteIncomplete(log);
    log.ports.logger.warn('the log ends before it starts: it begins anew at its start offset', {
      folder: log.folder,
      logEndOffset: log.logEndOffset,
      logStartOffset: log.logStartOffset,
    });
    for (const segment of [...log.segments].reverse()) await removeSegmentFiles(log, segment);
    log.epochs.clear();
    beginAt(log, log.logStartOffset);
  }
  log.logStartOffset = offset(Math.max(log.logStartOffset, log.segments[0]!.baseOffset));
  log.epochs.truncateFromEnd(log.logEndOffset);
  log.epochs.truncateFromStart(log.logStartOffset);
  const bases = new Set(log.segments.map((segment) => segment.baseOffset));
  const newest = Math.max(...log.snapshots, -1);
  for (const at of log.snapshots) {
    if (at <= log.logEndOffset && (bases.has(at) || at === newest)) continue;
    await log.ports.volume.remove(segmentFile(log.folder, at, '.snapshot'));
    log.snapshots.delete(at);
  }
}
