/** A group as kafka-consumer-groups shows it, column by column: people grep for these names. */
import { Admin } from '@odradek/client';
import type { Cluster, GroupDescription, GroupLag } from '@odradek/client';
import type { DescribeOptions } from './commands/group.ts';
import { withCluster } from './connect.ts';
import { bareHost } from './group-state.ts';
import { plural, say } from './messages.ts';
import { writeJson, writeRows, writeTable } from './table.ts';
import { EXIT_OK } from './world.ts';
import type { World } from './world.ts';

const LAG_COLUMNS = [
  'GROUP',
  'TOPIC',
  'PARTITION',
  'CURRENT-OFFSET',
  'LOG-END-OFFSET',
  'LAG',
  'CONSUMER-ID',
  'HOST',
  'CLIENT-ID',
];

export const describe = (
  world: World,
  names: readonly string[],
  options: DescribeOptions,
): Promise<number> =>
  withCluster(world, options, async (cluster) => {
    const admin = new Admin(cluster);
    for (const [index, name] of names.entries()) {
      const group = await admin.describeGroup(name);
      if (index > 0 && !options.json) await world.stdout.write('\n');
      if (options.state) await tellState(world, cluster, group, options);
      else if (options.members) await tellMembers(world, group, options);
      else await tellLag(world, group, await admin.groupLag(name), options);
    }
    return EXIT_OK;
  });

async function tellLag(
  world: World,
  group: GroupDescription,
  lags: readonly GroupLag[],
  { json }: DescribeOptions,
): Promise<void> {
  const { groupId } = group;
  const members = new Map(group.members.map((member) => [member.memberId, member]));
  if (json) {
    const partitions = lags.map(({ committedOffset, ...lag }) => ({
      ...lag,
      currentOffset: committedOffset < 0 ? null : committedOffset,
      lag: lag.lag ?? null,
      memberId: lag.memberId ?? null,
      clientId: members.get(lag.memberId ?? '')?.clientId ?? null,
      host: members.get(lag.memberId ?? '')?.clientHost ?? null,
    }));
    await writeJson(world, [{ group: groupId, state: group.state, partitions }]);
    return;
  }
  if (group.members.length === 0)
    await say(world, `group ${groupId} has no members (${group.state})`);
  if (lags.length === 0) await say(world, `group ${groupId} has committed nothing`);
  else await writeTable(world, LAG_COLUMNS, lagRows(group, lags));
  const total = lags.reduce((sum, { lag }) => sum + (lag ?? 0), 0);
  if (world.stderr.isTerminal && lags.length > 1)
    await say(world, `${groupId} is ${plural(total, 'record')} behind`);
}

export function lagRows(
  { groupId, members }: GroupDescription,
  lags: readonly GroupLag[],
): readonly (readonly (string | number)[])[] {
  const byId = new Map(members.map((member) => [member.memberId, member]));
  return lags.map(({ topic, partition, committedOffset, logEndOffset, lag, memberId }) => {
    const member = memberId === undefined ? undefined : byId.get(memberId);
    return [
      groupId,
      topic,
      partition,
      committedOffset < 0 ? '-' : committedOffset,
      logEndOffset,
      lag ?? '-',
      memberId ?? '-',
      member?.clientHost ?? '-',
      member?.clientId ?? '-',
    ];
  });
}

async function tellMembers(
  world: World,
  { groupId, members }: GroupDescription,
  { json }: DescribeOptions,
): Promise<void> {
  const rows = members.map((member) => ({ group: groupId, ...member }));
  await writeRows(world, rows, {
    json,
    none: `group ${groupId} has no members`,
    columns: {
      GROUP: ({ group }) => group,
      'CONSUMER-ID': ({ memberId }) => memberId,
      HOST: ({ clientHost }) => clientHost,
      'CLIENT-ID': ({ clientId }) => clientId,
      '#PARTITIONS': ({ assignment }) => assignment.length,
      ASSIGNMENT: ({ assignment }) =>
        assignment.map(({ topic, partition }) => `${topic}-${partition}`).join(' ') || '-',
    },
  });
}

async function tellState(
  world: World,
  cluster: Cluster,
  { groupId, state, protocol, protocolType, coordinator, members }: GroupDescription,
  { json }: DescribeOptions,
): Promise<void> {
  if (json) {
    await writeJson(world, [
      {
        group: groupId,
        state,
        protocolType,
        assignor: protocol,
        coordinator,
        members: members.length,
      },
    ]);
    return;
  }
  await writeTable(
    world,
    ['GROUP', 'COORDINATOR (ID)', 'ASSIGNMENT-STRATEGY', 'STATE', '#MEMBERS'],
    [
      [
        groupId,
        `${bareHost(cluster.addressOf(coordinator))} (${coordinator})`,
        protocol || '-',
        state,
        members.length,
      ],
    ],
  );
}
