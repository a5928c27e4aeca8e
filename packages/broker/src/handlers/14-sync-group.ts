/** SyncGroup: the leader hands in the assignments, every member gets its own. */
import { syncGroupRequest, syncGroupResponse } from '@odradek/protocol';
import { handler } from './handler.ts';
import { memberContext } from './member-context.ts';
export const syncGroup = handler({
  name: 'SyncGroup',
  request: syncGroupRequest,
  response: syncGroupResponse,
  isLongPoll: true,
  versions: [0, 5],
  notes: '',
  handle: (broker, request, context) => broker.groups.syncGroup(request, memberContext(context)),
});
