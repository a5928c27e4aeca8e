import { ErrorCode, nodeId } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import {
  applyOps,
  imageOf,
  policyOf,
  WORDS,
  WORDS_ID,
  type Partition,
} from '../testing/image-of.ts';
import { decideAlterPartition } from './alter-partition.ts';

interface Wish {
  readonly asker?: number;
  readonly askerEpoch?: number;
  readonly isr?: readonly (readonly [id: number, epoch: number])[];
  readonly leaderEpoch?: number;
  readonly partitionEpoch?: number;
  readonly recoveryState?: number;
  readonly partition?: number;
}

const BROKERS = [
  { id: 1 },
  { id: 2 },
  { id: 3, fenced: true },
  { id: 4, inControlledShutdown: true as const },
];

const alter = (known: Partition, wish: Wish) => {
  const image = imageOf([known], BROKERS);
  const decision = decideAlterPartition(
    {
      brokerId: wish.asker ?? 1,
      brokerEpoch: wish.askerEpoch ?? (wish.asker ?? 1) * 100,
      topics: [
        {
          topicId: WORDS_ID,
          partitions: [
            {
              partitionIndex: wish.partition ?? 0,
              leaderEpoch: wish.leaderEpoch ?? 5,
              newIsr: [],
              newIsrWithEpochs: (
                wish.isr ?? [
                  [1, 100],
                  [2, 200],
                ]
              ).map(([brokerId, brokerEpoch]) => ({ brokerId, brokerEpoch })),
              leaderRecoveryState: wish.recoveryState ?? 0,
              partitionEpoch: wish.partitionEpoch ?? 10,
            },
          ],
        },
      ],
    },
    image,
    policyOf(),
  );
  if (!decision.ok) return { errorCode: decision.errorCode, image };
  applyOps(image, decision.value.ops);
  return { ...decision.value.response.topics[0]!.partitions[0]!, image };
};

const KNOWN: Partition = { replicas: [1, 2, 3, 4], isr: [1], leader: 1 };

describe('a leader’s wish for another ISR', () => {
  it('is carried out and answered with the registration as it then is', () => {
    const { image, ...answer } = alter(KNOWN, {});
    expect(answer).toMatchObject({
      errorCode: ErrorCode.NONE,
      leaderId: 1,
      leaderEpoch: 5,
      isr: [1, 2],
      partitionEpoch: 11,
    });
    expect(image.partition(WORDS, 0)).toMatchObject({
      isr: [1, 2],
      leaderEpoch: 5,
      partitionEpoch: 11,
    });
  });

  it('for the one that there is moves the partition epoch: what was given up cannot come true', () => {
    expect(alter(KNOWN, { isr: [[1, 100]] })).toMatchObject({
      errorCode: ErrorCode.NONE,
      partitionEpoch: 11,
    });
  });

  it.each<[string, Wish, ErrorCode]>([
    ['an older life of the leader', { askerEpoch: 99 }, ErrorCode.STALE_BROKER_EPOCH],
    ['a broker that nobody knows', { asker: 9 }, ErrorCode.BROKER_ID_NOT_REGISTERED],
    ['a deposed leader', { leaderEpoch: 4 }, ErrorCode.FENCED_LEADER_EPOCH],
    ['a leader of an epoch to come', { leaderEpoch: 6 }, ErrorCode.NOT_CONTROLLER],
    ['one who knows a registration to come', { partitionEpoch: 11 }, ErrorCode.NOT_CONTROLLER],
    [
      'one who knows an older registration',
      { partitionEpoch: 9 },
      ErrorCode.INVALID_UPDATE_VERSION,
    ],
    ['one who does not lead', { asker: 2 }, ErrorCode.INVALID_REQUEST],
    ['one who leaves himself out', { isr: [[2, 200]] }, ErrorCode.INVALID_REQUEST],
    [
      'one who names a member twice',
      {
        isr: [
          [1, 100],
          [1, 100],
        ],
      },
      ErrorCode.INVALID_REQUEST,
    ],
    [
      'one who names who is no replica',
      {
        isr: [
          [1, 100],
          [9, 900],
        ],
      },
      ErrorCode.INVALID_REQUEST,
    ],
    [
      'one who recovers from nothing',
      { isr: [[1, 100]], recoveryState: 1 },
      ErrorCode.INVALID_REQUEST,
    ],
    [
      'one for a broker that is fenced',
      {
        isr: [
          [1, 100],
          [3, 300],
        ],
      },
      ErrorCode.INELIGIBLE_REPLICA,
    ],
    [
      'one for a broker about to stop',
      {
        isr: [
          [1, 100],
          [4, 400],
        ],
      },
      ErrorCode.INELIGIBLE_REPLICA,
    ],
    [
      'one for an older life of a broker',
      {
        isr: [
          [1, 100],
          [2, 199],
        ],
      },
      ErrorCode.INELIGIBLE_REPLICA,
    ],
    [
      'one for a partition that is not there',
      { partition: 7 },
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ],
  ])('is refused to %s', (_, wish, errorCode) => {
    const { image, ...answer } = alter(KNOWN, wish);
    expect(answer.errorCode).toBe(errorCode);
    expect(image.partition(WORDS, 0)).toMatchObject({ isr: [1], partitionEpoch: 10 });
  });

  it('may complete a move that takes the leadership from him', () => {
    const moving = {
      replicas: [2, 1],
      isr: [1],
      leader: 1,
      addingReplicas: [2],
      removingReplicas: [1],
    };
    const { image, errorCode } = alter(moving, {});
    expect(errorCode).toBe(ErrorCode.NEW_LEADER_ELECTED);
    expect(image.partition(WORDS, 0)).toMatchObject({
      replicas: [2],
      isr: [2],
      leader: nodeId(2),
      leaderEpoch: 6,
    });
  });

  it('ends the recovery after an unclean election', () => {
    const { image } = alter({ ...KNOWN, isRecovering: true }, {});
    expect(image.partition(WORDS, 0)).not.toHaveProperty('isRecovering');
  });
});
