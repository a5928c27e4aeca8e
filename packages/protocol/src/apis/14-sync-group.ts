/**
 * SyncGroup: key 14, versions 0 to 5, flexible from 4.
 *
 * 3: static members. 5: the protocol is named, so that a mismatch is seen (KIP-559).
 */
import { array, bytes, errorCode, int32, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Second half of joining: the leader hands in the assignment, each member gets its part. */
export const syncGroupRequest = /*@__PURE__*/ message(
  { key: 14, name: 'SyncGroupRequest', versions: [0, 5], flexible: 4 },
  () => ({
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ since: 3, nullable: true, default: null }),
    protocolType: string({ since: 5, nullable: true, default: null }),
    protocolName: string({ since: 5, nullable: true, default: null }),
    /** From the leader only. */
    assignments: array({
      memberId: string(),
      assignment: bytes(),
    }),
  }),
);
export type SyncGroupRequest = Body<typeof syncGroupRequest>;

/**
 * REBALANCE_IN_PROGRESS: join again. ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID,
 * INCONSISTENT_GROUP_PROTOCOL, NOT_COORDINATOR.
 */
export const syncGroupResponse = /*@__PURE__*/ message(
  { key: 14, name: 'SyncGroupResponse', versions: [0, 5], flexible: 4 },
  () => ({
    throttleTimeMs: throttleTimeMs({ since: 1 }),
    errorCode: errorCode(),
    protocolType: string({ since: 5, nullable: true, default: null }),
    protocolName: string({ since: 5, nullable: true, default: null }),
    assignment: bytes(),
  }),
);
export type SyncGroupResponse = Body<typeof syncGroupResponse>;
