/** DeleteGroups: removes empty groups with their offsets. */
import { deleteGroupsRequest, deleteGroupsResponse } from '@odradek/protocol';
import { handler } from './handler.ts';
export const deleteGroups = handler({
  name: 'DeleteGroups',
  request: deleteGroupsRequest,
  response: deleteGroupsResponse,
  versions: [0, 2],
  notes: '',
  handle: (broker, request) => broker.groups.deleteGroups(request),
});
