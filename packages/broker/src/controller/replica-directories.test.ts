import { ErrorCode, type Uuid } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import {
  applyOps,
  imageOf,
  policyOf,
  WORDS,
  WORDS_ID,
  type Partition,
} from '../testing/image-of.ts';
import { decideDirectories, LOST_DIRECTORY } from './replica-directories.ts';

const OWN = 'disk 1' as Uuid;

/** Broker 1 says where its replica is. */
const tell = (
  known: Partition,
  directory: Uuid,
  { brokerEpoch = 100, topicId = WORDS_ID, partition = 0, min = 2 } = {},
) => {
  const image = imageOf([known]);
  const decision = decideDirectories(
    {
      brokerId: 1,
      brokerEpoch,
      directories: [
        { id: directory, topics: [{ topicId, partitions: [{ partitionIndex: partition }] }] },
      ],
    },
    image,
    policyOf(min),
  );
  if (!decision.ok) return { errorCode: decision.errorCode };
  applyOps(image, decision.value.ops);
  const { errorCode } = decision.value.response.directories[0]!.topics[0]!.partitions[0]!;
  return { errorCode, opCount: decision.value.ops.length, next: image.partition(WORDS, 0)! };
};

describe('a broker that says that its replica is lost', () => {
  it('leads it no more: another one in sync does, and it is out of the ISR', () => {
    const { errorCode, next } = tell({}, LOST_DIRECTORY);
    expect(errorCode).toBe(ErrorCode.NONE);
    expect(next).toMatchObject({ leader: 2, isr: [2, 3], offline: [1], leaderEpoch: 6 });
  });

  it('is not fallen back on, though too few are in sync', () => {
    const { next } = tell({ isr: [1, 2] }, LOST_DIRECTORY);
    expect(next).toMatchObject({ leader: 2, isr: [2], offline: [1], lastKnownElr: [1] });
    expect(next).not.toHaveProperty('elr');
    const { next: nobody } = tell({ isr: [1] }, LOST_DIRECTORY, { min: 1 });
    expect(nobody).toMatchObject({ leader: -1, isr: [], offline: [1], lastKnownLeader: 1 });
  });

  it('and says it again changes nothing', () => {
    expect(tell({ isr: [2, 3], leader: 2, offline: [1] }, LOST_DIRECTORY).opCount).toBe(0);
  });
});

describe('a broker that says that its replica is back', () => {
  it('has nothing yet, and catches up in a new epoch', () => {
    const lost = { isr: [2], leader: 2, offline: [1], lastKnownElr: [1] };
    const { next } = tell(lost, OWN);
    expect(next).toMatchObject({ leader: 2, isr: [2], leaderEpoch: 6 });
    expect(next).not.toHaveProperty('offline');
    expect(next).not.toHaveProperty('lastKnownElr');
    expect(tell({}, OWN).opCount).toBe(0);
  });
});

describe('what a broker says of directories', () => {
  it('is refused of another life, of what is not there and of a directory that is not its own', () => {
    expect(tell({}, LOST_DIRECTORY, { brokerEpoch: 99 }).errorCode).toBe(
      ErrorCode.STALE_BROKER_EPOCH,
    );
    const other = 'fedcba9876543210fedcba9876543210' as Uuid;
    expect(tell({}, LOST_DIRECTORY, { topicId: other }).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
    expect(tell({}, LOST_DIRECTORY, { partition: 7 }).errorCode).toBe(
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    );
    expect(tell({ replicas: [2, 3] }, LOST_DIRECTORY).errorCode).toBe(
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
    );
    expect(tell({}, other)).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, opCount: 0 });
  });
});
