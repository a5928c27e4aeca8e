/**
 * Reading for consumers and followers: whole batches from an offset on, as views of memory when the tail has them (at once),
 * from the disk otherwise. Whatever is served has a believable header, ends below the bound, and lies in its segment's
 * range; anything else is a LogCorruptError, never an answer.
 */
import { BATCH_HEADER_BYTES, BatchView, isCrcValid, offset } from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import { LogCorruptError, asError } from './errors.ts';
import { indexesOf, rebuildIndexes } from './indexes.ts';
import { READ_SLACK_BYTES } from './limits.ts';
import { segmentEnd, segmentIndexOf } from './log-state.ts';
import type { LogState } from './log-state.ts';
import type { OffsetIndex, OffsetPosition } from './offset-index.ts';
import { STOP, walk } from './scan.ts';
import type { Segment } from './segment.ts';

export interface ReadOptions {
  readonly maxBytes: number;
  /** Give the first batch even if it is larger than maxBytes. */
  readonly atLeastOneBatch: boolean;
  /** Nothing at or above this offset: the high watermark, the last stable offset, or the log's end. */
  readonly below: Offset;
  /** Check every batch's CRC: for replicas. For consumers those that the disk alone vouches for are checked. */
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

/** No index leads to that. */
const WRONG_CHECKSUM = 'a batch does not match its checksum';

export function read(
  log: LogState,
  from: Offset,
  options: ReadOptions,
): ReadResult | Promise<ReadResult> {
  if (!(from >= log.logStartOffset && from <= log.logEndOffset)) return OUT_OF_RANGE;
  const below = offset(Math.min(options.below, log.logEndOffset));
  if (from >= below) return nothing(from);
  const first = Math.max(0, segmentIndexOf(log.segments, from));
  try {
    return (
      readFromTail(log, first, from, below, options) ??
      readFromDisk(log, first, from, below, options)
    );
  } catch (error) {
    return Promise.reject(asError(error));
  }
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
    const entry = segment.indexes.offsets.entryBefore(from);
    const begin = entry?.position ?? 0;
    // Earlier batches are on the disk: is the wanted one among them?
    if (begin < tailStart && from < batchAt(log, segment, tailStart).baseOffset) return undefined;
    // An index that was read again from its file is not believed blindly: the way over the disk sorts it out.
    if (entry !== undefined && begin >= tailStart && !isBatchAt(log, segment, entry))
      return undefined;
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
  const endOffset = segmentEnd(log, segment);
  // The active segment's index saves most of the walk.
  const jump = (position: (offsets: OffsetIndex) => number): number =>
    segment.isSealed ? start : Math.max(start, position(segment.indexes!.offsets));
  let end = segment.sizeBytes;
  if (below < endOffset)
    end = skipTo(
      log,
      segment,
      jump((offsets) => offsets.positionBefore(offset(below - 1))),
      (batch) => batch.lastOffset >= below,
    );
  const limit = start + Math.max(0, maxBytes);
  if (end > limit)
    end = skipTo(
      log,
      segment,
      jump((offsets) => offsets.boundaryBefore(limit)),
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

function isBatchAt(
  log: LogState,
  segment: Segment,
  { position, offset: lastOffset }: OffsetPosition,
): boolean {
  const chunk = log.tail.chunkAt(segment, position);
  if (chunk === undefined || chunk.position + chunk.used - position < BATCH_HEADER_BYTES)
    return false;
  return new BatchView(chunk.bytes, position - chunk.position).lastOffset === lastOffset;
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
  let entry = (await indexesOf(log, segment)).offsets.entryBefore(from);
  let position: number = entry?.position ?? 0;
  let windowBytes = Math.max(0, options.maxBytes) + READ_SLACK_BYTES;
  for (;;) {
    const inMemory = log.tail.startOf(segment) ?? segment.sizeBytes;
    if (position >= inMemory) {
      if (inMemory === segment.sizeBytes) return undefined;
      // All that is left of the segment is in the tail, and nothing before it reaches `from`.
      const atLeast = offset(Math.max(from, batchAt(log, segment, inMemory).baseOffset));
      const n = segmentIndexOf(log.segments, segment.baseOffset);
      const result = readFromTail(log, n, atLeast, below, options);
      if (result !== undefined || hasRebuilt) return result;
      hasRebuilt = true;
      await rebuildIndexes(log, segment);
      continue;
    }
    const length = Math.min(windowBytes, inMemory - position);
    const { readAhead } = log.ports.resources;
    const bytes = await (readAhead.take(segment, position, length, generation) ??
      segment.file.read(position, length));
    if (log.generation !== generation) return undefined;
    const cut = cutFromBytes(log, segment, bytes, position, entry, from, below, options);
    if (cut.result !== undefined) {
      readAheadOf(log, segment, cut.result, position + length, options);
      return cut.result;
    }
    const isCut =
      bytes.length < length ||
      (cut.missingBytes > 0 && position + bytes.length + cut.missingBytes > inMemory);
    const problem = cut.problem ?? (isCut ? 'the segment ends within a batch' : undefined);
    if (problem !== undefined) {
      // Did a wrong index lead here, or is the log damaged?
      if (hasRebuilt || problem === WRONG_CHECKSUM)
        throw new LogCorruptError(segment.file.name, cut.position, problem);
      hasRebuilt = true;
      entry = (await rebuildIndexes(log, segment)).offsets.entryBefore(from);
      position = entry?.position ?? 0;
      continue;
    }
    windowBytes = Math.max(windowBytes, position + bytes.length + cut.missingBytes - cut.position);
    position = cut.position;
  }
}

/** A reader whose answer was full will ask for what follows: it is read now, from where the index will lead. */
function readAheadOf(
  log: LogState,
  segment: Segment,
  result: ReadResult,
  readTo: number,
  { maxBytes }: ReadOptions,
): void {
  if (result.status !== 'ok' || result.sizeBytes < maxBytes / 2) return;
  const inMemory = log.tail.startOf(segment) ?? segment.sizeBytes;
  if (readTo >= inMemory || segment.indexes === undefined) return;
  const position = segment.indexes.offsets.entryBefore(result.nextOffset)?.position ?? 0;
  const length = Math.min(maxBytes + READ_SLACK_BYTES, inMemory - position);
  log.ports.resources.readAhead.begin(segment, position, length, log.generation);
}

interface Cut {
  readonly result?: ReadResult;
  readonly problem?: string;
  /** Where to read on. */
  readonly position: number;
  /** Of the batch that begins there. */
  readonly missingBytes: number;
}

/** `entry`: what led to the first of the bytes. */
function cutFromBytes(
  log: LogState,
  segment: Segment,
  bytes: Uint8Array,
  position: number,
  entry: OffsetPosition | undefined,
  from: Offset,
  below: Offset,
  { maxBytes, atLeastOneBatch, verify }: ReadOptions,
): Cut {
  const { crc32c } = log.ports;
  const endOffset = segmentEnd(log, segment);
  const taken: BatchView[] = [];
  let size = 0;
  let isPast = false;
  const end = walk(bytes, position, segment.baseOffset, (batch, at) => {
    const { lastOffset, sizeBytes } = batch;
    if (at === entry?.position && lastOffset !== entry.offset)
      return `the index names offset ${entry.offset} here, the batch ends at ${lastOffset}`;
    if (lastOffset >= endOffset)
      return `a batch ends at offset ${lastOffset}, in a segment that ends below ${endOffset}`;
    if (lastOffset < from) return undefined;
    isPast = lastOffset >= below || (size + sizeBytes > maxBytes && (size > 0 || !atLeastOneBatch));
    if (isPast) return STOP;
    if ((verify === true || !segment.isProven) && !isCrcValid(batch, crc32c)) return WRONG_CHECKSUM;
    taken.push(batch);
    size += sizeBytes;
    return undefined;
  });
  // What follows is no batch: is that one damaged, or does the one before lie about its length?
  if (end.problem !== undefined && taken.length > 0 && !isCrcValid(taken.at(-1)!, crc32c))
    taken.pop();
  const first = taken[0];
  const last = taken.at(-1);
  const missingBytes = end.bytesMissing ?? 0;
  if (first === undefined || last === undefined) {
    if (end.problem !== undefined)
      return { problem: end.problem, position: end.position, missingBytes };
    return isPast
      ? { result: nothing(from), position: end.position, missingBytes }
      : { position: end.position, missingBytes };
  }
  const records = bytes.subarray(first.start, last.start + last.sizeBytes);
  const result: ReadResult = {
    status: 'ok',
    records: [records],
    firstOffset: first.baseOffset,
    nextOffset: last.nextOffset,
    sizeBytes: records.length,
  };
  return { result, position: end.position, missingBytes };
}
