/** The words of the coordination tree on the wire. Numbers are never given to another meaning. */
import { int32, int64 } from '../schema/fields.ts';

/** What the tree says to a read or an operation. */
export const TreeResult = {
  ok: 0,
  noNode: 1,
  nodeExists: 2,
  badVersion: 3,
  notEmpty: 4,
  noParent: 5,
  /** An ephemeral node has no children. */
  ephemeralParent: 6,
  invalidPath: 7,
  sessionExpired: 8,
  /** A limit; the message names it. */
  tooLarge: 9,
  /** Too much waits for its commit: ask again. */
  overloaded: 10,
} as const;
export type TreeResult = (typeof TreeResult)[keyof typeof TreeResult];

/** What is asked of a node: its value; the names of its children; that it is there. All tell its versions. */
export const TreeReadKind = { value: 0, children: 1, stat: 2 } as const;

/** `check`: that the node is there, in that version. */
export const TreeOpKind = { create: 0, set: 1, delete: 2, check: 3 } as const;

/** The node itself; which children it has; itself and all below it. */
export const TreeWatchScope = { node: 0, children: 1, subtree: 2 } as const;

export const TreeChangeKind = { created: 0, changed: 1, deleted: 2 } as const;

/** A node without its value. */
export const treeStat = () => ({
  /** Counts changes of the value. */
  version: int32({ default: -1 }),
  /** Counts children that came and went. */
  childrenVersion: int32({ default: -1 }),
  childCount: int32({ default: 0 }),
  /** Offsets of the records that created the node and last changed its value. */
  createdAt: int64({ default: -1 }),
  modifiedAt: int64({ default: -1 }),
  /** The session that it goes with; -1: none. */
  ephemeralOwner: int64({ default: -1 }),
});
