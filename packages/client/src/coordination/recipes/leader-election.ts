/**
 * One leader among many: the lock's recipe, with a name for whoever holds it. Every candidate stands in the same queue, and the next in
 * it takes over when the leader's session ends.
 */
import type { AbortSignalLike } from '@odradek/ports';
import { utf8Decode } from '@odradek/protocol';
import { childPath } from '../tree-path.ts';
import { acquireLock, ticketsOf, type HeldLock } from './lock.ts';
import type { TreeClient, TreeReader } from './tree-client.ts';

export interface ElectedLeader {
  readonly name: string;
  /** Grows from leader to leader. */
  readonly fence: number;
}

export interface ElectionOptions {
  /** By which the others know the leader. */
  readonly name: string;
  readonly signal?: AbortSignalLike;
}

/** Resolves when this candidate leads; it does until `lost`, or until it releases. */
export const standForElection = (
  tree: TreeClient,
  path: string,
  { name, signal }: ElectionOptions,
): Promise<HeldLock> =>
  acquireLock(tree, path, { value: name, ...(signal !== undefined && { signal }) });

/** Undefined: there is none. */
export async function leaderOf(tree: TreeReader, path: string): Promise<ElectedLeader | undefined> {
  for (;;) {
    const [first] = await ticketsOf(tree, path);
    if (first === undefined) return undefined;
    const node = await tree.get(childPath(path, first));
    // Gone in between: another one is first.
    if (node !== undefined) return { name: utf8Decode(node.value), fence: node.createdAt };
  }
}
