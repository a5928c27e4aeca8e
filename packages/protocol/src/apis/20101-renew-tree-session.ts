/** RenewTreeSession: key 20101, version 0, flexible; Odradek's own. */
import { errorCode, int64 } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** The session's whole timeout begins anew, at the quorum's leader. */
export const renewTreeSessionRequest = /*@__PURE__*/ message(
  { key: 20101, name: 'RenewTreeSessionRequest', versions: [0, 0], flexible: 0 },
  () => ({
    sessionId: int64(),
  }),
);
export type RenewTreeSessionRequest = Body<typeof renewTreeSessionRequest>;

/** UNKNOWN_MEMBER_ID: it is over, for good. NOT_CONTROLLER, REQUEST_TIMED_OUT: whether it was renewed is not known. */
export const renewTreeSessionResponse = /*@__PURE__*/ message(
  { key: 20101, name: 'RenewTreeSessionResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
  }),
);
export type RenewTreeSessionResponse = Body<typeof renewTreeSessionResponse>;
