import {
  ErrorCode,
  leaderEpoch,
  nodeId,
  offset,
  type FetchResponse,
  type OffsetForLeaderEpochResponse,
} from '@odradek/protocol';
import { silentLogger } from '@odradek/ports';
import { describe, expect, it } from 'vitest';
import { getShortestPaths } from 'xstate/graph';
import { fromPromise } from 'xstate';
import type { ReplicaKey } from '../partition-replica.machine.ts';
import { PartitionReplica } from '../partition-replica.ts';
import { FakeLog } from '../testing/fake-log.ts';
import { HandClock, turns } from '../testing/hand-clock.ts';
import { LeaderFetcher, FETCHER_DEFAULTS, type LeaderFetcherOptions } from './leader-fetcher.ts';
import { leaderFetcherMachine } from './leader-fetcher.machine.ts';
import type { LeaderLink } from './leader-link.ts';
import { ReplicationQuota } from './replication-quota.ts';

const ME = nodeId(2);
const LEADER = nodeId(1);
const EPOCH = leaderEpoch(4);
const TOPIC_ID = 'a'.repeat(32);

type Answer = Partial<FetchResponse['responses'][number]['partitions'][number]>;
type Request = Parameters<LeaderLink['fetch']>[0];

const fetcher = (over: Partial<LeaderFetcherOptions> = {}) => {
  const clock = new HandClock();
  const asked: { request: Request; answer: (it: FetchResponse) => void; fail: () => void }[] = [];
  const diverged: unknown[] = [];
  const ends: number[] = [];
  const one = new LeaderFetcher({
    nodeId: ME,
    leader: LEADER,
    brokerEpoch: () => 200,
    clock,
    logger: silentLogger,
    config: () => FETCHER_DEFAULTS,
    onDiverged: (key, epoch, truncation) => diverged.push([key.partition, epoch, truncation]),
    link: {
      fetch: (request) =>
        new Promise((answer, reject) =>
          asked.push({ request, answer, fail: () => reject(new Error('gone')) }),
        ),
      offsetsForLeaderEpoch: () =>
        Promise.resolve({
          throttleTimeMs: 0,
          topics: [
            {
              topic: 'words',
              partitions: [
                {
                  errorCode: ErrorCode.NONE,
                  partition: 0,
                  leaderEpoch: 4,
                  endOffset: ends[0] ?? -1,
                },
              ],
            },
          ],
        } satisfies OffsetForLeaderEpochResponse),
    },
    ...over,
  });
  const follow = (partition = 0, records = 0, isr: readonly number[] = [1, 2]) => {
    const log = new FakeLog();
    for (let n = 0; n < records; n++) log.epochs.push(3);
    log.logEndOffset = offset(records);
    log.flushedOffset = offset(records);
    const replica = new PartitionReplica({
      topic: 'words',
      partition,
      nodeId: ME,
      settings: { minInsyncReplicas: 1 },
      onReadFailed: () => {},
    });
    replica.attach(log.asLog);
    const assignment = {
      replicas: [1, 2].map(nodeId),
      isr: isr.map(nodeId),
      leader: LEADER,
      leaderEpoch: EPOCH,
      partitionEpoch: 1,
    };
    replica.follow(assignment);
    const key: ReplicaKey = { topic: 'words', topicId: TOPIC_ID, partition };
    one.add(key, replica, EPOCH);
    return { log, replica, key, assignment };
  };
  return {
    clock,
    asked,
    diverged,
    ends,
    fetcher: one,
    follow,
    /** To the latest request. */
    answer: async (
      partitions: readonly (readonly [partition: number, answer: Answer])[],
      over: Partial<FetchResponse> = {},
    ) => {
      asked.at(-1)!.answer({
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        sessionId: 7,
        nodeEndpoints: [],
        responses: [
          {
            topic: 'words',
            topicId: TOPIC_ID as never,
            partitions: partitions.map(([partitionIndex, it]) => ({
              partitionIndex,
              errorCode: ErrorCode.NONE,
              highWatermark: 0,
              lastStableOffset: 0,
              logStartOffset: 0,
              divergingEpoch: { epoch: -1, endOffset: -1 },
              currentLeader: { leaderId: -1, leaderEpoch: -1 },
              snapshotId: { endOffset: -1, epoch: -1 },
              abortedTransactions: null,
              preferredReadReplica: -1,
              records: null,
              ...it,
            })),
          },
        ],
        ...over,
      });
      await turns();
    },
    offsets: () =>
      asked
        .at(-1)!
        .request.topics.flatMap((it) => it.partitions.map((p) => [p.partition, p.fetchOffset])),
  };
};

/** The header of a batch would be longer; the fake log takes one record a byte. */
const recordsOf = (count: number): Uint8Array => new Uint8Array(count).fill(4);

describe('fetching from a leader', () => {
  it('is one request for all partitions, in the name of this broker’s life', async () => {
    const { follow, asked, offsets } = fetcher();
    follow(0, 5);
    follow(1, 2);
    await turns();
    expect(asked).toHaveLength(1);
    expect(asked[0]!.request).toMatchObject({
      replicaState: { replicaId: 2, replicaEpoch: 200 },
      sessionId: 0,
      sessionEpoch: 0,
    });
    expect(offsets()).toEqual([
      [0, 5],
      [1, 2],
    ]);
  });

  it('goes on when what came is flushed, and takes over what is committed', async () => {
    const { follow, asked, answer, offsets } = fetcher();
    const { log } = follow();
    await turns();
    await answer([[0, { records: recordsOf(3), highWatermark: 2, logStartOffset: 1 }]]);
    expect(asked).toHaveLength(1);
    expect([log.logEndOffset, log.highWatermark, log.logStartOffset]).toEqual([3, 2, 1]);
    log.flushTo(3);
    await turns();
    expect(asked).toHaveLength(2);
    expect(asked[1]!.request).toMatchObject({ sessionId: 7, sessionEpoch: 1 });
    expect(offsets()).toEqual([[0, 3]]);
  });

  it('has the log cut where it parts, and asks no more until it is', async () => {
    const { follow, answer, diverged, fetcher: one, asked } = fetcher();
    const { key } = follow(0, 5);
    await turns();
    await answer([[0, { divergingEpoch: { epoch: 3, endOffset: 2 } }]]);
    expect(diverged).toEqual([[0, 4, { kind: 'cut', endOffset: 2 }]]);
    one.remove(key);
    await answer([]);
    const before = asked.length;
    await turns();
    expect(asked).toHaveLength(before);
  });

  it('begins anew where the leader’s log begins behind its end', async () => {
    const { follow, answer, diverged } = fetcher();
    follow(0, 5);
    await turns();
    await answer([[0, { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, logStartOffset: 9 }]]);
    expect(diverged).toEqual([[0, 4, { kind: 'anew', startOffset: 9 }]]);
  });

  it('cuts a log that is longer than its leader’s, and leaves one alone that is not', async () => {
    const { follow, answer, diverged, ends, clock } = fetcher();
    follow(0, 5);
    await turns();
    ends[0] = 5;
    await answer([[0, { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, logStartOffset: 0 }]]);
    expect(diverged).toEqual([]);
    ends[0] = 3;
    clock.advance(25);
    await turns();
    await answer([[0, { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, logStartOffset: 0 }]]);
    expect(diverged).toEqual([[0, 4, { kind: 'cut', endOffset: 3 }]]);
  });

  it('leaves a partition whose leader is not ready to its own pause; the others go on', async () => {
    const { follow, answer, offsets, clock, asked } = fetcher();
    follow(0);
    await turns();
    follow(1);
    await answer([[0, { errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH }]]);
    expect(offsets()).toEqual([[1, 0]]);
    expect(asked.at(-1)!.request.forgottenTopicsData).toMatchObject([{ partitions: [0] }]);
    // The poll does not outlast the pause.
    expect(asked.at(-1)!.request.maxWaitMs).toBe(25);
    clock.advance(25);
    await answer([]);
    expect(offsets()).toEqual([[0, 0]]);
  });

  it('pauses longer and longer for what stays wrong', async () => {
    const { follow, answer, clock, asked } = fetcher();
    follow(0);
    await turns();
    const pauses: number[] = [];
    for (let n = 0; n < 8; n++) {
      const before = asked.length;
      await answer([[0, { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }]]);
      const since = clock.nowMs;
      while (asked.length === before) {
        clock.advance(1);
        await turns();
      }
      pauses.push(clock.nowMs - since);
    }
    expect(pauses).toEqual([25, 50, 100, 200, 400, 800, 1000, 1000]);
  });

  it('begins a new session at once when the leader knows none, and pauses when there is no answer', async () => {
    const { follow, asked, answer, clock } = fetcher();
    follow(0);
    await turns();
    await answer([], { errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0 });
    expect(asked).toHaveLength(2);
    asked[1]!.fail();
    await turns();
    expect(asked).toHaveLength(2);
    clock.advance(1_000);
    await turns();
    expect(asked).toHaveLength(3);
    expect(asked[2]!.request.sessionEpoch).toBe(0);
  });

  it('takes nothing that was asked for in another epoch, or at another place', async () => {
    const { follow, answer, fetcher: one } = fetcher();
    const { log, replica, key, assignment } = follow(0, 2);
    await turns();
    const next = { ...assignment, leaderEpoch: leaderEpoch(5), partitionEpoch: 2 };
    replica.follow(next);
    one.add(key, replica, next.leaderEpoch);
    await answer([[0, { records: recordsOf(3) }]]);
    expect(log.logEndOffset).toBe(2);
    log.logEndOffset = offset(3);
    expect(
      replica.appendFetched(next.leaderEpoch, offset(2), {
        records: [recordsOf(1)],
        highWatermark: 0,
        logStartOffset: 0,
      }),
    ).toEqual({ status: 'stale' });
  });

  it('waits for a flush that is under way before it says what is held', async () => {
    const { follow, answer, asked, offsets, fetcher: one } = fetcher();
    const { log, replica, key } = follow(0);
    await turns();
    one.remove(key);
    log.appendAsFollower(recordsOf(2));
    one.add(key, replica, EPOCH);
    await answer([]);
    expect(asked).toHaveLength(1);
    log.flushTo(2);
    await turns();
    expect(offsets()).toEqual([[0, 2]]);
  });

  it('keeps a move within its rate, and lets who is in sync go on', async () => {
    const clock = new HandClock();
    const quota = new ReplicationQuota(clock, 10);
    const { follow, answer, offsets, asked } = fetcher({
      clock,
      throttle: { quota, isThrottled: () => true },
    });
    const moved = follow(0, 0, [1]);
    await turns();
    follow(1);
    await answer([[0, { records: recordsOf(40) }]]);
    moved.log.flushTo(40);
    await turns();
    expect(offsets()).toEqual([[1, 0]]);
    clock.advance(3_001);
    await answer([]);
    expect(asked.at(-1)!.request.topics[0]!.partitions.map((it) => it.partition)).toEqual([0]);
  });

  it('gives a poll up for a partition that comes while it waits', async () => {
    const { follow, asked, clock, answer } = fetcher();
    follow(0);
    await turns();
    // What begins a session is answered at once: given up, the leader would keep a session of which nobody knows.
    follow(3);
    clock.advance(10);
    await turns();
    expect(asked.map((it) => it.request.maxWaitMs)).toEqual([0]);
    await answer([]);
    expect(asked.map((it) => it.request.maxWaitMs)).toEqual([0, 500]);
    follow(1);
    follow(2);
    await turns();
    expect(asked).toHaveLength(2);
    clock.advance(10);
    await turns();
    expect(asked).toHaveLength(3);
    // A new session in place of the one whose poll is still out there.
    const { sessionId, sessionEpoch, topics } = asked[2]!.request;
    expect([sessionId, sessionEpoch]).toEqual([7, 0]);
    expect(topics[0]!.partitions.map((it) => it.partition)).toEqual([0, 3, 1, 2]);
    // Whatever becomes of it.
    asked[1]!.fail();
    await answer([], { sessionId: 8 });
    expect(asked).toHaveLength(4);
    expect(asked[3]!.request).toMatchObject({ sessionId: 8, sessionEpoch: 1 });
  });

  it('gives no poll up that ends in time', async () => {
    const { follow, asked, clock, answer } = fetcher();
    follow(0);
    await turns();
    follow(1);
    await answer([]);
    expect(asked).toHaveLength(2);
    clock.advance(10);
    await turns();
    expect(asked).toHaveLength(2);
  });

  it('ends when it is told to: an answer that still comes changes nothing', async () => {
    const { follow, answer, fetcher: one, clock } = fetcher();
    const { log } = follow(0);
    await turns();
    one.stop();
    await answer([[0, { records: recordsOf(3) }]]);
    expect([log.logEndOffset, one.size, clock.timerCount]).toEqual([0, 0, 0]);
  });
});

describe('the machine', () => {
  it('reaches every state, and is stopped in each', () => {
    const machine = leaderFetcherMachine.provide({
      guards: { hasWork: () => true },
      actors: { fetchRounds: fromPromise(async () => {}) },
    });
    const idle = machine.provide({ guards: { hasWork: () => false } });
    const reached = new Set<string>();
    for (const one of [machine, idle]) {
      const paths = getShortestPaths(one, {
        input: { leader: LEADER },
        events: (state) =>
          [
            { type: 'work.found' },
            { type: 'stop.requested' },
            { type: 'xstate.after.fetchBackoff.leaderFetcher.backingOff' },
            ...Object.values(state.children).flatMap((child) => [
              { type: `xstate.done.actor.${child!.id}`, output: {}, actorId: child!.id },
              {
                type: `xstate.error.actor.${child!.id}`,
                error: new Error('gone'),
                actorId: child!.id,
              },
            ]),
          ] as never[],
        serializeState: (state) => String(state.value),
      });
      for (const { state } of paths) reached.add(String(state.value));
    }
    expect([...reached].toSorted()).toEqual(['backingOff', 'fetching', 'idle', 'stopped']);
  });
});
