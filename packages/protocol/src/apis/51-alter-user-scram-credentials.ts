/** AlterUserScramCredentials: key 51, versions 0, flexible from 0. */
import { array, bytes, errorCode, int8, int32, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Sets and deletes SCRAM credentials (KIP-554). */
export const alterUserScramCredentialsRequest = /*@__PURE__*/ message(
  { key: 51, name: 'AlterUserScramCredentialsRequest', versions: [0, 0], flexible: 0 },
  () => ({
    deletions: array({
      name: string(),
      mechanism: int8(),
    }),
    upsertions: array({
      name: string(),
      /** 1: SCRAM-SHA-256. 2: SCRAM-SHA-512. */
      mechanism: int8(),
      iterations: int32(),
      salt: bytes(),
      saltedPassword: bytes(),
    }),
  }),
);
export type AlterUserScramCredentialsRequest = Body<typeof alterUserScramCredentialsRequest>;

/** UNACCEPTABLE_CREDENTIAL, RESOURCE_NOT_FOUND, DUPLICATE_RESOURCE, UNSUPPORTED_SASL_MECHANISM. */
export const alterUserScramCredentialsResponse = /*@__PURE__*/ message(
  { key: 51, name: 'AlterUserScramCredentialsResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    results: array({
      user: string(),
      errorCode: errorCode(),
      errorMessage: errorMessage(),
    }),
  }),
);
export type AlterUserScramCredentialsResponse = Body<typeof alterUserScramCredentialsResponse>;
