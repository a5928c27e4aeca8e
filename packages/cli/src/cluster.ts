/** The cluster at a glance. What a broker does not serve (DescribeQuorum, features) is left out. */
import { Admin } from '@odradek/client';
import type { ClusterInfo } from '@odradek/client';
import { readFeatures, readQuorum, troubledPartitions } from './cluster-facts.ts';
import type { Feature, Quorum, TroubledPartition } from './cluster-facts.ts';
import type { ClusterOptions } from './commands/cluster.ts';
import { withCluster } from './connect.ts';
import { plural } from './messages.ts';
import { styleFor } from './style.ts';
import { writeJson, writeTable } from './table.ts';
import { EXIT_OK } from './world.ts';
import type { World } from './world.ts';

interface Glance {
  readonly info: ClusterInfo;
  readonly topics: number;
  readonly partitions: number;
  readonly features: readonly Feature[];
  readonly quorum: Quorum | undefined;
  readonly troubled: readonly TroubledPartition[];
}

const TROUBLED_SHOWN_MAX = 50;

export const cluster = (world: World, { json, ...connect }: ClusterOptions): Promise<number> =>
  withCluster(world, connect, async (client) => {
    const admin = new Admin(client);
    const [info, topics, features, quorum] = await Promise.all([
      admin.describeCluster(),
      admin.listTopics(),
      readFeatures(client),
      readQuorum(client),
    ]);
    const glance: Glance = {
      info,
      topics: topics.filter(({ isInternal }) => !isInternal).length,
      partitions: topics.reduce((total, topic) => total + topic.partitions.length, 0),
      features,
      quorum,
      troubled: troubledPartitions(topics),
    };
    if (json) await writeJson(world, [{ ...info, ...glance, info: undefined }]);
    else await print(world, glance);
    return EXIT_OK;
  });

async function print(
  world: World,
  { info, topics, partitions, features, quorum, troubled }: Glance,
): Promise<void> {
  const { bold, red, green } = styleFor(world, world.stdout);
  const { brokers, clusterId, controllerId } = info;
  await world.stdout.write(
    `${bold(`cluster ${clusterId ?? 'without id'}`)}  ${plural(brokers.length, 'broker')}, ${plural(topics, 'topic')}, ${plural(partitions, 'partition')}, controller ${controllerId < 0 ? 'unknown' : controllerId}\n\n`,
  );
  await writeTable(
    world,
    ['ID', 'ADDRESS', 'RACK', 'ROLE'],
    brokers.map(({ nodeId, host, port, rack }) => [
      nodeId,
      `${host.includes(':') ? `[${host}]` : host}:${port}`,
      rack ?? '-',
      nodeId === controllerId ? 'controller' : 'broker',
    ]),
  );
  if (quorum !== undefined) await printQuorum(world, quorum);
  if (features.length > 0) {
    await world.stdout.write('\n');
    await writeTable(
      world,
      ['FEATURE', 'SUPPORTED', 'FINALIZED'],
      features.map(({ name, supported: [min, max], finalized }) => [
        name,
        `${min}-${max}`,
        finalized ?? '-',
      ]),
    );
  }
  // A lone broker's partitions cannot lag behind anybody; without a leader they can be.
  if (troubled.length === 0) {
    if (brokers.length > 1)
      await world.stdout.write(`\n${green('every partition is on all of its replicas')}\n`);
    return;
  }
  await world.stdout.write(
    `\n${red(`${plural(troubled.length, 'partition')} without a leader or under-replicated`)}\n`,
  );
  await writeTable(
    world,
    ['TOPIC', 'PARTITION', 'LEADER', 'REPLICAS', 'ISR'],
    troubled
      .slice(0, TROUBLED_SHOWN_MAX)
      .map(({ topic, partition, leader, replicas, isr }) => [
        topic,
        partition,
        leader < 0 ? 'none' : leader,
        replicas.join(','),
        isr.join(','),
      ]),
  );
  if (troubled.length > TROUBLED_SHOWN_MAX)
    await world.stdout.write(
      `... and ${troubled.length - TROUBLED_SHOWN_MAX} more (--json has all)\n`,
    );
}

async function printQuorum(
  world: World,
  { leaderEpoch, highWatermark, members }: Quorum,
): Promise<void> {
  await world.stdout.write(`\nquorum: epoch ${leaderEpoch}, high watermark ${highWatermark}\n`);
  await writeTable(
    world,
    ['NODE', 'ROLE', 'LOG-END-OFFSET', 'LAG'],
    members.map(({ nodeId, role, logEndOffset, lag }) => [nodeId, role, logEndOffset, lag]),
  );
}
