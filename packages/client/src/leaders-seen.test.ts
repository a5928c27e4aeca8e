import { describe, expect, it } from 'vitest';
import type { MetadataResponse } from '@odradek/protocol';
import { LeadersSeen } from './leaders-seen.ts';

type TopicMetadata = MetadataResponse['topics'][number];

const topic = (leaderId: number, leaderEpoch: number, topicId = 'a'): TopicMetadata =>
  ({
    name: 't',
    topicId,
    errorCode: 0,
    partitions: [{ partitionIndex: 0, leaderId, leaderEpoch, errorCode: 0 }],
  }) as unknown as TopicMetadata;
const leaderOf = ({ partitions }: TopicMetadata): number => partitions[0]!.leaderId;

describe('leaders that were seen', () => {
  it('are not followed by earlier ones', () => {
    const seen = new LeadersSeen(60_000);
    expect(leaderOf(seen.checked(topic(2, 3), 0))).toBe(2);
    expect(leaderOf(seen.checked(topic(1, 2), 1_000))).toBe(-1);
    expect(leaderOf(seen.checked(topic(3, 3), 2_000))).toBe(3);
    expect(leaderOf(seen.checked(topic(1, 6), 4_000))).toBe(1);
  });

  it('begin anew with another topic of the name', () => {
    const seen = new LeadersSeen(60_000);
    seen.checked(topic(2, 3), 0);
    expect(leaderOf(seen.checked(topic(1, 0, 'b'), 0))).toBe(1);
  });

  it('are given up when nobody says otherwise for long: the cluster was restored', () => {
    const seen = new LeadersSeen(60_000);
    seen.checked(topic(2, 9), 0);
    expect(leaderOf(seen.checked(topic(1, 4), 1_000))).toBe(-1);
    expect(leaderOf(seen.checked(topic(1, 4), 60_000))).toBe(-1);
    expect(leaderOf(seen.checked(topic(1, 4), 61_000))).toBe(1);
    expect(leaderOf(seen.checked(topic(1, 4), 61_001))).toBe(1);
  });
});
