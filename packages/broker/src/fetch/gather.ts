/**
 * Gathers what a fetch asks for: reads the partitions in order within the request's budget, and when there is less than
 * `minBytes` waits until a partition has more, an error shows, the client goes, or the time is up (KIP-74 for the budget:
 * the first non-empty partition gives a whole batch whatever the limits).
 */
import type { Clock, TimerHandle } from '@odradek/ports';
import { ErrorCode, offset } from '@odradek/protocol';
import type { PartitionRead, PartitionReplica } from '@odradek/replication';
import type { FetchTarget } from './fetch-session.ts';

export interface GatherRequest {
  readonly targets: readonly FetchTarget[];
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxWaitMs: number;
  readonly isolation: 'readUncommitted' | 'readCommitted';
}

export interface GatherHost {
  readonly clock: Clock;
  replicaOf(target: FetchTarget): PartitionReplica | ErrorCode;
  /** Registers a callback for the client's going; returns its removal. */
  onClosed(listener: () => void): () => void;
}

/** Reads in the targets' order; one for each. */
export const gather = (request: GatherRequest, host: GatherHost): Promise<readonly PartitionRead[]> | readonly PartitionRead[] => {
  const first = readAll(request, host);
  if (first instanceof Promise) return first.then((reads) => answerOrWait(reads, request, host));
  return answerOrWait(first, request, host);
};

const answerOrWait = (
  reads: readonly PartitionRead[],
  request: GatherRequest,
  host: GatherHost,
): Promise<readonly PartitionRead[]> | readonly PartitionRead[] =>
  isEnough(reads, request.minBytes) || request.maxWaitMs <= 0 || request.targets.length === 0
    ? reads
    : waitForMore(reads, request, host);

const isEnough = (reads: readonly PartitionRead[], minBytes: number): boolean => {
  let bytes = 0;
  for (const read of reads) {
    if (read.errorCode !== ErrorCode.NONE || read.divergingEpoch !== undefined) return true;
    bytes += read.sizeBytes;
  }
  return bytes >= minBytes;
};

const waitForMore = (
  reads: readonly PartitionRead[],
  request: GatherRequest,
  host: GatherHost,
): Promise<readonly PartitionRead[]> =>
  new Promise((resolve) => {
    let isDone = false;
    let isRechecking = false;
    let isStale = false;
    const watched: PartitionReplica[] = [];
    const finish = (result: readonly PartitionRead[]): void => {
      if (isDone) return;
      isDone = true;
      host.clock.clearTimeout(timer);
      for (const replica of watched) replica.unwatch(recheck);
      removeCloseListener();
      resolve(result);
    };
    const settle = (latest: readonly PartitionRead[]): void => {
      isRechecking = false;
      if (isDone) return;
      if (isEnough(latest, request.minBytes)) finish(latest);
      else if (isStale) recheck();
    };
    const lastLook = (): void => {
      const latest = readAll(request, host);
      if (latest instanceof Promise) void latest.then(finish);
      else finish(latest);
    };
    // Several partitions may wake us in one turn of the event loop: they are read once.
    const recheck = (): void => {
      isStale = true;
      if (isDone || isRechecking) return;
      isRechecking = true;
      void Promise.resolve().then(() => {
        isStale = false;
        const latest = readAll(request, host);
        if (latest instanceof Promise) void latest.then(settle);
        else settle(latest);
      });
    };
    const timer: TimerHandle = host.clock.setTimeout(lastLook, request.maxWaitMs);
    const removeCloseListener = host.onClosed(() => finish(reads));
    for (const target of request.targets) {
      const replica = host.replicaOf(target);
      if (typeof replica === 'number') continue;
      watched.push(replica);
      replica.watch(recheck);
    }
    // A record may have come between the first read and the watch.
    recheck();
  });

const readAll = (
  request: GatherRequest,
  host: GatherHost,
): readonly PartitionRead[] | Promise<readonly PartitionRead[]> => {
  const reads: PartitionRead[] = [];
  const budget = { bytes: request.maxBytes, isFirst: true };
  for (let i = 0; i < request.targets.length; i++) {
    const read = readOne(request.targets[i]!, request, host, budget);
    if (read instanceof Promise) return finishSlowly(reads, read, i, budget, request, host);
    spend(budget, read);
    reads.push(read);
  }
  return reads;
};

/** From the first partition on whose bytes are on disk. */
const finishSlowly = async (
  reads: PartitionRead[],
  pending: Promise<PartitionRead>,
  index: number,
  budget: { bytes: number; isFirst: boolean },
  request: GatherRequest,
  host: GatherHost,
): Promise<readonly PartitionRead[]> => {
  const rest = request.targets.slice(index);
  const wanted = rest.reduce((sum, it) => sum + it.maxBytes, 0);
  if (wanted <= budget.bytes) {
    // All that the rest may give fits: nobody's answer depends on another's, and the disk serves them at once. A batch that
    // is larger than its partition's limit may then come from more than one of them; the sum stays near what was asked for.
    const others = rest.slice(1).map((it) => readOne(it, request, host, budget));
    reads.push(await pending, ...(await Promise.all(others)));
    return reads;
  }
  const read = await pending;
  spend(budget, read);
  reads.push(read);
  for (const target of rest.slice(1)) {
    const next = await readOne(target, request, host, budget);
    spend(budget, next);
    reads.push(next);
  }
  return reads;
};

const spend = (budget: { bytes: number; isFirst: boolean }, read: PartitionRead): void => {
  if (read.sizeBytes === 0) return;
  budget.bytes = Math.max(0, budget.bytes - read.sizeBytes);
  budget.isFirst = false;
};

const readOne = (
  target: FetchTarget,
  request: GatherRequest,
  host: GatherHost,
  budget: { bytes: number; isFirst: boolean },
): PartitionRead | Promise<PartitionRead> => {
  const replica = host.replicaOf(target);
  if (typeof replica === 'number') return unreadable(replica);
  return replica.read({
    fetchOffset: offset(target.fetchOffset),
    currentLeaderEpoch: target.currentLeaderEpoch,
    lastFetchedEpoch: target.lastFetchedEpoch,
    maxBytes: Math.min(target.maxBytes, budget.bytes),
    atLeastOneBatch: budget.isFirst,
    isolation: request.isolation,
  });
};

const unreadable = (errorCode: ErrorCode): PartitionRead => ({
  errorCode,
  highWatermark: -1,
  lastStableOffset: -1,
  logStartOffset: -1,
  records: [],
  sizeBytes: 0,
  abortedTransactions: null,
});
