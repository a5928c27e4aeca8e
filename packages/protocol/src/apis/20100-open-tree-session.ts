/**
 * OpenTreeSession: key 20100, version 0, flexible. Odradek's own, like all keys from 20100 on: Kafka's protocol has no word for
 * the coordination tree.
 */
import { errorCode, int32, int64 } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** A session is what ephemeral nodes are bound to; it ends when nothing was heard of its owner for its timeout. */
export const openTreeSessionRequest = /*@__PURE__*/ message(
  { key: 20100, name: 'OpenTreeSessionRequest', versions: [0, 0], flexible: 0 },
  () => ({
    timeoutMs: int32(),
  }),
);
export type OpenTreeSessionRequest = Body<typeof openTreeSessionRequest>;

/**
 * NOT_CONTROLLER: no leader of the quorum could be asked. REQUEST_TIMED_OUT: a session may have been opened, and will expire.
 * POLICY_VIOLATION: too many are open.
 */
export const openTreeSessionResponse = /*@__PURE__*/ message(
  { key: 20100, name: 'OpenTreeSessionResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
    sessionId: int64({ default: -1 }),
    /** As granted: within the limits. */
    timeoutMs: int32({ default: 0 }),
  }),
);
export type OpenTreeSessionResponse = Body<typeof openTreeSessionResponse>;
