import type { Command } from 'commander';
import { collect, integer } from '../arguments.ts';
import { withConnectOptions, withJsonOption } from '../connect-options.ts';
import type { ConnectOptions, PrintOptions } from '../connect-options.ts';
import { PLACES, place } from '../places.ts';
import type { Place } from '../places.ts';
import type { Action } from '../program.ts';
import type { World } from '../world.ts';

type Options = ConnectOptions & PrintOptions;

export interface DescribeOptions extends Options {
  readonly members?: boolean;
  readonly state?: boolean;
}

export interface ResetOptions extends Options {
  readonly to?: Place;
  readonly shiftBy?: number;
  readonly topic?: readonly string[];
  readonly allTopics?: boolean;
  readonly execute?: boolean;
  readonly dryRun?: boolean;
}

export interface DeleteOptions extends Options {
  readonly yes?: boolean;
}

export interface OffsetsOptions extends Options {
  readonly delete?: readonly string[];
}

const RESET_HELP = `
Places: ${PLACES}. Offsets outside of the log are moved to its nearest end.

Examples:
  odradek group reset billing --to earliest --all-topics              shows what it would do
  odradek group reset billing --to '2h ago' --topic orders --execute
  odradek group reset billing --shift-by -100 --topic orders:0,2 --execute
`;

export function addGroupCommands(program: Command, world: World, action: Action): void {
  const group = program
    .command('group')
    .description('list, describe, reset and delete consumer groups');
  const add = (name: string): Command => withJsonOption(withConnectOptions(group.command(name)));

  add('list')
    .description('list groups with their states')
    .action((options: Options) =>
      action(async () => (await import('../group.ts')).list(world, options)),
    );

  add('describe <group...>')
    .description("offsets and lag by partition, with Kafka's columns")
    .option('--members', 'the members and what each reads instead')
    .option('--state', 'the state, the coordinator and the assignor instead')
    .action((names: readonly string[], options: DescribeOptions) =>
      action(async () => (await import('../group-describe.ts')).describe(world, names, options)),
    );

  add('offsets <group>')
    .description('list what the group has committed, or delete some of it')
    .option(
      '--delete <topic[:partition,...]>',
      'forget the offsets of a topic, or of some partitions; may be given several times',
      collect,
    )
    .action((name: string, options: OffsetsOptions) =>
      action(async () => (await import('../group.ts')).offsets(world, name, options)),
    );

  add('reset <group>')
    .description('move the offsets of a group without members; without --execute it only shows how')
    .option('--to <place>', `where to: ${PLACES}`, place)
    .option('--shift-by <n>', 'so many records on, or back when below zero', integer)
    .option(
      '-t, --topic <topic[:partition,...]>',
      'of this topic, or of some partitions; may be given several times',
      collect,
    )
    .option('--all-topics', 'of all that the group has offsets of')
    .option('--execute', 'do it')
    .option('--dry-run', 'only show it (the default)')
    .addHelpText('after', RESET_HELP)
    .action((name: string, options: ResetOptions) =>
      action(async () => (await import('../group-reset.ts')).reset(world, name, options)),
    );

  add('delete <group...>')
    .description('delete groups without members, with their offsets')
    .option('-y, --yes', 'do not ask for the name (asked only on a terminal)')
    .action((names: readonly string[], options: DeleteOptions) =>
      action(async () => (await import('../group.ts')).remove(world, names, options)),
    );
}
