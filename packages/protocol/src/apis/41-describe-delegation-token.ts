/**
 * DescribeDelegationToken: key 41, versions 1 to 3, flexible from 2.
 *
 * 3: who asked for them (KIP-373).
 */
import { array, bytes, errorCode, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Lists delegation tokens. */
export const describeDelegationTokenRequest = /*@__PURE__*/ message(
  { key: 41, name: 'DescribeDelegationTokenRequest', versions: [1, 3], flexible: 2 },
  () => ({
    /** Null: all. */
    owners: array(
      {
        principalType: string(),
        principalName: string(),
      },
      { nullable: true },
    ),
  }),
);
export type DescribeDelegationTokenRequest = Body<typeof describeDelegationTokenRequest>;

/** DELEGATION_TOKEN_AUTH_DISABLED, DELEGATION_TOKEN_REQUEST_NOT_ALLOWED. */
export const describeDelegationTokenResponse = /*@__PURE__*/ message(
  { key: 41, name: 'DescribeDelegationTokenResponse', versions: [1, 3], flexible: 2 },
  () => ({
    errorCode: errorCode(),
    tokens: array({
      principalType: string(),
      principalName: string(),
      tokenRequesterPrincipalType: string({ since: 3 }),
      tokenRequesterPrincipalName: string({ since: 3 }),
      issueTimestamp: int64(),
      expiryTimestamp: int64(),
      maxTimestamp: int64(),
      tokenId: string(),
      hmac: bytes(),
      renewers: array({
        principalType: string(),
        principalName: string(),
      }),
    }),
    throttleTimeMs: throttleTimeMs(),
  }),
);
export type DescribeDelegationTokenResponse = Body<typeof describeDelegationTokenResponse>;
