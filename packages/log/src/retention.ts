/**
 * What leaves the log at its start: segments below the log start offset (DeleteRecords), beyond retention.bytes, older than
 * retention.ms. Whole segments, the oldest first, never one that reaches above the high watermark. When all of it may go,
 * the active segment too, a new one is begun first: the log's end must not be forgotten.
 */
import { offset } from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import { indexesOf } from './indexes.ts';
import { isDeleted } from './log-config.ts';
import { activeSegment, sizeBytesOf } from './log-state.ts';
import type { LogState } from './log-state.ts';
import { roll, saveLeaderEpochsBehind } from './sealing.ts';
import { largestTimestampMsOf } from './segment.ts';
import type { Segment } from './segment.ts';

export interface RetentionOutcome {
  readonly segmentsDeleted: number;
  readonly bytesDeleted: number;
}

const NOTHING: RetentionOutcome = { segmentsDeleted: 0, bytesDeleted: 0 };

/** May this segment go? `next` is the one behind it. */
type Condition = (segment: Segment, next: Segment | undefined) => boolean | Promise<boolean>;

export function enforceRetention(log: LogState): Promise<RetentionOutcome> {
  return log.maintenance.run(async () => {
    if (log.phase !== 'open') return NOTHING;
    let gone = await deleteWhile(log, isBelowStart(log));
    if (isDeleted(log.config)) {
      gone = sum(gone, await deleteWhile(log, exceedsSize(log)));
      gone = sum(gone, await deleteWhile(log, isTooOld(log)));
    }
    return gone;
  });
}

/** Everything below `start` is deleted for its readers now, and for the disk with the segments that it empties. */
export function moveLogStart(log: LogState, start: Offset): void {
  if (start <= log.logStartOffset) return;
  log.logStartOffset = start;
  if (log.highWatermark < start) log.highWatermark = start;
  log.epochs.truncateFromStart(start);
  saveLeaderEpochsBehind(log);
}

function isBelowStart(log: LogState): Condition {
  return (_, next) => next !== undefined && next.baseOffset <= log.logStartOffset;
}

function exceedsSize(log: LogState): Condition {
  const { retentionBytes } = log.config;
  let excess = retentionBytes < 0 ? -1 : sizeBytesOf(log.segments) - retentionBytes;
  return (segment) => {
    excess -= segment.sizeBytes;
    return excess >= 0;
  };
}

function isTooOld(log: LogState): Condition {
  const { retentionMs } = log.config;
  if (retentionMs < 0) return () => false;
  const nowMs = log.ports.clock.wallTimeMs();
  return async (segment) => {
    // What a file says of its age is believed only after a look into the log: indexesOf checks the last entry.
    if (segment.maxTimestamp === undefined) await indexesOf(log, segment);
    return nowMs - largestTimestampMsOf(segment) > retentionMs;
  };
}

async function deleteWhile(log: LogState, mayGo: Condition): Promise<RetentionOutcome> {
  let count = 0;
  for (const segment of [...log.segments]) {
    const next = log.segments[count + 1];
    if (log.highWatermark < (next?.baseOffset ?? log.logEndOffset)) break;
    if (next === undefined && segment.sizeBytes === 0) break;
    if (!(await mayGo(segment, next))) break;
    count++;
  }
  if (count === 0) return NOTHING;
  // Appends may have come while ages were looked up: then the last one stays.
  if (count === log.segments.length && log.highWatermark < log.logEndOffset) count--;
  return deleteFirst(log, count);
}

async function deleteFirst(log: LogState, count: number): Promise<RetentionOutcome> {
  if (count === log.segments.length) {
    const fresh = roll(log, log.logEndOffset);
    await log.writer.job(() => fresh.file.sync());
  }
  const going = log.segments.slice(0, count);
  if (going.some((segment) => !segment.isSealed)) {
    await log.writer.flush();
    await log.background.idle();
  }
  log.segments.splice(0, count);
  log.tail.dropUpTo(going.at(-1)!);
  moveLogStart(log, log.segments[0]!.baseOffset);
  for (const segment of going) {
    log.ports.resources.indexes.dropped(segment);
    log.snapshots.delete(segment.baseOffset);
  }
  log.reaper.doom(log, going);
  const bytesDeleted = sizeBytesOf(going);
  log.ports.logger.info('segments were deleted', {
    folder: log.folder,
    segments: count,
    bytes: bytesDeleted,
    logStartOffset: log.logStartOffset,
  });
  return { segmentsDeleted: count, bytesDeleted };
}

function sum(a: RetentionOutcome, b: RetentionOutcome): RetentionOutcome {
  return {
    segmentsDeleted: a.segmentsDeleted + b.segmentsDeleted,
    bytesDeleted: a.bytesDeleted + b.bytesDeleted,
  };
}

/** DeleteRecords: refused (undefined) above the high watermark. */
export function deleteRecordsBefore(log: LogState, before: Offset): Offset | undefined {
  if (before > log.highWatermark || before < 0) return undefined;
  moveLogStart(log, offset(Math.min(before, log.logEndOffset)));
  if (activeSegment(log).baseOffset > log.segments[0]!.baseOffset) {
    log.maintenance.start(async () => {
      if (log.phase === 'open') await deleteWhile(log, isBelowStart(log));
    });
  }
  return log.logStartOffset;
}
