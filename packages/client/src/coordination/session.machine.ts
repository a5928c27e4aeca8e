/**
 * The life of a session, as its owner knows it. The lease is what it may believe in: the session's timeout from the moment at which the
 * last renewal that was answered had been sent. The quorum's leader counts from later moments, so whoever gives up at the end of
 * the lease has done so before anybody else can have what the session held, as far as clocks run alike.
 */
import { assign, fromPromise } from 'xstate';
import { setup } from '../machine.ts';

export interface Lease {
  readonly sessionId: number;
  /** As granted. */
  readonly timeoutMs: number;
  /** Monotonic. */
  readonly endsAtMs: number;
}

export interface SessionContext {
  readonly lease: Lease | undefined;
  /** Why the last attempt failed, or the session ended; undefined while all is well. */
  readonly reason: string | undefined;
}

export type SessionEvent =
  | { readonly type: 'session.wanted' }
  | { readonly type: 'close.requested' };

const reasonOf = ({ event }: { readonly event: { readonly error: unknown } }) => ({
  reason: event.error instanceof Error ? event.error.message : String(event.error),
});
const leaseIn = ({ event }: { readonly event: { readonly output: Lease } }) => ({
  lease: event.output,
});

export const sessionMachine = setup({
  types: { context: {} as SessionContext, events: {} as SessionEvent },
  delays: {
    /** Provided: until the lease is over. */
    leaseEnd: 0,
    /** Three attempts before it is over. */
    renewalInterval: ({ context }) => (context.lease?.timeoutMs ?? 0) / 3,
    /** Provided. */
    retryPause: 0,
  },
  guards: {
    /** The quorum's leader says that the session is no more. */
    isOver: (_, { error }: { readonly error: unknown }) =>
      error instanceof Error && error.name === 'SessionLost',
  },
  actions: {
    takeLease: assign({
      lease: (_, { lease }: { readonly lease: Lease }) => lease,
      reason: undefined,
    }),
    noteReason: assign({ reason: (_, { reason }: { readonly reason: string }) => reason }),
    noteSilence: assign({ reason: 'no broker has answered for the whole of its timeout' }),
  },
  actors: {
    openSession: fromPromise<Lease>(() => Promise.reject(new Error('not provided'))),
    /** Rejects with SessionLost when it is over. */
    renewSession: fromPromise<Lease, Lease | undefined>(() =>
      Promise.reject(new Error('not provided')),
    ),
    /** Never rejects: the session ends by itself where it could not be told to. */
    closeSession: fromPromise<void, Lease | undefined>(() =>
      Promise.reject(new Error('not provided')),
    ),
  },
}).createMachine({
  id: 'session',
  context: { lease: undefined, reason: undefined },
  initial: 'none',
  on: { 'close.requested': '.closed' },
  states: {
    none: { on: { 'session.wanted': 'opening' } },
    opening: {
      invoke: {
        src: 'openSession',
        onDone: { target: 'open', actions: { type: 'takeLease', params: leaseIn } },
        onError: { target: 'refused', actions: { type: 'noteReason', params: reasonOf } },
      },
    },
    /** None could be opened; whoever wants one may try again. */
    refused: { on: { 'session.wanted': 'opening' } },
    /** Without a reason in the context it is connected; with one it may live on or not, and is better not relied upon. */
    open: {
      initial: 'resting',
      after: { leaseEnd: { target: 'lost', actions: 'noteSilence' } },
      on: { 'close.requested': 'closing' },
      states: {
        resting: { after: { renewalInterval: 'renewing' } },
        renewing: {
          invoke: {
            src: 'renewSession',
            input: ({ context }) => context.lease,
            onDone: {
              // Entered anew: the lease's end is another.
              target: '#session.open',
              reenter: true,
              actions: { type: 'takeLease', params: leaseIn },
            },
            onError: [
              {
                guard: { type: 'isOver', params: ({ event }) => ({ error: event.error }) },
                target: '#session.lost',
                actions: { type: 'noteReason', params: reasonOf },
              },
              { target: 'pausing', actions: { type: 'noteReason', params: reasonOf } },
            ],
          },
        },
        pausing: { after: { retryPause: 'renewing' } },
      },
    },
    /** What was bound to it is gone, or will be. Another one may be opened. */
    lost: { on: { 'session.wanted': 'opening' } },
    closing: {
      invoke: {
        src: 'closeSession',
        input: ({ context }) => context.lease,
        onDone: 'closed',
        onError: 'closed',
      },
      on: { 'close.requested': {} },
    },
    closed: { type: 'final' },
  },
});
