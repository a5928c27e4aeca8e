/** The coordination tree's nodes: read as they are now, changed, watched. */
import { Coordination, TreeRefused, parentOf, ROOT } from '@odradek/client/coordination';
import type { TreeNode } from '@odradek/client/coordination';
import type { CreateOptions, TreeOptions, VersionOptions, WatchOptions } from './commands/tree.ts';
import { withCluster } from './connect.ts';
import { textOf } from './envelope.ts';
import { interruptible } from './interruption.ts';
import { writeJson } from './table.ts';
import { EXIT_OK } from './world.ts';
import type { World } from './world.ts';

const FRESH = { fresh: true } as const;

export const get = (
  world: World,
  path: string,
  { json, ...connect }: TreeOptions,
): Promise<number> =>
  withTree(world, connect, async (tree) => {
    const node = present(path, await tree.get(path, FRESH));
    if (json) await writeJson(world, [rowOf(path, node)]);
    else {
      await world.stdout.write(node.value);
      // A prompt is not to stand behind the value; a program gets the bytes and no more.
      if (world.stdout.isTerminal) await world.stdout.write('\n');
    }
    return EXIT_OK;
  });

export const list = (
  world: World,
  path: string,
  { json, ...connect }: TreeOptions,
): Promise<number> =>
  withTree(world, connect, async (tree) => {
    const names = present(path, await tree.children(path, FRESH));
    if (json)
      await writeJson(
        world,
        names.map((name) => ({ path: path === ROOT ? `/${name}` : `${path}/${name}` })),
      );
    else await world.stdout.write(names.map((name) => `${name}\n`).join(''));
    return EXIT_OK;
  });

export const create = (
  world: World,
  path: string,
  value: string,
  { json, sequential = false, parents = false, ...connect }: CreateOptions,
): Promise<number> =>
  withTree(world, connect, async (tree) => {
    if (parents) await ensure(tree, parentOf(path));
    const made = await tree.create(path, { value, sequential });
    if (json) await writeJson(world, [{ path: made.path, ...made.stat }]);
    else await world.stdout.write(`${made.path}\n`);
    return EXIT_OK;
  });

export const set = (
  world: World,
  path: string,
  value: string,
  { json, expectedVersion, ...connect }: VersionOptions,
): Promise<number> =>
  withTree(world, connect, async (tree) => {
    const stat = await tree.set(path, value, expecting(expectedVersion));
    if (json) await writeJson(world, [{ path, ...stat }]);
    return EXIT_OK;
  });

export const remove = (
  world: World,
  path: string,
  { json, expectedVersion, ...connect }: VersionOptions,
): Promise<number> =>
  withTree(world, connect, async (tree) => {
    await tree.delete(path, expecting(expectedVersion));
    if (json) await writeJson(world, [{ path }]);
    return EXIT_OK;
  });

export const watch = (
  world: World,
  path: string,
  { json, scope, ...connect }: WatchOptions,
): Promise<number> =>
  interruptible(
    world,
    (signal) =>
      withTree(world, connect, async (tree) => {
        await tree.sync({ signal });
        for await (const change of tree.watch(path, { scope, signal }))
          if (json) await writeJson(world, [change]);
          else await world.stdout.write(`${change.kind} ${change.path}\n`);
        return EXIT_OK;
      }),
    { isItsEnd: true },
  );

const withTree = (
  world: World,
  options: TreeOptions,
  work: (tree: Coordination) => Promise<number>,
): Promise<number> =>
  withCluster(world, options, async (cluster) => {
    await using tree = new Coordination(cluster);
    return await work(tree);
  });

const expecting = (expectedVersion: number | undefined) =>
  expectedVersion === undefined ? {} : { expectedVersion };

async function ensure(tree: Coordination, path: string): Promise<void> {
  if (path === ROOT || (await tree.exists(path, FRESH))) return;
  await ensure(tree, parentOf(path));
  try {
    await tree.create(path);
  } catch (error) {
    if (!(error instanceof TreeRefused && error.code === 'nodeExists')) throw error;
  }
}

function present<T>(path: string, found: T | undefined): T {
  if (found === undefined) throw new TreeRefused('noNode', `${path} is not there`);
  return found;
}

function rowOf(path: string, { value, ...stat }: TreeNode): Readonly<Record<string, unknown>> {
  const text = textOf(value);
  return {
    path,
    ...(text === undefined
      ? { valueBase64: Buffer.from(value).toString('base64') }
      : { value: text }),
    ...stat,
  };
}
