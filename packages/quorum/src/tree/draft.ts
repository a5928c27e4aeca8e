/**
 * A sheet of tracing paper over a tree: records are replayed onto it, and what lies below does not change. It serves twice.
 * Each multi is decided on a sheet of its own, so that its later operations see the earlier ones and a refusal leaves
 * nothing behind. And what is decided but not yet committed lies on one lasting sheet over the committed tree, so that
 * proposals are decided in a row without waiting for the disk.
 *
 * The lasting sheet takes a decided one with `take` and lets it go with `settle` when its records were replayed onto the
 * tree itself; an entry goes only if no later sheet has put another over it.
 */
import type { Session, SessionId, TreeNode, TreeStore, TreeView } from './node.ts';

/** Boxed: a sheet knows its entries again by identity. */
interface NodeEntry {
  /** Undefined: removed. */
  readonly node: TreeNode | undefined;
  /** Whose ephemeral node it is, or was before it was removed. */
  readonly owner: SessionId | null;
}

interface SessionEntry {
  readonly session: Session | undefined;
}

export class Draft implements TreeStore {
  readonly #base: TreeView;
  readonly #nodes = new Map<string, NodeEntry>();
  readonly #sessions = new Map<SessionId, SessionEntry>();
  /** The paths in `#nodes` by their owner. */
  readonly #ephemerals = new Map<SessionId, Set<string>>();
  #nodesAdded = 0;
  #sessionsAdded = 0;

  constructor(base: TreeView) {
    this.#base = base;
  }

  /** Nothing differs from the base. */
  get isBlank(): boolean {
    return this.#nodes.size === 0 && this.#sessions.size === 0 && this.#ephemerals.size === 0;
  }

  get nodeCount(): number {
    return this.#base.nodeCount + this.#nodesAdded;
  }

  get sessionCount(): number {
    return this.#base.sessionCount + this.#sessionsAdded;
  }

  get(path: string): TreeNode | undefined {
    const entry = this.#nodes.get(path);
    return entry === undefined ? this.#base.get(path) : entry.node;
  }

  session(id: SessionId): Session | undefined {
    const entry = this.#sessions.get(id);
    return entry === undefined ? this.#base.session(id) : entry.session;
  }

  ephemeralsOf(id: SessionId): readonly string[] {
    const below = this.#base.ephemeralsOf(id);
    const here = this.#ephemerals.get(id);
    if (here === undefined && this.#nodes.size === 0) return below;
    const paths = new Set(below);
    for (const path of here ?? []) paths.add(path);
    return [...paths].filter((path) => this.get(path)?.ephemeralOwner === id).sort();
  }

  put(path: string, node: TreeNode): void {
    if (this.get(path) === undefined) this.#nodesAdded += 1;
    this.#lay(path, { node, owner: node.ephemeralOwner });
  }

  remove(path: string): void {
    this.#nodesAdded -= 1;
    this.#lay(path, { node: undefined, owner: this.get(path)!.ephemeralOwner });
  }

  putSession(session: Session): void {
    this.#sessionsAdded += 1;
    this.#sessions.set(session.id, { session });
  }

  removeSession(id: SessionId): void {
    this.#sessionsAdded -= 1;
    this.#sessions.set(id, { session: undefined });
  }

  /** Lays a sheet that was decided over this one onto it. */
  take(upper: Draft): void {
    for (const [path, entry] of upper.#nodes) this.#lay(path, entry);
    for (const [id, entry] of upper.#sessions) this.#sessions.set(id, entry);
    this.#nodesAdded += upper.#nodesAdded;
    this.#sessionsAdded += upper.#sessionsAdded;
  }

  /** Lets go of a sheet that was taken, after its records were replayed onto the base. */
  settle(taken: Draft): void {
    for (const [path, entry] of taken.#nodes)
      if (this.#nodes.get(path) === entry) this.#lift(path, entry);
    for (const [id, entry] of taken.#sessions)
      if (this.#sessions.get(id) === entry) this.#sessions.delete(id);
    this.#nodesAdded -= taken.#nodesAdded;
    this.#sessionsAdded -= taken.#sessionsAdded;
  }

  #lay(path: string, entry: NodeEntry): void {
    const covered = this.#nodes.get(path);
    if (covered !== undefined && covered.owner !== entry.owner) this.#unlist(path, covered.owner);
    this.#nodes.set(path, entry);
    if (entry.owner === null) return;
    const owned = this.#ephemerals.get(entry.owner);
    if (owned === undefined) this.#ephemerals.set(entry.owner, new Set([path]));
    else owned.add(path);
  }

  #lift(path: string, entry: NodeEntry): void {
    this.#nodes.delete(path);
    this.#unlist(path, entry.owner);
  }

  #unlist(path: string, owner: SessionId | null): void {
    if (owner === null) return;
    const owned = this.#ephemerals.get(owner)!;
    owned.delete(path);
    if (owned.size === 0) this.#ephemerals.delete(owner);
  }
}
