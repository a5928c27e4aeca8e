/** OffsetDelete: forgets committed offsets of topics that the group does not read. */
import { offsetDeleteRequest, offsetDeleteResponse } from '@odradek/protocol';
import { handler } from './handler.ts';
export const offsetDelete = handler({
  name: 'OffsetDelete',
  request: offsetDeleteRequest,
  response: offsetDeleteResponse,
  versions: [0, 0],
  notes: '',
  handle: (broker, request) => broker.groups.offsetDelete(request),
});
