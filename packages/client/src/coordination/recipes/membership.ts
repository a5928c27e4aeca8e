/** Who is here: one ephemeral node for each member, under its name. It goes with the member's session. */
import { OutcomeUnknown } from '../tree-errors.ts';
import { childPath } from '../tree-path.ts';
import type { TreeState } from '../tree-types.ts';
import { ensurePath, removeOwn, type TreeClient, type TreeReader } from './tree-client.ts';

export interface Member {
  readonly name: string;
  readonly value: Uint8Array;
}

export interface JoinedGroup extends AsyncDisposable {
  readonly name: string;
  /** By this host's clock, at this very moment. */
  readonly isMember: boolean;
  /** Tells the others something else. */
  update(value: Uint8Array | string): Promise<void>;
  leave(): Promise<void>;
}

export interface JoinOptions {
  readonly name: string;
  /** What the others are told. */
  readonly value?: Uint8Array | string;
}

/** Rejects with TreeRefused 'nodeExists' where another, or an older session of the same, still has the name. */
export async function joinGroup(
  tree: TreeClient,
  path: string,
  { name, value = '' }: JoinOptions,
): Promise<JoinedGroup> {
  await ensurePath(tree, path);
  const node = childPath(path, name);
  try {
    await tree.write([{ op: 'create', path: node, value, ephemeral: true }]);
  } catch (error) {
    if (!(error instanceof OutcomeUnknown)) throw error;
    await tree.sync();
    if ((await tree.get(node))?.ephemeralOwner !== tree.sessionId) throw error;
  }
  let hasLeft = false;
  const leave = async (): Promise<void> => {
    if (hasLeft) return;
    hasLeft = true;
    await removeOwn(tree, node);
  };
  return {
    name,
    get isMember() {
      return !hasLeft && tree.isAlive;
    },
    async update(next) {
      await tree.write([{ op: 'set', path: node, value: next }]);
    },
    leave,
    [Symbol.asyncDispose]: leave,
  };
}

/** Nodes that are asked for at once. */
const MEMBERS_A_READ = 500;

/** By name. */
export async function membersOf(
  tree: Pick<TreeReader, 'children'> & {
    getAll(paths: readonly string[]): Promise<TreeState>;
  },
  path: string,
): Promise<readonly Member[]> {
  const names = (await tree.children(path)) ?? [];
  const members: Member[] = [];
  for (let at = 0; at < names.length; at += MEMBERS_A_READ) {
    const some = names.slice(at, at + MEMBERS_A_READ);
    const { nodes } = await tree.getAll(some.map((name) => childPath(path, name)));
    for (const name of some) {
      const node = nodes.get(childPath(path, name));
      if (node !== undefined) members.push({ name, value: node.value });
    }
  }
  return members;
}
