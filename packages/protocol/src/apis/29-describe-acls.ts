/**
 * DescribeAcls: key 29, versions 1 to 3, flexible from 2.
 *
 * 1: prefixed names (KIP-290). 3: user resources.
 */
import { array, errorCode, int8, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Lists access rules that match a filter. */
export const describeAclsRequest = /*@__PURE__*/ message(
  { key: 29, name: 'DescribeAclsRequest', versions: [1, 3], flexible: 2 },
  () => ({
    resourceTypeFilter: int8(),
    resourceNameFilter: string({ nullable: true }),
    /** 3: literal. */
    patternTypeFilter: int8({ default: 3 }),
    principalFilter: string({ nullable: true }),
    hostFilter: string({ nullable: true }),
    operation: int8(),
    permissionType: int8(),
  }),
);
export type DescribeAclsRequest = Body<typeof describeAclsRequest>;

/** SECURITY_DISABLED: there is no authorizer. */
export const describeAclsResponse = /*@__PURE__*/ message(
  { key: 29, name: 'DescribeAclsResponse', versions: [1, 3], flexible: 2 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ default: 3 }),
      acls: array({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  }),
);
export type DescribeAclsResponse = Body<typeof describeAclsResponse>;
