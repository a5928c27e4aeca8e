/** What there is to know of a topic: its configuration, and of each partition who has it and what is in it. */
import { Admin } from '@odradek/client';
import type { ConfigEntry, TopicMetadata } from '@odradek/client';
import type { DescribeOptions } from './commands/topic.ts';
import { withCluster } from './connect.ts';
import { suggest } from './messages.ts';
import { styleFor } from './style.ts';
import { formatTable, writeJson, writeTable } from './table.ts';
import { EXIT_OK } from './world.ts';
import type { World } from './world.ts';

export interface TopicSummary {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly internal: boolean;
}

export const summaryOf = (topic: TopicMetadata): TopicSummary => ({
  name: topic.name ?? '',
  partitions: topic.partitions.length,
  replicationFactor: topic.partitions[0]?.replicaNodes.length ?? 0,
  internal: topic.isInternal,
});

interface PartitionRow {
  readonly partition: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** Undefined while nobody leads the partition. */
  readonly startOffset: number | undefined;
  readonly endOffset: number | undefined;
}

export const describe = (
  world: World,
  names: readonly string[],
  { json, allConfigs, ...connect }: DescribeOptions,
): Promise<number> =>
  withCluster(world, connect, async (cluster) => {
    const admin = new Admin(cluster);
    for (const [index, name] of names.entries()) {
      const [topic, configs] = await Promise.all([
        admin.describeTopic(name),
        admin.topicConfig(name),
      ]);
      const rows = await partitionRows(admin, topic);
      if (json) await writeJson(world, [asJson(topic, configs, rows, allConfigs ?? false)]);
      else {
        if (index > 0) await world.stdout.write('\n');
        await print(world, name, configs, rows, allConfigs ?? false);
      }
    }
    await suggest(world, `odradek tail ${names[0]}`);
    return EXIT_OK;
  });

async function partitionRows(admin: Admin, topic: TopicMetadata): Promise<readonly PartitionRow[]> {
  const name = topic.name ?? '';
  const led = topic.partitions.filter(({ leaderId }) => leaderId >= 0);
  const partitions = led.map(({ partitionIndex }) => partitionIndex);
  const offsets = async (at: 'earliest' | 'latest'): Promise<ReadonlyMap<number, number>> =>
    new Map(
      (partitions.length === 0 ? [] : await admin.listOffsets(name, at, partitions)).map(
        ({ partition, offset }) => [partition, offset],
      ),
    );
  const [starts, ends] = await Promise.all([offsets('earliest'), offsets('latest')]);
  return [...topic.partitions]
    .sort((a, b) => a.partitionIndex - b.partitionIndex)
    .map(({ partitionIndex: partition, leaderId, leaderEpoch, replicaNodes, isrNodes }) => ({
      partition,
      leader: leaderId,
      leaderEpoch,
      replicas: replicaNodes,
      isr: isrNodes,
      startOffset: starts.get(partition),
      endOffset: ends.get(partition),
    }));
}

const asJson = (
  topic: TopicMetadata,
  configs: readonly ConfigEntry[],
  rows: readonly PartitionRow[],
  allConfigs: boolean,
): object => ({
  ...summaryOf(topic),
  config: Object.fromEntries(
    configs
      .filter(({ isOverride }) => isOverride || allConfigs)
      .map(({ name, value }) => [name, value]),
  ),
  partitions: rows,
});

async function print(
  world: World,
  name: string,
  configs: readonly ConfigEntry[],
  rows: readonly PartitionRow[],
  allConfigs: boolean,
): Promise<void> {
  const own = configs.filter(({ isOverride }) => isOverride);
  const config = own.map((entry) => `${entry.name}=${entry.value ?? ''}`).join(' ');
  const { bold } = styleFor(world, world.stdout);
  await world.stdout.write(`${bold(name)}${config === '' || allConfigs ? '' : `  ${config}`}\n`);
  await writeTable(
    world,
    ['PARTITION', 'LEADER', 'REPLICAS', 'ISR', 'START-OFFSET', 'END-OFFSET'],
    rows.map(({ partition, leader, replicas, isr, startOffset, endOffset }) => [
      partition,
      leader < 0 ? 'none' : leader,
      replicas.join(','),
      isr.join(','),
      startOffset ?? '-',
      endOffset ?? '-',
    ]),
  );
  if (allConfigs) await world.stdout.write(`\n${configTable(configs)}`);
}

export const configTable = (configs: readonly ConfigEntry[]): string =>
  formatTable(
    ['KEY', 'VALUE', 'SOURCE'],
    [...configs]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, value, source, isSensitive }) => [
        name,
        isSensitive ? '(hidden)' : (value ?? '-'),
        source,
      ]),
  );
