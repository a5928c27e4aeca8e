/** ListGroups: the groups that this broker coordinates, by state and type. */
import { listGroupsRequest, listGroupsResponse } from '@odradek/protocol';
import { handler } from './handler.ts';
export const listGroups = handler({
  name: 'ListGroups',
  request: listGroupsRequest,
  response: listGroupsResponse,
  versions: [0, 5],
  notes: '',
  handle: (broker, request) => broker.groups.listGroups(request),
});
