import * as theirs from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { PartitionAssigners, assignerProtocolFor } from './assigners.ts';
import type { AssignerCluster } from './types.ts';

const { MemberAssignment, MemberMetadata } = assignerProtocolFor((bytes) => Buffer.from(bytes));
const partitions: Readonly<Record<string, number>> = { orders: 5, bills: 2 };
const cluster: AssignerCluster = {
  findTopicPartitionMetadata: (topic) =>
    Array.from({ length: partitions[topic] ?? 0 }, (_, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 1,
      replicas: [],
      isr: [],
    })),
  getNodeIds: () => [1],
  isConnected: () => true,
};

describe('the assigners’ protocol', () => {
  it('is KafkaJS’s, byte for byte', () => {
    const metadata = { version: 1, topics: ['orders', 'bills'], userData: Buffer.from('u') };
    const encoded = MemberMetadata.encode(metadata);
    expect(encoded).toEqual(theirs.AssignerProtocol.MemberMetadata.encode(metadata));
    expect(MemberMetadata.decode(encoded)).toEqual(metadata);
    const assignment = {
      version: 1,
      assignment: { orders: [0, 2], bills: [1] },
      userData: Buffer.alloc(0),
    };
    const given = MemberAssignment.encode(assignment);
    expect(given).toEqual(theirs.AssignerProtocol.MemberAssignment.encode(assignment));
    expect(MemberAssignment.decode(given)).toEqual(assignment);
    expect(MemberAssignment.decode(new Uint8Array(0))).toBeNull();
  });
});

describe('the round robin', () => {
  it('gives each member what KafkaJS would give it', async () => {
    const config = { cluster, groupId: 'g', logger: undefined as never };
    const ours = PartitionAssigners.roundRobin(config);
    const reference = theirs.PartitionAssigners.roundRobin(config as never);
    const topics = ['orders', 'bills'];
    const members = ['c', 'a', 'b'].map((memberId) => ({
      memberId,
      memberMetadata: Buffer.from(ours.protocol({ topics }).metadata),
    }));
    expect(ours.protocol({ topics }).name).toBe(reference.protocol({ topics }).name);
    expect(ours.protocol({ topics }).metadata).toEqual(
      new Uint8Array(reference.protocol({ topics }).metadata),
    );
    const decoded = (list: readonly { memberId: string; memberAssignment: Uint8Array }[]) =>
      list
        .map((each) => ({
          memberId: each.memberId,
          assignment: MemberAssignment.decode(each.memberAssignment)!.assignment,
        }))
        .sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
    expect(decoded(await ours.assign({ members, topics }))).toEqual(
      decoded(await reference.assign({ members, topics })),
    );
  });
});
