/**
 * Whether the cluster can be reached, as one sees it from here. It opens no connection itself: the cluster tells it how its attempts
 * went, and those who show a status (or wait for one) look at it. Losing one broker of several is no change of state; losing the
 * last open connection is.
 */
import { assign } from 'xstate';
import { setup } from './machine.ts';

export interface ClusterContext {
  readonly openConnections: number;
  /** Why the last attempt to reach anybody failed. */
  readonly lastError: string | undefined;
}

export type ClusterEvent =
  | { readonly type: 'connection.attempted' }
  | { readonly type: 'connection.opened' }
  | { readonly type: 'connection.lost'; readonly reason: string }
  /** Every address that is known was tried in vain. */
  | { readonly type: 'brokers.unreachable'; readonly reason: string }
  | { readonly type: 'client.closed' };

export type ClusterState = 'idle' | 'connecting' | 'connected' | 'unreachable' | 'closed';

export const clusterMachine = setup({
  types: { context: {} as ClusterContext, events: {} as ClusterEvent },
  guards: { isLastConnection: ({ context }) => context.openConnections <= 1 },
  actions: {
    countOpened: assign({
      openConnections: ({ context }) => context.openConnections + 1,
      lastError: undefined,
    }),
    countLost: assign({ openConnections: ({ context }) => context.openConnections - 1 }),
    noteReason: assign({ lastError: (_, { reason }: { reason: string }) => reason }),
  },
}).createMachine({
  id: 'cluster',
  context: { openConnections: 0, lastError: undefined },
  initial: 'idle',
  on: {
    'connection.opened': { target: '.connected', actions: 'countOpened' },
    'connection.lost': [
      {
        guard: 'isLastConnection',
        target: '.idle',
        actions: [
          'countLost',
          { type: 'noteReason', params: ({ event }) => ({ reason: event.reason }) },
        ],
      },
      { actions: 'countLost' },
    ],
    'brokers.unreachable': {
      target: '.unreachable',
      actions: { type: 'noteReason', params: ({ event }) => ({ reason: event.reason }) },
    },
    'client.closed': '.closed',
  },
  states: {
    /** No connection, and nobody asks for one. */
    idle: { on: { 'connection.attempted': 'connecting' } },
    connecting: {},
    connected: {},
    /** Who asks next tries again; pauses grow between attempts. */
    unreachable: {},
    closed: { type: 'final' },
  },
});
