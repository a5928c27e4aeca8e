/** Elections, moves and the lives of brokers, as an operator and the brokers themselves ask for them. */
import { ErrorCode, nodeId, offset, type Uuid } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { applyOps, imageOf, policyOf, WORDS } from '../testing/image-of.ts';
import { ManualClock } from '@odradek/ports/testing';
import { BrokerHeartbeats } from './broker-heartbeats.ts';
import {
  decideHeartbeat,
  decideUnregister,
  fenceBroker,
  type Heartbeat,
} from './broker-lifecycle.ts';
import { decideElections } from './elect-leaders.ts';
import { decideReassignments, listReassignments } from './reassignments.ts';
import { decideClusterRegistration, type ClusterRegistration } from './register-broker.ts';

const ONE = nodeId(1);
const TWO = nodeId(2);
const FOUR_BROKERS = [{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }];

describe('an election that is asked for', () => {
  const elect = (
    image: ReturnType<typeof imageOf>,
    electionType: number,
    partitions: readonly number[] | null,
  ) => {
    const decision = decideElections(
      { electionType, topicPartitions: partitions && [{ topic: WORDS, partitions }] },
      image,
      policyOf(),
    );
    if (!decision.ok) return decision.errorCode;
    applyOps(image, decision.value.ops);
    return (decision.value.results.get(WORDS) ?? []).map((it) => [it.partition, it.errorCode]);
  };

  it('gives partitions back to their preferred leaders', () => {
    const image = imageOf([{ leader: 2 }, {}, { leader: 2, isr: [2, 3] }]);
    expect(elect(image, 0, [0, 1, 2, 9])).toEqual([
      [0, ErrorCode.NONE],
      [1, ErrorCode.ELECTION_NOT_NEEDED],
      [2, ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE],
      [9, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    expect(image.partition(WORDS, 0)).toMatchObject({ leader: 1, leaderEpoch: 6 });
  });

  it('for all partitions tells only of those that needed one', () => {
    expect(elect(imageOf([{ leader: 2 }, {}]), 0, null)).toEqual([[0, ErrorCode.NONE]]);
  });

  it('may be unclean where there is no leader', () => {
    const image = imageOf(
      [{ isr: [], elr: [3], leader: -1 }, {}],
      [{ id: 1 }, { id: 3, fenced: true }],
    );
    expect(elect(image, 1, [0, 1])).toEqual([
      [0, ErrorCode.NONE],
      [1, ErrorCode.ELECTION_NOT_NEEDED],
    ]);
    expect(image.partition(WORDS, 0)).toMatchObject({ leader: 1, isRecovering: true });
    const nobody = imageOf([{ isr: [], elr: [3], leader: -1 }], [{ id: 3, fenced: true }]);
    expect(elect(nobody, 1, [0])).toEqual([[0, ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE]]);
  });

  it('of an unknown type is refused', () => {
    expect(elect(imageOf([{}]), 7, [0])).toBe(ErrorCode.INVALID_REQUEST);
  });
});

describe('a move', () => {
  const move = (
    image: ReturnType<typeof imageOf>,
    replicas: readonly number[] | null,
    mayChangeFactor = true,
    isUnclean = false,
  ) => {
    const { ops, results } = decideReassignments(
      {
        allowReplicationFactorChange: mayChangeFactor,
        topics: [{ name: WORDS, partitions: [{ partitionIndex: 0, replicas }] }],
      },
      image,
      policyOf(2, isUnclean),
    );
    applyOps(image, ops);
    return results[0]!.errorCode;
  };

  it('adds the new replicas first, behind which the old ones wait to go', () => {
    const image = imageOf([{}], FOUR_BROKERS);
    expect(move(image, [4, 2, 3])).toBe(ErrorCode.NONE);
    expect(image.partition(WORDS, 0)).toMatchObject({
      replicas: [4, 2, 3, 1],
      isr: [1, 2, 3],
      addingReplicas: [4],
      removingReplicas: [1],
      leader: 1,
    });
    expect(listReassignments(null, image)).toEqual([
      {
        topic: WORDS,
        partition: 0,
        replicas: [4, 2, 3, 1],
        addingReplicas: [4],
        removingReplicas: [1],
      },
    ]);
    expect(listReassignments([{ name: 'other', partitionIndexes: [0] }], image)).toEqual([]);
  });

  it('to replicas that are in sync is done at once', () => {
    const image = imageOf([{}]);
    expect(move(image, [3, 1])).toBe(ErrorCode.NONE);
    expect(image.partition(WORDS, 0)).toMatchObject({
      replicas: [3, 1],
      isr: [1, 3],
      leader: 1,
      leaderEpoch: 6,
    });
    expect(listReassignments(null, image)).toEqual([]);
  });

  it('may be changed and called off on its way', () => {
    const image = imageOf([{}], FOUR_BROKERS);
    move(image, [4, 2, 3]);
    expect(move(image, [4, 3])).toBe(ErrorCode.NONE);
    expect(image.partition(WORDS, 0)).toMatchObject({
      addingReplicas: [4],
      removingReplicas: [1, 2],
    });
    expect(move(image, null)).toBe(ErrorCode.NONE);
    expect([...image.partition(WORDS, 0)!.replicas].sort()).toEqual([1, 2, 3]);
    expect(listReassignments(null, image)).toEqual([]);
    expect(move(image, null)).toBe(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS);
  });

  it('is not called off when only the new replicas hold what is committed', () => {
    const image = imageOf(
      [{ replicas: [4, 1], isr: [4], leader: 4, addingReplicas: [4], removingReplicas: [1] }],
      FOUR_BROKERS,
    );
    expect(move(image, null)).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(move(image, null, true, true)).toBe(ErrorCode.NONE);
    expect(image.partition(WORDS, 0)).toMatchObject({ replicas: [1], isr: [1], leader: 1 });
  });

  it('is refused with the codes that Kafka gives', () => {
    const image = imageOf([{}], FOUR_BROKERS);
    expect(move(image, [])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(move(image, [1, 1])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(move(image, [9])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
    expect(move(image, [4], false)).toBe(ErrorCode.INVALID_REPLICATION_FACTOR);
  });
});

const registration = (over: Partial<ClusterRegistration> = {}): ClusterRegistration => ({
  nodeId: TWO,
  incarnation: 'disk 2' as Uuid,
  processId: 'process 2b' as Uuid,
  listeners: [],
  rack: null,
  previousBrokerEpoch: -1,
  ...over,
});

describe('a broker that registers', () => {
  const register = (
    image: ReturnType<typeof imageOf>,
    over: Partial<ClusterRegistration> = {},
    isAlive = false,
  ) => {
    const decision = decideClusterRegistration(registration(over), image, policyOf(), isAlive);
    if (!decision.ok) return decision.errorCode;
    applyOps(image, decision.value.ops);
    return decision.value.brokerEpoch;
  };

  it('is fenced at first, in an epoch larger than any before', () => {
    const image = imageOf([], [{ id: 1 }]);
    expect(register(image)).toBe(1);
    expect(image.brokers.get(TWO)).toMatchObject({ fenced: true, brokerEpoch: 1 });
    image.lastBrokerEpoch = 7;
    expect(register(imageOf([], [{ id: 2 }]))).toBe(201);
  });

  it('after an unclean stop is in sync with nothing', () => {
    const image = imageOf([{ leader: 2 }]);
    expect(register(image)).toBe(201);
    expect(image.partition(WORDS, 0)).toMatchObject({ isr: [1, 3], leader: 1 });
  });

  it('after a clean stop is eligible still, where too few are in sync', () => {
    const image = imageOf([{ isr: [2], leader: 2 }]);
    register(image, { previousBrokerEpoch: 200 });
    expect(image.partition(WORDS, 0)).toMatchObject({ isr: [], elr: [2], leader: -1 });
  });

  it('with an empty disk vouches for nothing, whatever it says of its last stop', () => {
    const image = imageOf([{ isr: [2], leader: 2 }]);
    register(image, { previousBrokerEpoch: 200, incarnation: 'new disk' as Uuid });
    const known = image.partition(WORDS, 0)!;
    expect([known.isr, known.elr, known.lastKnownLeader]).toEqual([[], undefined, undefined]);
  });

  it('twice gets the same answer, and is refused while another of its id is alive', () => {
    const image = imageOf([{}]);
    expect(register(image, { processId: 'process 2' as Uuid }, true)).toBe(200);
    expect(register(image, {}, true)).toBe(ErrorCode.DUPLICATE_BROKER_REGISTRATION);
  });
});

describe('a broker that beats', () => {
  const beat = (image: ReturnType<typeof imageOf>, over: Partial<Heartbeat> = {}) => {
    const decision = decideHeartbeat(
      {
        nodeId: TWO,
        brokerEpoch: 200,
        wantFence: false,
        wantShutDown: false,
        isCaughtUp: true,
        isShutdownKnown: true,
        ...over,
      },
      image,
      policyOf(),
    );
    if (!decision.ok) return decision.errorCode;
    applyOps(image, decision.value.ops);
    return decision.value.reply;
  };

  it('is unfenced when it has read the metadata log', () => {
    const image = imageOf(
      [{ replicas: [2], isr: [], elr: [2], leader: -1 }],
      [{ id: 2, fenced: true }],
    );
    expect(beat(image, { isCaughtUp: false })).toMatchObject({ isFenced: true, isCaughtUp: false });
    expect(beat(image)).toEqual({ isCaughtUp: true, isFenced: false, shouldShutDown: false });
    expect(image.partition(WORDS, 0)).toMatchObject({ leader: 2 });
  });

  it('hands over what it leads before it stops', () => {
    const image = imageOf([{ leader: 2 }, { replicas: [2], leader: 2 }]);
    expect(beat(image, { wantShutDown: true })).toMatchObject({
      shouldShutDown: false,
      isFenced: false,
    });
    expect(image.brokers.get(TWO)).toMatchObject({ inControlledShutdown: true });
    expect(image.partition(WORDS, 0)).toMatchObject({ leader: 1, isr: [1, 3] });
    // Nobody else has it: it stops all the same.
    expect(image.partition(WORDS, 1)).toMatchObject({ leader: -1, isr: [], elr: [2] });
    expect(beat(image, { wantShutDown: true, isShutdownKnown: false })).toMatchObject({
      shouldShutDown: false,
    });
    expect(beat(image, { wantShutDown: true })).toMatchObject({
      shouldShutDown: true,
      isFenced: true,
    });
    expect(image.brokers.get(TWO)!.fenced).toBe(true);
  });

  it('in an older life is told so', () => {
    const image = imageOf([{}]);
    expect(beat(image, { brokerEpoch: 199 })).toBe(ErrorCode.STALE_BROKER_EPOCH);
    expect(beat(image, { nodeId: nodeId(9) })).toBe(ErrorCode.BROKER_ID_NOT_REGISTERED);
  });
});

describe('a broker that is silent', () => {
  const times = { sessionTimeoutMs: 9_000, linkLossTimeoutMs: 500 };

  it('is fenced when its session ends, sooner when its link broke', () => {
    const clock = new ManualClock();
    const heartbeats = new BrokerHeartbeats(clock, () => times);
    const image = imageOf([{ leader: 2 }]);
    heartbeats.begin(image, offset(10));
    clock.advance(8_000);
    heartbeats.touched(ONE, 11);
    expect(heartbeats.nextDeadlineMs(image)).toBe(9_000);
    clock.advance(1_000);
    expect(heartbeats.expired(image)).toEqual([2, 3]);
    applyOps(image, fenceBroker(image.brokers.get(TWO)!, image, policyOf()));
    expect(image.partition(WORDS, 0)).toMatchObject({ leader: 1 });
    expect(heartbeats.expired(image)).toEqual([3]);
    heartbeats.linkLost(ONE);
    clock.advance(500);
    expect(heartbeats.isAlive(ONE)).toBe(false);
  });

  it('that stops is waited for until all who live know that it leads nothing', () => {
    const clock = new ManualClock();
    const heartbeats = new BrokerHeartbeats(clock, () => times);
    heartbeats.begin(imageOf([]), offset(10));
    heartbeats.touched(TWO, 10);
    expect(heartbeats.isCaughtUp(TWO)).toBe(true);
    expect(heartbeats.isCaughtUp(ONE)).toBe(false);
    heartbeats.shutdownBegan(TWO, offset(20));
    heartbeats.touched(ONE, 20);
    heartbeats.touched(TWO, 20);
    expect(heartbeats.isShutdownKnown(TWO)).toBe(false);
    heartbeats.touched(nodeId(3), 21);
    expect(heartbeats.isShutdownKnown(TWO)).toBe(true);
  });
});

describe('a broker that is taken out of the cluster', () => {
  it('leaves its partitions to the others, and a later one of its id has a larger epoch', () => {
    const image = imageOf([{ leader: 2 }]);
    const decision = decideUnregister(TWO, image, policyOf());
    if (!decision.ok) throw new Error('refused');
    applyOps(image, decision.value);
    expect(image.brokers.has(TWO)).toBe(false);
    expect(image.partition(WORDS, 0)).toMatchObject({
      leader: 1,
      isr: [1, 3],
      replicas: [1, 2, 3],
    });
    const again = decideClusterRegistration(registration(), image, policyOf(), false);
    expect(again.ok && again.value.brokerEpoch).toBe(201);
    expect(decideUnregister(TWO, image, policyOf())).toMatchObject({
      errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED,
    });
  });
});
