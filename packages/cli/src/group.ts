/** Consumer groups: listed, their offsets told and forgotten, deleted. */
import { Admin } from '@odradek/client';
import type { TopicPartition } from '@odradek/client';
import type { DeleteOptions, OffsetsOptions } from './commands/group.ts';
import type { ConnectOptions, PrintOptions } from './connect-options.ts';
import { withCluster } from './connect.ts';
import { requireNoMembers } from './group-state.ts';
import { confirmByName, plural, say } from './messages.ts';
import { isChosen, parseChoices } from './partition-choice.ts';
import { writeJson, writeTable } from './table.ts';
import { EXIT_OK, UsageError } from './world.ts';
import type { World } from './world.ts';

export const list = (
  world: World,
  { json, ...connect }: ConnectOptions & PrintOptions,
): Promise<number> =>
  withCluster(world, connect, async (cluster) => {
    const groups = await new Admin(cluster).listGroups();
    if (json) await writeJson(world, groups);
    else if (groups.length === 0)
      await say(world, 'there are no groups: odradek tail TOPIC --group NAME makes one');
    else
      await writeTable(
        world,
        ['GROUP', 'STATE', 'PROTOCOL-TYPE', 'TYPE'],
        groups.map(({ groupId, state, protocolType, type }) => [
          groupId,
          state || '-',
          protocolType || '-',
          type || '-',
        ]),
      );
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
    if (json)
      await writeJson(
        world,
        committed.map((each) => ({ group, ...each })),
      );
    else if (committed.length === 0) await say(world, `${group} has committed nothing`);
    else
      await writeTable(
        world,
        ['GROUP', 'TOPIC', 'PARTITION', 'CURRENT-OFFSET', 'LEADER-EPOCH', 'METADATA'],
        committed.map(({ topic, partition, offset, leaderEpoch, metadata }) => [
          group,
          topic,
          partition,
          offset,
          leaderEpoch < 0 ? '-' : leaderEpoch,
          metadata || '-',
        ]),
      );
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
  { yes = false, json, ...connect }: DeleteOptions,
): Promise<number> =>
  withCluster(world, connect, async (cluster) => {
    const admin = new Admin(cluster);
    for (const group of names) {
      await requireNoMembers(admin, group);
      await confirmByName(world, group, `group ${group} goes with its offsets`, yes);
      await admin.deleteGroup(group);
      if (json) await writeJson(world, [{ group, deleted: true }]);
      else await say(world, `deleted ${group}`);
    }
    return EXIT_OK;
  });
