/**
 * LeaveGroup: key 13, versions 0 to 5, flexible from 4.
 *
 * 3: several members, also by instance id (KIP-345). 5: a reason (KIP-800).
 */
import { array, errorCode, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Leaves a group at once, without waiting for the session to run out. */
export const leaveGroupRequest = /*@__PURE__*/ message(
  { key: 13, name: 'LeaveGroupRequest', versions: [0, 5], flexible: 4 },
  () => ({
    groupId: string(),
    memberId: string({ until: 2 }),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullable: true, default: null }),
        reason: string({ since: 5, nullable: true, default: null }),
      },
      { since: 3 },
    ),
  }),
);
export type LeaveGroupRequest = Body<typeof leaveGroupRequest>;

/** UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, from 3 on for each member. NOT_COORDINATOR. */
export const leaveGroupResponse = /*@__PURE__*/ message(
  { key: 13, name: 'LeaveGroupResponse', versions: [0, 5], flexible: 4 },
  () => ({
    throttleTimeMs: throttleTimeMs({ since: 1 }),
    errorCode: errorCode(),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullable: true }),
        errorCode: errorCode(),
      },
      { since: 3 },
    ),
  }),
);
export type LeaveGroupResponse = Body<typeof leaveGroupResponse>;
