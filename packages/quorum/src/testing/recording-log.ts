/** A metadata log that keeps beside itself which batches it has: what a judge looks at after every event. */
import type { PartitionLog } from '@odradek/log';
import { batchesIn, offset, type LeaderEpoch, type Offset } from '@odradek/protocol';
import type { QuorumLog } from '../member/quorum-log.ts';

export interface Entry {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly epoch: number;
  readonly crc: number;
}

export type RecordingLog = QuorumLog & { readonly entries: readonly Entry[] };

export async function recordingLog(
  log: PartitionLog,
  appended: (entry: Entry) => void,
): Promise<RecordingLog> {
  let entries: Entry[] = [];
  const note = (records: Uint8Array, baseOffset?: Offset, epoch?: LeaderEpoch): void => {
    for (const view of batchesIn(records)) {
      const base = baseOffset ?? view.baseOffset;
      const entry = {
        baseOffset: base,
        nextOffset: base + view.lastOffsetDelta + 1,
        epoch: epoch ?? view.leaderEpoch,
        crc: view.crc,
      };
      entries.push(entry);
      appended(entry);
    }
  };
  for (let from = log.logStartOffset; from < log.logEndOffset;) {
    const read = await log.read(from, {
      maxBytes: 1 << 20,
      atLeastOneBatch: true,
      below: log.logEndOffset,
    });
    if (read.status !== 'ok' || read.records.length === 0) throw new Error('the log has a gap');
    for (const bytes of read.records) note(bytes);
    from = offset(entries.at(-1)!.nextOffset);
  }
  return {
    get entries() {
      return entries;
    },
    get logStartOffset() {
      return log.logStartOffset;
    },
    get logEndOffset() {
      return log.logEndOffset;
    },
    get flushedOffset() {
      return log.flushedOffset;
    },
    get latestEpoch() {
      return log.latestEpoch;
    },
    get onFlushed() {
      return log.onFlushed;
    },
    set onFlushed(listener) {
      log.onFlushed = listener;
    },
    get onFailed() {
      return log.onFailed;
    },
    set onFailed(listener) {
      log.onFailed = listener;
    },
    appendAsLeader(records, options) {
      const base = log.logEndOffset;
      const outcome = log.appendAsLeader(records, options);
      if (outcome.status === 'appended') note(records, base, options.leaderEpoch);
      return outcome;
    },
    appendAsFollower(records) {
      const outcome = log.appendAsFollower(records);
      if (outcome.status === 'appended') note(records);
      return outcome;
    },
    flush: () => log.flush(),
    endOffsetForEpoch: (epoch) => log.endOffsetForEpoch(epoch),
    epochAt: (at) => log.epochAt(at),
    truncateTo(target) {
      entries = entries.filter((entry) => entry.nextOffset <= target);
      return log.truncateTo(target);
    },
    truncateFullyAndStartAt(start) {
      entries = [];
      return log.truncateFullyAndStartAt(start);
    },
    read: (from, options) => log.read(from, options),
    setHighWatermark: (highWatermark) => log.setHighWatermark(highWatermark),
    deleteRecordsBefore: (before) => log.deleteRecordsBefore(before),
    enforceRetention: () => log.enforceRetention(),
  };
}
