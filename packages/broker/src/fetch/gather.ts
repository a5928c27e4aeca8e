/**
 * Gathers what a fetch asks for: reads the partitions in order within the request's budget, and when there is less than
 * `minBytes` waits until a partition has more, an error shows, the client goes, or the time is up (KIP-74 for the budget:
 * the first non-empty partition gives a whole batch whatever the limits).
 *
 * Nothing that was read is held while it waits: it is read again when it is answered.
 */
import type { Clock } from '@odradek/ports';
import { ErrorCode, offset, type NodeId } from '@odradek/protocol';
import type { PartitionRead, PartitionReplica } from '@odradek/replication';
import type { FetchTarget } from './fetch-session.ts';

export interface GatherRequest {
  readonly targets: readonly FetchTarget[];
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxWaitMs: number;
  readonly isolation: 'readUncommitted' | 'readCommitted';
  /** A follower fetches: it is given what is not committed yet, and its progress is noted. */
  readonly replica?: { readonly nodeId: NodeId; readonly brokerEpoch: number };
  /** The client knows that followers may answer it, up to the high watermark that they know (KIP-392). */
  readonly mayReadFollower?: boolean;
}

/** What a partition gave, and where the client should rather ask: then it is given no records here. */
export interface GatheredRead extends PartitionRead {
  readonly preferredReadReplica?: NodeId;
}

export interface GatherHost {
  readonly clock: Clock;
  replicaOf(target: FetchTarget): PartitionReplica | ErrorCode;
  /** Registers a callback for the client's going, never called at once; returns its removal. */
  onClosed(listener: () => void): () => void;
  /** How many of the bytes may be read now; they count until they are given back. */
  takeAnswer(bytes: number): number;
  giveAnswer(bytes: number): void;
  /** Who is nearer to the client and has what it asks for; undefined: nobody. */
  nearerReplica?(target: FetchTarget, replica: PartitionReplica): NodeId | undefined;
  /** A follower is not given records of this partition now: a move of partitions takes no more than it may (KIP-73). */
  isHeldBack?(replica: PartitionReplica): boolean;
  /** That the high watermark rose is worth an answer by itself, though no record came. */
  isNews?(index: number, highWatermark: number): boolean;
}

type Reads = readonly GatheredRead[];

/** Reads in the targets' order; one for each. Rejects only for a defect. */
export const gather = (request: GatherRequest, host: GatherHost): Promise<Reads> | Reads => {
  const first = look(request, host, false);
  return first instanceof Promise
    ? first.then((it) => answerOrWait(it, request, host, true))
    : answerOrWait(first, request, host, false);
};

const answerOrWait = (
  first: Look,
  request: GatherRequest,
  host: GatherHost,
  isOld: boolean,
): Promise<Reads> | Reads => {
  const { targets, minBytes, maxWaitMs } = request;
  if (maxWaitMs <= 0 || targets.length === 0 || first.countedBytes >= minBytes) return first.reads;
  if (isTold(first.reads, host)) return first.reads;
  // Somebody who also asks for what is not there waits for the rest: else he would ask as fast as he is answered.
  const absent = new Set<number>();
  first.reads.forEach((it, i) => isAbsent(it.errorCode) && absent.add(i));
  if (absent.size === targets.length || hasError(first.reads, absent)) return first.reads;
  return waitForMore(first.reads, absent, request, host, isOld);
};

const isAbsent = (errorCode: ErrorCode): boolean =>
  errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION || errorCode === ErrorCode.UNKNOWN_TOPIC_ID;

/** Something in it is to be told now, though there are not records enough. */
const isTold = (reads: Reads, host: GatherHost): boolean =>
  reads.some(
    (it, i) => it.preferredReadReplica !== undefined || host.isNews?.(i, it.highWatermark) === true,
  );

const hasError = (reads: Reads, absent: ReadonlySet<number>): boolean =>
  reads.some(
    (it, i) =>
      (it.errorCode !== ErrorCode.NONE && !absent.has(i)) || it.divergingEpoch !== undefined,
  );

const waitForMore = (
  first: Reads,
  absent: ReadonlySet<number>,
  request: GatherRequest,
  host: GatherHost,
  isOld: boolean,
): Promise<Reads> =>
  new Promise((resolve, reject) => {
    let isDone = false;
    let isLooking = false;
    let isStale = false;
    const watched = new Set<PartitionReplica>();
    const nothing = first.map(withoutRecords);
    const end = (): void => {
      isDone = true;
      host.clock.clearTimeout(timer);
      removeCloseListener();
      for (const replica of watched) replica.unwatch(recheck);
    };
    const finish = (reads: Reads): void => {
      if (isDone) return;
      end();
      resolve(reads);
    };
    const fail = (error: unknown): void => {
      if (isDone) return;
      end();
      reject(error);
    };
    /** Looks once, and goes on with what it saw. */
    const lookThen = (goOn: (latest: Look) => void): void => {
      try {
        const latest = look(request, host, true);
        if (latest instanceof Promise) latest.then(goOn).catch(fail);
        else goOn(latest);
      } catch (error) {
        fail(error);
      }
    };
    // Several partitions may wake us in one turn of the event loop: they are read once.
    const recheck = (): void => {
      isStale = true;
      if (isDone || isLooking) return;
      isLooking = true;
      void Promise.resolve().then(() => {
        isStale = false;
        if (!isDone) lookThen(settle);
      });
    };
    const settle = ({ reads, countedBytes }: Look): void => {
      isLooking = false;
      if (isDone) return;
      const isEnough = countedBytes >= request.minBytes;
      if (isEnough || hasError(reads, absent) || isTold(reads, host)) finish(reads);
      else if (isStale) recheck();
    };
    const timer = host.clock.setTimeout(
      () => lookThen(({ reads }) => finish(reads)),
      request.maxWaitMs,
    );
    const removeCloseListener = host.onClosed(() => finish(nothing));
    for (const target of request.targets) {
      const replica = host.replicaOf(target);
      if (typeof replica === 'number') continue;
      watched.add(replica);
      replica.watch(recheck, { ofAppends: request.replica !== undefined });
    }
    // A record may have come between the first look and the watch, when the look took its time.
    if (isOld) recheck();
  });

const withoutRecords = (read: GatheredRead): GatheredRead =>
  read.sizeBytes === 0 ? read : { ...read, records: [], sizeBytes: 0 };

interface Look {
  readonly reads: Reads;
  /** What was read, and what there was to read within the limits: a client shall not wait for more than it can have. */
  readonly countedBytes: number;
}

/** What is left for the partitions that are still to be read. */
interface Allowance {
  bytes: number;
  /** Nobody has given a batch yet. */
  isFirst: boolean;
  countedBytes: number;
}

const look = (
  request: GatherRequest,
  host: GatherHost,
  isRepeat: boolean,
): Look | Promise<Look> => {
  const taken = host.takeAnswer(request.maxBytes);
  const reads: GatheredRead[] = [];
  const left: Allowance = { bytes: taken, isFirst: true, countedBytes: 0 };
  for (let i = 0; i < request.targets.length; i++) {
    const limit = Math.min(request.targets[i]!.maxBytes, left.bytes);
    const read = readOne(request.targets[i]!, limit, request, host, left, isRepeat);
    if (read instanceof Promise) {
      return lookSlowly(reads, read, i, left, request, host, isRepeat).finally(() =>
        host.giveAnswer(taken),
      );
    }
    spend(left, read, limit);
    reads.push(read);
  }
  host.giveAnswer(taken);
  return { reads, countedBytes: left.countedBytes };
};

/** From the first partition on whose bytes are on disk. */
const lookSlowly = async (
  reads: GatheredRead[],
  pending: Promise<GatheredRead>,
  index: number,
  left: Allowance,
  request: GatherRequest,
  host: GatherHost,
  isRepeat: boolean,
): Promise<Look> => {
  let read = await pending;
  for (let i = index; ; i++) {
    spend(left, read, Math.min(request.targets[i]!.maxBytes, left.bytes));
    reads.push(read);
    const next = request.targets[i + 1];
    if (next === undefined) return { reads, countedBytes: left.countedBytes };
    read = await readOne(next, Math.min(next.maxBytes, left.bytes), request, host, left, isRepeat);
  }
};

const spend = (left: Allowance, read: PartitionRead, limit: number): void => {
  left.countedBytes += read.isCut ? Math.max(read.sizeBytes, limit) : read.sizeBytes;
  if (read.sizeBytes === 0) return;
  left.bytes = Math.max(0, left.bytes - read.sizeBytes);
  left.isFirst = false;
};

const readOne = (
  target: FetchTarget,
  limit: number,
  request: GatherRequest,
  host: GatherHost,
  left: Allowance,
  isRepeat: boolean,
): GatheredRead | Promise<GatheredRead> => {
  const replica = host.replicaOf(target);
  if (typeof replica === 'number') return unreadable(replica);
  const isClient = request.replica === undefined;
  const nearer = isClient ? host.nearerReplica?.(target, replica) : undefined;
  const isWithout = nearer !== undefined || (!isClient && host.isHeldBack?.(replica) === true);
  const read = replica.read({
    fetchOffset: offset(target.fetchOffset),
    currentLeaderEpoch: target.currentLeaderEpoch,
    lastFetchedEpoch: target.lastFetchedEpoch,
    maxBytes: isWithout ? 0 : limit,
    atLeastOneBatch: left.isFirst && !isWithout,
    isolation: request.isolation,
    mayReadFollower: request.mayReadFollower === true,
    ...(request.replica === undefined
      ? {}
      : {
          replica: {
            ...request.replica,
            logStartOffset: offset(Math.max(0, target.logStartOffset)),
            isRepeat,
          },
        }),
  });
  if (!isWithout) return read;
  // What it is not to have now is nothing to wait less for.
  const without = (it: PartitionRead): GatheredRead => ({
    ...it,
    isCut: false,
    ...(nearer !== undefined &&
      it.errorCode === ErrorCode.NONE && { preferredReadReplica: nearer }),
  });
  return read instanceof Promise ? read.then(without) : without(read);
};

const unreadable = (errorCode: ErrorCode): PartitionRead => ({
  errorCode,
  highWatermark: -1,
  lastStableOffset: -1,
  logStartOffset: -1,
  records: [],
  sizeBytes: 0,
  isCut: false,
  abortedTransactions: null,
});
