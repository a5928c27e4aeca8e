/**
 * What Kafka's DumpLogSegments checks of a partition's folder, on files as they lie: every index entry names a batch that is
 * there, time entries rise and name the maximum, snapshots have their checksum. Throws at the first fault.
 */
import {
  BATCH_HEADER_BYTES,
  BatchView,
  batchesIn,
  crc32cJs,
  isCrcValid,
  offset,
} from '@odradek/protocol';
import type { Volume } from '@odradek/ports';
import { sortedFiles, segmentFile } from '../names.ts';
import { OffsetIndex } from '../offset-index.ts';
import { decodeSnapshot } from '../producer-snapshot.ts';
import { TimeIndex } from '../time-index.ts';
import { decodeAborted } from '../transaction-index.ts';

export interface CheckedFiles {
  readonly batches: number;
  readonly offsetEntries: number;
  readonly timeEntries: number;
  readonly snapshots: number;
}

/** Every segment must have its indexes: after a clean close. */
export async function checkFiles(volume: Volume, folder: string): Promise<CheckedFiles> {
  const files = sortedFiles(folder, await volume.list(`${folder}/`));
  const small = async (name: string): Promise<Uint8Array> => {
    const bytes = await volume.readSmall(name);
    if (bytes === undefined) throw new Error(`${name} is missing`);
    return bytes;
  };
  const counts = { batches: 0, offsetEntries: 0, timeEntries: 0, snapshots: 0 };
  let nextOffset = 0;
  for (const { baseOffset, log } of files.segments) {
    if (log === undefined) throw new Error(`an index without a segment at ${baseOffset}`);
    const bytes = await small(segmentFile(folder, baseOffset, '.log'));
    const byLastOffset = new Map<number, BatchView>();
    let end = 0;
    if (baseOffset < nextOffset)
      throw new Error(`segment ${baseOffset} begins before ${nextOffset}`);
    nextOffset = baseOffset;
    for (const batch of batchesIn(bytes)) {
      if (!isCrcValid(batch, crc32cJs))
        throw new Error(`bad checksum at offset ${batch.baseOffset}`);
      if (batch.baseOffset < nextOffset)
        throw new Error(`offset ${batch.baseOffset} after ${nextOffset}`);
      nextOffset = batch.nextOffset;
      byLastOffset.set(batch.lastOffset, batch);
      end = batch.start + batch.sizeBytes;
      counts.batches++;
    }
    if (end !== bytes.length)
      throw new Error(`${bytes.length - end} bytes behind the last batch of ${baseOffset}`);
    if (bytes.length === 0) continue;
    const offsets = OffsetIndex.load(
      baseOffset,
      await small(segmentFile(folder, baseOffset, '.index')),
      bytes.length,
    );
    const times = TimeIndex.load(
      baseOffset,
      await small(segmentFile(folder, baseOffset, '.timeindex')),
      offset(nextOffset),
    );
    if (offsets === undefined || times === undefined)
      throw new Error(`an index of ${baseOffset} is malformed`);
    for (let n = 0; n < offsets.count; n++) {
      const entry = offsets.entry(n);
      if (
        bytes.length < entry.position + BATCH_HEADER_BYTES ||
        new BatchView(bytes, entry.position).lastOffset !== entry.offset
      ) {
        throw new Error(
          `index entry ${entry.offset} -> ${entry.position} of ${baseOffset} names no batch`,
        );
      }
    }
    for (let n = 0; n < times.count; n++) {
      const entry = times.entry(n);
      if (byLastOffset.get(entry.offset)?.maxTimestampMs !== entry.timestampMs)
        throw new Error(
          `time entry ${entry.timestampMs} -> ${entry.offset} of ${baseOffset} names no batch`,
        );
    }
    const max = Math.max(-1, ...[...byLastOffset.values()].map((batch) => batch.maxTimestampMs));
    if ((times.last?.timestampMs ?? -1) !== max)
      throw new Error(
        `the largest timestamp of ${baseOffset} is ${max}, its index says ${times.last?.timestampMs}`,
      );
    const aborted = await volume.readSmall(segmentFile(folder, baseOffset, '.txnindex'));
    if (
      aborted !== undefined &&
      decodeAborted(aborted, baseOffset, offset(nextOffset)) === undefined
    )
      throw new Error(`the transaction index of ${baseOffset} is malformed`);
    counts.offsetEntries += offsets.count;
    counts.timeEntries += times.count;
  }
  for (const at of files.snapshots) {
    if (decodeSnapshot(await small(segmentFile(folder, at, '.snapshot')), crc32cJs) === undefined)
      throw new Error(`snapshot ${at} is malformed`);
    counts.snapshots++;
  }
  if (files.cleaned.length > 0 || files.hasSwap)
    throw new Error('a compaction has left files behind');
  return counts;
}
