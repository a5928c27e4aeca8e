/** RenewTreeSession, of Odradek's own: its owner is still there. */
import { renewTreeSessionRequest, renewTreeSessionResponse } from '@odradek/protocol';
import { handler } from './handler.ts';

export const renewTreeSession = handler({
  name: 'RenewTreeSession',
  request: renewTreeSessionRequest,
  response: renewTreeSessionResponse,
  versions: [0, 0],
  notes: 'Its owner is still there. Answered by the quorum’s leader, wherever the client asks.',
  handle: (broker, request, context) => broker.coordination.renewSession(request, context),
});
