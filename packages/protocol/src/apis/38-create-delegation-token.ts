/**
 * CreateDelegationToken: key 38, versions 1 to 3, flexible from 2.
 *
 * 3: for another principal (KIP-373).
 */
import { array, bytes, errorCode, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Makes a delegation token. */
export const createDelegationTokenRequest = /*@__PURE__*/ message(
  { key: 38, name: 'CreateDelegationTokenRequest', versions: [1, 3], flexible: 2 },
  () => ({
    ownerPrincipalType: string({ since: 3, nullable: true, default: null }),
    ownerPrincipalName: string({ since: 3, nullable: true, default: null }),
    renewers: array({
      principalType: string(),
      principalName: string(),
    }),
    maxLifetimeMs: int64(),
  }),
);
export type CreateDelegationTokenRequest = Body<typeof createDelegationTokenRequest>;

/** DELEGATION_TOKEN_AUTH_DISABLED, DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, INVALID_PRINCIPAL_TYPE. */
export const createDelegationTokenResponse = /*@__PURE__*/ message(
  { key: 38, name: 'CreateDelegationTokenResponse', versions: [1, 3], flexible: 2 },
  () => ({
    errorCode: errorCode(),
    principalType: string(),
    principalName: string(),
    tokenRequesterPrincipalType: string({ since: 3 }),
    tokenRequesterPrincipalName: string({ since: 3 }),
    issueTimestampMs: int64(),
    expiryTimestampMs: int64(),
    maxTimestampMs: int64(),
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: throttleTimeMs(),
  }),
);
export type CreateDelegationTokenResponse = Body<typeof createDelegationTokenResponse>;
