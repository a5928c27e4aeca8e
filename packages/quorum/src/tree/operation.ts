/**
 * What may be asked of the tree, and what comes back. A refusal is a value, like an error code in a reply: it is part of
 * the answer, ordered with the others, and harms nothing.
 */
import type { Session, SessionEnd, SessionId, TreeNode } from './node.ts';

export type TreeOp =
  | {
      readonly op: 'create';
      /** With `sequential`, the beginning of the path: ten digits follow. */
      readonly path: string;
      readonly value?: Uint8Array;
      /** Bound to the session of the proposal. */
      readonly ephemeral?: boolean;
      readonly sequential?: boolean;
    }
  | {
      readonly op: 'set';
      readonly path: string;
      readonly value: Uint8Array;
      readonly expectedVersion?: number;
    }
  | { readonly op: 'delete'; readonly path: string; readonly expectedVersion?: number }
  /** That the node is there, in that version. */
  | { readonly op: 'check'; readonly path: string; readonly expectedVersion?: number };

export type SessionOp =
  /** The timeout is moved into the limits. */
  | { readonly op: 'openSession'; readonly timeoutMs: number }
  | { readonly op: 'closeSession'; readonly sessionId: SessionId; readonly end: SessionEnd };

/** One for each operation of the multi, in order. */
export type OpResult =
  | { readonly op: 'create'; readonly path: string; readonly node: TreeNode }
  | { readonly op: 'set'; readonly path: string; readonly node: TreeNode }
  | { readonly op: 'delete'; readonly path: string }
  | { readonly op: 'check'; readonly path: string; readonly node: TreeNode }
  | { readonly op: 'openSession'; readonly session: Session }
  | { readonly op: 'closeSession'; readonly sessionId: SessionId };

export type TreeErrorCode =
  | 'nodeExists'
  | 'noNode'
  | 'badVersion'
  | 'notEmpty'
  | 'noParent'
  /** An ephemeral node has no children. */
  | 'ephemeralParent'
  | 'invalidPath'
  /** The proposal's session is not open, or an ephemeral node was asked for without one. */
  | 'sessionExpired'
  /** A limit by name: see TreeLimits. */
  | 'tooLarge'
  /** Too much is waiting for its commit: ask again. */
  | 'overloaded';

export interface TreeError {
  readonly code: TreeErrorCode;
  readonly message: string;
  /** Which operation of the multi. */
  readonly opIndex: number;
}
