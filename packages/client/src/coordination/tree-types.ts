/** What the tree is made of and what may be asked of it, as applications see it. */

export interface TreeStat {
  /** 0 when created; counts changes of the value. */
  readonly version: number;
  /** Counts children that came and went; also numbers sequential children. */
  readonly childrenVersion: number;
  readonly childCount: number;
  /** Places in the order of all changes: grow from change to change, in the whole tree. */
  readonly createdAt: number;
  readonly modifiedAt: number;
  /** The session that it goes with. */
  readonly ephemeralOwner: number | null;
}

export interface TreeNode extends TreeStat {
  readonly value: Uint8Array;
}

/** Several nodes as they were at one moment. */
export interface TreeState {
  /** The first offset of which it does not know. */
  readonly offset: number;
  /** Those that were there, by path. */
  readonly nodes: ReadonlyMap<string, TreeNode>;
}

export type TreeOp =
  | {
      readonly op: 'create';
      /** With `sequential`, the beginning of the path: ten digits follow. */
      readonly path: string;
      /** Text is written as UTF-8. */
      readonly value?: Uint8Array | string;
      /** It goes when the session ends. */
      readonly ephemeral?: boolean;
      readonly sequential?: boolean;
    }
  | {
      readonly op: 'set';
      readonly path: string;
      readonly value: Uint8Array | string;
      /** Only where the node is in this version. */
      readonly expectedVersion?: number;
    }
  | { readonly op: 'delete'; readonly path: string; readonly expectedVersion?: number }
  /** That the node is there, in that version. */
  | { readonly op: 'check'; readonly path: string; readonly expectedVersion?: number };

/** One for each operation, in order. */
export interface OpDone {
  /** As it was made: a sequential node's with its digits. */
  readonly path: string;
  /** Of a deleted node there is none. */
  readonly stat: TreeStat | undefined;
}

export interface Written {
  readonly offset: number;
  readonly results: readonly OpDone[];
}

export interface TreeWatch {
  readonly path: string;
  /** node: this path; children: which names it has below it; subtree: itself and everything below. */
  readonly scope: 'node' | 'children' | 'subtree';
}

export interface TreeChange {
  /** unknown: this one and others may have been missed, and everything has to be looked at. */
  readonly kind: 'created' | 'changed' | 'deleted' | 'unknown';
  readonly path: string;
  readonly offset: number;
}
