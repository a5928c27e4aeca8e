import { ErrorCode, leaderEpoch, nodeId, offset, utf8Encode, type Uuid } from '@odradek/protocol';
import { MemoryDisk } from '@odradek/storage/memory';
import { seededRandom } from '@odradek/ports/testing';
import { describe, expect, it } from 'vitest';
import { DRAIN_MS, FAREWELL_MS } from '../limits.ts';
import type { TreeChange } from '../tree/node.ts';
import type { TreeOp } from '../tree/operation.ts';
import { startLoneMember } from '../testing/ensemble.ts';
import { SimulatedEnsemble, type EnsembleOptions } from '../testing/simulated-ensemble.ts';
import {
  ELECTION_TIMEOUT_MS,
  FETCH_TIMEOUT_MS,
  type SimulatedMember,
} from '../testing/simulated-member.ts';
import {
  beginQuorumEpochRequestOf,
  endQuorumEpochRequestOf,
  fetchedPartitionOf,
  fetchRequestOf,
  fetchSnapshotRequestOf,
  partitionOf,
  voteRequestOf,
} from './messages.ts';

const WAIT_MS = 15_000;
const create = (path: string, value = ''): TreeOp => ({
  op: 'create',
  path,
  value: utf8Encode(value),
});

/** The answer, when time has gone on until there is one. */
async function soon<T>(ensemble: SimulatedEnsemble, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = () => (isSettled = true);
  promise.then(settle, settle);
  await ensemble.runUntil(() => isSettled, WAIT_MS);
  expect(isSettled).toBe(true);
  return await promise;
}

const isSettled = (ensemble: SimulatedEnsemble): boolean => {
  const leader = ensemble.leader?.member;
  return (
    leader?.describe() !== undefined &&
    ensemble.members.every(
      (it) =>
        !it.isUp ||
        (it.member?.snapshot.leaderId === leader.snapshot.leaderId &&
          it.member.snapshot.appliedOffset === leader.snapshot.highWatermark &&
          leader.snapshot.highWatermark === leader.snapshot.logEndOffset),
    )
  );
};

async function settled(ensemble: SimulatedEnsemble): Promise<SimulatedMember> {
  expect(await ensemble.runUntil(() => isSettled(ensemble), WAIT_MS)).toBe(true);
  return ensemble.leader!;
}

async function begun(options: Partial<EnsembleOptions> = {}): Promise<SimulatedEnsemble> {
  const ensemble = new SimulatedEnsemble({ seed: 1, voters: 3, ...options });
  ensemble.startAll();
  await settled(ensemble);
  return ensemble;
}

const others = (ensemble: SimulatedEnsemble) =>
  ensemble.members.filter((it) => it !== ensemble.leader);

describe('voters on empty disks', () => {
  it('find each other, say in the log who votes, and every change comes to all of them', async () => {
    const ensemble = await begun();
    const { leader } = ensemble;
    expect(leader!.member!.voterSet).toEqual(
      ensemble.members.map(({ id, incarnation }) => ({ id, incarnation })),
    );
    const answer = await soon(ensemble, leader!.member!.propose([create('/a')]));
    expect(answer).toMatchObject({ status: 'committed' });
    await settled(ensemble);
    for (const it of ensemble.members) expect(it.member!.tree.has('/a')).toBe(true);
  });

  it('elect the first leader as soon as they have found each other, and the next first one, too', async () => {
    const ensemble = await begun();
    expect(ensemble.time.nowMs).toBeLessThan(ELECTION_TIMEOUT_MS);
    for (const it of ensemble.members) ensemble.crash(it);
    const againMs = ensemble.time.nowMs;
    ensemble.startAll();
    await settled(ensemble);
    expect(ensemble.time.nowMs - againMs).toBeLessThan(ELECTION_TIMEOUT_MS);
  });

  it('are ready when they have what was committed before', async () => {
    const ensemble = await begun();
    await soon(ensemble, ensemble.leader!.member!.propose([create('/a')]));
    for (const it of ensemble.members) ensemble.crash(it);
    const [one, two] = ensemble.members;
    ensemble.start(one!);
    await ensemble.run(100);
    let isReady = false;
    const ready = one!.member!.ready().then(() => (isReady = true));
    await ensemble.run(3000);
    expect(isReady).toBe(false);
    ensemble.start(two!);
    await soon(ensemble, ready);
    expect(one!.member!.tree.has('/a')).toBe(true);
    await soon(ensemble, two!.member!.ready());
    expect(two!.member!.tree.has('/a')).toBe(true);
    const closing = one!.member!.close();
    await soon(ensemble, closing);
    await expect(one!.member!.ready()).rejects.toMatchObject({ kind: 'interrupted' });
  });

  it('do not begin without all of them: a majority of empty disks may be one of lost disks', async () => {
    const ensemble = new SimulatedEnsemble({ seed: 2, voters: 3 });
    const [one, two, three] = ensemble.members;
    ensemble.start(one!);
    ensemble.start(two!);
    await ensemble.run(10_000);
    expect(ensemble.leader).toBeUndefined();
    ensemble.start(three!);
    await settled(ensemble);
  });

  it('understand each other over the wire', async () => {
    const ensemble = await begun({ wire: true, observers: 1, snapshotIntervalBytes: 500 });
    const late = others(ensemble)[0]!;
    ensemble.crash(late);
    for (let n = 0; n < 20; n++)
      await soon(ensemble, ensemble.leader!.member!.propose([create(`/n${n}`, 'x'.repeat(50))]));
    ensemble.start(late);
    await settled(ensemble);
    expect(await soon(ensemble, late.member!.sync())).toBe(ensemble.judge.committedEnd);
    expect(late.member!.tree.has('/n19')).toBe(true);
    expect(late.log!.logStartOffset).toBeGreaterThan(0);
  });

  it('live the same history from the same seed', async () => {
    const lived = async () => {
      const ensemble = await begun({ seed: 7, lossPercent: 5 });
      ensemble.crash(ensemble.leader!);
      await ensemble.run(3000);
      return { trace: ensemble.trace, events: ensemble.time.eventCount };
    };
    expect(await lived()).toEqual(await lived());
  });
});

describe('a leader', () => {
  it('that dies is replaced in less than a fetch timeout, and nothing that it acknowledged is lost', async () => {
    const tookMs: number[] = [];
    for (let seed = 1; seed <= 9; seed++) {
      const ensemble = await begun({ seed });
      const dead = ensemble.leader!;
      const epoch = dead.member!.snapshot.epoch;
      await soon(ensemble, dead.member!.propose([create('/kept')]));
      ensemble.crash(dead, { isKilled: true });
      const diedMs = ensemble.time.nowMs;
      const leader = await settled(ensemble);
      tookMs.push(ensemble.time.nowMs - diedMs);
      expect(leader.member!.snapshot.epoch).toBeGreaterThan(epoch);
      expect(leader.member!.tree.has('/kept')).toBe(true);
      ensemble.start(dead);
      await settled(ensemble);
      expect(dead.member!.snapshot.role).toBe('follower');
    }
    // A refused connection is news: nobody has to wait for the silence to be long enough.
    tookMs.sort((a, b) => a - b);
    expect(tookMs[4]).toBeLessThan(FETCH_TIMEOUT_MS / 2);
    expect(tookMs.at(-1)).toBeLessThan(2 * FETCH_TIMEOUT_MS);
  });

  it('that is cut off acknowledges nothing, and resigns', async () => {
    const ensemble = await begun();
    const old = ensemble.leader!;
    ensemble.isolate(old);
    const lost = old.member!.propose([create('/lost')]);
    const outcome = soon(ensemble, lost);
    await expect(outcome).rejects.toMatchObject({ name: 'QuorumError', kind: 'interrupted' });
    expect(old.member!.snapshot.leaderId).toBeNull();
    expect(old.member!.describe()).toBeUndefined();
    const next = ensemble.leader!;
    expect(next).not.toBe(old);
    await soon(ensemble, next.member!.propose([create('/found')]));
    ensemble.heal();
    await settled(ensemble);
    expect(old.member!.tree.has('/lost')).toBe(false);
    expect(old.member!.tree.has('/found')).toBe(true);
  });

  it('that is closed tells the best follower, which takes over without waiting', async () => {
    const ensemble = await begun();
    const old = ensemble.leader!;
    const before = ensemble.time.nowMs;
    const closing = old.member!.close();
    await soon(ensemble, closing);
    expect(old.member!.snapshot.role).toBe('resigned');
    old.isUp = false;
    await settled(ensemble);
    expect(ensemble.time.nowMs - before).toBeLessThan(FETCH_TIMEOUT_MS);
  });

  it('that is closed without its majority does not wait for it', async () => {
    const ensemble = await begun();
    const { member } = ensemble.leader!;
    for (const it of others(ensemble)) ensemble.crash(it);
    const proposed = member!.propose([create('/late')]).catch((error: unknown) => error);
    const fromMs = ensemble.time.nowMs;
    await soon(ensemble, member!.close());
    expect(ensemble.time.nowMs - fromMs).toBeLessThanOrEqual(DRAIN_MS + FAREWELL_MS + 50);
    expect(await proposed).toMatchObject({ kind: 'interrupted' });
  });

  it('that is asked to resign does, and another leads', async () => {
    const ensemble = await begun();
    const old = ensemble.leader!;
    const { epoch } = old.member!.snapshot;
    old.member!.resign();
    expect(
      await ensemble.runUntil(
        () => (ensemble.leader?.member?.snapshot.epoch ?? epoch) > epoch,
        WAIT_MS,
      ),
    ).toBe(true);
    await settled(ensemble);
  });

  it('describes who holds what', async () => {
    const ensemble = await begun({ observers: 1 });
    await soon(ensemble, ensemble.leader!.member!.propose([create('/a')]));
    await ensemble.run(1500);
    const description = ensemble.leader!.member!.describe()!;
    const { highWatermark, logEndOffset } = ensemble.leader!.member!.snapshot;
    expect(description).toMatchObject({ leaderId: ensemble.leader!.id, highWatermark });
    expect(description.voters.map((it) => it.id)).toEqual([1, 2, 3]);
    expect(description.observers.map((it) => it.id)).toEqual([4]);
    for (const it of [...description.voters, ...description.observers]) {
      expect(it.logEndOffset).toBe(logEndOffset);
      expect(it.lastCaughtUpTimestampMs).toBeGreaterThan(1_700_000_000_000);
      expect(it.lastFetchTimestampMs).toBeGreaterThanOrEqual(it.lastCaughtUpTimestampMs);
    }
    for (const it of others(ensemble)) expect(it.member!.describe()).toBeUndefined();
  });
});

describe('a follower', () => {
  it('takes no proposals, and says who does', async () => {
    const ensemble = await begun();
    const [follower] = others(ensemble);
    const leaderId = ensemble.leader!.id;
    expect(await follower!.member!.propose([create('/a')])).toEqual({
      status: 'notLeader',
      leaderId,
    });
    expect(await follower!.member!.openSession({ timeoutMs: 1000 })).toMatchObject({ leaderId });
    const { id, incarnation } = follower!;
    expect(await follower!.member!.removeVoter({ id, incarnation })).toMatchObject({ leaderId });
  });

  it('reads what was committed before it was asked, once it has synced', async () => {
    const ensemble = await begun();
    const [follower] = others(ensemble);
    await soon(ensemble, ensemble.leader!.member!.propose([create('/a')]));
    await soon(ensemble, follower!.member!.sync());
    expect(follower!.member!.tree.has('/a')).toBe(true);
  });

  it('and a leader that is cut off give no fresh reads', async () => {
    const ensemble = await begun();
    const old = ensemble.leader!;
    const [follower] = others(ensemble);
    ensemble.isolate(old);
    const reads = [old.member!.sync(), follower!.member!.sync()].map((it) =>
      it.catch((error: { kind: string }) => error.kind),
    );
    expect(await soon(ensemble, Promise.all(reads))).toEqual(['unconfirmed', 'unconfirmed']);
  });

  it('that was away for too long takes over a snapshot, and tells what differs, forward only', async () => {
    const ensemble = await begun({ snapshotIntervalBytes: 600 });
    const [late] = others(ensemble);
    const propose = (op: TreeOp) => soon(ensemble, ensemble.leader!.member!.propose([op]));
    await propose(create('/stays'));
    await propose(create('/goes'));
    await settled(ensemble);
    ensemble.isolate(late!);
    const told: string[] = [];
    late!.member!.onChange((changes: readonly TreeChange[]) => {
      for (const it of changes) told.push(`${it.kind} ${'path' in it ? it.path : ''}`);
    });
    await propose({ op: 'delete', path: '/goes' });
    await propose({ op: 'set', path: '/stays', value: utf8Encode('2') });
    for (let n = 0; n < 20; n++) await propose(create(`/n${n}`, 'x'.repeat(50)));
    expect(ensemble.leader!.log!.logStartOffset).toBeGreaterThan(late!.log!.logEndOffset);
    const applied = late!.member!.snapshot.appliedOffset;
    ensemble.heal();
    await settled(ensemble);
    expect(late!.log!.logStartOffset).toBeGreaterThan(applied);
    for (const it of ensemble.members) ensemble.judge.lookAtTree(it);
    ensemble.judge.look();
    expect(told.slice(0, 3)).toEqual(['nodeDeleted /goes', 'nodeCreated /n0', 'nodeCreated /n1']);
    expect(told.filter((it) => it.endsWith('/stays'))).toEqual(['nodeChanged /stays']);
    expect(new Set(told).size).toBe(told.length);

    // And it is a start to go on from, whatever the crash leaves.
    ensemble.crash(late!);
    ensemble.start(late!);
    await settled(ensemble);
    expect(late!.member!.tree.has('/n19')).toBe(true);
  });
});

describe('a session', () => {
  it('lives on under a new leader with its whole timeout, and ends after that', async () => {
    const ensemble = await begun();
    const opened = await soon(ensemble, ensemble.leader!.member!.openSession({ timeoutMs: 3000 }));
    if (opened.status !== 'committed') throw new Error(opened.status);
    const sessionId = opened.session.id;
    await soon(
      ensemble,
      ensemble.leader!.member!.propose([{ op: 'create', path: '/e', ephemeral: true }], {
        sessionId,
      }),
    );
    await ensemble.run(2500);
    ensemble.crash(ensemble.leader!);
    const leader = await settled(ensemble);
    await ensemble.run(2500);
    expect(leader.member!.tree.has('/e')).toBe(true);
    expect(leader.member!.touchSession(sessionId)).toBe(true);
    for (const it of others(ensemble))
      expect(it.member?.touchSession(sessionId) ?? false).toBe(false);
    expect(await ensemble.runUntil(() => !leader.member!.tree.has('/e'), 3500)).toBe(true);
  });
});

describe('the voters', () => {
  it('that have lost their storage come back as observers, and vote again when the leader has added them', async () => {
    const ensemble = await begun();
    const [lost] = others(ensemble);
    const old = lost!.incarnation;
    await soon(ensemble, ensemble.leader!.member!.propose([create('/a')]));
    ensemble.wipe(lost!);
    ensemble.start(lost!);
    await ensemble.runUntil(() => lost!.member?.snapshot.role === 'observer', WAIT_MS);
    const request = voteRequestOf({
      clusterId: null,
      voter: { id: lost!.id, incarnation: old },
      candidate: { id: ensemble.leader!.id, incarnation: ensemble.leader!.incarnation },
      epoch: leaderEpoch(99),
      lastEpoch: leaderEpoch(98),
      endOffset: offset(99),
      isPreVote: false,
    });
    expect(partitionOf(await soon(ensemble, lost!.member!.answerVote(request)))).toMatchObject({
      errorCode: ErrorCode.INVALID_VOTER_KEY,
      voteGranted: false,
    });
    const isBack = () =>
      ensemble.leader?.member?.voterSet.some((it) => it.incarnation === lost!.incarnation) === true;
    expect(await ensemble.runUntil(isBack, WAIT_MS)).toBe(true);
    await settled(ensemble);
    expect(lost!.member!.snapshot.role).toBe('follower');
    expect(ensemble.leader!.member!.voterSet.map((it) => it.id)).toEqual([1, 2, 3]);
  });

  it('change one at a time, by records, and what cannot be is refused by name', async () => {
    const ensemble = await begun({ observers: 2, autoJoin: false });
    const leader = ensemble.leader!.member!;
    const [, , , four, five] = ensemble.members;
    const keyOf = ({ id, incarnation }: SimulatedMember) => ({ id, incarnation });
    await ensemble.run(1000);
    const adding = leader.addVoter({
      ...keyOf(four!),
      endpoints: [{ name: 'PEER', host: 'four', port: 9094 }],
    });
    expect(await leader.addVoter(keyOf(five!))).toMatchObject({
      status: 'refused',
      errorCode: ErrorCode.REQUEST_TIMED_OUT,
      message: expect.stringContaining('one at a time') as string,
    });
    expect(await soon(ensemble, adding)).toMatchObject({ status: 'committed' });
    expect(await soon(ensemble, leader.addVoter(keyOf(five!)))).toMatchObject({
      status: 'committed',
    });
    await settled(ensemble);
    for (const it of ensemble.members) {
      expect(it.member!.snapshot.voters).toEqual([1, 2, 3, 4, 5]);
      expect(it.member!.voterSet[3]!.endpoints?.[0]?.host).toBe('four');
    }
    expect(await leader.addVoter(keyOf(five!))).toMatchObject({
      errorCode: ErrorCode.DUPLICATE_VOTER,
    });
    expect(await leader.addVoter({ id: nodeId(9), incarnation: four!.incarnation })).toMatchObject({
      errorCode: ErrorCode.REQUEST_TIMED_OUT,
    });
    expect(
      await leader.removeVoter({ id: four!.id, incarnation: five!.incarnation }),
    ).toMatchObject({ errorCode: ErrorCode.VOTER_NOT_FOUND });

    // The leader itself: it leads until that is committed.
    const gone = ensemble.leader!;
    expect(await soon(ensemble, leader.removeVoter(keyOf(gone)))).toMatchObject({
      status: 'committed',
    });
    const next = await settled(ensemble);
    expect(next).not.toBe(gone);
    expect(next.member!.snapshot.voters).not.toContain(gone.id);
    expect(gone.member!.snapshot.role).toBe('observer');
  });

  it('take over what a lone one had, when the configuration names them', async () => {
    const ensemble = new SimulatedEnsemble({ seed: 3, voters: 3 });
    const [one] = ensemble.members;
    one!.disk = new MemoryDisk({ random: seededRandom(5) });
    const alone = await startLoneMember(one!.disk.mount(), { incarnation: one!.incarnation });
    await alone.member.propose([create('/old')]);
    await alone.member.close();
    one!.disk.crash();
    ensemble.startAll();
    await settled(ensemble);
    for (const it of ensemble.members) {
      expect(it.member!.tree.has('/old')).toBe(true);
      expect(it.member!.snapshot.voters).toEqual([1, 2, 3]);
    }
  });

  it('grow out of a lone one, when the configuration says so', async () => {
    const ensemble = await begun({ voters: 1, observers: 2, autoJoin: false });
    const leader = ensemble.leader!.member!;
    await ensemble.run(1000);
    for (const it of ensemble.members.slice(1))
      expect(
        await soon(ensemble, leader.addVoter({ id: it.id, incarnation: it.incarnation })),
      ).toMatchObject({ status: 'committed' });
    ensemble.crash(ensemble.leader!);
    await settled(ensemble);
    expect(ensemble.leader!.member!.snapshot.voters).toEqual([1, 2, 3]);
  });
});

describe('what is refused by name', () => {
  const OTHER = 'ffffffffffffffffffffffffffffffff' as Uuid;

  it('is a request of another cluster', async () => {
    const ensemble = await begun();
    const { id, incarnation, member } = ensemble.leader!;
    const voter = { id, incarnation };
    const clusterId = 'another';
    const at = { epoch: leaderEpoch(50), lastEpoch: leaderEpoch(1), endOffset: offset(1) };
    const answers = await soon(
      ensemble,
      Promise.all([
        member!.answerVote(
          voteRequestOf({ clusterId, voter, candidate: voter, ...at, isPreVote: false }),
        ),
        member!.answerBeginQuorumEpoch(
          beginQuorumEpochRequestOf(clusterId, voter, { id: nodeId(2), epoch: at.epoch }),
        ),
        member!.answerEndQuorumEpoch(
          endQuorumEpochRequestOf(clusterId, { id: nodeId(2), epoch: at.epoch }, []),
        ),
        member!.answerFetch(fetchRequestOf({ ...FETCH, clusterId })),
        member!.answerFetchSnapshot(fetchSnapshotRequestOf({ ...SNAPSHOT, clusterId })),
      ]),
    );
    for (const answer of answers) expect(answer.errorCode).toBe(ErrorCode.INCONSISTENT_CLUSTER_ID);
    expect(member!.snapshot.role).toBe('leader');
  });

  const FETCH = {
    clusterId: null,
    replicaId: nodeId(7),
    incarnation: OTHER,
    epoch: leaderEpoch(1),
    fetchOffset: offset(0),
    lastEpoch: leaderEpoch(0),
    highWatermark: offset(0),
    maxWaitMs: 0,
    maxBytes: 1000,
  };
  const SNAPSHOT = {
    clusterId: null,
    replicaId: nodeId(7),
    incarnation: OTHER,
    epoch: leaderEpoch(1),
    id: { nextOffset: offset(5), epoch: leaderEpoch(1) },
    position: 0,
    maxBytes: 10,
  };

  it('is an epoch that is over or unknown, and a member that does not lead', async () => {
    const ensemble = await begun();
    const leader = ensemble.leader!;
    const { epoch } = leader.member!.snapshot;
    const [follower] = others(ensemble);
    const fetched = async (from: SimulatedMember, at: number) =>
      fetchedPartitionOf(
        await soon(
          ensemble,
          from.member!.answerFetch(fetchRequestOf({ ...FETCH, epoch: leaderEpoch(at) })),
        ),
      );
    const currentLeader = { leaderId: leader.id, leaderEpoch: epoch };
    expect(await fetched(leader, epoch - 1)).toMatchObject({
      errorCode: ErrorCode.FENCED_LEADER_EPOCH,
      currentLeader,
    });
    expect(await fetched(leader, epoch + 1)).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH,
    });
    expect(await fetched(follower!, epoch)).toMatchObject({
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      currentLeader,
    });
    const piece = async (position: number, id = SNAPSHOT.id) =>
      (
        await soon(
          ensemble,
          leader.member!.answerFetchSnapshot(
            fetchSnapshotRequestOf({ ...SNAPSHOT, epoch, id, position }),
          ),
        )
      ).topics[0]!.partitions[0]!;
    expect(await piece(0)).toMatchObject({ errorCode: ErrorCode.SNAPSHOT_NOT_FOUND });
    const request = fetchRequestOf(FETCH);
    const elsewhere = request.topics.map((it) => ({ ...it, topic: 'other', topicId: OTHER }));
    expect(
      await soon(ensemble, leader.member!.answerFetch({ ...request, topics: elsewhere })),
    ).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION });
  });

  it('is a leader where another leads, and a vote that is meant for another', async () => {
    const ensemble = await begun();
    const leader = ensemble.leader!;
    const { epoch } = leader.member!.snapshot;
    const [follower, third] = others(ensemble);
    const begin = (voter: { id: typeof leader.id; incarnation: Uuid }, id: number, at: number) =>
      soon(
        ensemble,
        follower!.member!.answerBeginQuorumEpoch(
          beginQuorumEpochRequestOf(null, voter, { id: nodeId(id), epoch: leaderEpoch(at) }),
        ),
      ).then((it) => partitionOf(it)!.errorCode);
    expect(await begin(follower!, third!.id, epoch)).toBe(ErrorCode.INCONSISTENT_VOTER_SET);
    expect(await begin(follower!, leader.id, epoch - 1)).toBe(ErrorCode.FENCED_LEADER_EPOCH);
    expect(await begin({ id: follower!.id, incarnation: OTHER }, leader.id, epoch)).toBe(
      ErrorCode.INVALID_VOTER_KEY,
    );
    expect(await begin(follower!, leader.id, epoch)).toBe(ErrorCode.NONE);
    const vote = (candidate: SimulatedMember, endOffset: number, lastEpoch: number) =>
      soon(
        ensemble,
        follower!.member!.answerVote(
          voteRequestOf({
            clusterId: null,
            voter: follower!,
            candidate,
            epoch: leaderEpoch(epoch + 1),
            lastEpoch: leaderEpoch(lastEpoch),
            endOffset: offset(endOffset),
            isPreVote: false,
          }),
        ),
      ).then((it) => partitionOf(it)!);
    // Behind: no vote, but the epoch is taken up. Then one vote, for whoever comes first.
    expect(await vote(third!, 1, 1)).toMatchObject({ voteGranted: false, leaderEpoch: epoch + 1 });
    expect(await vote(third!, 999, epoch)).toMatchObject({ voteGranted: true });
    expect(await vote(third!, 999, epoch)).toMatchObject({ voteGranted: true });
    expect(await vote(leader, 999, epoch)).toMatchObject({ voteGranted: false });
  });
});
