import { nodeId, offset, ZERO_UUID, leaderEpoch, type Uuid } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { OBSERVERS_MAX, OBSERVER_SESSION_TIMEOUT_MS, WAITING_FETCHES_MAX } from '../limits.ts';
import { ManualClock } from '@odradek/ports/testing';
import { alignmentOf, truncationOffset } from './alignment.ts';
import { isUpToDate, mayCastVote } from './election.ts';
import { FetchPurgatory } from './fetch-purgatory.ts';
import type { QuorumLog } from './quorum-log.ts';
import { ReplicaProgress } from './replica-progress.ts';
import { VoterHistory } from './voters.ts';

const A = '0000000000000000000000000000000a' as Uuid;
const B = '0000000000000000000000000000000b' as Uuid;
const epoch = leaderEpoch;

/** Of a log, the epochs that it knows by their starts, and its ends. */
function logOf(
  starts: readonly (readonly [epoch: number, start: number])[],
  end: number,
  start = 0,
) {
  const latest = starts.at(-1)?.[0] ?? -1;
  return {
    logStartOffset: offset(start),
    logEndOffset: offset(end),
    epochAt: (at: number) => {
      const found = starts.findLast(([, from]) => from <= at)?.[0];
      return found === undefined ? undefined : epoch(found);
    },
    endOffsetForEpoch: (asked: number) => {
      if (asked === latest) return { epoch: epoch(asked), endOffset: offset(end) };
      const next = starts.findIndex(([it]) => it > asked);
      if (next < 0) return { epoch: epoch(-1), endOffset: offset(-1) };
      const floor = starts[next - 1]?.[0] ?? asked;
      return { epoch: epoch(floor), endOffset: offset(starts[next]![1]) };
    },
  } as unknown as QuorumLog;
}

describe('whether a log fits the leader’s', () => {
  const leader = logOf(
    [
      [1, 0],
      [3, 10],
      [5, 20],
    ],
    30,
  );
  const asks = (log: QuorumLog, endOffset: number, lastEpoch: number, snapshots = [[0, 0]]) =>
    alignmentOf(
      log,
      { endOffset: offset(endOffset), lastEpoch: epoch(lastEpoch) },
      snapshots.map(([next, last]) => ({ nextOffset: offset(next!), epoch: epoch(last!) })),
    );

  it('is told by its last epoch and its end', () => {
    expect(asks(leader, 0, 0)).toEqual({ status: 'aligned' });
    for (const [end, last] of [
      [5, 1],
      [10, 1],
      [11, 3],
      [30, 5],
    ])
      expect(asks(leader, end!, last!)).toEqual({ status: 'aligned' });
    expect(asks(leader, 12, 1)).toEqual({ status: 'diverging', epoch: 1, endOffset: 10 });
    expect(asks(leader, 25, 3)).toEqual({ status: 'diverging', epoch: 3, endOffset: 20 });
    expect(asks(leader, 40, 5)).toEqual({ status: 'diverging', epoch: 5, endOffset: 30 });
    // An epoch that the leader never had: the largest below it.
    expect(asks(leader, 15, 2)).toEqual({ status: 'diverging', epoch: 1, endOffset: 10 });
    expect(asks(leader, 25, 4)).toEqual({ status: 'diverging', epoch: 3, endOffset: 20 });
  });

  it('is not guessed from epochs that a snapshot has made the leader forget', () => {
    // A crash has brought the log's beginning back, but not its epochs.
    const forgetful = logOf(
      [
        [3, 12],
        [5, 20],
      ],
      30,
    );
    expect(asks(forgetful, 5, 1)).toEqual({ status: 'tooOld' });
    expect(asks(forgetful, 15, 1)).toEqual({ status: 'tooOld' });
    expect(asks(forgetful, 15, 3)).toEqual({ status: 'aligned' });
    const cut = logOf([[5, 20]], 30, 20);
    expect(asks(cut, 19, 3)).toEqual({ status: 'tooOld' });
    expect(asks(cut, 20, 3, [[20, 3]])).toEqual({ status: 'aligned' });
    expect(asks(cut, 20, 2, [[20, 3]])).toEqual({ status: 'tooOld' });
    expect(asks(cut, 0, 0)).toEqual({ status: 'tooOld' });
  });

  it('is mended where the epoch ends first', () => {
    const follower = logOf(
      [
        [1, 0],
        [2, 8],
      ],
      15,
    );
    const to = (at: number, endOffset: number) =>
      truncationOffset(follower, { epoch: epoch(at), endOffset: offset(endOffset) });
    expect(to(1, 10)).toBe(8);
    expect(to(1, 6)).toBe(6);
    expect(to(2, 12)).toBe(12);
  });
});

describe('a vote', () => {
  const election = { epoch: epoch(4), leaderId: null, votedId: null, votedIncarnation: null };
  const candidate = { id: nodeId(2), incarnation: A };

  it('is cast once an epoch, for one incarnation, and not against a leader', () => {
    expect(mayCastVote(election, epoch(3), candidate)).toBe(false);
    expect(mayCastVote(election, epoch(4), candidate)).toBe(true);
    expect(mayCastVote(election, epoch(5), candidate)).toBe(true);
    const voted = { ...election, votedId: nodeId(2), votedIncarnation: A };
    expect(mayCastVote(voted, epoch(4), candidate)).toBe(true);
    expect(mayCastVote(voted, epoch(4), { ...candidate, incarnation: B })).toBe(false);
    expect(mayCastVote(voted, epoch(4), { ...candidate, id: nodeId(3) })).toBe(false);
    expect(mayCastVote(voted, epoch(5), { ...candidate, id: nodeId(3) })).toBe(true);
    expect(mayCastVote({ ...election, leaderId: nodeId(3) }, epoch(4), candidate)).toBe(false);
  });

  it('goes to a log that is as complete', () => {
    const end = (lastEpoch: number, endOffset: number) => ({
      lastEpoch: epoch(lastEpoch),
      endOffset: offset(endOffset),
    });
    expect(isUpToDate(end(3, 5), end(3, 5))).toBe(true);
    expect(isUpToDate(end(3, 4), end(3, 5))).toBe(false);
    expect(isUpToDate(end(4, 1), end(3, 5))).toBe(true);
    expect(isUpToDate(end(2, 9), end(3, 5))).toBe(false);
  });
});

describe('the sets of voters', () => {
  it('count from their record on, and give way when it is truncated', () => {
    const [one, two, three] = [1, 2, 3].map((id) => ({ id: nodeId(id), incarnation: A }));
    const history = new VoterHistory([one!]);
    expect([history.latest.length, history.latestOffset, history.isProvisional]).toEqual([
      1,
      -1,
      true,
    ]);
    history.add(offset(5), [one!, two!]);
    history.add(offset(9), [one!, two!, three!]);
    expect([history.latest.length, history.latestOffset, history.isProvisional]).toEqual([
      3,
      9,
      false,
    ]);
    expect([5, 6, 9, 10].map((at) => history.before(offset(at)).length)).toEqual([1, 2, 2, 3]);
    history.truncateTo(offset(9));
    expect([history.latest.length, history.latestOffset]).toEqual([2, 5]);
    history.restart([three!]);
    expect([history.latest, history.latestOffset, history.isProvisional]).toEqual([
      [three],
      -1,
      false,
    ]);
  });
});

describe('fetches that wait', () => {
  const until = (fetchOffset: number, knownHighWatermark: number, maxWaitMs = 500) => ({
    fetchOffset: offset(fetchOffset),
    knownHighWatermark: offset(knownHighWatermark),
    maxWaitMs,
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('go on with records, with a high watermark, or with time, one for each replica', async () => {
    const clock = new ManualClock();
    const purgatory = new FetchPurgatory(clock);
    const done: string[] = [];
    const wait = (replica: string, ...what: Parameters<typeof until>) =>
      void purgatory.wait(replica, until(...what)).then(() => done.push(replica));
    wait('records', 5, 5);
    wait('watermark', 9, 3);
    wait('time', 9, 9, 100);
    wait('again', 9, 9);
    wait('again', 9, 9);
    await turn();
    expect(done).toEqual(['again']);
    purgatory.moved(offset(6), offset(3));
    await turn();
    purgatory.moved(offset(6), offset(4));
    await turn();
    clock.advance(100);
    await turn();
    expect(done).toEqual(['again', 'records', 'watermark', 'time']);
    purgatory.releaseAll();
    await turn();
    expect([done.length, purgatory.count, clock.pendingTimers]).toEqual([5, 0, 0]);
  });

  it('are not more than may be', async () => {
    const clock = new ManualClock();
    const purgatory = new FetchPurgatory(clock);
    for (let n = 0; n < WAITING_FETCHES_MAX; n++) void purgatory.wait(`${n}`, until(9, 9));
    await purgatory.wait('one more', until(9, 9));
    expect(purgatory.count).toBe(WAITING_FETCHES_MAX);
  });
});

describe('what a leader knows of its replicas', () => {
  it('is how far they are, when they were heard, and when they had caught up', () => {
    const clock = new ManualClock();
    const progress = new ReplicaProgress(clock);
    const key = { id: nodeId(2), incarnation: A };
    clock.advance(100);
    expect(progress.silentForMs(key)).toBe(100);
    expect(progress.describe(key)).toMatchObject({ logEndOffset: -1, lastFetchTimestampMs: -1 });
    const began = clock.wallTimeMs();
    progress.fetched(key, offset(5), offset(10));
    expect(progress.describe(key)).toMatchObject({
      logEndOffset: 5,
      lastFetchTimestampMs: began,
      lastCaughtUpTimestampMs: -1,
    });
    clock.advance(50);
    // It has what the leader had at its last fetch, though not what came since.
    progress.fetched(key, offset(10), offset(12));
    expect(progress.describe(key).lastCaughtUpTimestampMs).toBe(began);
    expect(progress.endOffsetOf({ ...key, incarnation: B })).toBe(0);
    clock.advance(30);
    expect(progress.silentForMs(key)).toBe(30);
    progress.heard(key);
    expect(progress.silentForMs(key)).toBe(0);
  });

  it('forgets observers that are silent, and the most silent one for want of room', () => {
    const clock = new ManualClock();
    const progress = new ReplicaProgress(clock);
    const keyOf = (id: number) => ({ id: nodeId(id), incarnation: ZERO_UUID });
    progress.fetched(keyOf(1), offset(1), offset(1));
    clock.advance(OBSERVER_SESSION_TIMEOUT_MS - 1);
    progress.fetched(keyOf(2), offset(1), offset(1));
    expect(progress.observers([]).map((it) => it.id)).toEqual([1, 2]);
    expect(progress.observers([keyOf(2)]).map((it) => it.id)).toEqual([1]);
    clock.advance(1);
    expect(progress.observers([]).map((it) => it.id)).toEqual([2]);
    for (let id = 3; id <= OBSERVERS_MAX + 1; id++)
      progress.fetched(keyOf(id), offset(1), offset(1));
    expect([progress.hasFetched(keyOf(1)), progress.hasFetched(keyOf(2))]).toEqual([false, true]);
  });
});
