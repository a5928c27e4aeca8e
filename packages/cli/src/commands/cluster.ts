import type { Command } from 'commander';
import { withConnectOptions, withJsonOption } from '../connect-options.ts';
import type { ConnectOptions, PrintOptions } from '../connect-options.ts';
import type { Action } from '../program.ts';
import type { World } from '../world.ts';

export type ClusterOptions = ConnectOptions & PrintOptions;

export function addClusterCommand(program: Command, world: World, action: Action): void {
  withJsonOption(withConnectOptions(program.command('cluster')))
    .description(
      'show brokers, controller, quorum, features, and what is not replicated as it should be',
    )
    .action((options: ClusterOptions) =>
      action(async () => (await import('../cluster.ts')).cluster(world, options)),
    );
}
