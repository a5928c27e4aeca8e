/**
 * DescribeGroups: key 15, versions 0 to 6, flexible from 5.
 *
 * 3: authorized operations. 4: static members. 6: an unknown group is GROUP_ID_NOT_FOUND; before,
 * it is in the state "Dead" with no error (KIP-1043).
 */
import { array, boolean, bytes, errorCode, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { authorizedOperations, errorMessage, throttleTimeMs } from './words.ts';

/** Describes groups of the classic protocol, for tools. */
export const describeGroupsRequest = /*@__PURE__*/ message(
  { key: 15, name: 'DescribeGroupsRequest', versions: [0, 6], flexible: 5 },
  () => ({
    groups: array(string()),
    includeAuthorizedOperations: boolean({ since: 3 }),
  }),
);
export type DescribeGroupsRequest = Body<typeof describeGroupsRequest>;

/**
 * For each group: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, GROUP_AUTHORIZATION_FAILED,
 * GROUP_ID_NOT_FOUND.
 */
export const describeGroupsResponse = /*@__PURE__*/ message(
  { key: 15, name: 'DescribeGroupsResponse', versions: [0, 6], flexible: 5 },
  () => ({
    throttleTimeMs: throttleTimeMs({ since: 1 }),
    groups: array({
      errorCode: errorCode(),
      errorMessage: errorMessage({ since: 6 }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string({ since: 4, nullable: true, default: null }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: authorizedOperations({ since: 3 }),
    }),
  }),
);
export type DescribeGroupsResponse = Body<typeof describeGroupsResponse>;
