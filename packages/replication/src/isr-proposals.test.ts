import {
  ErrorCode,
  leaderEpoch,
  nodeId,
  type AlterPartitionResponse,
  type Uuid,
} from '@odradek/protocol';
import { silentLogger } from '@odradek/ports';
import { describe, expect, it } from 'vitest';
import type { IsrAnswer, IsrProposal } from './cluster-view.ts';
import { IsrProposals, type IsrProposalsOptions } from './isr-proposals.ts';
import { HandClock, turns } from './testing/hand-clock.ts';

const TOPIC = 'a'.repeat(32) as Uuid;

const proposal = (partition: number, partitionEpoch = 1): IsrProposal => ({
  topicId: TOPIC,
  partition,
  leaderEpoch: leaderEpoch(2),
  partitionEpoch,
  isr: [{ brokerId: nodeId(1), brokerEpoch: 10 }],
});

type Request = Parameters<IsrProposalsOptions['send']>[0];

const queue = () => {
  const clock = new HandClock();
  const sent: {
    partitions: readonly number[];
    answer: (it: AlterPartitionResponse) => void;
    fail: () => void;
  }[] = [];
  const proposals = new IsrProposals({
    nodeId: nodeId(1),
    brokerEpoch: () => 100,
    clock,
    logger: silentLogger,
    send: (request: Request) =>
      new Promise((answer, reject) => {
        sent.push({
          partitions: request.topics.flatMap((it) =>
            it.partitions.map((one) => one.partitionIndex),
          ),
          answer,
          fail: () => reject(new Error('no answer')),
        });
      }),
  });
  const told: string[] = [];
  return {
    clock,
    sent,
    proposals,
    told,
    propose: (partition: number, epoch?: number) =>
      proposals.propose(proposal(partition, epoch), (answer: IsrAnswer) =>
        told.push(
          answer.errorCode === ErrorCode.NONE
            ? `${partition}: isr ${answer.isr.join()} at ${answer.partitionEpoch}`
            : `${partition}: ${answer.errorCode}${answer.isAmbiguous ? ' perhaps' : ''}`,
        ),
      ),
  };
};

const answerOf = (
  codes: readonly (readonly [partition: number, code: ErrorCode])[],
  errorCode: ErrorCode = ErrorCode.NONE,
): AlterPartitionResponse => ({
  throttleTimeMs: 0,
  errorCode,
  topics: [
    {
      topicId: TOPIC,
      partitions: codes.map(([partitionIndex, code]) => ({
        partitionIndex,
        errorCode: code,
        leaderId: 1,
        leaderEpoch: 2,
        isr: [1, 2],
        leaderRecoveryState: 0,
        partitionEpoch: 9,
      })),
    },
  ],
});

describe('wishes about ISRs', () => {
  it('go together, one request at a time', async () => {
    const { sent, propose, told, proposals } = queue();
    propose(0);
    propose(1);
    await turns();
    propose(2);
    await turns();
    expect(sent.map((it) => it.partitions)).toEqual([[0, 1]]);
    sent[0]!.answer(
      answerOf([
        [0, ErrorCode.NONE],
        [1, ErrorCode.FENCED_LEADER_EPOCH],
      ]),
    );
    await turns();
    expect(told).toEqual(['0: isr 1,2 at 9', '1: 74']);
    expect(sent[1]!.partitions).toEqual([2]);
    expect(proposals.size).toBe(1);
  });

  it('that were not answered go again, and may have been granted twice', async () => {
    const { sent, propose, told, clock } = queue();
    propose(0);
    await turns();
    sent[0]!.fail();
    await turns();
    expect(sent).toHaveLength(1);
    clock.advance(50);
    await turns();
    sent[1]!.answer(answerOf([[0, ErrorCode.INELIGIBLE_REPLICA]]));
    await turns();
    expect(told).toEqual(['0: 107 perhaps']);
  });

  it('are kept for the next controller', async () => {
    const { sent, propose, told, clock } = queue();
    propose(0);
    propose(1);
    await turns();
    sent[0]!.answer(answerOf([], ErrorCode.NOT_CONTROLLER));
    await turns();
    clock.advance(50);
    await turns();
    sent[1]!.answer(
      answerOf([
        [0, ErrorCode.NOT_CONTROLLER],
        [1, ErrorCode.NONE],
      ]),
    );
    await turns();
    clock.advance(50);
    await turns();
    expect(sent[2]!.partitions).toEqual([0]);
    sent[2]!.answer(answerOf([[0, ErrorCode.INELIGIBLE_REPLICA]]));
    await turns();
    expect(told).toEqual(['1: isr 1,2 at 9', '0: 107']);
  });

  it('make room for newer ones of their partition, and end with the broker', async () => {
    const { sent, propose, told, proposals, clock } = queue();
    propose(0, 1);
    await turns();
    propose(0, 2);
    sent[0]!.answer(answerOf([[0, ErrorCode.INVALID_UPDATE_VERSION]]));
    await turns();
    expect([told, sent.length]).toEqual([[], 2]);
    proposals.stop();
    sent[1]!.fail();
    await turns();
    expect([clock.timerCount, sent.length]).toEqual([0, 2]);
  });
});
