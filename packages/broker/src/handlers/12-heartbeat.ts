/** Heartbeat: keeps a member alive within its generation, and tells it of a rebalance. */
import { heartbeatRequest, heartbeatResponse } from '@odradek/protocol';
import { handler } from './handler.ts';
export const heartbeat = handler({
  name: 'Heartbeat',
  request: heartbeatRequest,
  response: heartbeatResponse,
  versions: [0, 4],
  notes: '',
  handle: (broker, request) => broker.groups.heartbeat(request),
});
