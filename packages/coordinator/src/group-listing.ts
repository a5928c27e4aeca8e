/** DescribeGroups and ListGroups: groups as people and tools see them. */
import { ErrorCode } from '@odradek/protocol';
import type { Group } from './group.ts';
import type { GroupPhase } from './group.machine.ts';
import type { DescribeGroupsReply, ListGroupsReply, ListGroupsRequest } from './messages.ts';
import type { Member } from './roster.ts';
import { NO_ASSIGNMENT } from './roster.ts';
import type { Shard } from './shard.ts';

type DescribedGroup = DescribeGroupsReply['groups'][number];
type DescribedMember = DescribedGroup['members'][number];
type ListedGroup = ListGroupsReply['groups'][number];

/** From this version on an unknown group is an error (KIP-1043); before, it is a dead one. */
const NOT_FOUND_SINCE = 6;
const CLASSIC = 'classic';

export function describeGroup(shard: Shard, groupId: string, apiVersion: number): DescribedGroup {
  const group = shard.groups.get(groupId);
  if (group !== undefined) return describeLive(group);
  const stored = shard.image.groups.get(groupId);
  if (stored !== undefined) return described(groupId, 'Empty', stored.metadata?.protocolType ?? '');
  if (apiVersion < NOT_FOUND_SINCE) return described(groupId, 'Dead', '');
  return {
    ...described(groupId, 'Dead', ''),
    errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
    errorMessage: `Group ${groupId} not found.`,
  };
}

export function refuseDescription(groupId: string, errorCode: ErrorCode): DescribedGroup {
  return { ...described(groupId, undefined, ''), errorCode };
}

function describeLive({ groupId, phase, roster }: Group): DescribedGroup {
  const isStable = phase === 'Stable';
  return {
    ...described(groupId, phase, roster.protocolType ?? ''),
    // Metadata belongs to a protocol, and only a stable group has one for sure.
    protocolData: isStable ? (roster.protocolName ?? '') : '',
    members: [...roster.members.values()].map((member) =>
      describeMember(member, isStable ? roster.subscription(member) : NO_ASSIGNMENT),
    ),
  };
}

function describeMember(
  { memberId, groupInstanceId, clientId, clientHost, assignment }: Member,
  memberMetadata: Uint8Array,
): DescribedMember {
  return {
    memberId,
    groupInstanceId,
    clientId,
    clientHost,
    memberMetadata,
    memberAssignment: assignment,
  };
}

function described(
  groupId: string,
  phase: GroupPhase | undefined,
  protocolType: string,
): DescribedGroup {
  return {
    errorCode: ErrorCode.NONE,
    groupId,
    groupState: phase ?? '',
    protocolType,
    protocolData: '',
    members: [],
  };
}

/** The groups of a partition that pass the filters; an empty filter lets all pass. */
export function* listedGroups(
  shard: Shard,
  { statesFilter, typesFilter }: ListGroupsRequest,
): Generator<ListedGroup, void, undefined> {
  if (typesFilter.length > 0 && !typesFilter.some((type) => type.toLowerCase() === CLASSIC)) return;
  const states = new Set(statesFilter.map((state) => state.trim().toLowerCase()));
  const isWanted = (phase: GroupPhase): boolean =>
    states.size === 0 || states.has(phase.toLowerCase());
  for (const { groupId, phase, roster } of shard.groups.values()) {
    if (isWanted(phase))
      yield {
        groupId,
        protocolType: roster.protocolType ?? '',
        groupState: phase,
        groupType: CLASSIC,
      };
  }
  if (!isWanted('Empty')) return;
  for (const [groupId, { metadata }] of shard.image.groups) {
    if (!shard.groups.has(groupId))
      yield {
        groupId,
        protocolType: metadata?.protocolType ?? '',
        groupState: 'Empty',
        groupType: CLASSIC,
      };
  }
}
