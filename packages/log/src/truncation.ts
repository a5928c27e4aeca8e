/**
 * Cutting the log's end, by a follower that has diverged from its leader. Exclusive: what was appended is on the disk first,
 * nothing is appended meanwhile. The later segments' files go before the cut, durably, and the cut is durable on return, so
 * that a crash never leaves a log with a gap, nor brings back what was cut once something new was acknowledged in its place.
 *
 * The owner writes its checkpoint of the recovery point afterwards: it is lower now.
 */
import { offset } from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import { encodeLeaderEpochs } from './checkpoints.ts';
import { asError } from './errors.ts';
import { scanFrom } from './indexes.ts';
import { newSegment, segmentIndexOf } from './log-state.ts';
import type { LogState } from './log-state.ts';
import { LEADER_EPOCHS, segmentFile } from './names.ts';
import { loadNewestSnapshot, replayProducers } from './producer-replay.ts';
import { removeSegment } from './reaper.ts';
import { saveLeaderEpochs } from './sealing.ts';
import { STOP, scan } from './scan.ts';
import type { Segment } from './segment.ts';
import { abortedOf } from './transactions.ts';

/** False: the log ended there or before already. */
export function truncateTo(log: LogState, target: Offset): Promise<boolean> {
  return exclusively(log, async () => {
    if (target >= log.logEndOffset) return false;
    const { highWatermark } = log;
    if (target < log.segments[0]!.baseOffset) {
      await beginAnew(log, target);
      return true;
    }
    const n = segmentIndexOf(log.segments, target);
    const segment = log.segments[n]!;
    const position = await positionOf(log, segment, target);
    // Its file goes with the other derived ones; an active segment has its list in memory.
    await abortedOf(log, segment);
    const later = log.segments.splice(n + 1);
    log.generation++;
    log.tail.clear();
    setBounds(log, target);
    cutInMemory(log, segment, target, position);
    await removeNewestFirst(log, later, () => segment.file.sync());
    for (const suffix of ['.index', '.timeindex', '.txnindex'] as const)
      await log.ports.volume.remove(segmentFile(log.folder, segment.baseOffset, suffix));
    await removeSnapshotsAbove(log, target);
    // The later segments are gone for good, before there is a gap to fear.
    await segment.file.sync();
    await segment.file.truncate(position);
    await segment.file.sync();
    await restoreMaximum(segment);
    const from = await loadNewestSnapshot(log, log.producers, target);
    await replayProducers(log, log.producers, from, target);
    log.epochs.truncateFromEnd(target);
    await saveLeaderEpochs(log);
    log.ports.observer?.truncated(target, highWatermark);
    return true;
  });
}

/** Drops everything: the log is empty, and its next offset is `start`. */
export function truncateFullyAndStartAt(log: LogState, start: Offset): Promise<void> {
  return exclusively(log, () => beginAnew(log, start));
}

async function exclusively<T>(log: LogState, work: () => Promise<T>): Promise<T> {
  log.urgent++;
  try {
    return await log.maintenance.run(async () => {
      if (log.phase !== 'open')
        throw log.writer.failure ?? new Error(`the log ${log.folder} is ${log.phase}`);
      log.phase = 'truncating';
      try {
        await log.writer.flush();
        await log.background.idle();
        await log.reaper.finish(log);
        return await work();
      } catch (error) {
        log.writer.fail(asError(error));
        throw error;
      } finally {
        if (log.phase === 'truncating') log.phase = 'open';
      }
    });
  } finally {
    log.urgent--;
  }
}

/** Of the batch that holds `target` or comes first behind it: it goes whole, as Kafka has it. */
async function positionOf(log: LogState, segment: Segment, target: Offset): Promise<number> {
  const end = await scanFrom(log, segment, target, (batch) =>
    batch.lastOffset >= target ? STOP : undefined,
  );
  return end.position;
}

function setBounds(log: LogState, end: Offset): void {
  log.logEndOffset = end;
  log.highWatermark = offset(Math.min(log.highWatermark, end));
  log.logStartOffset = offset(Math.min(log.logStartOffset, end));
  log.writer.restartAt(end);
  log.cleanEndOffset = offset(-1);
  log.recoveryPoint = offset(Math.min(log.recoveryPoint, end));
}

/** The segment is active from now on. */
function cutInMemory(log: LogState, segment: Segment, target: Offset, position: number): void {
  const indexes = segment.indexes!;
  log.ports.resources.indexes.dropped(segment);
  segment.isSealed = false;
  segment.sizeBytes = position;
  segment.aborted = segment.aborted!.filter((transaction) => transaction.lastOffset < target);
  indexes.offsets.truncateTo(target);
  indexes.times.truncateTo(target);
  segment.resumeIndexes(indexes);
  if (position === 0) segment.firstTimestampMs = undefined;
}

/** The largest timestamp of what is left: the last time entry's, or one of the batches behind it. */
async function restoreMaximum(segment: Segment): Promise<void> {
  const { offsets, times } = segment.indexes!;
  let max = times.last ?? { timestampMs: -1, offset: segment.baseOffset };
  const range = {
    from: offsets.positionBefore(max.offset),
    to: segment.sizeBytes,
    minOffset: segment.baseOffset,
  };
  await scan(
    (position, length) => segment.file.read(position, length),
    range,
    (batch) => {
      if (batch.maxTimestampMs > max.timestampMs)
        max = { timestampMs: batch.maxTimestampMs, offset: batch.lastOffset };
      return undefined;
    },
  );
  segment.maxTimestamp = max;
}

async function beginAnew(log: LogState, start: Offset): Promise<void> {
  const old = log.segments.splice(0);
  log.generation++;
  log.tail.clear();
  const segment = newSegment(log, { baseOffset: start });
  segment.beginIndexes();
  log.segments.push(segment);
  setBounds(log, start);
  log.logStartOffset = start;
  log.highWatermark = start;
  log.producers.clear(start);
  log.epochs.clear();
  for (const one of old) log.ports.resources.indexes.dropped(one);
  await removeSnapshotsAbove(log, offset(-1));
  await saveLeaderEpochs(log);
  const checkpoint = encodeLeaderEpochs([]);
  await removeNewestFirst(log, old, () =>
    log.ports.volume.replace(`${log.folder}/${LEADER_EPOCHS}`, checkpoint),
  );
  // Only now there is a segment that the old ones would contradict.
  await segment.file.sync();
  log.ports.observer?.begunAnew(start);
}

/**
 * One at a time, each for good (`settle` is a durable operation) before the next one: of several removals that are not
 * settled a crash may undo some, and leave a gap.
 */
async function removeNewestFirst(
  log: LogState,
  segments: readonly Segment[],
  settle: () => Promise<void>,
): Promise<void> {
  for (const segment of [...segments].reverse()) {
    await removeSegment(log, segment);
    log.snapshots.delete(segment.baseOffset);
    await settle();
  }
}

async function removeSnapshotsAbove(log: LogState, at: Offset): Promise<void> {
  for (const snapshot of [...log.snapshots]) {
    if (snapshot <= at) continue;
    await log.ports.volume.remove(segmentFile(log.folder, snapshot, '.snapshot'));
    log.snapshots.delete(snapshot);
  }
}
