/**
 * SaslAuthenticate: key 36, versions 0 to 2, flexible from 2.
 *
 * 1: how long the session lasts (KIP-368).
 */
import { bytes, errorCode, int64 } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage } from './words.ts';

/** Carries one token of a SASL exchange. */
export const saslAuthenticateRequest = /*@__PURE__*/ message(
  { key: 36, name: 'SaslAuthenticateRequest', versions: [0, 2], flexible: 2 },
  () => ({
    authBytes: bytes(),
  }),
);
export type SaslAuthenticateRequest = Body<typeof saslAuthenticateRequest>;

/** SASL_AUTHENTICATION_FAILED, ILLEGAL_SASL_STATE. The connection is closed after it. */
export const saslAuthenticateResponse = /*@__PURE__*/ message(
  { key: 36, name: 'SaslAuthenticateResponse', versions: [0, 2], flexible: 2 },
  () => ({
    errorCode: errorCode(),
    errorMessage: errorMessage(),
    authBytes: bytes(),
    /** 0: without end. */
    sessionLifetimeMs: int64({ since: 1, default: 0 }),
  }),
);
export type SaslAuthenticateResponse = Body<typeof saslAuthenticateResponse>;
