/** JoinGroup: a member enters its group, or enters it anew; answered when the rebalance ends. */
import { joinGroupRequest, joinGroupResponse } from '@odradek/protocol';
import { handler } from './handler.ts';
import { memberContext } from './member-context.ts';
export const joinGroup = handler({
  name: 'JoinGroup',
  request: joinGroupRequest,
  response: joinGroupResponse,
  isLongPoll: true,
  versions: [0, 9],
  notes: 'Dynamic and static members, MEMBER_ID_REQUIRED, skipAssignment.',
  handle: (broker, request, context) => broker.groups.joinGroup(request, memberContext(context)),
});
