/** Offsets are changed only while nobody reads by them: the refusal names who does. */
import type { Admin, GroupDescription } from '@odradek/client';

const NAMED_MAX = 3;

export class GroupIsLive extends Error {
  override readonly name = 'GroupIsLive';
}

/** Throws GroupIsLive, or what the broker says of a group that is not there. */
export async function requireNoMembers(admin: Admin, groupId: string): Promise<GroupDescription> {
  const group = await admin.describeGroup(groupId);
  if (group.members.length > 0) throw new GroupIsLive(explain(group));
  return group;
}

function explain({ groupId, state, members }: GroupDescription): string {
  const named = members
    .slice(0, NAMED_MAX)
    .map(
      ({ clientId, clientHost, memberId }) => `${clientId || memberId} at ${bareHost(clientHost)}`,
    );
  const others = members.length > NAMED_MAX ? ` and ${members.length - NAMED_MAX} more` : '';
  return `group ${groupId} is ${state}, with ${members.length === 1 ? 'a member' : `${members.length} members`} (${named.join(', ')}${others}): stop them first`;
}

/** Brokers tell "/10.0.0.1", as Java writes an address without a name. */
export const bareHost = (host: string): string => host.replace(/^\//, '');
