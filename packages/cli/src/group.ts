/** Consumer groups: listed, their offsets told and forgotten, deleted. */
import { Admin } from '@odradek/client';
import type { TopicPartition } from '@odradek/client';
import type { DeleteOptions, OffsetsOptions } from './commands/group.ts';
import type { ConnectOptions, PrintOptions } from './connect-options.ts';
import { withCluster } from './connect.ts';
import { deleteEach } from './delete-each.ts';
import { requireNoMembers } from './group-state.ts';
import { plural, say } from './messages.ts';
import { isChosen, parseChoices } from './partition-choice.ts';
import { writeJson, writeRows } from './table.ts';
import { EXIT_OK, UsageError } from './world.ts';
import type { World } from './world.ts';

export const list = (
  world: World,
  { json, ...connect }: ConnectOptions & PrintOptions,
): Promise<number> =>
  withCluster(world, connect, async (cluster) => {
    await writeRows(world, await new Admin(cluster).listGroups(), {
      json,
      none: 'there are no groups: odradek tail TOPIC --group NAME makes one',
      columns: {
        GROUP: ({ groupId }) => groupId,
        STATE: ({ state }) => state || '-',
        'PROTOCOL-TYPE': ({ protocolType }) => protocolType || '-',
        TYPE: ({ type }) => type || '-',
      },
    });
    return EXIT_OK;
  });

export const offsets = (
  world: World,
  group: string,
  { json, delete: deleted, ...connect }: OffsetsOptions,
): Promise<number> =>
  withCluster(world, connect, async (cluster) => {
    const admin = new Admin(cluster);
    const committed = await admin.listGroupOffsets(group);
    if (deleted !== undefined) return forget(world, admin, group, committed, deleted, json);
    const rows = committed.map((each) => ({ group, ...each }));
    await writeRows(world, rows, {
      json,
      none: `${group} has committed nothing`,
      columns: {
        GROUP: (row) => row.group,
        TOPIC: ({ topic }) => topic,
        PARTITION: ({ partition }) => partition,
        'CURRENT-OFFSET': ({ offset }) => offset,
        'LEADER-EPOCH': ({ leaderEpoch }) => (leaderEpoch < 0 ? '-' : leaderEpoch),
        METADATA: ({ metadata }) => metadata || '-',
      },
    });
    return EXIT_OK;
  });

async function forget(
  world: World,
  admin: Admin,
  group: string,
  committed: readonly TopicPartition[],
  what: readonly string[],
  json: boolean | undefined,
): Promise<number> {
  const choices = parseChoices(what);
  const chosen = committed.filter((each) => isChosen(choices, each));
  if (chosen.length === 0)
    throw new UsageError(`${group} has committed no offset of ${what.join(', ')}`);
  await admin.deleteGroupOffsets(group, chosen);
  if (json)
    await writeJson(
      world,
      chosen.map(({ topic, partition }) => ({ group, topic, partition, deleted: true })),
    );
  else await say(world, `${group} has forgotten ${plural(chosen.length, 'offset')}`);
  return EXIT_OK;
}

export const remove = (
  world: World,
  names: readonly string[],
  { yes, json, ...connect }: DeleteOptions,
): Promise<number> =>
  withCluster(world, connect, async (cluster) => {
    const admin = new Admin(cluster);
    await deleteEach(
      world,
      names,
      { yes, json },
      {
        field: 'group',
        warn: async (group) => {
          await requireNoMembers(admin, group);
          return `group ${group} goes with its offsets`;
        },
        remove: (group) => admin.deleteGroup(group),
      },
    );
    return EXIT_OK;
  });
