/** WatchTree, of Odradek's own: what has changed since a place in the log, or changes next. */
import { watchTreeRequest, watchTreeResponse } from '@odradek/protocol';
import { handler } from './handler.ts';

export const watchTree = handler({
  name: 'WatchTree',
  request: watchTreeRequest,
  response: watchTreeResponse,
  versions: [0, 0],
  notes: 'Long poll from a place in the log, on any broker.',
  isLongPoll: true,
  handle: (broker, request, context) => broker.coordination.watch(request, context),
});
