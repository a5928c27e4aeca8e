/**
 * ListGroups: key 16, versions 0 to 5, flexible from 3.
 *
 * 4: by state (KIP-518). 5: by type (KIP-848).
 */
import { array, errorCode, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Lists the groups that this broker coordinates. */
export const listGroupsRequest = /*@__PURE__*/ message(
  { key: 16, name: 'ListGroupsRequest', versions: [0, 5], flexible: 3 },
  () => ({
    /** Empty: all. */
    statesFilter: array(string(), { since: 4 }),
    /** Empty: all. */
    typesFilter: array(string(), { since: 5 }),
  }),
);
export type ListGroupsRequest = Body<typeof listGroupsRequest>;

/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE. */
export const listGroupsResponse = /*@__PURE__*/ message(
  { key: 16, name: 'ListGroupsResponse', versions: [0, 5], flexible: 3 },
  () => ({
    throttleTimeMs: throttleTimeMs({ since: 1 }),
    errorCode: errorCode(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ since: 4 }),
      groupType: string({ since: 5 }),
    }),
  }),
);
export type ListGroupsResponse = Body<typeof listGroupsResponse>;
