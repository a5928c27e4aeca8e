/** Aborted transactions of a range of offsets, for read_committed consumers and the cleaner. */
import { offset } from '@odradek/protocol';
import type { Offset } from '@odradek/protocol';
import { segmentEnd, segmentIndexOf } from './log-state.ts';
import type { LogContents } from './log-state.ts';
import { segmentFile } from './names.ts';
import { loadNewestSnapshot, replayProducers } from './producer-replay.ts';
import { ProducerStates } from './producer-state.ts';
import type { Segment } from './segment.ts';
import { abortedWithin, decodeAborted, encodeAborted } from './transaction-index.ts';
import type { AbortedTransaction } from './transaction-index.ts';

/** Those that reach into [from, upTo), in the order of their markers. Undefined: not all that is needed is in memory. */
export function abortedInMemory(
  log: LogContents,
  from: Offset,
  upTo: Offset,
): AbortedTransaction[] | undefined {
  const found: AbortedTransaction[] = [];
  for (let n = Math.max(0, segmentIndexOf(log.segments, from)); n < log.segments.length; n++) {
    const { aborted } = log.segments[n]!;
    if (aborted === undefined) return undefined;
    const here = abortedWithin(aborted, from, upTo);
    found.push(...here.transactions);
    if (here.isComplete) break;
  }
  return found;
}

/** The same, from wherever it is. */
export async function abortedTransactions(
  log: LogContents,
  from: Offset,
  upTo: Offset,
): Promise<AbortedTransaction[]> {
  const found: AbortedTransaction[] = [];
  for (const segment of log.segments.slice(Math.max(0, segmentIndexOf(log.segments, from)))) {
    const here = abortedWithin(await abortedOf(log, segment), from, upTo);
    found.push(...here.transactions);
    if (here.isComplete) break;
  }
  return found;
}

/** A segment's own, read from its .txnindex or, where that is damaged, found in the log again. */
export async function abortedOf(log: LogContents, segment: Segment): Promise<AbortedTransaction[]> {
  if (segment.aborted !== undefined) return segment.aborted;
  const name = segmentFile(log.folder, segment.baseOffset, '.txnindex');
  const bytes = await log.ports.volume.readSmall(name);
  const aborted =
    bytes === undefined
      ? undefined
      : decodeAborted(bytes, segment.baseOffset, segmentEnd(log, segment));
  segment.aborted = aborted ?? (await replayAborted(log, segment));
  if (aborted === undefined) {
    await log.ports.volume.replace(name, encodeAborted(segment.aborted));
    log.ports.logger.info('the transaction index of a segment was built anew', { file: name });
  }
  return segment.aborted;
}

async function replayAborted(log: LogContents, segment: Segment): Promise<AbortedTransaction[]> {
  const producers = new ProducerStates(offset(0));
  const from = await loadNewestSnapshot(log, producers, segment.baseOffset);
  const aborted: AbortedTransaction[] = [];
  await replayProducers(log, producers, from, segmentEnd(log, segment), (transaction) => {
    if (!transaction.isAborted || transaction.lastOffset < segment.baseOffset) return;
    aborted.push(producers.abortedEntry(transaction));
  });
  return aborted;
}
