/** WriteTree, of Odradek's own: creates, changes, deletes and checks nodes, all or none. */
import { writeTreeRequest, writeTreeResponse } from '@odradek/protocol';
import { handler } from './handler.ts';

export const writeTree = handler({
  name: 'WriteTree',
  request: writeTreeRequest,
  response: writeTreeResponse,
  versions: [0, 0],
  notes: 'All operations or none. Answered by the quorum’s leader, wherever the client asks.',
  handle: (broker, request, context) => broker.coordination.write(request, context),
});
