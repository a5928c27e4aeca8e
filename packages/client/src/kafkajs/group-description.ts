/** A group as KafkaJS describes it: members with their metadata as bytes. */
import { ErrorCode } from '@odradek/protocol';
import { describeGroupsApi } from '../admin/admin-api.ts';
import type { Cluster } from '../cluster.ts';
import { GroupCoordinator } from '../consumer/group-coordinator.ts';
import { withRetries } from '../retry.ts';
import type { ConsumerGroupState, GroupDescription } from './types.ts';

export const describeGroup = <B extends Uint8Array>(
  cluster: Cluster,
  groupId: string,
  toBuffer: (bytes: Uint8Array) => B,
): Promise<GroupDescription<B> & { errorCode: number }> => {
  const coordinator = new GroupCoordinator(cluster, groupId);
  return withRetries(cluster.host, cluster.retry, async () => {
    const { groups } = await coordinator.ask(describeGroupsApi, {
      groups: [groupId],
      includeAuthorizedOperations: false,
    });
    const group = groups.find((each) => each.groupId === groupId);
    const errorCode = group?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    // Newer brokers say that there is none; KafkaJS asks in a version in which it is dead.
    if (errorCode === ErrorCode.GROUP_ID_NOT_FOUND)
      return { errorCode: 0, groupId, state: 'Dead', protocolType: '', protocol: '', members: [] };
    coordinator.check(errorCode, 'DescribeGroups', group?.errorMessage);
    const { groupState, protocolType, protocolData, members } = group!;
    return {
      errorCode: 0,
      groupId,
      state: groupState as ConsumerGroupState,
      protocolType,
      protocol: protocolData,
      members: members.map((member) => ({
        memberId: member.memberId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        memberMetadata: toBuffer(member.memberMetadata),
        memberAssignment: toBuffer(member.memberAssignment),
      })),
    };
  });
};
