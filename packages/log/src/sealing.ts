/**
 * The end of a segment's growing. In memory the next one begins at once; behind, the old one's bytes are synced (they are
 * already, with flush.messages=1), its indexes and the producers' state at the new base are written, and only then the
 * recovery point may pass it: a segment below the recovery point has all its files.
 */
import { offset } from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import { encodeLeaderEpochs } from './checkpoints.ts';
import { saveIndexes } from './indexes.ts';
import { SEALS_UNDER_WAY_MAX } from './limits.ts';
import { activeSegment, newSegment } from './log-state.ts';
import type { LogContents, LogState } from './log-state.ts';
import { LEADER_EPOCHS, segmentFile } from './names.ts';
import { encodeSnapshot } from './producer-snapshot.ts';
import { encodeRecentBatches, writeRecentBatches } from './recent-batches.ts';
import type { Segment } from './segment.ts';

/** Begins a new active segment at `baseOffset`, which is the log's end or beyond it. */
export function roll(log: LogState, baseOffset: Offset): Segment {
  const old = activeSegment(log);
  old.completeTimeIndex();
  const segment = newSegment(log, { baseOffset });
  segment.beginIndexes();
  log.segments.push(segment);
  log.producers.endOffset = baseOffset;
  const snapshot = snapshotOf(log);
  log.sealsUnderWay++;
  void log.writer
    .job(async () => {
      const sealed = log.background.run(() => seal(log, old, snapshot));
      sealed.catch(() => {});
      if (log.sealsUnderWay > SEALS_UNDER_WAY_MAX) await sealed;
    })
    .catch(() => {});
  return segment;
}

async function seal(log: LogState, segment: Segment, snapshot: Snapshot): Promise<void> {
  await log.writer.sync();
  await saveIndexes(log, segment);
  await saveSnapshot(log, snapshot);
  log.sealsUnderWay--;
  segment.isSealed = true;
  log.ports.resources.indexes.used(segment);
}

export interface Snapshot {
  readonly offset: Offset;
  readonly bytes: Uint8Array;
  /** What Kafka's format has no place for; undefined: nothing. */
  readonly recentBatches: Uint8Array | undefined;
}

export function snapshotOf({
  producers,
  ports,
}: Pick<LogContents, 'producers' | 'ports'>): Snapshot {
  return {
    offset: producers.endOffset,
    bytes: encodeSnapshot(producers.entries(), producers.size, ports.crc32c),
    recentBatches: encodeRecentBatches(producers.endOffset, producers.entries(), ports.crc32c),
  };
}

export async function saveSnapshot(log: LogContents, snapshot: Snapshot): Promise<void> {
  if (snapshot.recentBatches !== undefined)
    await writeRecentBatches(log.ports.volume, log.folder, snapshot.recentBatches);
  await log.ports.volume.replace(
    segmentFile(log.folder, snapshot.offset, '.snapshot'),
    snapshot.bytes,
  );
  log.snapshots.add(snapshot.offset);
}

/** Brings leader-epoch-checkpoint up to date, behind the decision. */
export function saveLeaderEpochsBehind(log: LogState): void {
  log.background.start(() => saveLeaderEpochs(log));
}

export async function saveLeaderEpochs(log: LogState): Promise<void> {
  const { revision, entries } = log.epochs;
  if (revision === log.savedEpochsRevision) return;
  await log.ports.volume.replace(`${log.folder}/${LEADER_EPOCHS}`, encodeLeaderEpochs(entries));
  log.savedEpochsRevision = revision;
}

/** Below it nothing needs to be looked at after a crash: the bytes are synced, and so are the files derived from them. */
export function recoveryPointOf(log: LogState): Offset {
  if (log.savedEpochsRevision === log.epochs.revision) {
    const active = activeSegment(log);
    const unsealed = log.segments.find((segment) => !segment.isSealed && segment !== active);
    log.recoveryPoint = offset(Math.min(log.writer.syncedOffset, unsealed?.baseOffset ?? Infinity));
  }
  return log.recoveryPoint;
}
