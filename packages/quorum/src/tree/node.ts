/**
 * What the tree is made of. Nodes and sessions are values: a change puts a new one in the place of the old, so that
 * whoever holds one may keep it. Their bytes must not be written to.
 */
import type { Offset } from '@odradek/protocol';

/** The offset of the record that opened the session: unique for ever, with nobody to hand out numbers. */
export type SessionId = number & { readonly __brand: 'SessionId' };
export const sessionId = (value: number): SessionId => value as SessionId;

export interface TreeNode {
  readonly value: Uint8Array;
  /** 0 when created; counts changes of the value. */
  readonly version: number;
  /** Counts children that came and went; also numbers sequential children, as in ZooKeeper. */
  readonly childrenVersion: number;
  readonly childCount: number;
  /** Offsets of the records that created the node and last changed its value. */
  readonly createdAt: Offset;
  readonly modifiedAt: Offset;
  /** The node goes when this session ends. It has no children. */
  readonly ephemeralOwner: SessionId | null;
}

export interface Session {
  readonly id: SessionId;
  readonly timeoutMs: number;
}

/** closed: by its owner; expired: nothing was heard of the owner for the session's timeout. */
export type SessionEnd = 'closed' | 'expired';

/** What a replayed record did, for watches and derived images. Within a batch in the order of the records. */
export type TreeChange =
  | { readonly kind: 'nodeCreated'; readonly path: string; readonly node: TreeNode }
  | {
      readonly kind: 'nodeChanged';
      readonly path: string;
      readonly node: TreeNode;
      readonly previous: TreeNode;
    }
  /** `node` is the last state. */
  | { readonly kind: 'nodeDeleted'; readonly path: string; readonly node: TreeNode }
  | { readonly kind: 'sessionOpened'; readonly session: Session }
  /** Behind the deletions of the session's ephemeral nodes. */
  | { readonly kind: 'sessionClosed'; readonly session: Session; readonly end: SessionEnd };

/** What a decision needs to see: the committed tree, or it and what was decided on top. */
export interface TreeView {
  readonly nodeCount: number;
  readonly sessionCount: number;
  get(path: string): TreeNode | undefined;
  session(id: SessionId): Session | undefined;
  /** Paths of the session's ephemeral nodes, sorted. */
  ephemeralsOf(id: SessionId): readonly string[];
}

/** What replaying a record needs to touch. Whole states are put: the arithmetic is `replay`'s alone. */
export interface TreeStore extends TreeView {
  put(path: string, node: TreeNode): void;
  remove(path: string): void;
  putSession(session: Session): void;
  removeSession(id: SessionId): void;
}

/** The committed tree, for readers. All orders are by UTF-16 code units, the same on every member. */
export interface ReadonlyTree extends TreeView {
  has(path: string): boolean;
  /** Names of the children, sorted; undefined without such a node. */
  children(path: string): readonly string[] | undefined;
  /** The node and everything below it, parents first, children sorted. Empty without such a node. */
  descend(path: string): Iterable<readonly [path: string, node: TreeNode]>;
  /** Sorted by id. */
  sessions(): readonly Session[];
}
