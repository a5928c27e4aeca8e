import { ErrorCode, leaderEpoch, nodeId, offset, type NodeId } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import type { PartitionAssignment } from './assignment.ts';
import type { IsrAnswer, IsrProposal, PeerBroker } from './cluster-view.ts';
import type { ReplicationMutant } from './mutants.ts';
import { PartitionReplica } from './partition-replica.ts';
import type { PartitionRead, ReadRequest } from './reading.ts';
import { FakeLog } from './testing/fake-log.ts';
import { HandClock } from './testing/hand-clock.ts';

const ONE = nodeId(1);
const TWO = nodeId(2);
const THREE = nodeId(3);
const LAG_MS = 1_000;

const assigned = (over: Partial<PartitionAssignment> = {}): PartitionAssignment => ({
  replicas: [ONE, TWO, THREE],
  isr: [ONE, TWO, THREE],
  leader: ONE,
  leaderEpoch: leaderEpoch(4),
  partitionEpoch: 7,
  ...over,
});

interface Start {
  readonly assignment?: Partial<PartitionAssignment>;
  readonly minInsyncReplicas?: number;
  /** Of records that are there before it leads, in an earlier epoch. */
  readonly before?: number;
  readonly mutant?: ReplicationMutant;
}

const leader = ({ assignment = {}, minInsyncReplicas = 2, before = 0, mutant }: Start = {}) => {
  const log = new FakeLog();
  for (let n = 0; n < before; n++) log.epochs.push(3);
  log.logEndOffset = offset(before);
  log.flushedOffset = offset(before);
  const clock = new HandClock();
  const peers = new Map<NodeId, PeerBroker>(
    [ONE, TWO, THREE].map((it) => [
      it,
      { brokerEpoch: it * 100, isFenced: false, isShuttingDown: false, rack: `rack ${it}` },
    ]),
  );
  const proposals: { proposal: IsrProposal; answer: (answer: IsrAnswer) => void }[] = [];
  const replica = new PartitionReplica({
    topic: 'words',
    partition: 0,
    nodeId: ONE,
    settings: { minInsyncReplicas },
    onReadFailed: () => {},
    cluster: {
      clock,
      broker: (it) => peers.get(it),
      lagTimeMaxMs: () => LAG_MS,
      proposeIsr: (proposal, answer) => proposals.push({ proposal, answer }),
      ...(mutant && { mutant }),
    },
  });
  replica.attach(log.asLog);
  replica.lead(assigned(assignment));
  const told: string[] = [];
  return {
    log,
    clock,
    peers,
    replica,
    proposals,
    told,
    append: (count = 1) => {
      replica.append({ records: new Uint8Array(count), acks: -1, origin: 'client' }, (errorCode) =>
        told.push(String(errorCode)),
      );
      log.flushTo(log.logEndOffset);
    },
    /** A fetch by a follower. */
    fetch: (
      from: NodeId,
      fetchOffset: number,
      over: Partial<ReadRequest> = {},
      brokerEpoch = from * 100,
    ) =>
      replica.read({
        fetchOffset: offset(fetchOffset),
        currentLeaderEpoch: replica.assignment?.leaderEpoch ?? 4,
        lastFetchedEpoch: -1,
        maxBytes: 1000,
        atLeastOneBatch: true,
        isolation: 'readUncommitted',
        replica: { nodeId: from, brokerEpoch, logStartOffset: offset(0), isRepeat: false },
        ...over,
      }) as PartitionRead,
    wished: () => proposals.map((it) => it.proposal.isr.map((member) => member.brokerId)),
    agree: (isr: readonly NodeId[], partitionEpoch = 8) =>
      proposals.at(-1)!.answer({
        errorCode: ErrorCode.NONE,
        leader: ONE,
        leaderEpoch: leaderEpoch(4),
        isr,
        partitionEpoch,
      }),
  };
};

describe('the high watermark of a leader', () => {
  it('is what all in-sync replicas have said to hold in its epoch', () => {
    const { log, told, append, fetch } = leader();
    append(3);
    fetch(TWO, 3);
    expect([log.highWatermark, told]).toEqual([0, []]);
    fetch(THREE, 2);
    expect([log.highWatermark, told]).toEqual([2, []]);
    fetch(THREE, 3);
    expect([log.highWatermark, told]).toEqual([3, ['0']]);
  });

  it('is not moved by what was said in an earlier epoch, nor by a follower whose log parted', () => {
    const { log, replica, append, fetch } = leader();
    append(2);
    fetch(TWO, 2);
    fetch(THREE, 2);
    replica.lead(assigned({ leaderEpoch: leaderEpoch(5), partitionEpoch: 8 }));
    append(2);
    fetch(TWO, 4);
    expect(log.highWatermark).toBe(2);
    expect(fetch(THREE, 4, { lastFetchedEpoch: 3 }).divergingEpoch).toBeDefined();
    expect(log.highWatermark).toBe(2);
    fetch(THREE, 4, { lastFetchedEpoch: 5 });
    expect(log.highWatermark).toBe(4);
  });

  it('stands still while too few are in sync, and who waits for it is told', () => {
    const { log, replica, told, append, fetch } = leader();
    append();
    replica.lead(assigned({ isr: [ONE], elr: [TWO, THREE], partitionEpoch: 8 }));
    expect([log.highWatermark, told]).toEqual([
      0,
      [String(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND)],
    ]);
    fetch(TWO, 1);
    expect(log.highWatermark).toBe(0);
  });

  it('waits for who may join, and for who may have left', () => {
    const { log, append, fetch, wished, agree } = leader({ assignment: { isr: [ONE, TWO] } });
    append();
    fetch(THREE, 1);
    expect(wished()).toEqual([[ONE, TWO, THREE]]);
    append();
    fetch(TWO, 2);
    expect(log.highWatermark).toBe(1);
    agree([ONE, TWO, THREE]);
    expect(log.highWatermark).toBe(1);
    fetch(THREE, 2);
    expect(log.highWatermark).toBe(2);
  });

  it('is waited for by clients who ask where the log ends', () => {
    const { replica, fetch } = leader({ before: 2 });
    expect(replica.isHighWatermarkKnown).toBe(false);
    fetch(TWO, 2);
    fetch(THREE, 2);
    expect(replica.isHighWatermarkKnown).toBe(true);
  });
});

describe('a follower', () => {
  it('joins when it holds what is committed and what was there when the epoch began', () => {
    const { fetch, wished, proposals, replica, agree } = leader({
      assignment: { isr: [ONE, TWO] },
      before: 5,
    });
    fetch(TWO, 3);
    fetch(THREE, 4);
    expect(wished()).toEqual([]);
    fetch(THREE, 5);
    expect(proposals[0]!.proposal).toMatchObject({
      leaderEpoch: 4,
      partitionEpoch: 7,
      isr: [
        { brokerId: 1, brokerEpoch: -1 },
        { brokerId: 2, brokerEpoch: 200 },
        { brokerId: 3, brokerEpoch: 300 },
      ],
    });
    agree([ONE, TWO, THREE]);
    expect(replica.assignment).toMatchObject({ isr: [1, 2, 3], partitionEpoch: 8 });
  });

  it.each<[string, Partial<PeerBroker> | null]>([
    ['in an older life', { brokerEpoch: 301 }],
    ['that is fenced', { isFenced: true }],
    ['that is about to stop', { isShuttingDown: true }],
    ['that is not registered', null],
  ])('%s does not join', (_, over) => {
    const { fetch, wished, peers } = leader({ assignment: { isr: [ONE, TWO] } });
    if (over === null) peers.delete(THREE);
    else peers.set(THREE, { ...peers.get(THREE)!, ...over });
    fetch(THREE, 0);
    expect(wished()).toEqual([]);
  });

  it('who speaks for a life that is over is refused by name, and moves nothing', () => {
    const { fetch, wished, replica, append } = leader({ assignment: { isr: [ONE, TWO] } });
    append();
    expect(fetch(TWO, 1, {}, 199).errorCode).toBe(ErrorCode.STALE_BROKER_EPOCH);
    expect(fetch(THREE, 1, {}, 299).errorCode).toBe(ErrorCode.STALE_BROKER_EPOCH);
    expect(replica.log?.highWatermark).toBe(0);
    expect(wished()).toEqual([]);
    // One that the metadata does not tell of yet may have registered anew.
    expect(fetch(TWO, 1, {}, 201).errorCode).toBe(ErrorCode.NONE);
  });

  it('would join by what an older life held, were its epoch not looked at', () => {
    const { fetch, wished } = leader({
      assignment: { isr: [ONE, TWO] },
      mutant: 'staleBrokerEpochJoins',
    });
    fetch(THREE, 0, {}, 299);
    expect(wished()).toEqual([[ONE, TWO, THREE]]);
  });

  it('who is no replica is refused, and who waits is not heard twice', () => {
    const { fetch, replica, append } = leader({
      assignment: { replicas: [ONE, TWO], isr: [ONE] },
      minInsyncReplicas: 1,
    });
    expect(fetch(THREE, 0).errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    expect(fetch(THREE, 0, { currentLeaderEpoch: -1 }).errorCode).toBe(
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
    );
    append(2);
    fetch(TWO, 1);
    fetch(TWO, 2, {
      replica: { nodeId: TWO, brokerEpoch: 200, logStartOffset: offset(0), isRepeat: true },
    });
    expect(replica.leadership!.follower(TWO)!.endOffset).toBe(1);
  });

  it('reads to the log’s end, whatever is committed', () => {
    const { fetch, append } = leader();
    append(4);
    expect(fetch(TWO, 1)).toMatchObject({ highWatermark: 0, sizeBytes: 3 });
  });

  it('is woken by an append, a client is not', () => {
    const { replica, append } = leader();
    let [follower, client] = [0, 0];
    replica.watch(() => follower++, { ofAppends: true });
    replica.watch(() => client++);
    append();
    expect([follower, client]).toEqual([1, 0]);
  });

  it('that is behind for too long is to leave; one that was caught up a moment ago is not', () => {
    const { clock, replica, append, fetch, wished, log, agree, told } = leader();
    append();
    clock.advance(900);
    fetch(TWO, 1);
    clock.advance(200);
    replica.shrinkIsr();
    expect(wished()).toEqual([[ONE, TWO]]);
    // The larger ISR counts until the controller agrees.
    expect(log.highWatermark).toBe(0);
    replica.shrinkIsr();
    expect(wished()).toHaveLength(1);
    agree([ONE, TWO]);
    expect([log.highWatermark, told]).toEqual([1, ['0']]);
  });

  it('that keeps up with a busy leader is never quite at the end, and stays', () => {
    const { clock, replica, append, fetch, wished } = leader({ assignment: { isr: [ONE, TWO] } });
    for (let at = 0; at < 20; at++) {
      append();
      fetch(TWO, at);
      append();
      clock.advance(LAG_MS / 2);
      fetch(TWO, at * 2 + 1);
      replica.shrinkIsr();
    }
    expect(wished()).toEqual([]);
  });
});

describe('a wish that the controller', () => {
  const joining = () => {
    const one = leader({ assignment: { isr: [ONE, TWO] } });
    one.fetch(THREE, 0);
    const refuse = (errorCode: Exclude<ErrorCode, 0>, isAmbiguous = false): void =>
      one.proposals.at(-1)!.answer({ errorCode, isAmbiguous });
    return { ...one, refuse, maximal: () => one.replica.leadership!.isr.maximal };
  };

  it('refuses is given up', () => {
    const { refuse, maximal, fetch, wished } = joining();
    refuse(ErrorCode.INELIGIBLE_REPLICA);
    expect(maximal()).toEqual([ONE, TWO]);
    fetch(THREE, 0);
    expect(wished()).toHaveLength(2);
  });

  it('cannot judge any more is waited for in the metadata', () => {
    const { refuse, maximal, replica, fetch, wished } = joining();
    refuse(ErrorCode.INVALID_UPDATE_VERSION);
    expect(maximal()).toEqual([ONE, TWO, THREE]);
    fetch(THREE, 0);
    expect(wished()).toHaveLength(1);
    replica.lead(assigned({ isr: [ONE, TWO], partitionEpoch: 8 }));
    expect(maximal()).toEqual([ONE, TWO]);
  });

  it('refuses, and yet may have on its way, is fenced before it is forgotten', () => {
    const { refuse, maximal, wished, agree, replica } = joining();
    refuse(ErrorCode.INELIGIBLE_REPLICA, true);
    expect(wished().at(-1)).toEqual([ONE, TWO]);
    expect(maximal()).toEqual([ONE, TWO, THREE]);
    refuse(ErrorCode.INELIGIBLE_REPLICA);
    expect(maximal()).toEqual([ONE, TWO, THREE]);
    replica.shrinkIsr();
    expect(wished()).toHaveLength(3);
    agree([ONE, TWO]);
    expect(maximal()).toEqual([ONE, TWO]);
  });

  it('answers for another epoch, or when this one is over, changes nothing', () => {
    const { proposals, replica } = joining();
    const answer = proposals[0]!.answer;
    const late = (epoch: number): void =>
      answer({
        errorCode: ErrorCode.NONE,
        leader: ONE,
        leaderEpoch: leaderEpoch(epoch),
        isr: [ONE],
        partitionEpoch: 99,
      });
    late(3);
    expect(replica.assignment!.partitionEpoch).toBe(7);
    replica.follow(assigned({ leader: TWO, leaderEpoch: leaderEpoch(5), partitionEpoch: 8 }));
    late(4);
    expect(replica.assignment).toMatchObject({ leader: 2, partitionEpoch: 8 });
  });

  it('answers faster than the metadata log is not undone by it', () => {
    const { agree, replica } = joining();
    agree([ONE, TWO, THREE], 9);
    replica.lead(assigned({ isr: [ONE, TWO], partitionEpoch: 8 }));
    expect(replica.assignment).toMatchObject({ isr: [1, 2, 3], partitionEpoch: 9 });
  });
});

describe('a client', () => {
  it('is sent to the replica in its rack that holds what it asks for', () => {
    const { replica, fetch, append, peers } = leader();
    append(5);
    fetch(TWO, 5);
    fetch(THREE, 3);
    const asked = (rack: string, at: number) => replica.preferredReadReplica(rack, offset(at));
    expect([asked('rack 2', 4), asked('rack 3', 4), asked('rack 3', 3)]).toEqual([2, undefined, 3]);
    expect([asked('rack 1', 0), asked('', 0), asked('elsewhere', 0)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    peers.set(THREE, { ...peers.get(THREE)!, isFenced: true });
    expect(asked('rack 3', 0)).toBeUndefined();
  });

  it('may read from a follower what that one knows to be committed', () => {
    const { replica, log } = leader();
    replica.follow(assigned({ leader: TWO, leaderEpoch: leaderEpoch(5) }));
    const read = (mayReadFollower: boolean): PartitionRead =>
      replica.read({
        fetchOffset: offset(0),
        currentLeaderEpoch: 5,
        lastFetchedEpoch: -1,
        maxBytes: 1000,
        atLeastOneBatch: true,
        isolation: 'readUncommitted',
        mayReadFollower,
      }) as PartitionRead;
    replica.appendFetched(leaderEpoch(5), offset(0), {
      records: [new Uint8Array(3).fill(5)],
      highWatermark: 2,
      logStartOffset: 0,
    });
    expect(log.logEndOffset).toBe(3);
    expect(read(false).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(read(true)).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 2, sizeBytes: 2 });
  });
});

describe('records that are deleted', () => {
  it('are gone when every replica that is up says so', () => {
    const { replica, fetch, peers, append, log } = leader();
    append(5);
    log.logStartOffset = offset(4);
    expect(replica.lowWatermark).toBe(0);
    for (const it of [TWO, THREE]) {
      fetch(it, 5, {
        replica: {
          nodeId: it,
          brokerEpoch: it * 100,
          logStartOffset: offset(it === TWO ? 3 : 1),
          isRepeat: false,
        },
      });
    }
    expect(replica.lowWatermark).toBe(1);
    peers.set(THREE, { ...peers.get(THREE)!, isFenced: true });
    expect(replica.lowWatermark).toBe(3);
  });
});
