/**
 * Tells the coordinator that the member lives, at its own pace: whoever works on records for long does not lose the group. Failures of
 * the network are tried again here; what the coordinator says of the membership is the parent's affair, and ends this actor.
 */
import { assign, fromPromise, sendParent } from 'xstate';
import { setup } from '../machine.ts';
import type { FailureKind } from './membership-failure.ts';

export interface HeartbeatInput {
  readonly intervalMs: number;
  readonly retryMs: number;
}

/** What the coordinator, or the way to it, has against the member. */
export interface Refusal {
  readonly kind: FailureKind;
  readonly error: unknown;
}

export interface HeartbeatRefused extends Refusal {
  readonly type: 'heartbeat.refused';
}

export const heartbeatMachine = setup({
  types: {
    context: {} as HeartbeatInput & { readonly failures: number },
    input: {} as HeartbeatInput,
  },
  delays: {
    heartbeatInterval: ({ context }) => context.intervalMs,
    retryPause: ({ context }) => Math.min(context.intervalMs, context.retryMs * context.failures),
  },
  guards: {
    mayTryAgain: (_, { refusal }: { refusal: Refusal }) =>
      refusal.kind === 'transient' || refusal.kind === 'coordinatorMoved',
    isRebalance: (_, { refusal }: { refusal: Refusal }) => refusal.kind === 'rejoin',
  },
  actions: {
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    clearFailures: assign({ failures: 0 }),
    tellParent: sendParent((_, { refusal }: { refusal: Refusal }) => ({
      type: 'heartbeat.refused' as const,
      ...refusal,
    })),
  },
  actors: {
    /** Rejects with a Refusal. */
    sendHeartbeat: fromPromise<void>(() => Promise.reject(new Error('not provided'))),
  },
}).createMachine({
  id: 'heartbeat',
  context: ({ input }) => ({ ...input, failures: 0 }),
  initial: 'waiting',
  states: {
    waiting: { after: { heartbeatInterval: 'beating' } },
    beating: {
      invoke: {
        src: 'sendHeartbeat',
        onDone: { target: 'waiting', actions: 'clearFailures' },
        onError: [
          {
            guard: {
              type: 'mayTryAgain',
              params: ({ event }) => ({ refusal: event.error as Refusal }),
            },
            target: 'pausing',
            actions: 'countFailure',
          },
          // A rebalance may have to wait for records in work: the member lives on meanwhile.
          {
            guard: {
              type: 'isRebalance',
              params: ({ event }) => ({ refusal: event.error as Refusal }),
            },
            target: 'waiting',
            actions: {
              type: 'tellParent',
              params: ({ event }) => ({ refusal: event.error as Refusal }),
            },
          },
          {
            target: 'refused',
            actions: {
              type: 'tellParent',
              params: ({ event }) => ({ refusal: event.error as Refusal }),
            },
          },
        ],
      },
    },
    pausing: { after: { retryPause: 'beating' } },
    refused: { type: 'final' },
  },
});
