/**
 * DeleteAcls: key 31, versions 1 to 3, flexible from 2.
 *
 * 1: prefixed names (KIP-290). 3: user resources.
 */
import { array, errorCode, int8, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Deletes the access rules that match filters. */
export const deleteAclsRequest = /*@__PURE__*/ message(
  { key: 31, name: 'DeleteAclsRequest', versions: [1, 3], flexible: 2 },
  () => ({
    filters: array({
      resourceTypeFilter: int8(),
      resourceNameFilter: string({ nullable: true }),
      patternTypeFilter: int8({ default: 3 }),
      principalFilter: string({ nullable: true }),
      hostFilter: string({ nullable: true }),
      operation: int8(),
      permissionType: int8(),
    }),
  }),
);
export type DeleteAclsRequest = Body<typeof deleteAclsRequest>;

/** SECURITY_DISABLED: there is no authorizer. */
export const deleteAclsResponse = /*@__PURE__*/ message(
  { key: 31, name: 'DeleteAclsResponse', versions: [1, 3], flexible: 2 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    filterResults: array({
      errorCode: errorCode(),
      errorMessage: errorMessage(),
      matchingAcls: array({
        errorCode: errorCode(),
        errorMessage: errorMessage(),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  }),
);
export type DeleteAclsResponse = Body<typeof deleteAclsResponse>;
