/** The cluster at a glance. What a broker does not serve (DescribeQuorum, features) is left out. */
import { Admin } from '@odradek/client';
import type { ClusterInfo, QuorumInfo } from '@odradek/client';
import { brokerFacts, readFeatures, troubledPartitions } from './cluster-facts.ts';
import type { BrokerFacts, Feature, TroubledPartition } from './cluster-facts.ts';
import type { ClusterOptions } from './commands/cluster.ts';
import { withCluster } from './connect.ts';
import { plural } from './messages.ts';
import { styleFor } from './style.ts';
import { writeJson, writeTable } from './table.ts';
import { EXIT_OK } from './world.ts';
import type { World } from './world.ts';

interface Glance {
  readonly info: ClusterInfo;
  readonly brokers: readonly BrokerFacts[];
  readonly topics: number;
  readonly partitions: number;
  readonly features: readonly Feature[];
  readonly quorum: QuorumInfo | undefined;
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
      admin.describeQuorum(),
    ]);
    const glance: Glance = {
      info,
      brokers: brokerFacts(info, topics, quorum),
      topics: topics.filter(({ isInternal }) => !isInternal).length,
      partitions: topics.reduce((total, topic) => total + topic.partitions.length, 0),
      features,
      quorum,
      troubled: troubledPartitions(topics),
    };
    if (json) await writeJson(world, [toJson(glance)]);
    else await print(world, glance);
    return EXIT_OK;
  });

/** Brokers as DescribeCluster has them, with what is known of them beside. */
const toJson = ({ info, brokers, ...glance }: Glance): object => ({
  clusterId: info.clusterId,
  controllerId: brokers.find(({ isController }) => isController)?.nodeId ?? info.controllerId,
  ...glance,
  brokers: brokers.map((facts) => ({
    ...info.brokers.find(({ nodeId }) => nodeId === facts.nodeId),
    ...facts,
  })),
});

async function print(
  world: World,
  { info, brokers, topics, partitions, features, quorum, troubled }: Glance,
): Promise<void> {
  const { bold, red, green } = styleFor(world, world.stdout);
  const { clusterId } = info;
  const controller = brokers.find(({ isController }) => isController)?.nodeId;
  const away = brokers.filter(({ isAway }) => isAway).length;
  await world.stdout.write(
    `${bold(`cluster ${clusterId ?? 'without id'}`)}  ${plural(brokers.length, 'broker')}${away > 0 ? ` (${away} away)` : ''}, ${plural(topics, 'topic')}, ${plural(partitions, 'partition')}, controller ${controller ?? 'unknown'}\n\n`,
  );
  await writeTable(
    world,
    ['ID', 'ADDRESS', 'RACK', 'ROLE', 'LEADS', 'REPLICAS', 'OUT-OF-SYNC'],
    brokers.map(({ nodeId, address, rack, leads, replicas, outOfSync, ...role }) => [
      nodeId,
      address ?? '-',
      rack ?? '-',
      roleOf(role),
      leads,
      replicas,
      outOfSync,
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

const roleOf = ({
  isAway,
  isController,
  isVoterOnly,
}: Pick<BrokerFacts, 'isAway' | 'isController' | 'isVoterOnly'>): string =>
  isAway ? 'away' : isController ? 'controller' : isVoterOnly ? 'voter' : 'broker';

async function printQuorum(
  world: World,
  { leaderId, leaderEpoch, highWatermark, members }: QuorumInfo,
): Promise<void> {
  await world.stdout.write(
    `\nquorum: leader ${leaderId}, epoch ${leaderEpoch}, high watermark ${highWatermark}\n`,
  );
  await writeTable(
    world,
    ['NODE', 'ROLE', 'LOG-END-OFFSET', 'LAG'],
    members.map(({ nodeId, role, logEndOffset, lag }) => [nodeId, role, logEndOffset, lag]),
  );
}
