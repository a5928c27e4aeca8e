import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { integer } from '../arguments.ts';
import { withConnectOptions, withJsonOption } from '../connect-options.ts';
import type { ConnectOptions, PrintOptions } from '../connect-options.ts';
import type { Action } from '../program.ts';
import type { World } from '../world.ts';

export type ClusterOptions = ConnectOptions & PrintOptions;

export interface ReassignOptions extends ClusterOptions {
  readonly topic?: string;
  readonly partition?: number;
  readonly to?: readonly number[];
  readonly removeBroker?: number;
  readonly list?: boolean;
  readonly cancel?: boolean;
  readonly dryRun?: boolean;
}

export interface VoterOptions extends ClusterOptions {
  readonly directoryId?: string;
}

export interface ElectOptions extends ClusterOptions {
  readonly preferred?: boolean;
  readonly unclean?: boolean;
  readonly topic?: string;
}

export function addClusterCommand(program: Command, world: World, action: Action): void {
  const cluster = withJsonOption(withConnectOptions(program.command('cluster')))
    .description(
      'show brokers, controller, quorum, features, and what is not replicated as it should be; move partitions, elect leaders, change who votes',
    )
    .action((options: ClusterOptions) =>
      action(async () => (await import('../cluster.ts')).cluster(world, options)),
    );
  // Both `cluster` and what stands behind it have --brokers and --json, and commander gives them to the former: they are put together.
  const add = (name: string): Command => withJsonOption(withConnectOptions(cluster.command(name)));

  add('reassign')
    .description('move partitions to other brokers, while they are in use')
    .option('-t, --topic <name>', 'the topic (--remove-broker, --cancel: all when left out)')
    .option('-p, --partition <n>', 'one partition of it (default: all)', integer)
    .option(
      '--to <ids>',
      'the brokers that are to hold it, such as 1,2,3, the preferred leader first; of several partitions each next one begins with the next broker',
      brokerIds,
    )
    .option('--remove-broker <id>', 'give what this broker holds to others', integer)
    .option('--list', 'show what is being moved')
    .option('--cancel', 'call off what is being moved')
    .option('--dry-run', 'only show what would be moved')
    .action((_: ReassignOptions, command: Command) =>
      action(async () =>
        (await import('../cluster-reassign.ts')).reassign(world, command.optsWithGlobals()),
      ),
    );

  add('elect')
    .description('elect leaders anew')
    .option('--preferred', "each partition's first replica, if it is in sync (the default)")
    .option(
      '--unclean',
      'any replica, where there is no leader: records that only others hold are lost',
    )
    .option('-t, --topic <name>', 'of one topic (default: of all)')
    .action((_: ElectOptions, command: Command) =>
      action(async () =>
        (await import('../cluster-elect.ts')).elect(world, command.optsWithGlobals()),
      ),
    );

  add('add-controller')
    .description('make a broker that is up a voter of the quorum, one more beside those that are')
    .argument('<id>', 'its number', integer)
    .option('-D, --directory-id <id>', 'of its storage, should several of that number be known')
    .action((nodeId: number, _: VoterOptions, command: Command) =>
      action(async () =>
        (await import('../cluster-voters.ts')).addVoter(world, nodeId, command.optsWithGlobals()),
      ),
    );

  add('remove-controller')
    .description('take the vote in the quorum from a node, whether it is up or not')
    .argument('<id>', 'its number', integer)
    .option('-D, --directory-id <id>', 'of its storage, should several of that number be known')
    .action((nodeId: number, _: VoterOptions, command: Command) =>
      action(async () =>
        (await import('../cluster-voters.ts')).removeVoter(
          world,
          nodeId,
          command.optsWithGlobals(),
        ),
      ),
    );

  add('unregister')
    .description('forget a broker that is gone for good')
    .argument('<id>', 'its number', integer)
    .action((nodeId: number, _: ClusterOptions, command: Command) =>
      action(async () =>
        (await import('../cluster-elect.ts')).unregister(world, nodeId, command.optsWithGlobals()),
      ),
    );
}

function brokerIds(text: string): readonly number[] {
  if (!/^\d+(,\d+)*$/.test(text)) throw new InvalidArgumentError('It is not like 1,2,3.');
  const ids = text.split(',').map(integer);
  if (new Set(ids).size < ids.length) throw new InvalidArgumentError('It names a broker twice.');
  return ids;
}
