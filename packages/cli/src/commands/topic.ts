import type { Command } from 'commander';
import { collect, collectPair, positive } from '../arguments.ts';
import { withConnectOptions, withJsonOption } from '../connect-options.ts';
import type { ConnectOptions, PrintOptions } from '../connect-options.ts';
import type { Action } from '../program.ts';
import type { World } from '../world.ts';

type Options = ConnectOptions & PrintOptions;

export interface CreateOptions extends Options {
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly config?: Readonly<Record<string, string>>;
  readonly ifNotExists?: boolean;
}

export interface ListOptions extends Options {
  readonly internal?: boolean;
}

export interface DescribeOptions extends Options {
  readonly allConfigs?: boolean;
}

export interface AlterOptions extends Options {
  readonly partitions?: number;
  readonly config?: Readonly<Record<string, string>>;
  readonly unset?: readonly string[];
  readonly dryRun?: boolean;
}

export interface DeleteOptions extends Options {
  readonly yes?: boolean;
}

const work = () => import('../topic.ts');

export function addTopicCommands(program: Command, world: World, action: Action): void {
  const topic = program
    .command('topic')
    .description('create, list, describe, alter and delete topics');
  const add = (name: string): Command => withJsonOption(withConnectOptions(topic.command(name)));

  add('create <topic...>')
    .description('create topics')
    .option('-p, --partitions <n>', "partitions (default: the broker's num.partitions)", positive)
    .option(
      '-r, --replication-factor <n>',
      "replicas of each partition (default: the broker's)",
      positive,
    )
    .option(
      '-c, --config <key=value>',
      'set one key, such as cleanup.policy=compact; may be given several times',
      collectPair,
    )
    .option('--if-not-exists', 'one that is there already is no failure')
    .action((names: readonly string[], options: CreateOptions) =>
      action(async () => (await work()).create(world, names, options)),
    );

  add('list')
    .description('list topics')
    .option('--internal', "those of the broker itself too, such as the groups' offsets")
    .action((options: ListOptions) => action(async () => (await work()).list(world, options)));

  add('describe <topic...>')
    .description('show partitions, leaders, replicas, offsets and what is configured')
    .option('--all-configs', 'all keys of the configuration, with where each value comes from')
    .action((names: readonly string[], options: DescribeOptions) =>
      action(async () => (await import('../topic-describe.ts')).describe(world, names, options)),
    );

  add('alter <topic>')
    .description('add partitions, change the configuration')
    .option('-p, --partitions <n>', 'how many it is to have; they can only become more', positive)
    .option('-c, --config <key=value>', 'set one key; may be given several times', collectPair)
    .option(
      '-u, --unset <key>',
      "take one key's own value away: the broker's counts again",
      collect,
    )
    .option('--dry-run', 'only ask the broker whether it could be done')
    .action((name: string, options: AlterOptions) =>
      action(async () => (await work()).alter(world, name, options)),
    );

  add('delete <topic...>')
    .description('delete topics with all that is in them')
    .option('-y, --yes', 'do not ask for the name (asked only on a terminal)')
    .action((names: readonly string[], options: DeleteOptions) =>
      action(async () => (await work()).remove(world, names, options)),
    );
}
