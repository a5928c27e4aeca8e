/**
 * The ends of a log. A clean one leaves files that the next start can believe: everything synced, indexes, producers and
 * epochs as they were. Any other just lets go of the files. Deletion takes the topic's id last, so that what an interrupted
 * one leaves is still known for what it is.
 */
import { LogClosedError } from './errors.ts';
import { saveIndexes } from './indexes.ts';
import { SMALL_SEGMENT_BYTES } from './limits.ts';
import { activeSegment } from './log-state.ts';
import type { LogState } from './log-state.ts';
import { PARTITION_METADATA, segmentFile } from './names.ts';
import { LogFile } from './open-files.ts';
import { saveLeaderEpochs, saveSnapshot, snapshotOf } from './sealing.ts';
import type { Segment } from './segment.ts';

/** On return, after a clean close, the recovery point is the log's end. Rejects when that could not be brought about. */
export async function close(log: LogState, { clean }: { clean: boolean }): Promise<void> {
  if (log.phase === 'closed') return;
  if (log.phase === 'closing') throw new LogClosedError(log.folder, 'is being closed already');
  log.phase = 'closing';
  try {
    if (clean) await leaveClean(log);
  } finally {
    await letGo(log);
  }
}

async function leaveClean(log: LogState): Promise<void> {
  log.urgent++;
  await log.maintenance.idle();
  await log.writer.flush();
  await log.background.idle();
  await log.reaper.finish(log);
  await saveLeaderEpochs(log);
  if (log.logEndOffset === log.cleanEndOffset) return;
  const active = activeSegment(log);
  log.cleanEndOffset = log.logEndOffset;
  // Perhaps it has not even a file.
  if (active.sizeBytes === 0) return;
  active.completeTimeIndex();
  // A small segment is scanned at the next start, whatever its indexes say: they are for Kafka's tools, and need no flush.
  if (active.sizeBytes > SMALL_SEGMENT_BYTES) await saveIndexes(log, active);
  else await writeIndexes(log, active);
  const snapshot = snapshotOf(log);
  const isNeeded = log.producers.size > 0 || active.sizeBytes > SMALL_SEGMENT_BYTES;
  if (isNeeded && !log.snapshots.has(snapshot.offset)) await saveSnapshot(log, snapshot);
}

async function letGo(log: LogState): Promise<void> {
  await log.reaper.abandon();
  log.writer.abandon(new LogClosedError(log.folder));
  log.urgent++;
  await log.maintenance.idle();
  await log.background.idle();
  for (const segment of log.segments) await segment.file.retire().catch(() => {});
  for (const segment of log.segments) log.ports.resources.indexes.dropped(segment);
  log.tail.clear();
  log.phase = 'closed';
}

async function writeIndexes({ ports, folder }: LogState, segment: Segment): Promise<void> {
  const { offsets, times } = segment.indexes!;
  await overwrite(
    new LogFile(
      segmentFile(folder, segment.baseOffset, '.index'),
      ports.volume,
      ports.resources.openFiles,
    ),
    offsets.bytes,
  );
  await overwrite(
    new LogFile(
      segmentFile(folder, segment.baseOffset, '.timeindex'),
      ports.volume,
      ports.resources.openFiles,
    ),
    times.bytes,
  );
  if (segment.aborted === undefined || segment.aborted.length === 0) return;
  await saveIndexes({ ports, folder }, segment);
}

async function overwrite(file: LogFile, bytes: Uint8Array): Promise<void> {
  await file.use(async (handle) => {
    if (handle.sizeBytes > 0) await handle.truncate(0);
    await handle.append([bytes]);
  });
  await file.retire();
}

/** The partition is gone from this volume on return. */
export async function deleteLog(log: LogState): Promise<void> {
  if (log.phase !== 'closed') await letGo(log);
  const { volume } = log.ports;
  const last = `${log.folder}/${PARTITION_METADATA}`;
  const entries = await volume.list(`${log.folder}/`);
  for (const { name } of entries) if (name !== last) await volume.remove(name);
  await volume.remove(last);
}
