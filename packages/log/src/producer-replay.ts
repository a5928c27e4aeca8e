/**
 * Producer state from the log itself: the newest snapshot that can be used, then the headers of the batches behind it. The
 * same `apply` as on append, so that a restart is no second implementation.
 */
import { offset, parseEndTxnMarker, recordsIn } from '@odradek/protocol';
import type { BatchView, Decompress, EndTxnMarker, Offset } from '@odradek/protocol';
import { scanFrom } from './indexes.ts';
import { DECOMPRESSED_BYTES_MAX } from './limits.ts';
import { segmentIndexOf } from './log-state.ts';
import type { LogContents } from './log-state.ts';
import { segmentFile } from './names.ts';
import { decodeSnapshot } from './producer-snapshot.ts';
import type { CompletedTransaction, ProducerStates } from './producer-state.ts';
import { withRecentBatches } from './recent-batches.ts';
import { STOP } from './scan.ts';
import type { Visit } from './scan.ts';

/** What a control batch says; undefined for data and for control records of other kinds. Throws MalformedBatch. */
export function markerOf(batch: BatchView, decompress: Decompress): EndTxnMarker | undefined {
  if (!batch.isControl) return undefined;
  for (const record of recordsIn(batch, decompress, DECOMPRESSED_BYTES_MAX))
    return parseEndTxnMarker(record);
  return undefined;
}

/**
 * Loads the newest good snapshot at or below `atMost` and gives the offset from which the log must be replayed. Without one
 * that is where the first segment begins. A damaged snapshot is removed: the log has what it held.
 */
export async function loadNewestSnapshot(
  log: LogContents,
  producers: ProducerStates,
  atMost: Offset,
): Promise<Offset> {
  const { volume, crc32c, logger } = log.ports;
  // What lies behind a snapshot must be there to be replayed.
  const start = log.segments[0]?.baseOffset ?? log.logStartOffset;
  const usable = [...log.snapshots]
    .filter((at) => at <= atMost && at >= start)
    .sort((a, b) => b - a);
  for (const at of usable) {
    const name = segmentFile(log.folder, at, '.snapshot');
    const bytes = await volume.readSmall(name);
    const entries = bytes === undefined ? undefined : decodeSnapshot(bytes, crc32c);
    if (entries !== undefined) {
      producers.load(await withRecentBatches(entries, at, volume, log.folder, crc32c), at);
      return at;
    }
    logger.warn(
      'a producer snapshot is damaged: it is removed, and the state rebuilt from the log',
      { file: name },
    );
    await volume.remove(name);
    log.snapshots.delete(at);
  }
  producers.clear(start);
  return start;
}

/** Applies the batches of [from, to), which are on the disk. */
export async function replayProducers(
  log: LogContents,
  producers: ProducerStates,
  from: Offset,
  to: Offset,
  completed: (transaction: CompletedTransaction) => void = () => {},
): Promise<void> {
  const visit: Visit = (batch) => {
    if (batch.baseOffset >= to) return STOP;
    if (batch.baseOffset < from) return undefined;
    const transaction = producers.apply(batch, markerOf(batch, log.ports.decompress));
    if (transaction !== undefined) completed(transaction);
    return undefined;
  };
  for (let n = Math.max(0, segmentIndexOf(log.segments, from)); n < log.segments.length; n++) {
    const segment = log.segments[n]!;
    if (segment.baseOffset >= to) break;
    await scanFrom(log, segment, offset(Math.max(from, segment.baseOffset)), visit);
  }
  if (producers.endOffset < to) producers.endOffset = to;
}
