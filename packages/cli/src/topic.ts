import { Admin } from '@odradek/client';
import type { TopicMetadata } from '@odradek/client';
import type { CreateOptions, PrintOptions } from './commands/topic.ts';
import type { ConnectOptions } from './connect-options.ts';
import { withCluster } from './connect.ts';
import { formatTable } from './table.ts';
import { EXIT_OK } from './world.ts';
import type { World } from './world.ts';

export const create = (
  world: World,
  names: readonly string[],
  { partitions, replicationFactor, config, ...connect }: CreateOptions,
): Promise<number> =>
  withCluster(world, connect, async (cluster) => {
    for (const name of names) {
      await new Admin(cluster).createTopic({
        name,
        ...(partitions !== undefined && { partitions }),
        ...(replicationFactor !== undefined && { replicationFactor }),
        ...(config !== undefined && { configs: config }),
      });
      await world.stderr.write(`created ${name}\n`);
    }
    return EXIT_OK;
  });

export const remove = (
  world: World,
  names: readonly string[],
  connect: ConnectOptions,
): Promise<number> =>
  withCluster(world, connect, async (cluster) => {
    for (const name of names) {
      await new Admin(cluster).deleteTopic(name);
      await world.stderr.write(`deleted ${name}\n`);
    }
    return EXIT_OK;
  });

export const list = (world: World, { json, ...connect }: PrintOptions): Promise<number> =>
  withCluster(world, connect, async (cluster) => {
    const topics = await new Admin(cluster).listTopics();
    if (json)
      await world.stdout.write(
        topics.map((topic) => `${JSON.stringify(summary(topic))}\n`).join(''),
      );
    else if (topics.length === 0)
      await world.stderr.write('there are no topics: odradek topic create NAME\n');
    else {
      const rows = topics
        .map(summary)
        .map(({ name, partitions, replicationFactor }) => [
          name,
          String(partitions),
          String(replicationFactor),
        ]);
      await world.stdout.write(formatTable(['TOPIC', 'PARTITIONS', 'REPLICAS'], rows));
    }
    return EXIT_OK;
  });

export const describe = (
  world: World,
  names: readonly string[],
  { json, ...connect }: PrintOptions,
): Promise<number> =>
  withCluster(world, connect, async (cluster) => {
    const admin = new Admin(cluster);
    for (const [index, name] of names.entries()) {
      const topic = await admin.describeTopic(name);
      const configs = (await admin.topicConfig(name)).filter(({ isOverride }) => isOverride);
      const partitions = [...topic.partitions].sort((a, b) => a.partitionIndex - b.partitionIndex);
      if (json) {
        const config = Object.fromEntries(configs.map((entry) => [entry.name, entry.value]));
        const shown = partitions.map(
          ({ partitionIndex, leaderId, leaderEpoch, replicaNodes, isrNodes }) => ({
            partition: partitionIndex,
            leader: leaderId,
            leaderEpoch,
            replicas: replicaNodes,
            isr: isrNodes,
          }),
        );
        await world.stdout.write(
          `${JSON.stringify({ ...summary(topic), config, partitions: shown })}\n`,
        );
        continue;
      }
      const config = configs.map((entry) => `${entry.name}=${entry.value ?? ''}`).join(' ');
      const rows = partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => [
        String(partitionIndex),
        leaderId < 0 ? 'none' : String(leaderId),
        replicaNodes.join(','),
        isrNodes.join(','),
      ]);
      const heading = `${name}${config === '' ? '' : `  ${config}`}\n`;
      await world.stdout.write(
        `${index > 0 ? '\n' : ''}${heading}${formatTable(['PARTITION', 'LEADER', 'REPLICAS', 'ISR'], rows)}`,
      );
    }
    return EXIT_OK;
  });

const summary = (
  topic: TopicMetadata,
): {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly internal: boolean;
} => ({
  name: topic.name ?? '',
  partitions: topic.partitions.length,
  replicationFactor: topic.partitions[0]?.replicaNodes.length ?? 0,
  internal: topic.isInternal,
});
