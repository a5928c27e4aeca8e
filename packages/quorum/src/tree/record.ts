/**
 * What the metadata log is made of. A record says what is to be, not under which conditions: those were decided before it
 * was appended. Each multi is one batch of these, so that it is on disk whole or not at all.
 */
import type { SessionEnd, SessionId } from './node.ts';

export type TreeRecord =
  | {
      readonly type: 'nodeCreated';
      readonly path: string;
      readonly value: Uint8Array;
      readonly ephemeralOwner: SessionId | null;
    }
  | { readonly type: 'nodeChanged'; readonly path: string; readonly value: Uint8Array }
  | { readonly type: 'nodeDeleted'; readonly path: string }
  /** The session's id is the record's offset. */
  | { readonly type: 'sessionOpened'; readonly timeoutMs: number }
  /** Takes the session's ephemeral nodes with it: they cannot outlive it by a crash between two batches. */
  | { readonly type: 'sessionClosed'; readonly sessionId: SessionId; readonly end: SessionEnd }
  /** A multi that only checked: its place in the log proves that the leader still was one (KIP-835 has the like). */
  | { readonly type: 'noOp' };
