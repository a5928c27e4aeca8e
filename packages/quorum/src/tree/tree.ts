/**
 * The tree in memory: ZooKeeper's data model over KRaft's log. It changes by `apply` alone, in recovery and in running.
 *
 * Nodes are found by their whole path in one map, because reads and decisions ask by path; each node that has children keeps
 * their names, because listing asks by parent. Invariant: a node's `childCount` is the number of names kept for it, and
 * every node but the root has its parent in the map.
 */
import type { Offset } from '@odradek/protocol';
import { invariant } from '../errors.ts';
import type { ReadonlyTree, Session, SessionId, TreeChange, TreeNode, TreeStore } from './node.ts';
import { childPath, nameOf, parentOf, ROOT } from './path.ts';
import type { TreeRecord } from './record.ts';
import { replay, ROOT_NODE } from './replay.ts';

interface Entry {
  node: TreeNode;
  /** Most nodes are leaves and never have one. */
  children: Set<string> | undefined;
  /** Made when the children are first listed, dropped when one comes or goes. */
  sorted: readonly string[] | undefined;
}

interface OpenSession {
  readonly session: Session;
  readonly ephemerals: Set<string>;
}

const NO_NAMES: readonly string[] = [];

export class Tree implements ReadonlyTree, TreeStore {
  #entries = new Map<string, Entry>([
    [ROOT, { node: ROOT_NODE, children: undefined, sorted: undefined }],
  ]);
  #sessions = new Map<SessionId, OpenSession>();

  get nodeCount(): number {
    return this.#entries.size;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  apply(record: TreeRecord, at: Offset): TreeChange[] {
    return replay(this, record, at);
  }

  /** Takes over the contents of another tree at once, which is not to be used any more. */
  become(other: Tree): void {
    this.#entries = other.#entries;
    this.#sessions = other.#sessions;
  }

  get(path: string): TreeNode | undefined {
    return this.#entries.get(path)?.node;
  }

  has(path: string): boolean {
    return this.#entries.has(path);
  }

  children(path: string): readonly string[] | undefined {
    const entry = this.#entries.get(path);
    if (entry === undefined) return undefined;
    if (entry.children === undefined) return NO_NAMES;
    entry.sorted ??= [...entry.children].sort();
    return entry.sorted;
  }

  *descend(path: string): Generator<readonly [path: string, node: TreeNode], void, undefined> {
    const ahead = this.has(path) ? [path] : [];
    for (let at = ahead.pop(); at !== undefined; at = ahead.pop()) {
      const node = this.get(at);
      // It may have gone since the walk began.
      if (node === undefined) continue;
      yield [at, node];
      const names = this.children(at) ?? NO_NAMES;
      for (let index = names.length - 1; index >= 0; index--)
        ahead.push(childPath(at, names[index]!));
    }
  }

  session(id: SessionId): Session | undefined {
    return this.#sessions.get(id)?.session;
  }

  sessions(): readonly Session[] {
    return [...this.#sessions.values()].map((it) => it.session).sort((a, b) => a.id - b.id);
  }

  ephemeralsOf(id: SessionId): readonly string[] {
    return [...(this.#sessions.get(id)?.ephemerals ?? [])].sort();
  }

  /** For `replay` and for the loading of a snapshot; nobody else puts. */
  put(path: string, node: TreeNode): void {
    const entry = this.#entries.get(path);
    if (entry !== undefined) {
      entry.node = node;
      return;
    }
    const parent = this.#entries.get(parentOf(path));
    invariant(parent !== undefined, `${path} is put without its parent`);
    this.#entries.set(path, { node, children: undefined, sorted: undefined });
    parent.children ??= new Set();
    parent.children.add(nameOf(path));
    parent.sorted = undefined;
    if (node.ephemeralOwner !== null) this.#sessions.get(node.ephemeralOwner)?.ephemerals.add(path);
  }

  remove(path: string): void {
    const entry = this.#entries.get(path);
    invariant(entry !== undefined, `${path} is removed without being there`);
    this.#entries.delete(path);
    const parent = this.#entries.get(parentOf(path))!;
    parent.children!.delete(nameOf(path));
    if (parent.children!.size === 0) parent.children = undefined;
    parent.sorted = undefined;
    if (entry.node.ephemeralOwner !== null)
      this.#sessions.get(entry.node.ephemeralOwner)?.ephemerals.delete(path);
  }

  putSession(session: Session): void {
    invariant(!this.#sessions.has(session.id), `session ${session.id} is opened twice`);
    this.#sessions.set(session.id, { session, ephemerals: new Set() });
  }

  removeSession(id: SessionId): void {
    invariant(
      this.#sessions.get(id)?.ephemerals.size === 0,
      `session ${id} is removed before its nodes`,
    );
    this.#sessions.delete(id);
  }
}
