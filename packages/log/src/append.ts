/**
 * Deciding an append. Everything is decided at once and in memory: sizes, contents, the producer's sequence, offsets,
 * timestamps, the segment. What is decided is queued for the disk, whose answer comes through the writer. A refusal
 * changes nothing.
 *
 * The bytes come as a view that is valid during the call: they are copied once, into the tail, and stamped there.
 */
import {
  BATCH_HEADER_BYTES,
  BatchView,
  ErrorCode,
  MalformedBatch,
  batchesIn,
  isCrcValid,
  offset,
  setBaseOffset,
  setLeaderEpoch,
  setLogAppendTime,
  setMaxTimestamp,
  validateBatch,
} from '@odradek/protocol';
import type { EndTxnMarker, LeaderEpoch, Offset, RecordError } from '@odradek/protocol';
import { assert } from './errors.ts';
import { DECOMPRESSED_BYTES_MAX, PENDING_BYTES_HARD_MAX } from './limits.ts';
import { isCompacted } from './log-config.ts';
import { activeSegment } from './log-state.ts';
import type { LogState } from './log-state.ts';
import { markerOf } from './producer-replay.ts';
import type { AppendOrigin } from './producer-state.ts';
import { recompressed } from './recompress.ts';
import { roll, saveLeaderEpochsBehind } from './sealing.ts';
import { headerProblem } from './scan.ts';
import type { TailChunk } from './tail.ts';

export interface AppendAsLeaderOptions {
  readonly leaderEpoch: LeaderEpoch;
  readonly origin: AppendOrigin;
  /** Of the Produce request: zstd came with 7. */
  readonly apiVersion?: number;
  /** Of a transaction marker (KIP-890); 0 unless said otherwise. */
  readonly transactionVersion?: number;
}

export type AppendOutcome =
  | AppendedRange<'appended'>
  /** The same batch came before: these are its offsets. */
  | AppendedRange<'duplicate'>
  | AppendRefusal;

export interface AppendedRange<Status extends string> {
  readonly status: Status;
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
  /** -1 unless the topic has LogAppendTime. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: Offset;
}

export interface AppendRefusal {
  readonly status: 'refused';
  readonly errorCode: ErrorCode;
  readonly message: string;
  readonly recordErrors: readonly RecordError[];
}

/** A batch that may be appended, and what is to be written into it. */
interface Admitted {
  readonly batch: BatchView;
  readonly marker: EndTxnMarker | undefined;
  readonly maxTimestampMs: number;
}

const ZSTD_SINCE_PRODUCE = 7;

export function appendAsLeader(
  log: LogState,
  records: Uint8Array,
  options: AppendAsLeaderOptions,
): AppendOutcome {
  const closed = storageRefusal(log);
  if (closed !== undefined) return closed;
  const { config } = log;
  const nowMs = log.ports.clock.wallTimeMs();
  const isLogAppendTime = config.messageTimestampType === 'LogAppendTime';
  const admitted: Admitted[] = [];
  try {
    let endBytes = 0;
    for (const batch of batchesIn(records)) {
      if (admitted.length === 1 && options.origin === 'client')
        return refused(
          ErrorCode.INVALID_RECORD,
          'a produce request has one batch a partition, this one has more',
        );
      const one = admit(log, batch, options, nowMs, isLogAppendTime);
      if ('status' in one) return one;
      admitted.push(one);
      endBytes = batch.start + batch.sizeBytes;
    }
    if (admitted.length === 0) return refused(ErrorCode.INVALID_RECORD, 'there is no batch');
    if (endBytes !== records.length)
      return refused(
        ErrorCode.CORRUPT_MESSAGE,
        `${records.length - endBytes} bytes behind the last whole batch`,
      );
  } catch (error) {
    return malformed(error);
  }
  let sizeBytes = 0;
  for (const { batch, marker } of admitted) {
    sizeBytes += batch.sizeBytes;
    if (batch.producerId < 0) continue;
    const verdict = log.producers.check(batch, {
      origin: options.origin,
      marker,
      transactionVersion: options.transactionVersion,
    });
    if (verdict.status === 'refused') return refused(verdict.errorCode, verdict.message);
    if (verdict.status === 'accepted') continue;
    const { lastOffset, offsetDelta, timestampMs } = verdict.mark;
    return range(
      'duplicate',
      log,
      offset(lastOffset - offsetDelta),
      lastOffset,
      isLogAppendTime ? timestampMs : -1,
    );
  }
  if (sizeBytes > config.segmentBytes) {
    return refused(
      ErrorCode.RECORD_LIST_TOO_LARGE,
      `${sizeBytes} bytes are more than a segment takes (segment.bytes ${config.segmentBytes})`,
    );
  }
  const baseOffset = log.logEndOffset;
  for (const { batch, marker, maxTimestampMs } of admitted) {
    const lastOffset = offset(log.logEndOffset + batch.lastOffsetDelta);
    const chunk = stage(
      log,
      batch,
      log.logEndOffset,
      lastOffset,
      isLogAppendTime ? nowMs : maxTimestampMs,
      nowMs,
    );
    const staged = new BatchView(chunk.bytes, chunk.used - batch.sizeBytes);
    setBaseOffset(staged, log.logEndOffset);
    setLeaderEpoch(staged, options.leaderEpoch);
    if (isLogAppendTime) setLogAppendTime(staged, nowMs, log.ports.crc32c);
    else setMaxTimestamp(staged, maxTimestampMs, log.ports.crc32c);
    commit(log, chunk, staged, marker);
  }
  return range(
    'appended',
    log,
    baseOffset,
    offset(log.logEndOffset - 1),
    isLogAppendTime ? nowMs : -1,
  );
}

/** Batches from the leader: offsets and epochs are theirs. A last one that is not all there is left for the next fetch. */
export function appendAsFollower(log: LogState, records: Uint8Array): AppendOutcome {
  const closed = storageRefusal(log);
  if (closed !== undefined) return closed;
  const admitted: Admitted[] = [];
  let nextOffset = log.logEndOffset;
  try {
    for (const batch of batchesIn(records)) {
      if (batch.sizeBytes < BATCH_HEADER_BYTES)
        return refused(ErrorCode.CORRUPT_MESSAGE, `a batch of ${batch.sizeBytes} bytes`);
      const problem = headerProblem(batch.bytes, batch.start, nextOffset);
      if (problem !== undefined) return refused(ErrorCode.CORRUPT_MESSAGE, problem);
      if (!isCrcValid(batch, log.ports.crc32c))
        return refused(
          ErrorCode.CORRUPT_MESSAGE,
          `the batch at offset ${batch.baseOffset} does not match its checksum`,
        );
      admitted.push({
        batch,
        marker: markerOf(batch, log.ports.decompress),
        maxTimestampMs: batch.maxTimestampMs,
      });
      nextOffset = batch.nextOffset;
    }
  } catch (error) {
    return malformed(error);
  }
  const first = admitted[0]?.batch.baseOffset ?? log.logEndOffset;
  const nowMs = log.ports.clock.wallTimeMs();
  for (const { batch, marker, maxTimestampMs } of admitted) {
    const chunk = stage(log, batch, batch.baseOffset, batch.lastOffset, maxTimestampMs, nowMs);
    commit(log, chunk, new BatchView(chunk.bytes, chunk.used - batch.sizeBytes), marker);
    if (log.ports.mutants.has('log.followerForgetsProducers')) log.producers.clear(nextOffset);
  }
  return range('appended', log, first, offset(log.logEndOffset - 1), -1);
}

function admit(
  log: LogState,
  batch: BatchView,
  options: AppendAsLeaderOptions,
  nowMs: number,
  isLogAppendTime: boolean,
): Admitted | AppendRefusal {
  const { config, ports } = log;
  if (batch.sizeBytes > config.maxMessageBytes)
    return tooLarge(batch.sizeBytes, config.maxMessageBytes);
  const validation = validateBatch(batch, {
    crc32c: ports.crc32c,
    decompress: ports.decompress,
    limitBytes: DECOMPRESSED_BYTES_MAX,
    origin: options.origin === 'client' ? 'client' : 'coordinator',
    requireKeys: isCompacted(config) && !batch.isControl,
    isLogAppendTime,
    timestampMinMs: nowMs - config.messageTimestampBeforeMaxMs,
    timestampMaxMs: nowMs + config.messageTimestampAfterMaxMs,
  });
  if (!validation.ok) {
    return {
      status: 'refused',
      errorCode: validation.errorCode as ErrorCode,
      message: validation.message,
      recordErrors: validation.recordErrors,
    };
  }
  const { compression } = batch;
  if (
    compression === 'zstd' &&
    options.apiVersion !== undefined &&
    options.apiVersion < ZSTD_SINCE_PRODUCE
  ) {
    return refused(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      `zstd needs Produce ${ZSTD_SINCE_PRODUCE} or later, this is ${options.apiVersion}`,
    );
  }
  const { maxTimestampMs } = validation;
  const marker = batch.isControl ? markerOf(batch, ports.decompress) : undefined;
  const wanted = config.compressionType;
  if (
    wanted === 'producer' ||
    batch.isControl ||
    (wanted === 'uncompressed' ? undefined : wanted) === compression
  )
    return { batch, marker, maxTimestampMs };
  const rewritten = recompressed(batch, wanted === 'uncompressed' ? undefined : wanted, ports);
  return rewritten.sizeBytes > config.maxMessageBytes
    ? tooLarge(rewritten.sizeBytes, config.maxMessageBytes)
    : { batch: rewritten, marker, maxTimestampMs };
}

/** Copies the batch to the end of the tail, in a new segment if the active one may not take it. */
function stage(
  log: LogState,
  batch: BatchView,
  baseOffset: Offset,
  lastOffset: Offset,
  maxTimestampMs: number,
  nowMs: number,
): TailChunk {
  let segment = activeSegment(log);
  if (segment.mustRoll(batch.sizeBytes, lastOffset, maxTimestampMs, nowMs, log.config))
    segment = roll(log, baseOffset);
  return log.tail.stage(segment, batch.slice());
}

/** The batch is as it will be read for ever: the log takes it into account, and queues it. */
function commit(
  log: LogState,
  chunk: TailChunk,
  batch: BatchView,
  marker: EndTxnMarker | undefined,
): void {
  const { segment } = chunk;
  const position = chunk.position + batch.start;
  assert(position === segment.sizeBytes, 'a staged batch lies right behind the last one');
  const epoch = batch.leaderEpoch;
  if (epoch >= 0 && epoch !== log.epochs.latestEpoch) {
    log.epochs.assign(epoch, batch.baseOffset);
    saveLeaderEpochsBehind(log);
  }
  segment.noteBatch(batch, position, log.config);
  if (batch.producerId >= 0) {
    const completed = log.producers.apply(batch, marker);
    if (completed?.isAborted === true) segment.aborted!.push(log.producers.abortedEntry(completed));
  }
  const { nextOffset } = batch;
  log.producers.endOffset = nextOffset;
  log.logEndOffset = nextOffset;
  log.ports.observer?.appended(batch.baseOffset, nextOffset, batch.slice());
  log.writer.write(chunk, batch.start, batch.start + batch.sizeBytes, nextOffset);
}

function storageRefusal(log: LogState): AppendRefusal | undefined {
  const { failure, pendingBytes } = log.writer;
  if (failure !== undefined)
    return refused(
      ErrorCode.KAFKA_STORAGE_ERROR,
      `the log ${log.folder} has failed: ${failure.message}`,
    );
  if (log.phase !== 'open')
    return refused(ErrorCode.KAFKA_STORAGE_ERROR, `the log ${log.folder} is ${log.phase}`);
  if (pendingBytes > PENDING_BYTES_HARD_MAX)
    return refused(ErrorCode.REQUEST_TIMED_OUT, `${pendingBytes} bytes wait for the disk already`);
  return undefined;
}

function range<Status extends 'appended' | 'duplicate'>(
  status: Status,
  log: LogState,
  baseOffset: Offset,
  lastOffset: Offset,
  logAppendTimeMs: number,
): AppendedRange<Status> {
  return { status, baseOffset, lastOffset, logAppendTimeMs, logStartOffset: log.logStartOffset };
}

function refused(errorCode: ErrorCode, message: string): AppendRefusal {
  return { status: 'refused', errorCode, message, recordErrors: [] };
}

function tooLarge(sizeBytes: number, maxBytes: number): AppendRefusal {
  return refused(
    ErrorCode.MESSAGE_TOO_LARGE,
    `a batch of ${sizeBytes} bytes is more than max.message.bytes (${maxBytes})`,
  );
}

function malformed(error: unknown): AppendRefusal {
  if (error instanceof MalformedBatch) return refused(error.errorCode as ErrorCode, error.message);
  throw error;
}
