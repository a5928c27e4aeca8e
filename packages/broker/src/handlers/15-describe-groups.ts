/** DescribeGroups: state, protocol, members and what they were assigned. */
import { describeGroupsRequest, describeGroupsResponse } from '@odradek/protocol';
import { handler } from './handler.ts';
import { memberContext } from './member-context.ts';
export const describeGroups = handler({
  name: 'DescribeGroups',
  request: describeGroupsRequest,
  response: describeGroupsResponse,
  versions: [0, 6],
  notes: '',
  handle: (broker, request, context) =>
    broker.groups.describeGroups(request, memberContext(context)),
});
