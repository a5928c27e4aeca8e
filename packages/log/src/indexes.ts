/**
 * The indexes of segments that do not grow: read when they are needed, checked against the log, built anew when they are
 * missing or wrong, forgotten when memory is needed elsewhere.
 *
 * What is checked: the form (everything rises and fits), the last entry of each against the batch that it names, and what
 * lies behind the last one. A wrong entry in between costs time at worst: a reader walks the batches themselves, and `rebuildIndexes` is called by whoever
 * finds no batch where an entry pointed.
 */
import { BATCH_HEADER_BYTES, BatchView } from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import { LogCorruptError } from './errors.ts';
import { INDEX_GAP_BYTES_MAX, SMALL_SEGMENT_BYTES } from './limits.ts';
import { segmentEnd } from './log-state.ts';
import type { LogContents } from './log-state.ts';
import { segmentFile } from './names.ts';
import { OffsetIndex } from './offset-index.ts';
import { STOP, scan } from './scan.ts';
import type { Visit, WalkEnd } from './scan.ts';
import { bytesOf } from './segment-bytes.ts';
import { Segment } from './segment.ts';
import type { SegmentIndexes } from './segment.ts';
import { TimeIndex } from './time-index.ts';
import { encodeAborted } from './transaction-index.ts';

/** Those in memory, or read, or built anew. */
export async function indexesOf(log: LogContents, segment: Segment): Promise<SegmentIndexes> {
  const ready = segment.indexes;
  if (ready !== undefined) {
    if (segment.isSealed) log.ports.resources.indexes.used(segment);
    return ready;
  }
  const read = await readIndexes(log, segment);
  if (read === undefined) return rebuildIndexes(log, segment);
  if (segment.indexes !== undefined) return segment.indexes;
  segment.indexes = read;
  segment.maxTimestamp ??= read.times.last ?? { timestampMs: -1, offset: segment.baseOffset };
  log.ports.resources.indexes.used(segment);
  return read;
}

/**
 * Walks the batches of a segment from the one that holds `target`, or from a little before it. The entry that leads there is
 * checked against its batch; if it is wrong, the index is built anew and the walk begins again. Throws LogCorruptError.
 */
export async function scanFrom(
  log: LogContents,
  segment: Segment,
  target: Offset,
  visit: Visit,
): Promise<WalkEnd> {
  for (let attempt = 0; ; attempt++) {
    const { offsets } = await indexesOf(log, segment);
    const entry = offsets.entryBefore(target);
    const from = entry?.position ?? 0;
    let isIndexWrong = false;
    const checked: Visit = (batch, at) => {
      isIndexWrong = at === from && entry !== undefined && batch.lastOffset !== entry.offset;
      return isIndexWrong
        ? `the index names offset ${entry!.offset} here, the batch ends at ${batch.lastOffset}`
        : visit(batch, at);
    };
    const end = await scan(
      bytesOf(log, segment),
      { from, to: segment.sizeBytes, minOffset: segment.baseOffset },
      checked,
    );
    if (end.problem === undefined) return end;
    const mayBeIndex = isIndexWrong || (end.position === from && from > 0);
    if (!mayBeIndex || attempt > 0)
      throw new LogCorruptError(segment.file.name, end.position, end.problem);
    await rebuildIndexes(log, segment);
  }
}

/** From the files; undefined: they cannot be used. */
export async function readIndexes(
  log: LogContents,
  segment: Segment,
  endOffset = segmentEnd(log, segment),
): Promise<SegmentIndexes | undefined> {
  const { volume } = log.ports;
  const { baseOffset, sizeBytes } = segment;
  const offsetBytes = await volume.readSmall(segmentFile(log.folder, baseOffset, '.index'));
  const timeBytes =
    offsetBytes === undefined
      ? undefined
      : await volume.readSmall(segmentFile(log.folder, baseOffset, '.timeindex'));
  if (offsetBytes === undefined || timeBytes === undefined) return undefined;
  const offsets = OffsetIndex.load(baseOffset, offsetBytes, sizeBytes);
  const times = TimeIndex.load(baseOffset, timeBytes, endOffset);
  if (offsets === undefined || times === undefined) return undefined;
  if (sizeBytes - (offsets.last?.position ?? 0) > INDEX_GAP_BYTES_MAX) return undefined;
  return (await isTrue(segment, offsets, times)) ? { offsets, times } : undefined;
}

/**
 * Do the last entries name batches that are there, and is no batch behind the last indexed one later than the index says?
 * Indexes that were saved before the segment had grown to its end are found out by that.
 */
async function isTrue(segment: Segment, offsets: OffsetIndex, times: TimeIndex): Promise<boolean> {
  const { file, sizeBytes, baseOffset } = segment;
  const indexed = offsets.last;
  const max = times.last;
  const from = indexed?.position ?? 0;
  let firstOffset = -1;
  let maxTimestampMs = -1;
  let isMaxThere = max === undefined;
  const visit: Visit = (batch) => {
    if (firstOffset < 0) firstOffset = batch.lastOffset;
    if (batch.maxTimestampMs > maxTimestampMs) maxTimestampMs = batch.maxTimestampMs;
    isMaxThere ||= batch.lastOffset === max?.offset && batch.maxTimestampMs === max.timestampMs;
    return undefined;
  };
  const read = (position: number, length: number): Promise<Uint8Array> =>
    file.read(position, length);
  const end = await scan(read, { from, to: sizeBytes, minOffset: baseOffset }, visit);
  if (end.problem !== undefined || (indexed !== undefined && firstOffset !== indexed.offset))
    return false;
  if (maxTimestampMs > (max?.timestampMs ?? -1)) return false;
  if (isMaxThere || max === undefined) return isMaxThere;
  // The maximum stands further to the front.
  await scan(
    read,
    {
      from: offsets.positionBefore(max.offset),
      to: from,
      minOffset: baseOffset,
      windowBytes: SMALL_SEGMENT_BYTES,
    },
    (batch) => {
      if (batch.lastOffset < max.offset) return undefined;
      isMaxThere = batch.lastOffset === max.offset && batch.maxTimestampMs === max.timestampMs;
      return STOP;
    },
  );
  return isMaxThere;
}

/** From the log, which may grow meanwhile. Of a sealed segment the files are written too. Throws LogCorruptError. */
export async function rebuildIndexes(log: LogContents, segment: Segment): Promise<SegmentIndexes> {
  const { baseOffset, file, createdMs } = segment;
  const rebuilt = new Segment({ baseOffset, file, createdMs });
  rebuilt.beginIndexes();
  const visit: Visit = (batch, position) => {
    rebuilt.noteBatch(batch, position, log.config);
    return undefined;
  };
  for (let from = 0; from < segment.sizeBytes; from = rebuilt.sizeBytes) {
    const end = await scan(
      bytesOf(log, segment),
      { from, to: segment.sizeBytes, minOffset: baseOffset },
      visit,
    );
    if (end.problem !== undefined) throw new LogCorruptError(file.name, end.position, end.problem);
  }
  if (segment.isSealed) rebuilt.completeTimeIndex();
  segment.adoptIndexes(rebuilt);
  log.ports.logger.info('the indexes of a segment were built anew', { file: file.name });
  if (segment.isSealed) {
    log.ports.resources.indexes.used(segment);
    // Beside other writers of these files, and only if the segment is still the log's when its turn comes.
    const save = async (): Promise<void> => {
      if (log.segments.includes(segment) && segment.isSealed && segment.indexes !== undefined)
        await saveIndexes(log, segment);
    };
    if (log.background === undefined) await save();
    else log.background.start(save);
  }
  return segment.indexes!;
}

/** Writes .index and .timeindex, and .txnindex if there is anything in it. Durable on return. */
export async function saveIndexes(
  { ports, folder }: Pick<LogContents, 'ports' | 'folder'>,
  segment: Segment,
): Promise<void> {
  const { volume } = ports;
  const { offsets, times } = segment.indexes!;
  await volume.replace(segmentFile(folder, segment.baseOffset, '.index'), offsets.bytes);
  await volume.replace(segmentFile(folder, segment.baseOffset, '.timeindex'), times.bytes);
  if (segment.aborted === undefined || segment.aborted.length === 0) return;
  await volume.replace(
    segmentFile(folder, segment.baseOffset, '.txnindex'),
    encodeAborted(segment.aborted),
  );
}

/** Header of the segment's first batch. */
export async function firstTimestampMs(segment: Segment): Promise<number> {
  if (segment.firstTimestampMs !== undefined) return segment.firstTimestampMs;
  const header = await segment.file.read(0, BATCH_HEADER_BYTES);
  segment.firstTimestampMs =
    header.length < BATCH_HEADER_BYTES ? -1 : new BatchView(header).maxTimestampMs;
  return segment.firstTimestampMs;
}
