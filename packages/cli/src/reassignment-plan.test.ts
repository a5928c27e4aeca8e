import { describe, expect, it } from 'vitest';
import type { TopicMetadata } from '@odradek/client';
import { ZERO_UUID } from '@odradek/protocol';
import { brokerFacts } from './cluster-facts.ts';
import { planTo, planWithout } from './reassignment-plan.ts';

const topic = (name: string, replicas: readonly (readonly number[])[]): TopicMetadata => ({
  errorCode: 0,
  name,
  topicId: ZERO_UUID,
  isInternal: false,
  topicAuthorizedOperations: 0,
  partitions: replicas.map((replicaNodes, partitionIndex) => ({
    errorCode: 0,
    partitionIndex,
    leaderId: replicaNodes[0]!,
    leaderEpoch: 0,
    replicaNodes,
    isrNodes: replicaNodes.filter((nodeId) => nodeId !== 3),
    offlineReplicas: [],
  })),
});
const planned = (moves: ReturnType<typeof planTo>) =>
  moves.map(({ topic: name, partition, replicas }) => `${name}-${partition}: ${replicas.join()}`);

describe('what is moved where', () => {
  it('goes to the brokers that are named, who take turns in leading', () => {
    const orders = topic('t', [[1], [2, 3], [3]]);
    expect(planned(planTo(orders, [1, 2], undefined))).toEqual([
      't-0: 1,2',
      't-1: 2,1',
      't-2: 1,2',
    ]);
    expect(planned(planTo(orders, [2, 1], 2))).toEqual(['t-2: 2,1']);
    expect(planTo(orders, [1], 0)).toEqual([]);
    expect(() => planTo(orders, [1], 7)).toThrow('t has no partition 7');
  });

  it('leaves a broker for those that hold least', () => {
    const topics = [
      topic('a', [
        [1, 3],
        [3, 1],
      ]),
      topic('b', [[2, 1], [1]]),
    ];
    expect(planned(planWithout(topics, 3, [1, 2, 3, 4]))).toEqual(['a-0: 1,4', 'a-1: 2,1']);
    expect(() => planWithout([topic('c', [[1, 2, 3]])], 3, [1, 2, 3])).toThrow(
      'c-0 has 3 replicas, and besides broker 3 there are 2 brokers',
    );
  });
});

describe('what is known of brokers', () => {
  it('counts those that are not heard of by their replicas', () => {
    const info = {
      clusterId: 'c',
      controllerId: 1,
      brokers: [1, 2].map((nodeId) => ({ nodeId, host: 'h', port: nodeId, rack: null })),
    };
    const facts = brokerFacts(
      info,
      [
        topic('t', [
          [1, 2, 3],
          [2, 3],
        ]),
      ],
      undefined,
    );
    expect(facts).toMatchObject([
      { nodeId: 1, address: 'h:1', isController: true, isAway: false, leads: 1, outOfSync: 0 },
      { nodeId: 2, isController: false, leads: 1, replicas: 2 },
      { nodeId: 3, address: undefined, isAway: true, leads: 0, replicas: 2, outOfSync: 2 },
    ]);
  });
});
