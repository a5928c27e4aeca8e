/** OpenTreeSession, of Odradek's own: opens what ephemeral nodes are bound to. */
import { openTreeSessionRequest, openTreeSessionResponse } from '@odradek/protocol';
import { handler } from './handler.ts';

export const openTreeSession = handler({
  name: 'OpenTreeSession',
  request: openTreeSessionRequest,
  response: openTreeSessionResponse,
  versions: [0, 0],
  notes: 'Opens a session. Answered by the quorum’s leader, wherever the client asks.',
  handle: (broker, request, context) => broker.coordination.openSession(request, context),
});
