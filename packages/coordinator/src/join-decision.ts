/** What is to be done with a JoinGroup. Nothing is done here. */
import { ErrorCode } from '@odradek/protocol';
import type { GroupConfig } from './config.ts';
import type { GroupPhase } from './group.machine.ts';
import { validateMember } from './member-check.ts';
import type { JoinGroupReply, JoinGroupRequest, RequestContext } from './messages.ts';
import { joinRefusal, joinReply, NO_MEMBER_ID } from './replies.ts';
import type { Member, NewMember, Protocol, Roster } from './roster.ts';

export type JoinDecision =
  | { readonly type: 'answer'; readonly reply: JoinGroupReply }
  /** Full: whoever asks is refused, and loses its place if it had one. */
  | { readonly type: 'turnAway' }
  /** KIP-394: the client shall come back with this id, so that a lost answer leaves no member behind. */
  | { readonly type: 'handOutMemberId'; readonly memberId: string }
  | { readonly type: 'admit'; readonly joining: NewMember; readonly protocolType: string }
  | { readonly type: 'update'; readonly member: Member; readonly protocols: readonly Protocol[] }
  /** A static member under a new id. Quietly: the generation stands, only the log must know the new id. */
  | {
      readonly type: 'replace';
      readonly old: Member;
      readonly joining: NewMember;
      readonly isQuiet: boolean;
    };

export interface JoinQuestion {
  readonly roster: Roster;
  readonly phase: GroupPhase;
  readonly config: GroupConfig;
  readonly request: JoinGroupRequest;
  readonly context: RequestContext;
  readonly newMemberId: (prefix: string) => string;
}

/** From this JoinGroup version on a new dynamic member must ask for its id first. */
const MEMBER_ID_REQUIRED_SINCE = 4;

export function decideJoin(question: JoinQuestion): JoinDecision {
  const { roster, phase, request } = question;
  const { memberId } = request;
  if (phase === 'Dead') return refuse(memberId, ErrorCode.COORDINATOR_NOT_AVAILABLE);
  if (!hasRoomFor(question)) return { type: 'turnAway' };
  const protocols = distinctProtocols(request);
  if (!roster.supports(request.protocolType, protocols, phase === 'Empty'))
    return refuse(memberId, ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  return memberId === NO_MEMBER_ID
    ? decideNew(question, protocols)
    : decideKnown(question, protocols);
}

function decideNew(question: JoinQuestion, protocols: readonly Protocol[]): JoinDecision {
  const { roster, phase, config, request, context, newMemberId } = question;
  const { groupInstanceId, protocolType } = request;
  if (groupInstanceId === null && context.apiVersion >= MEMBER_ID_REQUIRED_SINCE) {
    if (roster.pending.size >= config.limits.pendingJoinsMax) return { type: 'turnAway' };
    return { type: 'handOutMemberId', memberId: newMemberId(context.clientId) };
  }
  const joining = newMember(question, newMemberId(groupInstanceId ?? context.clientId), protocols);
  const old = groupInstanceId === null ? undefined : roster.staticMember(groupInstanceId);
  if (old === undefined) return { type: 'admit', joining, protocolType };
  const isQuiet = phase === 'Stable' && roster.protocolWith(old, protocols) === roster.protocolName;
  return { type: 'replace', old, joining, isQuiet };
}

function decideKnown(question: JoinQuestion, protocols: readonly Protocol[]): JoinDecision {
  const { roster, phase, request } = question;
  const { memberId, groupInstanceId, protocolType } = request;
  // Ids that wait for their use are never static members'.
  if (roster.pending.has(memberId)) {
    if (groupInstanceId !== null) return refuse(memberId, ErrorCode.UNKNOWN_MEMBER_ID);
    return { type: 'admit', joining: newMember(question, memberId, protocols), protocolType };
  }
  const checked = validateMember(roster, memberId, groupInstanceId);
  if (checked.errorCode !== ErrorCode.NONE) return refuse(memberId, checked.errorCode);
  const { member } = checked;
  switch (phase) {
    case 'CompletingRebalance':
      // The answer to its first JoinGroup was lost: give it again.
      if (sameProtocols(member.protocols, protocols))
        return { type: 'answer', reply: joinReply(roster, member) };
      break;
    case 'Stable':
      // The leader may have seen a change that no metadata shows, such as new partitions. A follower with nothing new has only
      // lost its way and will sync.
      if (member.memberId !== roster.leaderId && sameProtocols(member.protocols, protocols))
        return { type: 'answer', reply: joinReply(roster, member) };
      break;
    case 'PreparingRebalance':
      break;
    default:
      return refuse(memberId, ErrorCode.UNKNOWN_MEMBER_ID);
  }
  return { type: 'update', member, protocols: owned(protocols) };
}

/** group.max.size. While members rejoin, places go to those who come first: the group may have been larger before. */
function hasRoomFor({ roster, phase, config, request }: JoinQuestion): boolean {
  const member = roster.member(request.memberId);
  switch (phase) {
    case 'PreparingRebalance':
      return member?.join !== undefined || roster.awaitingJoinCount() < config.groupMaxSize;
    case 'CompletingRebalance':
    case 'Stable': {
      const isReplacement =
        request.memberId === NO_MEMBER_ID &&
        request.groupInstanceId !== null &&
        roster.staticMember(request.groupInstanceId) !== undefined;
      return member !== undefined || isReplacement || roster.members.size < config.groupMaxSize;
    }
    default:
      return true;
  }
}

function newMember(
  { request, context }: JoinQuestion,
  memberId: string,
  protocols: readonly Protocol[],
): NewMember {
  return {
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: context.clientId,
    clientHost: context.clientHost,
    rebalanceTimeoutMs: rebalanceTimeoutMs(request, context),
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocols: owned(protocols),
  };
}

/** Version 0 has but one timeout. */
export function rebalanceTimeoutMs(request: JoinGroupRequest, context: RequestContext): number {
  return context.apiVersion === 0
    ? request.sessionTimeoutMs
    : Math.max(request.rebalanceTimeoutMs, 0);
}

function distinctProtocols({ protocols }: JoinGroupRequest): readonly Protocol[] {
  const seen = new Set<string>();
  return protocols.filter(({ name }) => !seen.has(name) && seen.add(name));
}

/** Copies: a request's bytes are a view on a buffer that is not ours. */
function owned(protocols: readonly Protocol[]): readonly Protocol[] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: metadata.slice() }));
}

function sameProtocols(ours: readonly Protocol[], theirs: readonly Protocol[]): boolean {
  return (
    ours.length === theirs.length &&
    ours.every(
      ({ name, metadata }, index) =>
        name === theirs[index]!.name && sameBytes(metadata, theirs[index]!.metadata),
    )
  );
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function refuse(memberId: string, errorCode: ErrorCode): JoinDecision {
  return { type: 'answer', reply: joinRefusal(memberId, errorCode) };
}
