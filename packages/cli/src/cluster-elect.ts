/** Leaders elected anew, and brokers that are forgotten. */
import { Admin } from '@odradek/client';
import { ErrorCode, errorName } from '@odradek/protocol';
import type { ClusterOptions, ElectOptions } from './commands/cluster.ts';
import { withCluster } from './connect.ts';
import { plural, say } from './messages.ts';
import { writeJson } from './table.ts';
import { EXIT_FAILURE, EXIT_OK, UsageError } from './world.ts';
import type { World } from './world.ts';

export async function elect(
  world: World,
  { preferred, unclean, topic, json, ...connect }: ElectOptions,
): Promise<number> {
  if (preferred && unclean) throw new UsageError('--preferred and --unclean: take one');
  return withCluster(world, connect, async (cluster) => {
    const admin = new Admin(cluster);
    const partitions =
      topic === undefined
        ? null
        : (await admin.describeTopic(topic)).partitions.map(({ partitionIndex: partition }) => ({
            topic,
            partition,
          }));
    const results = await admin.electLeaders(unclean ? 'unclean' : 'preferred', partitions);
    const failed = results.filter(
      ({ errorCode }) =>
        errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.ELECTION_NOT_NEEDED,
    );
    if (json)
      await writeJson(
        world,
        results.map(({ errorCode, ...result }) => ({ ...result, error: errorName(errorCode) })),
      );
    else {
      const elected = results.filter(({ errorCode }) => errorCode === ErrorCode.NONE).length;
      await say(
        world,
        elected === 0 && failed.length === 0
          ? 'no partition needs an election'
          : `elected the leaders of ${plural(elected, 'partition')}`,
      );
      for (const { topic: name, partition, errorCode, errorMessage } of failed)
        await say(
          world,
          `${name}-${partition}: ${errorMessage ?? 'not elected'} (${errorName(errorCode)})`,
        );
    }
    return failed.length === 0 ? EXIT_OK : EXIT_FAILURE;
  });
}

export const unregister = (
  world: World,
  nodeId: number,
  { json, ...connect }: ClusterOptions,
): Promise<number> =>
  withCluster(world, connect, async (cluster) => {
    await new Admin(cluster).unregisterBroker(nodeId);
    if (json) await writeJson(world, [{ nodeId, unregistered: true }]);
    else await say(world, `broker ${nodeId} is forgotten`);
    return EXIT_OK;
  });
