/** Is the sender who it says it is? The checks that JoinGroup, SyncGroup, Heartbeat, LeaveGroup and OffsetCommit share. */
import { ErrorCode } from '@odradek/protocol';
import type { Member, Roster } from './roster.ts';

export type MemberCheck =
  | { readonly errorCode: typeof ErrorCode.NONE; readonly member: Member }
  | {
      readonly errorCode: typeof ErrorCode.UNKNOWN_MEMBER_ID | typeof ErrorCode.FENCED_INSTANCE_ID;
      readonly member: undefined;
    };

const unknownMember: MemberCheck = { errorCode: ErrorCode.UNKNOWN_MEMBER_ID, member: undefined };
const fencedInstance: MemberCheck = { errorCode: ErrorCode.FENCED_INSTANCE_ID, member: undefined };

/** A static member whose name has gone over to another id is fenced (KIP-345): two processes were given the same name. */
export function validateMember(
  roster: Roster,
  memberId: string,
  groupInstanceId: string | null,
): MemberCheck {
  if (groupInstanceId !== null) {
    const holder = roster.staticMember(groupInstanceId);
    if (holder === undefined) return unknownMember;
    if (holder.memberId !== memberId) return fencedInstance;
    return { errorCode: ErrorCode.NONE, member: holder };
  }
  const member = roster.member(memberId);
  return member === undefined ? unknownMember : { errorCode: ErrorCode.NONE, member };
}
