/**
 * The life of one client connection. Bytes and requests do not pass through here: the machine says whether new requests are
 * still taken, and why the connection ends.
 *
 *   open       connected, nothing understood yet
 *   ready      a well-formed request has come
 *   draining   no more requests are read; the answers owed are sent, then it closes
 *   closed
 *
 * Authentication will stand between open and ready.
 */
import { assign, setup } from 'xstate';

export interface ConnectionContext {
  readonly id: string;
  /** Why it ended, for the log; null while it lives and when the client simply left. */
  readonly reason: string | null;
}

export type ConnectionEvent =
  | { type: 'request.understood' }
  /** The broker stops, or the connection was idle for too long. */
  | { type: 'drain.requested'; reason: string }
  /** All answers owed are sent. */
  | { type: 'answers.sent' }
  /** The client broke a rule: nothing it sends can be trusted to mean what it says. */
  | { type: 'rule.broken'; reason: string }
  | { type: 'peer.closed' };

const unprovided = (name: string) => () => {
  throw new Error(`${name} is provided by the connection`);
};

type Named = { id: string; reason: string | null };

export const clientConnectionMachine = setup({
  types: {
    context: {} as ConnectionContext,
    events: {} as ConnectionEvent,
    input: {} as { id: string },
    tags: {} as 'takesRequests',
  },
  actions: {
    recordReason: assign((_, { reason }: { reason: string }) => ({ reason })),
    /** Effect: stop reading; send what is owed. */
    stopReading: unprovided('stopReading') as (_: unknown, params: Named) => void,
    /** Effect: close after what is queued. */
    closeGently: unprovided('closeGently') as (_: unknown, params: Named) => void,
    /** Effect: log the reason and close now. */
    cutOff: unprovided('cutOff') as (_: unknown, params: Named) => void,
    /** Effect: forget the connection. */
    release: unprovided('release') as (_: unknown, params: Named) => void,
  },
  delays: { drainTimeout: 10_000 },
}).createMachine({
  id: 'clientConnection',
  context: ({ input }) => ({ id: input.id, reason: null }),
  initial: 'open',
  states: {
    open: {
      tags: 'takesRequests',
      on: {
        'request.understood': 'ready',
        'drain.requested': {
          target: 'draining',
          actions: { type: 'recordReason', params: ({ event }) => ({ reason: event.reason }) },
        },
        'rule.broken': {
          target: 'closed',
          actions: [
            { type: 'recordReason', params: ({ event }) => ({ reason: event.reason }) },
            {
              type: 'cutOff',
              params: ({ context, event }) => ({ id: context.id, reason: event.reason }),
            },
          ],
        },
        'peer.closed': 'closed',
      },
    },
    ready: {
      tags: 'takesRequests',
      on: {
        'drain.requested': {
          target: 'draining',
          actions: { type: 'recordReason', params: ({ event }) => ({ reason: event.reason }) },
        },
        'rule.broken': {
          target: 'closed',
          actions: [
            { type: 'recordReason', params: ({ event }) => ({ reason: event.reason }) },
            {
              type: 'cutOff',
              params: ({ context, event }) => ({ id: context.id, reason: event.reason }),
            },
          ],
        },
        'peer.closed': 'closed',
      },
    },
    draining: {
      entry: { type: 'stopReading', params: ({ context }) => ({ ...context }) },
      on: {
        'answers.sent': {
          target: 'closed',
          actions: { type: 'closeGently', params: ({ context }) => ({ ...context }) },
        },
        'rule.broken': {
          target: 'closed',
          actions: {
            type: 'cutOff',
            params: ({ context, event }) => ({ id: context.id, reason: event.reason }),
          },
        },
        'peer.closed': 'closed',
      },
      after: {
        drainTimeout: {
          target: 'closed',
          actions: { type: 'cutOff', params: ({ context }) => ({ ...context }) },
        },
      },
    },
    closed: {
      type: 'final',
      entry: { type: 'release', params: ({ context }) => ({ ...context }) },
    },
  },
});
