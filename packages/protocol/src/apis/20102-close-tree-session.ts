/** CloseTreeSession: key 20102, version 0, flexible; Odradek's own. */
import { errorCode, int64 } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Its ephemeral nodes go with it, in one step. */
export const closeTreeSessionRequest = /*@__PURE__*/ message(
  { key: 20102, name: 'CloseTreeSessionRequest', versions: [0, 0], flexible: 0 },
  () => ({
    sessionId: int64(),
  }),
);
export type CloseTreeSessionRequest = Body<typeof closeTreeSessionRequest>;

/** UNKNOWN_MEMBER_ID: it was over already. */
export const closeTreeSessionResponse = /*@__PURE__*/ message(
  { key: 20102, name: 'CloseTreeSessionResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
  }),
);
export type CloseTreeSessionResponse = Body<typeof closeTreeSessionResponse>;
