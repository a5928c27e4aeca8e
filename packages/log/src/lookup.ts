/** ListOffsets: which offset a point in time is, and where the largest timestamp stands. */
import { NO_LEADER_EPOCH, offset, recordsIn } from '@odradek/protocol';
import type { BatchView, LeaderEpoch, Offset } from '@odradek/protocol';
import { asError } from './errors.ts';
import { indexesOf, rebuildIndexes, scanFrom } from './indexes.ts';
import { DECOMPRESSED_BYTES_MAX } from './limits.ts';
import { onOneGeneration } from './log-state.ts';
import type { LogState } from './log-state.ts';
import { STOP } from './scan.ts';
import type { Segment } from './segment.ts';
import type { TimestampOffset } from './time-index.ts';

export interface FoundOffset {
  readonly offset: Offset;
  /** -1 for the log's start and end, which are no records. */
  readonly timestampMs: number;
  /** -1: not known. */
  readonly leaderEpoch: LeaderEpoch;
}

/** The log's start. */
export function earliestOffset(log: LogState): FoundOffset {
  const first = log.epochs.earliest;
  const isKnown = first !== undefined && first.startOffset <= log.logStartOffset;
  return {
    offset: log.logStartOffset,
    timestampMs: -1,
    leaderEpoch: isKnown ? first.epoch : NO_LEADER_EPOCH,
  };
}

/** The log's end. Who may see no more than the high watermark puts that in its place. */
export function latestOffset(log: LogState): FoundOffset {
  return {
    offset: log.logEndOffset,
    timestampMs: -1,
    leaderEpoch: log.epochs.latestEpoch ?? NO_LEADER_EPOCH,
  };
}

/** The first record, by offset, that is at `timestampMs` or later, if it lies below `below`. */
export function offsetForTimestamp(
  log: LogState,
  timestampMs: number,
  below: Offset,
): Promise<FoundOffset | undefined> {
  return onOneGeneration(log, () => findTimestamp(log, timestampMs, below));
}

async function findTimestamp(
  log: LogState,
  timestampMs: number,
  below: Offset,
): Promise<FoundOffset | undefined> {
  for (const segment of [...log.segments]) {
    if (segment.sizeBytes === 0) continue;
    await indexesOf(log, segment);
    if (segment.maxTimestamp!.timestampMs < timestampMs) continue;
    const found = await findTimestampIn(log, segment, timestampMs);
    if (found !== undefined) return found.offset < below ? found : undefined;
  }
  return undefined;
}

/** The entry that leads there is believed only if its batch bears it out. */
async function findTimestampIn(
  log: LogState,
  segment: Segment,
  timestampMs: number,
): Promise<FoundOffset | undefined> {
  const { times } = await indexesOf(log, segment);
  const entry = times.entryBefore(timestampMs);
  const begin = offset(Math.max(entry?.offset ?? segment.baseOffset, log.logStartOffset));
  const isLate = (at: number): boolean => at >= timestampMs;
  let isTrue = entry === undefined || entry.offset < begin;
  const search = new RecordSearch(log, (batch) => isLate(batch.maxTimestampMs), isLate);
  await scanFrom(log, segment, begin, (batch) => {
    isTrue ||= batch.lastOffset === entry!.offset && batch.maxTimestampMs === entry!.timestampMs;
    if (!isTrue && batch.lastOffset >= entry!.offset) return STOP;
    return search.visit(batch);
  });
  if (isTrue) return search.found;
  await rebuildIndexes(log, segment);
  return findTimestampIn(log, segment, timestampMs);
}

/** The first record that has the largest timestamp of the log. */
export function maxTimestampOffset(log: LogState): Promise<FoundOffset | undefined> {
  return onOneGeneration(log, () => findMaximum(log));
}

async function findMaximum(log: LogState): Promise<FoundOffset | undefined> {
  let latest: { segment: Segment; max: TimestampOffset } | undefined;
  for (const segment of [...log.segments]) {
    if (segment.sizeBytes === 0) continue;
    if (segment.maxTimestamp === undefined) await indexesOf(log, segment);
    const max = segment.maxTimestamp!;
    if (latest === undefined || max.timestampMs > latest.max.timestampMs) latest = { segment, max };
  }
  if (latest === undefined || latest.max.timestampMs < 0) return undefined;
  const { segment, max } = latest;
  const isMax = (timestampMs: number): boolean => timestampMs === max.timestampMs;
  const search = new RecordSearch(log, (batch) => isMax(batch.maxTimestampMs), isMax);
  await scanFrom(log, segment, max.offset, search.visit);
  return search.found;
}

/** The first record with a certain time, of the batches that it is shown. */
class RecordSearch {
  found: FoundOffset | undefined;
  readonly #log: LogState;
  readonly #mayHold: (batch: BatchView) => boolean;
  readonly #isIt: (timestampMs: number) => boolean;

  constructor(
    log: LogState,
    mayHold: (batch: BatchView) => boolean,
    isIt: (timestampMs: number) => boolean,
  ) {
    this.#log = log;
    this.#mayHold = mayHold;
    this.#isIt = isIt;
  }

  visit = (batch: BatchView): string | typeof STOP | undefined => {
    const { logStartOffset, ports } = this.#log;
    if (batch.lastOffset < logStartOffset || !this.#mayHold(batch)) return undefined;
    try {
      for (const record of recordsIn(batch, ports.decompress, DECOMPRESSED_BYTES_MAX)) {
        const { offset: at, timestampMs } = record;
        if (at < logStartOffset || !this.#isIt(timestampMs)) continue;
        this.found = { offset: at, timestampMs, leaderEpoch: batch.leaderEpoch };
        return STOP;
      }
    } catch (error) {
      return asError(error).message;
    }
    return undefined;
  };
}
