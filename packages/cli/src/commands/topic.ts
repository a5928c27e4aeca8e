import type { Command } from 'commander';
import { collectPair, positive } from '../arguments.ts';
import { withConnectOptions } from '../connect-options.ts';
import type { ConnectOptions } from '../connect-options.ts';
import type { Action } from '../run.ts';
import type { World } from '../world.ts';

export interface CreateOptions extends ConnectOptions {
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly config?: Readonly<Record<string, string>>;
}

export interface PrintOptions extends ConnectOptions {
  readonly json?: boolean;
}

const work = () => import('../topic.ts');

export function addTopicCommands(program: Command, world: World, action: Action): void {
  const topic = program.command('topic').description('create, list, describe and delete topics');
  const add = (name: string): Command => withConnectOptions(topic.command(name), world);

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
    .action((names: readonly string[], options: CreateOptions) =>
      action(async () => (await work()).create(world, names, options)),
    );

  add('list')
    .description('list topics')
    .option('--json', 'one object a line')
    .action((options: PrintOptions) => action(async () => (await work()).list(world, options)));

  add('describe <topic...>')
    .description('show partitions, leaders, replicas and what is configured')
    .option('--json', 'one object a line')
    .action((names: readonly string[], options: PrintOptions) =>
      action(async () => (await work()).describe(world, names, options)),
    );

  add('delete <topic...>')
    .description('delete topics with all that is in them')
    .action((names: readonly string[], options: ConnectOptions) =>
      action(async () => (await work()).remove(world, names, options)),
    );
}
