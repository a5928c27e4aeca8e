/** DeleteGroups: key 42, versions 0 to 2, flexible from 2. */
import { array, errorCode, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Deletes groups and their offsets. */
export const deleteGroupsRequest = /*@__PURE__*/ message(
  { key: 42, name: 'DeleteGroupsRequest', versions: [0, 2], flexible: 2 },
  () => ({
    groupsNames: array(string()),
  }),
);
export type DeleteGroupsRequest = Body<typeof deleteGroupsRequest>;

/** For each group: NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND, NOT_COORDINATOR, INVALID_GROUP_ID. */
export const deleteGroupsResponse = /*@__PURE__*/ message(
  { key: 42, name: 'DeleteGroupsResponse', versions: [0, 2], flexible: 2 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    results: array({
      groupId: string(),
      errorCode: errorCode(),
    }),
  }),
);
export type DeleteGroupsResponse = Body<typeof deleteGroupsResponse>;
