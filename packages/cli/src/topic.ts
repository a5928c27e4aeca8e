/** Topics: created, listed, altered, deleted. */
import { Admin, BrokerError } from '@odradek/client';
import type { Cluster } from '@odradek/client';
import { ErrorCode } from '@odradek/protocol';
import type { AlterOptions, CreateOptions, DeleteOptions, ListOptions } from './commands/topic.ts';
import { withCluster } from './connect.ts';
import { deleteEach } from './delete-each.ts';
import { plural, say, suggest } from './messages.ts';
import { writeJson, writeRows } from './table.ts';
import { topicAppears } from './topic-appears.ts';
import { summaryOf } from './topic-describe.ts';
import { EXIT_OK, UsageError } from './world.ts';
import type { World } from './world.ts';

export const create = (
  world: World,
  names: readonly string[],
  { partitions, replicationFactor, config, ifNotExists, json, ...connect }: CreateOptions,
): Promise<number> =>
  withCluster(world, connect, async (cluster) => {
    for (const name of names) {
      const isNew = await createOne(cluster, ifNotExists ?? false, {
        name,
        partitions,
        replicationFactor,
        configs: config,
      });
      if (json) await writeJson(world, [{ name, created: isNew }]);
      else await say(world, isNew ? `created ${name}` : `${name} is there already`);
    }
    await suggest(world, `odradek produce ${names[0]}`, `odradek topic describe ${names[0]}`);
    return EXIT_OK;
  });

async function createOne(
  cluster: Cluster,
  ifNotExists: boolean,
  topic: Parameters<Admin['createTopic']>[0],
): Promise<boolean> {
  try {
    await new Admin(cluster).createTopic(topic);
    await topicAppears(cluster, topic.name);
    return true;
  } catch (error) {
    if (
      ifNotExists &&
      error instanceof BrokerError &&
      error.code === ErrorCode.TOPIC_ALREADY_EXISTS
    )
      return false;
    throw error;
  }
}

export const list = (world: World, { json, internal, ...connect }: ListOptions): Promise<number> =>
  withCluster(world, connect, async (cluster) => {
    const topics = (await new Admin(cluster).listTopics())
      .map(summaryOf)
      .filter((topic) => internal || !topic.internal);
    await writeRows(world, topics, {
      json,
      none: 'there are no topics: odradek topic create NAME',
      columns: {
        TOPIC: ({ name }) => name,
        PARTITIONS: ({ partitions }) => partitions,
        REPLICAS: ({ replicationFactor }) => replicationFactor,
      },
    });
    return EXIT_OK;
  });

export const alter = (
  world: World,
  name: string,
  { partitions, config = {}, unset = [], dryRun = false, json, ...connect }: AlterOptions,
): Promise<number> => {
  const both = unset.find((key) => key in config);
  if (both !== undefined) throw new UsageError(`${both} is both set and unset`);
  const changes = { ...config, ...Object.fromEntries(unset.map((key) => [key, null])) };
  const keys = Object.keys(changes);
  if (partitions === undefined && keys.length === 0)
    throw new UsageError('nothing to alter: give --partitions, --config or --unset');
  return withCluster(world, connect, async (cluster) => {
    const admin = new Admin(cluster);
    const validateOnly = { validateOnly: dryRun };
    // First what a broker is likelier to refuse, so that half of it is seldom done.
    if (partitions !== undefined) await admin.createPartitions(name, partitions, validateOnly);
    if (keys.length > 0) await admin.alterConfig({ topic: name }, changes, validateOnly);
    if (json) await writeJson(world, [{ name, partitions, config: changes, dryRun }]);
    else {
      const done = [
        ...(partitions === undefined ? [] : [plural(partitions, 'partition')]),
        ...keys.map((key) => `${key}=${changes[key] ?? "(the broker's)"}`),
      ].join(', ');
      await say(world, dryRun ? `${name} could have ${done}` : `altered ${name}: ${done}`);
    }
    return EXIT_OK;
  });
};

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
        field: 'name',
        warn: (name) => `${name} goes with all that is in it`,
        remove: (name) => admin.deleteTopic(name),
      },
    );
    return EXIT_OK;
  });
