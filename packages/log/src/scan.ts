/**
 * Walks over the batches of a file, or of bytes. What makes a header believable is checked here and for everyone: a length
 * that can be, magic 2, offsets that rise. Contents (the CRC) are the visitor's matter.
 */
import {
  BATCH_HEADER_BYTES,
  BatchView,
  LENGTH_OVERHEAD_BYTES,
  MAGIC_V2,
  offset,
} from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import { BATCH_BYTES_MAX, SCAN_WINDOW_BYTES } from './limits.ts';

/** Undefined: go on. A string: this batch is not sound, stop before it. STOP: stop before it, nothing is wrong. */
export type Visit = (batch: BatchView, position: number) => string | typeof STOP | undefined;
export const STOP = Symbol('stop');

export interface WalkEnd {
  /** Up to where everything was visited. */
  readonly position: number;
  /** Behind the last batch visited. */
  readonly nextOffset: Offset;
  /** What stands at `position` instead of a sound batch. */
  readonly problem?: string;
  /** There is the front of a batch whose rest lies beyond the bytes. */
  readonly bytesMissing?: number;
  readonly isStopped?: boolean;
}

/** Why no batch can begin at `at`; undefined when one can. There must be a whole header. */
export function headerProblem(
  bytes: Uint8Array,
  at: number,
  minOffset: number,
): string | undefined {
  const batch = new BatchView(bytes, at);
  if (batch.magic !== MAGIC_V2) return `magic byte ${batch.magic} instead of 2`;
  const { sizeBytes } = batch;
  if (sizeBytes < BATCH_HEADER_BYTES || sizeBytes > BATCH_BYTES_MAX)
    return `batch length ${sizeBytes - LENGTH_OVERHEAD_BYTES} cannot be`;
  const { baseOffset, lastOffsetDelta } = batch;
  if (!(baseOffset >= minOffset) || !Number.isSafeInteger(baseOffset))
    return `base offset ${baseOffset} where ${minOffset} or more was to come`;
  if (lastOffsetDelta < 0) return `last offset delta ${lastOffsetDelta}`;
  return undefined;
}

/** Walks `bytes`, which lie at `position` of a file and begin with a batch. */
export function walk(
  bytes: Uint8Array,
  position: number,
  minOffset: Offset,
  visit: Visit,
): WalkEnd {
  let at = 0;
  let nextOffset = minOffset;
  while (at < bytes.length) {
    const left = bytes.length - at;
    if (left < BATCH_HEADER_BYTES)
      return { position: position + at, nextOffset, bytesMissing: BATCH_HEADER_BYTES - left };
    const problem = headerProblem(bytes, at, nextOffset);
    if (problem !== undefined) return { position: position + at, nextOffset, problem };
    const batch = new BatchView(bytes, at);
    const { sizeBytes } = batch;
    if (sizeBytes > left)
      return { position: position + at, nextOffset, bytesMissing: sizeBytes - left };
    const verdict = visit(batch, position + at);
    if (verdict === STOP) return { position: position + at, nextOffset, isStopped: true };
    if (verdict !== undefined) return { position: position + at, nextOffset, problem: verdict };
    nextOffset = offset(batch.nextOffset);
    at += sizeBytes;
  }
  return { position: position + at, nextOffset };
}

export type ReadBytes = (position: number, length: number) => Promise<Uint8Array>;

export interface ScanRange {
  readonly from: number;
  readonly to: number;
  readonly minOffset: Offset;
  /** How much is read at once. */
  readonly windowBytes?: number;
}

/** Reads a file window by window. A batch that does not end before `to` is a problem here: there is nothing more to read. */
export async function scan(read: ReadBytes, range: ScanRange, visit: Visit): Promise<WalkEnd> {
  const { from, to, minOffset } = range;
  const window = range.windowBytes ?? SCAN_WINDOW_BYTES;
  let position = from;
  let nextOffset = minOffset;
  let windowBytes = window;
  while (position < to) {
    const length = Math.min(windowBytes, to - position);
    const bytes = await read(position, length);
    const end = walk(bytes, position, nextOffset, visit);
    if (end.problem !== undefined || end.isStopped === true) return end;
    const missing = end.bytesMissing ?? 0;
    if (bytes.length < length || (missing > 0 && position + bytes.length + missing > to)) {
      return {
        position: end.position,
        nextOffset: end.nextOffset,
        problem: `the file ends ${missing} bytes before the batch does`,
      };
    }
    // The rest of a batch larger than the window: read it whole.
    windowBytes = Math.max(window, position + bytes.length + missing - end.position);
    position = end.position;
    nextOffset = end.nextOffset;
  }
  return { position, nextOffset };
}
