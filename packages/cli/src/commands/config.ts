import type { Command } from 'commander';
import { integer } from '../arguments.ts';
import { withConnectOptions, withJsonOption } from '../connect-options.ts';
import type { ConnectOptions, PrintOptions } from '../connect-options.ts';
import type { Action } from '../program.ts';
import type { World } from '../world.ts';

/** Whose configuration: exactly one of them. */
export interface ResourceOptions extends ConnectOptions, PrintOptions {
  readonly topic?: string;
  readonly broker?: number;
  readonly allBrokers?: boolean;
  readonly group?: string;
}

export interface PrintConfigOptions extends ResourceOptions {
  readonly origin?: boolean;
  readonly all?: boolean;
}

export interface ChangeOptions extends ResourceOptions {
  readonly dryRun?: boolean;
}

const HELP = `
Without --topic, --broker, --all-brokers or --group it prints the command's own settings. Those come from a flag, else
from the environment (ODRADEK_BROKERS, ODRADEK_TIMEOUT), else from ~/.config/odradek/command.properties (brokers=...,
timeout=...; another file: ODRADEK_COMMAND_CONFIG), else there is a default.

Examples:
  odradek config print --origin
  odradek config print --topic orders --origin
  odradek config set retention.ms=3600000 --topic orders
`;

const work = () => import('../config.ts');

export function addConfigCommands(program: Command, world: World, action: Action): void {
  const config = program
    .command('config')
    .description('show and change the configuration of topics, brokers and groups');
  const add = (name: string): Command =>
    withJsonOption(withConnectOptions(config.command(name)))
      .option('-t, --topic <name>', 'of a topic')
      .option('--broker <id>', 'of a broker', integer)
      .option('--all-brokers', 'of all brokers, where they have none of their own')
      .option('-g, --group <name>', 'of a consumer group');

  add('print')
    .description('print a configuration as key=value')
    .option('--origin', 'with where each value comes from')
    .option('--all', 'with the defaults (topics and groups print what is set for them)')
    .addHelpText('after', HELP)
    .action((options: PrintConfigOptions) =>
      action(async () => (await work()).print(world, options)),
    );

  add('set <key=value...>')
    .description('set keys; the others stay')
    .option('--dry-run', 'only ask the broker whether it could be done')
    .action((pairs: readonly string[], options: ChangeOptions) =>
      action(async () => (await work()).set(world, pairs, options)),
    );

  add('delete <key...>')
    .description("take keys' own values away: what is above them counts again")
    .option('--dry-run', 'only ask the broker whether it could be done')
    .action((keys: readonly string[], options: ChangeOptions) =>
      action(async () => (await work()).remove(world, keys, options)),
    );
}
