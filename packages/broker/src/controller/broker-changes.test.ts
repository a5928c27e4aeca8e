import { nodeId } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { applyOps, imageOf, policyOf, WORDS, type Partition } from '../testing/image-of.ts';
import {
  OPS_PER_PROPOSAL_MAX,
  brokerLeaves,
  brokerLostTail,
  brokerReturns,
  inProposals,
  minInsyncReplicasChanged,
  repairs,
  uncleanElections,
} from './broker-changes.ts';

const TWO = nodeId(2);

describe('a broker that is gone', () => {
  it('leaves every ISR, and its leaderships move; what does not concern it stays', () => {
    const image = imageOf([{}, { leader: 2 }, { replicas: [1, 3] }]);
    const ops = brokerLeaves(image, policyOf(), TWO);
    expect(ops).toHaveLength(2);
    expect(ops[0]).toMatchObject({ op: 'set', path: '/topics/words/0', expectedVersion: 10 });
    applyOps(image, ops);
    expect(image.partition(WORDS, 0)).toMatchObject({ isr: [1, 3], leader: 1, leaderEpoch: 5 });
    expect(image.partition(WORDS, 1)).toMatchObject({ isr: [1, 3], leader: 1, leaderEpoch: 6 });
  });

  it('and that comes back leads what has no leader', () => {
    const image = imageOf(
      [{ replicas: [2, 3], isr: [], elr: [2], leader: -1 }, {}],
      [{ id: 1 }, { id: 2, fenced: true }, { id: 3 }],
    );
    applyOps(image, brokerReturns(image, policyOf(), TWO));
    expect(image.partition(WORDS, 0)).toMatchObject({ leader: 2, isr: [2] });
  });

  it('and lost its tail is in sync with nothing', () => {
    const image = imageOf([
      { isr: [2], elr: [3], leader: 2 },
      { isr: [1], elr: [2], leader: 1 },
    ]);
    applyOps(
      image,
      brokerLostTail(image, policyOf(), { node: TWO, isEmpty: false, mayLead: false }),
    );
    expect(image.partition(WORDS, 0)).toMatchObject({ isr: [3], leader: 3 });
    expect(image.partition(WORDS, 1)).toMatchObject({ isr: [1], leader: 1 });
    expect(image.partition(WORDS, 1)).not.toHaveProperty('elr');
  });

  it('and is alone leads what only it has, in a new epoch', () => {
    const image = imageOf([{ replicas: [2] }], [{ id: 2 }]);
    applyOps(
      image,
      brokerLostTail(image, policyOf(), { node: TWO, isEmpty: false, mayLead: true }),
    );
    expect(image.partition(WORDS, 0)).toEqual({
      replicas: [2],
      isr: [2],
      leader: 2,
      leaderEpoch: 6,
      partitionEpoch: 11,
    });
  });

  it('moves the leaders of three thousand partitions well within its two seconds', () => {
    const orders = [
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
    ];
    const image = imageOf(
      Array.from({ length: 3_000 }, (_, i): Partition => ({ replicas: orders[i % 3]! })),
    );
    const startMs = performance.now();
    const ops = brokerLeaves(image, policyOf(), TWO);
    const parts = inProposals(ops);
    const tookMs = performance.now() - startMs;
    expect(ops).toHaveLength(3_000);
    expect(parts).toHaveLength(1);
    expect(tookMs).toBeLessThan(1_000);
    applyOps(image, ops);
    const { partitions } = image.topics.get(WORDS)!;
    expect(partitions.some((it) => it.leader === TWO || it.isr.includes(TWO))).toBe(false);
  });

  it('of more partitions than one proposal takes comes in several', () => {
    const ops = Array.from(
      { length: OPS_PER_PROPOSAL_MAX + 1 },
      () => ({ op: 'delete', path: '/a' }) as const,
    );
    expect(inProposals(ops).map((it) => it.length)).toEqual([OPS_PER_PROPOSAL_MAX, 1]);
  });
});

describe('a controller that takes over', () => {
  it('finishes what was left half done, and has nothing to do else', () => {
    const image = imageOf(
      [{ leader: 2 }, { isr: [], elr: [3], leader: -1 }, { isr: [1, 3] }],
      [{ id: 1 }, { id: 2, fenced: true }, { id: 3 }],
    );
    applyOps(image, repairs(image, policyOf()));
    expect(image.partition(WORDS, 0)).toMatchObject({ leader: 1, isr: [1, 3] });
    expect(image.partition(WORDS, 1)).toMatchObject({ leader: 3, isr: [3] });
    expect(image.partition(WORDS, 2)).toMatchObject({ partitionEpoch: 10 });
    expect(repairs(image, policyOf())).toEqual([]);
  });
});

describe('a change of a topic’s rules', () => {
  it('may find a leader where records may be lost', () => {
    const image = imageOf(
      [{ isr: [], elr: [2], leader: -1 }],
      [{ id: 1 }, { id: 2, fenced: true }],
    );
    expect(uncleanElections(image, policyOf())).toEqual([]);
    applyOps(image, uncleanElections(image, policyOf(2, true)));
    expect(image.partition(WORDS, 0)).toMatchObject({ leader: 1, isr: [1], isRecovering: true });
  });

  it('makes nobody eligible who may miss what is committed from now on', () => {
    const image = imageOf([{ isr: [1], elr: [2] }]);
    applyOps(image, minInsyncReplicasChanged(image, policyOf(1), WORDS));
    expect(image.partition(WORDS, 0)).not.toHaveProperty('elr');
  });
});
