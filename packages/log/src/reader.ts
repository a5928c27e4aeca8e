/**
 * Reading for consumers and followers: whole batches from an offset on, as views of memory when the tail has them (at once),
 * from the disk otherwise. Whatever is served has a believable header, ends below the bound, and lies in its segment's
 * range; anything else is a LogCorruptError, never an answer.
 */
import { BatchView, isCrcValid, offset } from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import { LogCorruptError } from './errors.ts';
import { indexesOf, rebuildIndexes } from './indexes.ts';
import { READ_SLACK_BYTES } from './limits.ts';
import { segmentEnd, segmentIndexOf } from './log-state.ts';
import type { LogState } from './log-state.ts';
import { STOP, walk } from './scan.ts';
import type { Segment } from './segment.ts';

export interface ReadOptions {
  readonly maxBytes: number;
  /** Give the first batch even if it is larger than maxBytes. */
  readonly atLeastOneBatch: boolean;
  /** Nothing at or above this offset: the high watermark, the last stable offset, or the log's end. */
  readonly below: Offset;
  /** Check every batch's CRC: for replicas. Consumers check for themselves. */
  readonly verify?: boolean;
}

export type ReadResult =
  | {
      readonly status: 'ok';
      /** Whole batches end to end, in pieces. The bytes may not be changed. */
      readonly records: readonly Uint8Array[];
      /** Where the first batch begins: at the asked offset or before it. The asked offset when there is none. */
      readonly firstOffset: Offset;
      /** Where to go on. */
      readonly nextOffset: Offset;
      readonly sizeBytes: number;
    }
  | { readonly status: 'outOfRange' };

const OUT_OF_RANGE: ReadResult = { status: 'outOfRange' };

export function read(
  log: LogState,
  from: Offset,
  options: ReadOptions,
): ReadResult | Promise<ReadResult> {
  if (!(from >= log.logStartOffset && from <= log.logEndOffset)) return OUT_OF_RANGE;
  const below = offset(Math.min(options.below, log.logEndOffset));
  if (from >= below) return nothing(from);
  const first = Math.max(0, segmentIndexOf(log.segments, from));
  return (
    readFromTail(log, first, from, below, options) ?? readFromDisk(log, first, from, below, options)
  );
}

function nothing(from: Offset): ReadResult {
  return { status: 'ok', records: [], firstOffset: from, nextOffset: from, sizeBytes: 0 };
}

/** Undefined: what is asked for is not in memory. */
function readFromTail(
  log: LogState,
  first: number,
  from: Offset,
  below: Offset,
  options: ReadOptions,
): ReadResult | undefined {
  for (let n = first; n < log.segments.length; n++) {
    const segment = log.segments[n]!;
    if (segment.sizeBytes === 0) continue;
    const tailStart = log.tail.startOf(segment);
    if (tailStart === undefined || segment.indexes === undefined) return undefined;
    const begin = segment.indexes.offsets.positionBefore(from);
    // Earlier batches are on the disk: is the wanted one among them?
    if (begin < tailStart && from < batchAt(log, segment, tailStart).baseOffset) return undefined;
    const start = skipTo(
      log,
      segment,
      Math.max(begin, tailStart),
      (batch) => batch.lastOffset >= from,
    );
    if (start === segment.sizeBytes) continue;
    return cutFromTail(log, segment, start, from, below, options);
  }
  return nothing(from);
}

function cutFromTail(
  log: LogState,
  segment: Segment,
  start: number,
  from: Offset,
  below: Offset,
  { maxBytes, atLeastOneBatch, verify }: ReadOptions,
): ReadResult {
  const { offsets } = segment.indexes!;
  const endOffset = segmentEnd(log, segment);
  let end = segment.sizeBytes;
  if (below < endOffset)
    end = skipTo(
      log,
      segment,
      Math.max(start, offsets.positionBefore(offset(below - 1))),
      (batch) => batch.lastOffset >= below,
    );
  const limit = start + Math.max(0, maxBytes);
  if (end > limit)
    end = skipTo(
      log,
      segment,
      Math.max(start, offsets.boundaryBefore(limit)),
      (batch, at) => at + batch.sizeBytes > limit,
    );
  const first = batchAt(log, segment, start);
  if (end === start && atLeastOneBatch && first.lastOffset < below) end = start + first.sizeBytes;
  if (end === start) return nothing(from);
  if (verify === true)
    skipTo(log, segment, start, (batch, at) => at >= end || checked(log, segment, batch, at));
  return {
    status: 'ok',
    records: log.tail.views(segment, start, end),
    firstOffset: first.baseOffset,
    nextOffset: end < segment.sizeBytes ? batchAt(log, segment, end).baseOffset : endOffset,
    sizeBytes: end - start,
  };
}

function checked(log: LogState, segment: Segment, batch: BatchView, at: number): false {
  if (!isCrcValid(batch, log.ports.crc32c))
    throw new LogCorruptError(
      segment.file.name,
      at,
      'a batch in memory does not match its checksum',
    );
  return false;
}

function batchAt(log: LogState, segment: Segment, position: number): BatchView {
  const chunk = log.tail.chunkAt(segment, position)!;
  return new BatchView(chunk.bytes, position - chunk.position);
}

/** The first batch at or behind `position` for which `isFound` holds; the segment's end when there is none. */
function skipTo(
  log: LogState,
  segment: Segment,
  position: number,
  isFound: (batch: BatchView, at: number) => boolean,
): number {
  let at = position;
  while (at < segment.sizeBytes) {
    const chunk = log.tail.chunkAt(segment, at)!;
    const chunkEnd = chunk.position + chunk.used;
    while (at < chunkEnd) {
      const batch = new BatchView(chunk.bytes, at - chunk.position);
      if (isFound(batch, at)) return at;
      at += batch.sizeBytes;
    }
  }
  return at;
}

/** Segments may be cut, cleaned or deleted under a read. What was read then may be half overwritten: it is asked for again. */
async function readFromDisk(
  log: LogState,
  first: number,
  from: Offset,
  below: Offset,
  options: ReadOptions,
): Promise<ReadResult> {
  const { generation } = log;
  let result: ReadResult = nothing(from);
  try {
    for (const segment of log.segments.slice(first)) {
      const found =
        segment.sizeBytes === 0 ? undefined : await readSegment(log, segment, from, below, options);
      if (found === undefined && log.generation === generation) continue;
      result = found ?? result;
      break;
    }
  } catch (error) {
    if (log.generation === generation || log.phase === 'closed') throw error;
  }
  return log.generation === generation ? result : read(log, from, options);
}

/** Undefined: the segment has nothing at or behind `from`. */
async function readSegment(
  log: LogState,
  segment: Segment,
  from: Offset,
  below: Offset,
  options: ReadOptions,
): Promise<ReadResult | undefined> {
  const { generation } = log;
  let hasRebuilt = false;
  let position: number = (await indexesOf(log, segment)).offsets.positionBefore(from);
  let windowBytes = Math.max(0, options.maxBytes) + READ_SLACK_BYTES;
  for (;;) {
    const inMemory = log.tail.startOf(segment) ?? segment.sizeBytes;
    if (position >= inMemory) {
      if (inMemory === segment.sizeBytes) return undefined;
      // All that is left of the segment is in the tail, and nothing before it reaches `from`.
      const atLeast = offset(Math.max(from, batchAt(log, segment, inMemory).baseOffset));
      return readFromTail(
        log,
        segmentIndexOf(log.segments, segment.baseOffset),
        atLeast,
        below,
        options,
      );
    }
    const bytes = await segment.file.read(position, Math.min(windowBytes, inMemory - position));
    if (log.generation !== generation) return undefined;
    const cut = cutFromBytes(log, segment, bytes, position, from, below, options);
    if (cut.problem !== undefined) {
      // Did a wrong index lead here, or is the log damaged?
      if (hasRebuilt || !segment.isSealed)
        throw new LogCorruptError(segment.file.name, cut.position, cut.problem);
      hasRebuilt = true;
      position = (await rebuildIndexes(log, segment)).offsets.positionBefore(from);
      continue;
    }
    if (cut.result !== undefined) return cut.result;
    if (cut.missingBytes > 0 && position + bytes.length + cut.missingBytes > inMemory) {
      throw new LogCorruptError(segment.file.name, cut.position, 'the segment ends within a batch');
    }
    windowBytes = Math.max(windowBytes, position + bytes.length + cut.missingBytes - cut.position);
    position = cut.position;
  }
}

interface Cut {
  readonly result?: ReadResult;
  readonly problem?: string;
  /** Where to read on. */
  readonly position: number;
  /** Of the batch that begins there. */
  readonly missingBytes: number;
}

function cutFromBytes(
  log: LogState,
  segment: Segment,
  bytes: Uint8Array,
  position: number,
  from: Offset,
  below: Offset,
  options: ReadOptions,
): Cut {
  const endOffset = segmentEnd(log, segment);
  let firstOffset: Offset | undefined;
  let start = 0;
  let size = 0;
  let nextOffset = from;
  let isPast = false;
  const end = walk(bytes, position, segment.baseOffset, (batch, at) => {
    if (batch.lastOffset >= endOffset)
      return `a batch ends at offset ${batch.lastOffset}, in a segment that ends below ${endOffset}`;
    if (batch.lastOffset < from) return undefined;
    const { sizeBytes } = batch;
    isPast =
      batch.lastOffset >= below ||
      (size + sizeBytes > options.maxBytes && !(size === 0 && options.atLeastOneBatch));
    if (isPast) return STOP;
    if (options.verify === true && !isCrcValid(batch, log.ports.crc32c))
      return 'a batch does not match its checksum';
    if (firstOffset === undefined) {
      firstOffset = batch.baseOffset;
      start = at - position;
    }
    size += sizeBytes;
    nextOffset = batch.nextOffset;
    return undefined;
  });
  const missingBytes = end.bytesMissing ?? 0;
  if (end.problem !== undefined && size === 0)
    return { problem: end.problem, position: end.position, missingBytes };
  if (size > 0) {
    return {
      result: {
        status: 'ok',
        records: [bytes.subarray(start, start + size)],
        firstOffset: firstOffset!,
        nextOffset,
        sizeBytes: size,
      },
      position: end.position,
      missingBytes,
    };
  }
  if (isPast) return { result: nothing(from), position: end.position, missingBytes };
  return { position: end.position, missingBytes };
}
