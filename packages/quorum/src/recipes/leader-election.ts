/**
 * One leader among many: the lock's recipe, with a name for whoever holds it. Every candidate stands in the same queue, and
 * the next in it takes over when the leader's session ends.
 */
import type { AbortSignalLike } from '@odradek/ports';
import { utf8Decode, utf8Encode, type Offset } from '@odradek/protocol';
import { childPath } from '../tree/path.ts';
import { acquireLock, ticketsOf, type HeldLock } from './lock.ts';
import type { TreeClient } from './tree-client.ts';

export interface ElectedLeader {
  readonly name: string;
  /** Grows from leader to leader. */
  readonly fence: Offset;
}

/** Resolves when this candidate leads; it does until `lost`, or until it releases. */
export function standForElection(
  client: TreeClient,
  path: string,
  { name, signal }: { readonly name: string; readonly signal?: AbortSignalLike },
): Promise<HeldLock> {
  const value = utf8Encode(name);
  return acquireLock(client, path, signal === undefined ? { value } : { value, signal });
}

/** As the client's tree has it. */
export async function leaderOf(
  client: TreeClient,
  path: string,
): Promise<ElectedLeader | undefined> {
  const [first] = await ticketsOf(client, path);
  if (first === undefined) return undefined;
  const node = await client.get(childPath(path, first));
  return node && { name: utf8Decode(node.value), fence: node.createdAt };
}

/** Told once at the beginning, and of each new leader, or of none, in order. Fences never go back. */
export function followLeader(
  client: TreeClient,
  path: string,
  told: (leader: ElectedLeader | undefined) => void,
): () => void {
  let isStopped = false;
  let last: number | undefined;
  let looking = Promise.resolve();
  const look = (): void => {
    looking = looking.then(async () => {
      const leader = await leaderOf(client, path).catch(() => undefined);
      const fence = leader?.fence ?? -1;
      if (isStopped || fence === last) return;
      last = fence;
      told(leader);
    });
  };
  const unwatch = client.watch({ path, scope: 'subtree' }, look);
  look();
  return () => {
    isStopped = true;
    unwatch();
  };
}
