/** DescribeUserScramCredentials: key 50, versions 0, flexible from 0. */
import { array, errorCode, int8, int32, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Tells which SCRAM credentials users have, not the secrets (KIP-554). */
export const describeUserScramCredentialsRequest = /*@__PURE__*/ message(
  { key: 50, name: 'DescribeUserScramCredentialsRequest', versions: [0, 0], flexible: 0 },
  () => ({
    /** Null or empty: all. */
    users: array(
      {
        name: string(),
      },
      { nullable: true },
    ),
  }),
);
export type DescribeUserScramCredentialsRequest = Body<typeof describeUserScramCredentialsRequest>;

/** RESOURCE_NOT_FOUND: no such user. DUPLICATE_RESOURCE. */
export const describeUserScramCredentialsResponse = /*@__PURE__*/ message(
  { key: 50, name: 'DescribeUserScramCredentialsResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
    results: array({
      user: string(),
      errorCode: errorCode(),
      errorMessage: errorMessage(),
      credentialInfos: array({
        /** 1: SCRAM-SHA-256. 2: SCRAM-SHA-512. */
        mechanism: int8(),
        iterations: int32(),
      }),
    }),
  }),
);
export type DescribeUserScramCredentialsResponse = Body<
  typeof describeUserScramCredentialsResponse
>;
