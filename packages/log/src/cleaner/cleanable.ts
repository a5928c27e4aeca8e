/**
 * What of a compacted log may be cleaned, and how much it needs it. Clean is what earlier rounds have gone over; dirty what
 * lies behind. Never cleaned are the active segment, what is above the last stable offset, and what is younger than
 * min.compaction.lag.ms.
 */
import { offset } from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import { firstTimestampMs, indexesOf } from '../indexes.ts';
import { isCompacted } from '../log-config.ts';
import { activeSegment, segmentIndexOf, sizeBytesOf } from '../log-state.ts';
import type { LogState } from '../log-state.ts';
import { firstTimestampMsOf, largestTimestampMsOf } from '../segment.ts';
import type { Segment } from '../segment.ts';

export interface Cleanable {
  readonly firstDirtyOffset: Offset;
  /** Where a segment begins. */
  readonly firstUncleanableOffset: Offset;
  readonly cleanBytes: number;
  readonly cleanableBytes: number;
  /** Something dirty is older than max.compaction.lag.ms. */
  readonly isOverdue: boolean;
}

export async function cleanableOf(log: LogState, lastStableOffset: Offset): Promise<Cleanable> {
  const { config, segments } = log;
  const nowMs = log.ports.clock.wallTimeMs();
  const isKnown =
    log.firstDirtyOffset >= log.logStartOffset && log.firstDirtyOffset <= log.logEndOffset;
  const firstDirtyOffset = isKnown ? log.firstDirtyOffset : log.logStartOffset;
  const dirty = segments.slice(Math.max(0, segmentIndexOf(segments, firstDirtyOffset)), -1);
  const tooYoung =
    config.minCompactionLagMs > 0
      ? await firstYoungerThan(log, dirty, nowMs - config.minCompactionLagMs)
      : undefined;
  const bound = Math.min(lastStableOffset, activeSegment(log).baseOffset, tooYoung ?? Infinity);
  const firstUncleanableOffset = segmentStart(segments, offset(Math.max(firstDirtyOffset, bound)));
  return {
    firstDirtyOffset,
    firstUncleanableOffset,
    cleanBytes: sizeBytesOf(segments.filter((segment) => segment.baseOffset < firstDirtyOffset)),
    cleanableBytes: sizeBytesOf(
      dirty.filter((segment) => segment.baseOffset < firstUncleanableOffset),
    ),
    isOverdue:
      isCompacted(config) && (await firstTimeOf(dirty)) < nowMs - config.maxCompactionLagMs,
  };
}

async function firstYoungerThan(
  log: LogState,
  segments: readonly Segment[],
  timeMs: number,
): Promise<Offset | undefined> {
  for (const segment of segments) {
    if (segment.maxTimestamp === undefined) await indexesOf(log, segment);
    if (largestTimestampMsOf(segment) > timeMs) return segment.baseOffset;
  }
  return undefined;
}

async function firstTimeOf(segments: readonly Segment[]): Promise<number> {
  let first = Infinity;
  for (const segment of segments) {
    await firstTimestampMs(segment);
    const timeMs = firstTimestampMsOf(segment);
    if (timeMs > 0 && timeMs < first) first = timeMs;
  }
  return first;
}

/** Of the segment that holds `at`: a segment is cleaned whole or not at all. */
function segmentStart(segments: readonly Segment[], at: Offset): Offset {
  return segments[Math.max(0, segmentIndexOf(segments, at))]!.baseOffset;
}
