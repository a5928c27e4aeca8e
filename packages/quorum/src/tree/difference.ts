/**
 * What turns one tree into another, told as if it had happened: for those who follow the tree of a member that came by a
 * snapshot instead of the log. What happened in between and left no trace is not told; what is told, is so. A node that was
 * deleted and made anew (another `createdAt`) is told as both.
 *
 * Order: what is gone, children first; sessions that have ended, behind their nodes; new sessions; what is new or has
 * changed, parents first. So each change fits the tree that the ones before it leave.
 */
import type { TreeChange, TreeNode } from './node.ts';
import { ROOT } from './path.ts';
import type { Tree } from './tree.ts';

export function treeDifference(before: Tree, after: Tree): TreeChange[] {
  const isSame = (node: TreeNode, other: TreeNode | undefined): boolean =>
    other !== undefined && other.createdAt === node.createdAt;
  const changes: TreeChange[] = [];
  for (const [path, node] of [...before.descend(ROOT)].reverse())
    if (!isSame(node, after.get(path))) changes.push({ kind: 'nodeDeleted', path, node });
  for (const session of before.sessions())
    if (after.session(session.id) === undefined)
      // By whom is not in a snapshot; that nobody holds it any more is what matters.
      changes.push({ kind: 'sessionClosed', session, end: 'expired' });
  for (const session of after.sessions())
    if (before.session(session.id) === undefined) changes.push({ kind: 'sessionOpened', session });
  for (const [path, node] of after.descend(ROOT)) {
    const previous = before.get(path);
    if (previous === undefined || !isSame(node, previous))
      changes.push({ kind: 'nodeCreated', path, node });
    else if (previous.modifiedAt !== node.modifiedAt)
      changes.push({ kind: 'nodeChanged', path, node, previous });
  }
  return changes;
}
