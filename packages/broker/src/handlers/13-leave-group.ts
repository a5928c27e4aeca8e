/** LeaveGroup: members go at once instead of by their session timeout. */
import { leaveGroupRequest, leaveGroupResponse } from '@odradek/protocol';
import { handler } from './handler.ts';
import { memberContext } from './member-context.ts';
export const leaveGroup = handler({
  name: 'LeaveGroup',
  request: leaveGroupRequest,
  response: leaveGroupResponse,
  versions: [0, 5],
  notes: 'Batches of members from version 3.',
  handle: (broker, request, context) => broker.groups.leaveGroup(request, memberContext(context)),
});
