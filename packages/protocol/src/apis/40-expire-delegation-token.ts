/** ExpireDelegationToken: key 40, versions 1 to 2, flexible from 2. */
import { bytes, errorCode, int64 } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Ends a delegation token, now or later. */
export const expireDelegationTokenRequest = /*@__PURE__*/ message(
  { key: 40, name: 'ExpireDelegationTokenRequest', versions: [1, 2], flexible: 2 },
  () => ({
    hmac: bytes(),
    /** Below 0: now. */
    expiryTimePeriodMs: int64(),
  }),
);
export type ExpireDelegationTokenRequest = Body<typeof expireDelegationTokenRequest>;

/**
 * DELEGATION_TOKEN_NOT_FOUND, DELEGATION_TOKEN_EXPIRED, DELEGATION_TOKEN_OWNER_MISMATCH,
 * DELEGATION_TOKEN_AUTH_DISABLED.
 */
export const expireDelegationTokenResponse = /*@__PURE__*/ message(
  { key: 40, name: 'ExpireDelegationTokenResponse', versions: [1, 2], flexible: 2 },
  () => ({
    errorCode: errorCode(),
    expiryTimestampMs: int64(),
    throttleTimeMs: throttleTimeMs(),
  }),
);
export type ExpireDelegationTokenResponse = Body<typeof expireDelegationTokenResponse>;
