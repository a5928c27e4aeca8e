/** Consumer groups: who is in them, how far they are, and changing that while nobody is. */
import { ErrorCode, MalformedFrame } from '@odradek/protocol';
import { deleteGroupsApi, describeGroupsApi, listGroupsApi, offsetDeleteApi } from './admin-api.ts';
import type { Cluster } from '../cluster.ts';
import { decodeAssignment } from '../consumer/consumer-protocol.ts';
import { GroupCoordinator } from '../consumer/group-coordinator.ts';
import type { CommittedOffset, OffsetToCommit } from '../consumer/group-coordinator.ts';
import { lookUpOffsets } from '../consumer/offset-lookup.ts';
import { comparePartitions, groupByTopic, keyOf } from '../consumer/topic-partition.ts';
import type { TopicPartition } from '../consumer/topic-partition.ts';
import { BrokerError } from '../errors.ts';
import { withRetries } from '../retry.ts';
import { check } from './asking.ts';

export interface GroupListing {
  readonly groupId: string;
  /** "consumer" for consumers. */
  readonly protocolType: string;
  /** '' from brokers before 2.6. */
  readonly state: string;
  readonly type: string;
}

export interface GroupMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly assignment: readonly TopicPartition[];
}

export interface GroupDescription {
  readonly groupId: string;
  readonly state: string;
  readonly protocolType: string;
  /** The assignor's name. */
  readonly protocol: string;
  readonly coordinator: number;
  readonly members: readonly GroupMember[];
}

export interface GroupLag extends TopicPartition {
  /** -1 when the group has committed nothing. */
  readonly committedOffset: number;
  readonly logEndOffset: number;
  /** Undefined when nothing is committed. */
  readonly lag: number | undefined;
  readonly memberId: string | undefined;
}

const CONSUMER = 'consumer';
const LATEST = -1;

/** Every broker tells the groups that it coordinates. */
export const listGroups = (cluster: Cluster): Promise<readonly GroupListing[]> =>
  withRetries(cluster.host, cluster.retry, async () => {
    await cluster.metadata({ topics: [] });
    const answers = await Promise.all(
      cluster.nodeIds.map((nodeId) => cluster.ask(nodeId, listGroupsApi, {})),
    );
    return answers
      .flatMap(({ errorCode, groups }) => {
        check(errorCode, { api: 'ListGroups' });
        return groups.map(({ groupId, protocolType, groupState: state, groupType: type }) => ({
          groupId,
          protocolType,
          state,
          type,
        }));
      })
      .sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
  });

export const describeGroup = (cluster: Cluster, groupId: string): Promise<GroupDescription> => {
  const coordinator = new GroupCoordinator(cluster, groupId);
  return withRetries(cluster.host, cluster.retry, async () => {
    const { groups } = await coordinator.ask(describeGroupsApi, {
      groups: [groupId],
      includeAuthorizedOperations: false,
    });
    const [group] = groups;
    // Until version 5 a group that is not there is "Dead".
    const errorCode =
      group?.errorCode === ErrorCode.NONE && group.groupState === 'Dead'
        ? ErrorCode.GROUP_ID_NOT_FOUND
        : (group?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR);
    coordinator.check(errorCode, 'DescribeGroups', group?.errorMessage);
    const { groupState: state, protocolType, protocolData: protocol, members } = group!;
    return {
      groupId,
      state,
      protocolType,
      protocol,
      coordinator: await coordinator.find(),
      members: members.map((member) => ({
        memberId: member.memberId,
        instanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        assignment: protocolType === CONSUMER ? assignmentOf(member.memberAssignment) : [],
      })),
    };
  });
};

export const listGroupOffsets = async (
  cluster: Cluster,
  groupId: string,
): Promise<readonly CommittedOffset[]> =>
  [...(await new GroupCoordinator(cluster, groupId).committed(null)).values()].sort(
    comparePartitions,
  );

/** Kafka's lag columns: of every partition that has an offset or a member. */
export async function groupLag(cluster: Cluster, groupId: string): Promise<readonly GroupLag[]> {
  const [{ members }, offsets] = await Promise.all([
    describeGroup(cluster, groupId),
    new GroupCoordinator(cluster, groupId).committed(null),
  ]);
  const owners = new Map(
    members.flatMap(({ memberId, assignment }) =>
      assignment.map((each) => [keyOf(each), memberId] as const),
    ),
  );
  const partitions = new Map<string, TopicPartition>();
  for (const each of [...offsets.values(), ...members.flatMap(({ assignment }) => assignment)])
    partitions.set(keyOf(each), { topic: each.topic, partition: each.partition });
  const asked = [...partitions.values()].map((each) => ({ ...each, timestamp: LATEST }));
  const ends = await withRetries(cluster.host, cluster.retry, () =>
    lookUpOffsets(cluster, asked, false),
  );
  return [...partitions]
    .sort(([, a], [, b]) => comparePartitions(a, b))
    .map(([key, place]) => {
      const committedOffset = offsets.get(key)?.offset ?? -1;
      const logEndOffset = ends.get(key)?.offset ?? -1;
      return {
        ...place,
        committedOffset,
        logEndOffset,
        lag: committedOffset < 0 ? undefined : Math.max(0, logEndOffset - committedOffset),
        memberId: owners.get(key),
      };
    });
}

/** Only while the group has no members: the broker refuses otherwise. */
export const setGroupOffsets = (
  cluster: Cluster,
  groupId: string,
  offsets: readonly OffsetToCommit[],
): Promise<void> => new GroupCoordinator(cluster, groupId).commit(offsets);

export const deleteGroup = (cluster: Cluster, groupId: string): Promise<void> => {
  const coordinator = new GroupCoordinator(cluster, groupId);
  return withRetries(cluster.host, cluster.retry, async () => {
    const { results } = await coordinator.ask(deleteGroupsApi, { groupsNames: [groupId] });
    for (const { errorCode } of results)
      coordinator.check(
        errorCode,
        'DeleteGroups',
        errorCode === ErrorCode.NON_EMPTY_GROUP ? 'the group has members: stop them first' : null,
      );
  });
};

export const deleteGroupOffsets = (
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<void> => {
  const coordinator = new GroupCoordinator(cluster, groupId);
  return withRetries(cluster.host, cluster.retry, async () => {
    const { errorCode, topics } = await coordinator.ask(offsetDeleteApi, {
      groupId,
      topics: [...groupByTopic(partitions)].map(([name, list]) => ({
        name,
        partitions: list.map((partitionIndex) => ({ partitionIndex })),
      })),
    });
    coordinator.check(errorCode, 'OffsetDelete');
    for (const { name, partitions: answered } of topics)
      for (const { partitionIndex, errorCode: code } of answered)
        if (code !== ErrorCode.NONE)
          throw new BrokerError(code, { topic: name, partition: partitionIndex });
  });
};

function assignmentOf(encoded: Uint8Array): readonly TopicPartition[] {
  try {
    return decodeAssignment(encoded);
  } catch (error) {
    if (error instanceof MalformedFrame) return [];
    throw error;
  }
}
