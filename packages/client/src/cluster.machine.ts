/**
 * Whether the cluster can be reached, as one sees it from here. It opens no connection itself: the cluster tells it how its attempts
 * went, and those who show a status (or wait for one) look at it. Losing one broker of several is no change of state; losing the
 * last open connection is.
 */
import type { Machine } from './lifecycle.ts';

export interface ClusterContext {
  /** Why the last attempt to reach anybody failed. */
  readonly lastError: string | undefined;
}

export type ClusterEvent =
  | 'connection.attempted'
  | 'connection.opened'
  /** The last one that was open. */
  | 'connections.lost'
  /** Every address that is known was tried in vain. */
  | 'brokers.unreachable'
  | 'client.closed';

export type ClusterState = 'idle' | 'connecting' | 'connected' | 'unreachable' | 'closed';

/** In every state but the last. */
const open = {
  'connection.attempted': 'ignored',
  'connection.opened': 'connected',
  'connections.lost': 'idle',
  'brokers.unreachable': 'unreachable',
  'client.closed': 'closed',
} as const;

export const clusterMachine: Machine<ClusterState, ClusterEvent> = {
  id: 'cluster',
  initial: 'idle',
  states: {
    /** No connection, and nobody asks for one. */
    idle: { on: { ...open, 'connection.attempted': 'connecting' } },
    connecting: { on: open },
    connected: { on: open },
    /** Who asks next tries again; pauses grow between attempts. */
    unreachable: { on: open },
    closed: { type: 'final' },
  },
};
