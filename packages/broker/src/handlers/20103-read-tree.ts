/** ReadTree, of Odradek's own: nodes and their children, from this broker's tree. */
import { readTreeRequest, readTreeResponse } from '@odradek/protocol';
import { handler } from './handler.ts';

export const readTree = handler({
  name: 'ReadTree',
  request: readTreeRequest,
  response: readTreeResponse,
  versions: [0, 0],
  notes: 'From the tree of the broker that is asked, as new as the client says.',
  isLongPoll: true,
  handle: (broker, request, context) => broker.coordination.read(request, context),
});
