/** Partitions moved to other brokers (KIP-455): begun, listed, called off. */
import { Admin } from '@odradek/client';
import type { ReassignOptions } from './commands/cluster.ts';
import { withCluster } from './connect.ts';
import { plural, say, suggest } from './messages.ts';
import { planTo, planWithout } from './reassignment-plan.ts';
import type { Move } from './reassignment-plan.ts';
import { writeJson, writeTable } from './table.ts';
import { EXIT_OK, UsageError } from './world.ts';
import type { World } from './world.ts';

export async function reassign(world: World, options: ReassignOptions): Promise<number> {
  const { topic, partition, to, removeBroker, list, cancel } = options;
  const asked = [to && '--to', removeBroker !== undefined && '--remove-broker'].concat(
    list && '--list',
    cancel && '--cancel',
  );
  const named = asked.filter((name) => typeof name === 'string');
  if (named.length !== 1)
    throw new UsageError(
      named.length === 0
        ? 'one of --to, --remove-broker, --list and --cancel is needed'
        : `${named.join(' and ')}: take one`,
    );
  if (to !== undefined && topic === undefined) throw new UsageError('--to needs --topic');
  if (partition !== undefined && topic === undefined)
    throw new UsageError('--partition needs --topic');
  if (partition !== undefined && removeBroker !== undefined)
    throw new UsageError('--partition is for --to, --list and --cancel');
  return withCluster(world, options, (cluster) => {
    const admin = new Admin(cluster);
    if (list) return showOngoing(world, admin, options);
    if (cancel) return callOff(world, admin, options);
    return move(world, admin, options);
  });
}

async function move(
  world: World,
  admin: Admin,
  { topic, partition, to, removeBroker, dryRun, json }: ReassignOptions,
): Promise<number> {
  const moves = await plan(admin, { topic, partition, to, removeBroker });
  if (!dryRun && moves.length > 0) await admin.alterReassignments(moves);
  if (json)
    await writeJson(
      world,
      moves.map((each) => ({ ...each, dryRun: dryRun ?? false })),
    );
  else if (moves.length === 0) await say(world, 'everything is there already');
  else {
    await writeTable(
      world,
      ['TOPIC', 'PARTITION', 'FROM', 'TO'],
      moves.map(({ topic: name, partition: index, from, replicas }) => [
        name,
        index,
        from.join(','),
        replicas.join(','),
      ]),
    );
    await say(
      world,
      `${plural(moves.length, 'partition')} ${dryRun ? 'would be' : moves.length === 1 ? 'is being' : 'are being'} moved`,
    );
    if (!dryRun) await suggest(world, 'odradek cluster reassign --list');
  }
  return EXIT_OK;
}

async function plan(
  admin: Admin,
  {
    topic,
    partition,
    to,
    removeBroker,
  }: {
    readonly topic: string | undefined;
    readonly partition: number | undefined;
    readonly to: readonly number[] | undefined;
    readonly removeBroker: number | undefined;
  },
): Promise<readonly Move[]> {
  if (to !== undefined) return planTo(await admin.describeTopic(topic!), to, partition);
  const [topics, { brokers }] = await Promise.all([
    topic === undefined ? admin.listTopics() : admin.describeTopic(topic).then((it) => [it]),
    admin.describeCluster(),
  ]);
  return planWithout(
    topics,
    removeBroker!,
    brokers.map(({ nodeId }) => nodeId),
  );
}

const ongoing = async (admin: Admin, { topic, partition }: ReassignOptions) =>
  (await admin.listReassignments()).filter(
    (each) =>
      (topic === undefined || each.topic === topic) &&
      (partition === undefined || each.partition === partition),
  );

async function showOngoing(world: World, admin: Admin, options: ReassignOptions): Promise<number> {
  const moves = await ongoing(admin, options);
  if (options.json) await writeJson(world, moves);
  else if (moves.length === 0) await say(world, 'nothing is being moved');
  else
    await writeTable(
      world,
      ['TOPIC', 'PARTITION', 'REPLICAS', 'ADDING', 'REMOVING'],
      moves.map(({ topic, partition, replicas, addingReplicas, removingReplicas }) => [
        topic,
        partition,
        replicas.join(','),
        addingReplicas.join(',') || '-',
        removingReplicas.join(',') || '-',
      ]),
    );
  return EXIT_OK;
}

async function callOff(world: World, admin: Admin, options: ReassignOptions): Promise<number> {
  const moves = await ongoing(admin, options);
  if (moves.length > 0)
    await admin.alterReassignments(
      moves.map(({ topic, partition }) => ({ topic, partition, replicas: null })),
    );
  if (options.json) await writeJson(world, moves);
  else
    await say(
      world,
      moves.length === 0
        ? 'nothing is being moved'
        : `called off the move of ${plural(moves.length, 'partition')}`,
    );
  return EXIT_OK;
}
