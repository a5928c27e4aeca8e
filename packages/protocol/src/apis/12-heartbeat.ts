/**
 * Heartbeat: key 12, versions 0 to 4, flexible from 4.
 *
 * 3: static members (KIP-345).
 */
import { errorCode, int32, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Keeps a member in its group between rebalances. */
export const heartbeatRequest = /*@__PURE__*/ message(
  { key: 12, name: 'HeartbeatRequest', versions: [0, 4], flexible: 4 },
  () => ({
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ since: 3, nullable: true, default: null }),
  }),
);
export type HeartbeatRequest = Body<typeof heartbeatRequest>;

/**
 * REBALANCE_IN_PROGRESS: join again. ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID: start over.
 * FENCED_INSTANCE_ID: another instance took over. NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE.
 */
export const heartbeatResponse = /*@__PURE__*/ message(
  { key: 12, name: 'HeartbeatResponse', versions: [0, 4], flexible: 4 },
  () => ({
    throttleTimeMs: throttleTimeMs({ since: 1 }),
    errorCode: errorCode(),
  }),
);
export type HeartbeatResponse = Body<typeof heartbeatResponse>;
