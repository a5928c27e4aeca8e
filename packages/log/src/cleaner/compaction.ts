/**
 * cleanup.policy=compact: of each key the last value is kept. One round: the dirty part is read and the last offset of each
 * of its keys noted (key-offsets.ts); then the log from its start up to there is written anew without the records that a
 * later one has overtaken, group of segments by group (swap.ts puts a group in its place). Offsets stay, with gaps.
 *
 * Kafka's rules: a tombstone (a key without a value) stays delete.retention.ms after the first cleaning that met it, so that
 * slow consumers learn of it; aborted transactions go, and markers that have nothing left to say; of each producer the last
 * batch stays as an empty header, for its sequence; so does the round's last batch, for the segment's end.
 *
 * All in steps: the event loop is given back every few milliseconds. Whatever needs the log for itself interrupts a round; up
 * to the swap's commit nothing has changed.
 */
import { filterBatch, isCrcValid, offset, recordsIn } from '@odradek/protocol';
import type { BatchView, Offset, ProducerId } from '@odradek/protocol';
import { LogCorruptError, asError } from '../errors.ts';
import { saveIndexes } from '../indexes.ts';
import {
  CLEANER_READ_BYTES,
  COMPACTION_MAP_BYTES_MAX,
  DECOMPRESSED_BYTES_MAX,
  SEGMENT_SPAN_MAX,
} from '../limits.ts';
import { isCompacted } from '../log-config.ts';
import { newSegment, segmentEnd, sizeBytesOf } from '../log-state.ts';
import type { LogState } from '../log-state.ts';
import { segmentFile } from '../names.ts';
import { LogFile } from '../open-files.ts';
import { markerOf } from '../producer-replay.ts';
import { scan } from '../scan.ts';
import type { Visit } from '../scan.ts';
import type { Segment } from '../segment.ts';
import { abortedTransactions } from '../transactions.ts';
import { cleanableOf } from './cleanable.ts';
import type { Cleanable } from './cleanable.ts';
import { KeyOffsets } from './key-offsets.ts';
import { Output } from './output.ts';
import { Interrupted, Pace } from './pace.ts';
import { closeSwap, commitSwap, moveIntoPlace } from './swap.ts';
import { TransactionFilter } from './transaction-filter.ts';

export interface CompactionNeed {
  /** cleanup.policy has compact, and the dirty ratio or max.compaction.lag.ms asks for a round. */
  readonly isNeeded: boolean;
  /** Of what may be cleaned and what is clean, how much is dirty. The dirtiest log comes first. */
  readonly cleanableRatio: number;
  readonly cleanableBytes: number;
}

export interface CompactionOptions {
  /** Memory for keys (log.cleaner.dedupe.buffer.size). */
  readonly mapBytesMax?: number;
  /** Read and written together (log.cleaner.io.max.bytes.per.second). */
  readonly ioBytesPerSecondMax?: number;
}

export interface CompactionOutcome {
  /** interrupted: something more urgent came; the groups that were finished stay so. */
  readonly status: 'cleaned' | 'nothing' | 'interrupted';
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** More keys than the map could hold: another round is to follow. */
  readonly isMapFull: boolean;
}

const NOTHING: CompactionOutcome = {
  status: 'nothing',
  bytesBefore: 0,
  bytesAfter: 0,
  isMapFull: false,
};

export async function compactionNeed(log: LogState): Promise<CompactionNeed> {
  if (!isCompacted(log.config)) return { isNeeded: false, cleanableRatio: 0, cleanableBytes: 0 };
  const { cleanBytes, cleanableBytes, isOverdue } = await cleanableOf(log, stableOffset(log));
  const totalBytes = cleanBytes + cleanableBytes;
  const cleanableRatio = totalBytes === 0 ? 0 : cleanableBytes / totalBytes;
  return {
    isNeeded:
      cleanableBytes > 0 && (isOverdue || cleanableRatio > log.config.minCleanableDirtyRatio),
    cleanableRatio,
    cleanableBytes,
  };
}

export function compact(
  log: LogState,
  options: CompactionOptions = {},
): Promise<CompactionOutcome> {
  return log.maintenance.run(async () => {
    if (!isCompacted(log.config) || log.phase !== 'open') return NOTHING;
    const cleanable = await cleanableOf(log, stableOffset(log));
    if (cleanable.cleanableBytes === 0) return NOTHING;
    const pace = new Pace(log, options.ioBytesPerSecondMax ?? Infinity);
    try {
      return await cleanRound(
        log,
        cleanable,
        pace,
        options.mapBytesMax ?? COMPACTION_MAP_BYTES_MAX,
      );
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      return { ...NOTHING, status: 'interrupted' };
    }
  });
}

function stableOffset({ producers, highWatermark }: LogState): Offset {
  return offset(Math.min(highWatermark, producers.firstUnstableOffset ?? Infinity));
}

interface Round {
  readonly log: LogState;
  readonly pace: Pace;
  readonly keys: KeyOffsets;
  readonly transactions: TransactionFilter;
  /** Records behind it are kept: their keys are not in the map. */
  lastMappedOffset: number;
  readonly firstUncleanableOffset: Offset;
  readonly nowMs: number;
}

async function cleanRound(
  log: LogState,
  cleanable: Cleanable,
  pace: Pace,
  mapBytesMax: number,
): Promise<CompactionOutcome> {
  const { firstDirtyOffset, firstUncleanableOffset } = cleanable;
  if (
    log.segments.some((segment) => segment.baseOffset < firstUncleanableOffset && !segment.isSealed)
  ) {
    await log.writer.flush();
    await log.background.idle();
  }
  const round: Round = {
    log,
    pace,
    keys: new KeyOffsets(mapBytesMax, log.ports.random.uint32()),
    transactions: new TransactionFilter(),
    lastMappedOffset: firstDirtyOffset - 1,
    firstUncleanableOffset,
    nowMs: log.ports.clock.wallTimeMs(),
  };
  const isMapFull = await mapKeys(round, firstDirtyOffset);
  const end = offset(round.lastMappedOffset + 1);
  const groups = groupsOf(
    log,
    log.segments.filter((segment) => segment.baseOffset < end),
    firstUncleanableOffset,
  );
  let bytesBefore = 0;
  let bytesAfter = 0;
  for (const group of groups) {
    bytesBefore += sizeBytesOf(group);
    bytesAfter += await cleanGroup(round, group);
  }
  log.firstDirtyOffset = end;
  log.ports.logger.info('the log was compacted', {
    folder: log.folder,
    bytesBefore,
    bytesAfter,
    keys: round.keys.size,
    firstDirtyOffset: end,
    isMapFull,
  });
  return { status: 'cleaned', bytesBefore, bytesAfter, isMapFull };
}

/** Notes the last offset of each key from `from` on. True: the map is full before the end. */
async function mapKeys(round: Round, from: Offset): Promise<boolean> {
  const { log, keys, firstUncleanableOffset } = round;
  const transactions = new TransactionFilter();
  transactions.expect(await abortedTransactions(log, from, firstUncleanableOffset));
  let isFull = false;
  for (const segment of log.segments.filter((one) => one.baseOffset < firstUncleanableOffset)) {
    const end = segmentEnd(log, segment);
    if (end <= from) continue;
    await walkSegment(round, segment, (batch) => {
      if (batch.isControl) transactions.isMarkerIdle(batch, markerOf(batch, log.ports.decompress));
      else if (!transactions.isAborted(batch) && batch.lastOffset >= from) {
        for (const record of recordsIn(batch, log.ports.decompress, DECOMPRESSED_BYTES_MAX)) {
          if (record.key === null || record.offset < from) continue;
          if (!keys.put(record.key, record.offset)) {
            isFull = true;
            return 'full';
          }
          round.lastMappedOffset = record.offset;
        }
      }
      if (batch.lastOffset >= from) round.lastMappedOffset = batch.lastOffset;
      return undefined;
    });
    if (isFull) return true;
    round.lastMappedOffset = end - 1;
  }
  return false;
}

/** Neighbours that fit into one segment together are made one. */
function groupsOf(
  log: LogState,
  segments: readonly Segment[],
  firstUncleanableOffset: Offset,
): Segment[][] {
  const groups: Segment[][] = [];
  let sizeBytes = 0;
  for (const segment of segments) {
    const group = groups.at(-1);
    const end = Math.min(segmentEnd(log, segment), firstUncleanableOffset);
    if (
      group !== undefined &&
      sizeBytes + segment.sizeBytes <= log.config.segmentBytes &&
      end - 1 - group[0]!.baseOffset <= SEGMENT_SPAN_MAX
    ) {
      group.push(segment);
      sizeBytes += segment.sizeBytes;
    } else {
      groups.push([segment]);
      sizeBytes = segment.sizeBytes;
    }
  }
  return groups;
}

/** Writes the group anew and puts it in its place. Gives the size. */
async function cleanGroup(round: Round, group: readonly Segment[]): Promise<number> {
  const { log } = round;
  const baseOffset = group[0]!.baseOffset;
  const file = new LogFile(
    segmentFile(log.folder, baseOffset, '.log.cleaned'),
    log.ports.volume,
    log.ports.resources.openFiles,
  );
  const cleaned = newSegment(log, { baseOffset, file, createdMs: group.at(-1)!.createdMs });
  try {
    await writeCleaned(round, group, cleaned);
    round.pace.assertWanted();
  } catch (error) {
    // Nothing has changed but for a file that the next open would remove too.
    await file.remove().catch(() => {});
    throw error;
  }
  try {
    await log.background.run(() => swapIn(log, group, cleaned));
  } catch (error) {
    // The files are between two states, which the next open resolves.
    log.writer.fail(asError(error));
    throw error;
  }
  return cleaned.sizeBytes;
}

async function writeCleaned(
  round: Round,
  group: readonly Segment[],
  cleaned: Segment,
): Promise<void> {
  const { log, transactions, pace } = round;
  const output = new Output(cleaned, log, pace);
  await cleaned.file.truncate(0);
  cleaned.beginIndexes();
  transactions.retained = [];
  const lastOfProducer = lastBatches(log);
  for (const segment of group) {
    transactions.expect(
      await abortedTransactions(log, segment.baseOffset, segmentEnd(log, segment)),
    );
    await walkSegment(
      round,
      segment,
      (batch) => {
        const bytes = kept(round, batch, lastOfProducer);
        if (bytes !== undefined) output.add(bytes);
        return undefined;
      },
      () => output.drain(),
    );
  }
  await output.finish();
  cleaned.aborted = transactions.retained;
  cleaned.completeTimeIndex();
  await cleaned.file.sync();
}

/** Which batch of a producer keeps its header: the last with data, or the marker of its epoch when it has no data left. */
type LastBatch = { readonly offset: Offset } | { readonly epoch: number };

function lastBatches(log: LogState): ReadonlyMap<ProducerId, LastBatch> {
  const last = new Map<ProducerId, LastBatch>();
  for (const { producerId, epoch, batches } of log.producers.entries()) {
    const batch = batches.at(-1);
    last.set(producerId, batch === undefined ? { epoch } : { offset: batch.lastOffset });
  }
  return last;
}

/** What is left of a batch; undefined: nothing. */
function kept(
  round: Round,
  batch: BatchView,
  lastOfProducer: ReadonlyMap<ProducerId, LastBatch>,
): Uint8Array | undefined {
  const { log, transactions, keys, nowMs, lastMappedOffset } = round;
  const { decompress, compression, crc32c } = log.ports;
  const { isControl, deleteHorizonMs } = batch;
  const isIdle = isControl
    ? transactions.isMarkerIdle(batch, markerOf(batch, decompress))
    : transactions.isAborted(batch);
  const isDropped =
    isIdle && (!isControl || (deleteHorizonMs !== undefined && deleteHorizonMs <= nowMs));
  const last = batch.producerId < 0 ? undefined : lastOfProducer.get(batch.producerId);
  const isLast =
    last !== undefined &&
    ('offset' in last
      ? last.offset === batch.lastOffset
      : isControl && last.epoch === batch.producerEpoch);
  const keepsHeader = isLast || batch.nextOffset === round.firstUncleanableOffset;
  if (isDropped && !keepsHeader) return undefined;
  const keepsTombstones = deleteHorizonMs === undefined || nowMs < deleteHorizonMs;
  return filterBatch(batch, {
    keep: (record) => {
      if (isDropped) return false;
      if (isControl || record.offset > lastMappedOffset) return true;
      const { key } = record;
      // A record without a key has no place in a compacted log; one from before the policy was set goes.
      return (
        key !== null && record.offset >= keys.get(key) && (keepsTombstones || record.value !== null)
      );
    },
    whenEmpty: keepsHeader ? 'keepHeader' : 'drop',
    deleteHorizonMs: nowMs + log.config.deleteRetentionMs,
    horizonNeeded: isControl && isIdle,
    crc32c,
    decompress,
    compress: (codec, bytes) => compression.compress(codec, bytes),
    limitBytes: DECOMPRESSED_BYTES_MAX,
  }).bytes;
}

/** From the commit on the cleaned segment is the log's; readers move over at once, files follow. */
async function swapIn(log: LogState, group: readonly Segment[], cleaned: Segment): Promise<void> {
  const { ports, folder } = log;
  const cleanedFile = cleaned.file;
  const target = group[0]!.file;
  const swap = {
    baseOffset: cleaned.baseOffset,
    sizeBytes: cleaned.sizeBytes,
    replaced: group.map((segment) => segment.baseOffset),
  };
  await commitSwap(ports, folder, swap);
  log.segments.splice(log.segments.indexOf(group[0]!), group.length, cleaned);
  log.generation++;
  log.tail.dropUpTo(group.at(-1)!);
  for (const segment of group) {
    ports.resources.indexes.dropped(segment);
    if (segment !== group[0]) log.snapshots.delete(segment.baseOffset);
  }
  await moveIntoPlace(
    ports,
    folder,
    swap,
    cleanedFile,
    target,
    group.slice(1).map((segment) => segment.file),
  );
  cleaned.file = target;
  await saveIndexes(log, cleaned);
  await closeSwap(ports, folder, cleanedFile);
  cleaned.isSealed = true;
  ports.resources.indexes.used(cleaned);
}

async function walkSegment(
  round: Round,
  segment: Segment,
  visit: Visit,
  between: () => Promise<void> = async () => {},
): Promise<void> {
  const { pace } = round;
  let problem: unknown;
  const { crc32c } = round.log.ports;
  const guarded: Visit = (batch, position) => {
    // A batch that is cut gets a new checksum: damage would pass for data.
    if (!segment.isProven && !isCrcValid(batch, crc32c))
      return 'a batch does not match its checksum';
    try {
      return visit(batch, position);
    } catch (error) {
      problem = error;
      return asError(error).message;
    }
  };
  const range = {
    from: 0,
    to: segment.sizeBytes,
    minOffset: segment.baseOffset,
    windowBytes: CLEANER_READ_BYTES,
  };
  const read = async (position: number, length: number): Promise<Uint8Array> => {
    await between();
    await pace.step(length);
    return segment.file.read(position, length);
  };
  const end = await scan(read, range, guarded);
  await between();
  if (end.problem === undefined || end.problem === 'full') return;
  throw new LogCorruptError(segment.file.name, end.position, end.problem, { cause: problem });
}
