/**
 * JoinGroup: key 11, versions 0 to 9, flexible from 6.
 *
 * 1: a rebalance timeout of its own. 4: a new member is first sent back with an id (KIP-394). 5:
 * static members (KIP-345). 7: the protocol is named in the answer. 8: a reason (KIP-800). 9: the
 * leader may be told to skip the assignment (KIP-814).
 */
import { array, boolean, bytes, errorCode, int32, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Enters a group, and waits until the rebalance that this causes has all its members. */
export const joinGroupRequest = /*@__PURE__*/ message(
  { key: 11, name: 'JoinGroupRequest', versions: [0, 9], flexible: 6 },
  () => ({
    groupId: string(),
    sessionTimeoutMs: int32(),
    /** -1 (version 0): as long as the session timeout. */
    rebalanceTimeoutMs: int32({ since: 1, default: -1 }),
    memberId: string(),
    groupInstanceId: string({ since: 5, nullable: true, default: null }),
    protocolType: string(),
    /**
     * In the member's order of preference. The metadata is the clients' own; a broker never looks
     * into it.
     */
    protocols: array({
      name: string(),
      metadata: bytes(),
    }),
    reason: string({ since: 8, nullable: true, default: null }),
  }),
);
export type JoinGroupRequest = Body<typeof joinGroupRequest>;

/**
 * MEMBER_ID_REQUIRED: join again with this memberId. UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID: start
 * over. INCONSISTENT_GROUP_PROTOCOL, INVALID_SESSION_TIMEOUT, INVALID_GROUP_ID,
 * GROUP_MAX_SIZE_REACHED, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS.
 */
export const joinGroupResponse = /*@__PURE__*/ message(
  { key: 11, name: 'JoinGroupResponse', versions: [0, 9], flexible: 6 },
  () => ({
    throttleTimeMs: throttleTimeMs({ since: 2 }),
    errorCode: errorCode(),
    generationId: int32({ default: -1 }),
    protocolType: string({ since: 7, nullable: true, default: null }),
    protocolName: string({ nullable: 7 }),
    leader: string(),
    skipAssignment: boolean({ since: 9, default: false }),
    memberId: string(),
    /** For the leader only: all members, to be assigned. */
    members: array({
      memberId: string(),
      groupInstanceId: string({ since: 5, nullable: true, default: null }),
      metadata: bytes(),
    }),
  }),
);
export type JoinGroupResponse = Body<typeof joinGroupResponse>;
