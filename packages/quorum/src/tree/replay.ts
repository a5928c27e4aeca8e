/**
 * The one place where the tree's state changes: a record is replayed, whether it comes from the disk, from a peer, or was
 * decided here a moment ago. What cannot be is a broken invariant, because every record was checked before it was appended.
 */
import type { Offset } from '@odradek/protocol';
import { invariant } from '../errors.ts';
import { sessionId, type Session, type TreeChange, type TreeNode, type TreeStore } from './node.ts';
import { parentOf, ROOT } from './path.ts';
import type { TreeRecord } from './record.ts';

const NO_BYTES = new Uint8Array(0);

/** The tree before its first record. */
export const ROOT_NODE: TreeNode = {
  value: NO_BYTES,
  version: 0,
  childrenVersion: 0,
  childCount: 0,
  createdAt: 0 as Offset,
  modifiedAt: 0 as Offset,
  ephemeralOwner: null,
};

export function replay(store: TreeStore, record: TreeRecord, at: Offset): TreeChange[] {
  switch (record.type) {
    case 'nodeCreated': {
      const { path, value, ephemeralOwner } = record;
      invariant(store.get(path) === undefined, `${path} is created twice, at offset ${at}`);
      invariant(
        ephemeralOwner === null || store.session(ephemeralOwner) !== undefined,
        `${path} belongs to a session that is not open, at offset ${at}`,
      );
      const node: TreeNode = {
        value,
        version: 0,
        childrenVersion: 0,
        childCount: 0,
        createdAt: at,
        modifiedAt: at,
        ephemeralOwner,
      };
      countChild(store, path, 1, at);
      store.put(path, node);
      return [{ kind: 'nodeCreated', path, node }];
    }
    case 'nodeChanged': {
      const { path, value } = record;
      const previous = present(store, path, at);
      const node = { ...previous, value, version: previous.version + 1, modifiedAt: at };
      store.put(path, node);
      return [{ kind: 'nodeChanged', path, node, previous }];
    }
    case 'nodeDeleted':
      return [deleteNode(store, record.path, at)];
    case 'sessionOpened': {
      const session: Session = { id: sessionId(at), timeoutMs: record.timeoutMs };
      store.putSession(session);
      return [{ kind: 'sessionOpened', session }];
    }
    case 'sessionClosed': {
      const session = store.session(record.sessionId);
      invariant(
        session !== undefined,
        `session ${record.sessionId} is closed without being open, at offset ${at}`,
      );
      const changes: TreeChange[] = store
        .ephemeralsOf(session.id)
        .map((path) => deleteNode(store, path, at));
      store.removeSession(session.id);
      changes.push({ kind: 'sessionClosed', session, end: record.end });
      return changes;
    }
    case 'noOp':
      return [];
  }
}

function deleteNode(store: TreeStore, path: string, at: Offset): TreeChange {
  const node = present(store, path, at);
  invariant(path !== ROOT, `the root is deleted, at offset ${at}`);
  invariant(node.childCount === 0, `${path} is deleted with its children, at offset ${at}`);
  store.remove(path);
  countChild(store, path, -1, at);
  return { kind: 'nodeDeleted', path, node };
}

function countChild(store: TreeStore, path: string, difference: 1 | -1, at: Offset): void {
  const parentPath = parentOf(path);
  const parent = present(store, parentPath, at);
  store.put(parentPath, {
    ...parent,
    childrenVersion: parent.childrenVersion + 1,
    childCount: parent.childCount + difference,
  });
}

function present(store: TreeStore, path: string, at: Offset): TreeNode {
  const node = store.get(path);
  invariant(node !== undefined, `${path} is not there, at offset ${at}`);
  return node;
}
