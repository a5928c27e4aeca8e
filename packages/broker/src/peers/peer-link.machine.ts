/**
 * The way to one other member that this one dials. Requests do not pass through here: the machine says whether there is a
 * channel, and when the next attempt is due.
 *
 *   idle            nobody needs it, or its address is not known
 *   connecting      the transport dials
 *   authenticating  both say who they are
 *   up
 *   backingOff      longer after each failure; a wish to reach the peer does not shorten it
 *   closed
 */
import { assign, fromPromise, setup } from 'xstate';

export interface PeerLinkContext {
  readonly nodeId: number;
  readonly failures: number;
  /** Why there is no channel, for people. */
  readonly reason: string | null;
}

export type PeerLinkEvent =
  | { type: 'peer.wanted' }
  | { type: 'address.changed' }
  | { type: 'channel.closed'; reason: string }
  | { type: 'close.requested' };

const unprovided = (name: string) => () => {
  throw new Error(`${name} is provided by the shell`);
};

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

const failed = {
  target: 'backingOff',
  actions: {
    type: 'recordFailure',
    params: ({ event }: { readonly event: { readonly error: unknown } }) => ({
      reason: reasonOf(event.error),
    }),
  },
} as const;

export const peerLinkMachine = setup({
  types: {
    context: {} as PeerLinkContext,
    events: {} as PeerLinkEvent,
    input: {} as { nodeId: number },
    tags: {} as 'isUp' | 'isTrying',
  },
  actions: {
    recordFailure: assign(({ context }, { reason }: { reason: string }) => ({
      failures: context.failures + 1,
      reason,
    })),
    recordLoss: assign((_, { reason }: { reason: string }) => ({ reason })),
    forgetFailures: assign({ failures: 0, reason: null }),
    /** Effect: what waits for the channel may use it. */
    tellUp: unprovided('tellUp') as () => void,
    /** Effect: what waits for the channel is told that there is none. */
    tellDown: unprovided('tellDown') as (_: unknown, params: { reason: string | null }) => void,
    /** Effect: a channel that was up has ended. */
    tellLost: unprovided('tellLost') as () => void,
    /** Effect: the channel is closed. */
    hangUp: unprovided('hangUp') as () => void,
  },
  delays: {
    backoff: () => {
      throw new Error('backoff is provided by the shell');
    },
  },
  actors: {
    dial: fromPromise<void, { nodeId: number }>(unprovided('dial')),
    greet: fromPromise<void, { nodeId: number }>(unprovided('greet')),
  },
}).createMachine({
  id: 'peerLink',
  context: ({ input }) => ({ nodeId: input.nodeId, failures: 0, reason: null }),
  initial: 'idle',
  on: { 'close.requested': '.closed' },
  states: {
    idle: { on: { 'peer.wanted': 'connecting' } },
    connecting: {
      tags: 'isTrying',
      invoke: {
        src: 'dial',
        input: ({ context }) => ({ nodeId: context.nodeId }),
        onDone: 'authenticating',
        onError: failed,
      },
    },
    authenticating: {
      tags: 'isTrying',
      invoke: {
        src: 'greet',
        input: ({ context }) => ({ nodeId: context.nodeId }),
        onDone: 'up',
        onError: failed,
      },
    },
    up: {
      tags: 'isUp',
      entry: ['forgetFailures', 'tellUp'],
      on: {
        'channel.closed': {
          target: 'idle',
          actions: [
            { type: 'recordLoss', params: ({ event }) => ({ reason: event.reason }) },
            { type: 'tellDown', params: ({ event }) => ({ reason: event.reason }) },
            'tellLost',
          ],
        },
        'address.changed': { target: 'connecting', actions: 'hangUp' },
      },
    },
    backingOff: {
      entry: { type: 'tellDown', params: ({ context }) => ({ reason: context.reason }) },
      on: { 'address.changed': 'connecting' },
      after: { backoff: 'idle' },
    },
    closed: {
      type: 'final',
      entry: ['hangUp', { type: 'tellDown', params: () => ({ reason: 'the broker stops' }) }],
    },
  },
});
