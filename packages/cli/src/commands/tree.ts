import { Option } from 'commander';
import type { Command } from 'commander';
import { integer } from '../arguments.ts';
import { withConnectOptions, withJsonOption } from '../connect-options.ts';
import type { ConnectOptions, PrintOptions } from '../connect-options.ts';
import type { Action } from '../program.ts';
import type { World } from '../world.ts';

export type TreeOptions = ConnectOptions & PrintOptions;

export interface VersionOptions extends TreeOptions {
  readonly expectedVersion?: number;
}

export interface CreateOptions extends TreeOptions {
  readonly sequential?: boolean;
  readonly parents?: boolean;
}

export interface WatchOptions extends TreeOptions {
  readonly scope: 'node' | 'children' | 'subtree';
}

const HELP = `
Paths begin with / and are the applications' own: the cluster's state is not among them.

Examples:
  odradek tree create /settings/colour blue --parents
  odradek tree get /settings/colour
  odradek tree set /settings/colour green --expected-version 0
  odradek tree watch /settings --scope subtree
`;

const work = () => import('../tree.ts');

export function addTreeCommands(program: Command, world: World, action: Action): void {
  const tree = program
    .command('tree')
    .description("read, change and watch nodes of the cluster's coordination tree")
    .addHelpText('after', HELP);
  const add = (name: string): Command => withJsonOption(withConnectOptions(tree.command(name)));
  const versioned = (command: Command): Command =>
    command.option('--expected-version <n>', 'only where the node is in this version', integer);

  add('get <path>')
    .description("print a node's value as it is; with --json what is known of the node")
    .action((path: string, options: TreeOptions) =>
      action(async () => (await work()).get(world, path, options)),
    );

  add('list [path]')
    .description('print the names of the children')
    .action((path: string | undefined, options: TreeOptions) =>
      action(async () => (await work()).list(world, path ?? '/', options)),
    );

  add('create <path> [value]')
    .description('make a node, and print its path')
    .option('--sequential', 'put ten digits behind the path, larger from node to node')
    .option('-p, --parents', 'make the nodes above it too, where they are missing')
    .action((path: string, value: string | undefined, options: CreateOptions) =>
      action(async () => (await work()).create(world, path, value ?? '', options)),
    );

  versioned(add('set <path> <value>'))
    .description("change a node's value")
    .action((path: string, value: string, options: VersionOptions) =>
      action(async () => (await work()).set(world, path, value, options)),
    );

  versioned(add('delete <path>'))
    .description('remove a node that has no children')
    .action((path: string, options: VersionOptions) =>
      action(async () => (await work()).remove(world, path, options)),
    );

  add('watch <path>')
    .description('print what changes from now on, until it is stopped')
    .addOption(
      new Option('--scope <scope>', 'the node itself, which children it has, or all below it')
        .choices(['node', 'children', 'subtree'])
        .default('node'),
    )
    .action((path: string, options: WatchOptions) =>
      action(async () => (await work()).watch(world, path, options)),
    );
}
