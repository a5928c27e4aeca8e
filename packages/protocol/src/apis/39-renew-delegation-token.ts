/** RenewDelegationToken: key 39, versions 1 to 2, flexible from 2. */
import { bytes, errorCode, int64 } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Prolongs a delegation token. */
export const renewDelegationTokenRequest = /*@__PURE__*/ message(
  { key: 39, name: 'RenewDelegationTokenRequest', versions: [1, 2], flexible: 2 },
  () => ({
    hmac: bytes(),
    renewPeriodMs: int64(),
  }),
);
export type RenewDelegationTokenRequest = Body<typeof renewDelegationTokenRequest>;

/**
 * DELEGATION_TOKEN_NOT_FOUND, DELEGATION_TOKEN_EXPIRED, DELEGATION_TOKEN_OWNER_MISMATCH,
 * DELEGATION_TOKEN_AUTH_DISABLED.
 */
export const renewDelegationTokenResponse = /*@__PURE__*/ message(
  { key: 39, name: 'RenewDelegationTokenResponse', versions: [1, 2], flexible: 2 },
  () => ({
    errorCode: errorCode(),
    expiryTimestampMs: int64(),
    throttleTimeMs: throttleTimeMs(),
  }),
);
export type RenewDelegationTokenResponse = Body<typeof renewDelegationTokenResponse>;
