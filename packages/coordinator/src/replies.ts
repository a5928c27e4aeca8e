/** Replies that are made in more than one place. */
import { ErrorCode } from '@odradek/protocol';
import type { JoinGroupReply, RequestContext, SyncGroupReply } from './messages.ts';
import { NO_ASSIGNMENT } from './roster.ts';
import type { Member, Roster } from './roster.ts';

export const NO_MEMBER_ID = '';
export const NO_GENERATION = -1;

export function joinRefusal(memberId: string, errorCode: ErrorCode): JoinGroupReply {
  return {
    errorCode,
    generationId: NO_GENERATION,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}

/** The current generation, as a member learns of it. The list of members goes to the leader alone. */
export function joinReply(roster: Roster, member: Member): JoinGroupReply {
  return {
    errorCode: ErrorCode.NONE,
    generationId: roster.generation,
    protocolType: roster.protocolType,
    protocolName: roster.protocolName,
    leader: roster.leaderId ?? '',
    skipAssignment: false,
    memberId: member.memberId,
    members: member.memberId === roster.leaderId ? memberList(roster) : [],
  };
}

function memberList(roster: Roster): JoinGroupReply['members'] {
  return [...roster.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: roster.subscription(member),
  }));
}

export function syncRefusal(errorCode: ErrorCode): SyncGroupReply {
  return { errorCode, protocolType: null, protocolName: null, assignment: NO_ASSIGNMENT };
}

export function syncReply(roster: Roster, member: Member): SyncGroupReply {
  return {
    errorCode: ErrorCode.NONE,
    protocolType: roster.protocolType,
    protocolName: roster.protocolName,
    assignment: member.assignment,
  };
}

/** From this JoinGroup version on a leader that comes back can be told not to assign anew (KIP-814). */
const SKIP_ASSIGNMENT_SINCE = 9;

/**
 * To a static member that came back without a rebalance. A leader must not assign: the group would not listen. Before version 9 that
 * is done by naming as leader the id that it had before.
 */
export function returnReply(
  roster: Roster,
  member: Member,
  formerLeaderId: string | null,
  context: RequestContext,
): JoinGroupReply {
  const reply = joinReply(roster, member);
  if (context.apiVersion >= SKIP_ASSIGNMENT_SINCE)
    return { ...reply, skipAssignment: member.memberId === roster.leaderId };
  return { ...reply, leader: formerLeaderId ?? '', members: [] };
}

/** Who waits for the answer to a JoinGroup has it now. */
export function answerJoin(member: Member, reply: JoinGroupReply): void {
  const { join } = member;
  member.join = undefined;
  join?.(reply);
}

export function answerSync(member: Member, reply: SyncGroupReply): void {
  const { sync } = member;
  member.sync = undefined;
  sync?.(reply);
}

/** Tells a member that its place is gone, if it waits for anything. UNKNOWN_MEMBER_ID lets a living client begin anew. */
export function dismiss(member: Member, errorCode: ErrorCode): void {
  const memberId = errorCode === ErrorCode.UNKNOWN_MEMBER_ID ? NO_MEMBER_ID : member.memberId;
  answerJoin(member, joinRefusal(memberId, errorCode));
  answerSync(member, syncRefusal(errorCode));
}

/** What clients are told when a record could not be appended: what to do next, not what happened to the log. */
export function groupErrorOf(appendError: ErrorCode): ErrorCode {
  switch (appendError) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR;
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
      return ErrorCode.UNKNOWN_SERVER_ERROR;
    default:
      return appendError;
  }
}
