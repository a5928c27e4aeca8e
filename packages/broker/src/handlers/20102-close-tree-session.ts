/** CloseTreeSession, of Odradek's own: ends a session and takes its ephemeral nodes away. */
import { closeTreeSessionRequest, closeTreeSessionResponse } from '@odradek/protocol';
import { handler } from './handler.ts';

export const closeTreeSession = handler({
  name: 'CloseTreeSession',
  request: closeTreeSessionRequest,
  response: closeTreeSessionResponse,
  versions: [0, 0],
  notes:
    'Takes its ephemeral nodes away. Answered by the quorum’s leader, wherever the client asks.',
  handle: (broker, request, context) => broker.coordination.closeSession(request, context),
});
