/** Who is here: one ephemeral node for each member, under its name. It goes with the member's session. */
import { childPath } from '../tree/path.ts';
import { committed, ensurePath, type TreeClient } from './tree-client.ts';

export interface Member {
  readonly name: string;
  readonly value: Uint8Array;
}

export interface JoinedGroup {
  /** Tells the others something else. */
  update(value: Uint8Array): Promise<void>;
  leave(): Promise<void>;
}

/** Throws TreeRefusal 'nodeExists' where another, or an older session of the same, still has the name. */
export async function joinGroup(
  client: TreeClient,
  path: string,
  { name, value }: Member,
): Promise<JoinedGroup> {
  await ensurePath(client, path);
  const node = childPath(path, name);
  await committed(client, [{ op: 'create', path: node, value, ephemeral: true }]);
  return {
    update: async (next) =>
      void (await committed(client, [{ op: 'set', path: node, value: next }])),
    leave: async () => {
      const answer = await client.propose([{ op: 'delete', path: node }]);
      if (answer.status === 'refused' && answer.error.code !== 'noNode')
        throw new Error(answer.error.message);
    },
  };
}

/** By name. */
export async function membersOf(client: TreeClient, path: string): Promise<readonly Member[]> {
  const members: Member[] = [];
  for (const name of (await client.children(path)) ?? []) {
    const node = await client.get(childPath(path, name));
    if (node !== undefined) members.push({ name, value: node.value });
  }
  return members;
}

/** Told once at the beginning and after each change, in order. */
export function followMembers(
  client: TreeClient,
  path: string,
  told: (members: readonly Member[]) => void,
): () => void {
  let isStopped = false;
  let looking = Promise.resolve();
  const look = (): void => {
    looking = looking.then(async () => {
      const members = await membersOf(client, path).catch(() => undefined);
      if (!isStopped && members !== undefined) told(members);
    });
  };
  const unwatch = client.watch({ path, scope: 'subtree' }, look);
  look();
  return () => {
    isStopped = true;
    unwatch();
  };
}
