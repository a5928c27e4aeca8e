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

export interface ElectOptions extends ClusterOptions {
  readonly preferred?: boolean;
  readonly unclean?: boolean;
  readonly topic?: string;
}

export function addClusterCommand(program: Command, world: World, action: Action): void {
  const cluster = withJsonOption(withConnectOptions(program.command('cluster')))
    .description(
      'show brokers, controller, quorum, features, and what is not replicated as it should be; move partitions, elect leaders',
    )
    // What stands behind a command's name is that command's: both have --brokers.
    .enablePositionalOptions()
    .action((options: ClusterOptions) =>
      action(async () => (await import('../cluster.ts')).cluster(world, options)),
    );
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
    .action((options: ReassignOptions) =>
      action(async () => (await import('../cluster-reassign.ts')).reassign(world, options)),
    );

  add('elect')
    .description('elect leaders anew')
    .option('--preferred', "each partition's first replica, if it is in sync (the default)")
    .option(
      '--unclean',
      'any replica, where there is no leader: records that only others hold are lost',
    )
    .option('-t, --topic <name>', 'of one topic (default: of all)')
    .action((options: ElectOptions) =>
      action(async () => (await import('../cluster-elect.ts')).elect(world, options)),
    );

  add('unregister')
    .description('forget a broker that is gone for good')
    .argument('<id>', 'its number', integer)
    .action((nodeId: number, options: ClusterOptions) =>
      action(async () => (await import('../cluster-elect.ts')).unregister(world, nodeId, options)),
    );
}

function brokerIds(text: string): readonly number[] {
  if (!/^\d+(,\d+)*$/.test(text)) throw new InvalidArgumentError('It is not like 1,2,3.');
  const ids = text.split(',').map(integer);
  if (new Set(ids).size < ids.length) throw new InvalidArgumentError('It names a broker twice.');
  return ids;
}
