/**
 * CreateAcls: key 30, versions 1 to 3, flexible from 2.
 *
 * 1: prefixed names (KIP-290). 3: user resources.
 */
import { array, errorCode, int8, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Adds access rules. */
export const createAclsRequest = /*@__PURE__*/ message(
  { key: 30, name: 'CreateAclsRequest', versions: [1, 3], flexible: 2 },
  () => ({
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ default: 3 }),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  }),
);
export type CreateAclsRequest = Body<typeof createAclsRequest>;

/** SECURITY_DISABLED: there is no authorizer. INVALID_REQUEST. */
export const createAclsResponse = /*@__PURE__*/ message(
  { key: 30, name: 'CreateAclsResponse', versions: [1, 3], flexible: 2 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    results: array({
      errorCode: errorCode(),
      errorMessage: errorMessage(),
    }),
  }),
);
export type CreateAclsResponse = Body<typeof createAclsResponse>;
