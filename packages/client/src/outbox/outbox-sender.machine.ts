/**
 * The life of an outbox's sender. What it decides is in ledger.ts and plan.ts; each effect here is one step of the order that makes it exactly once:
 * plan and write that down, deliver, write down the fates.
 */
import { assign, fromPromise, setup } from 'xstate';

export interface OutboxSenderContext {
  /** What is to be done next, when something came between. */
  readonly step: 'recovering' | 'planning' | 'delivering' | 'settling';
  /** Attempts in a row that failed. */
  readonly failures: number;
  readonly error: unknown;
}

export type OutboxSenderEvent =
  /** The network is back, as far as the host knows: no need to wait. */
  | { readonly type: 'upstream.reachable' }
  /** Somebody has looked at why it stalled. */
  | { readonly type: 'resume.requested' }
  | { readonly type: 'close.requested' };

const notProvided = (): Promise<never> => Promise.reject(new Error('not provided'));

export const outboxSenderMachine = setup({
  types: {
    context: {} as OutboxSenderContext,
    events: {} as OutboxSenderEvent,
  },
  delays: { retryBackoff: 1000 },
  guards: {
    isRecovering: ({ context }) => context.step === 'recovering',
    isDelivering: ({ context }) => context.step === 'delivering',
    isSettling: ({ context }) => context.step === 'settling',
    hasPlan: (_, { hasPlan }: { hasPlan: boolean }) => hasPlan,
    /** Waiting does not help. */
    needsSomebody: (_, _params: { error: unknown }): boolean => false,
  },
  actions: {
    remember: assign({ step: (_, { step }: { step: OutboxSenderContext['step'] }) => step }),
    noteFailure: assign({
      failures: ({ context }) => context.failures + 1,
      error: (_, { error }: { error: unknown }) => error,
    }),
    clearFailures: assign({ failures: 0, error: undefined }),
  },
  actors: {
    /** Says whether a plan is open. */
    recover: fromPromise<boolean>(notProvided),
    /** Resolves when there is an entry to send. */
    awaitEntry: fromPromise<void>(notProvided),
    /** Says whether there is anything to deliver. */
    makePlan: fromPromise<boolean>(notProvided),
    deliver: fromPromise<void>(notProvided),
    settle: fromPromise<void>(notProvided),
  },
}).createMachine({
  id: 'outboxSender',
  context: { step: 'recovering', failures: 0, error: undefined },
  initial: 'recovering',
  on: { 'close.requested': '.closed' },
  states: {
    recovering: {
      entry: { type: 'remember', params: { step: 'recovering' } },
      invoke: {
        src: 'recover',
        onDone: [
          {
            guard: { type: 'hasPlan', params: ({ event }) => ({ hasPlan: event.output }) },
            target: 'draining.delivering',
            actions: 'clearFailures',
          },
          { target: 'draining.planning', actions: 'clearFailures' },
        ],
        onError: {
          target: 'failed',
          actions: { type: 'noteFailure', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    empty: {
      invoke: {
        src: 'awaitEntry',
        onDone: 'draining.planning',
        onError: {
          target: 'failed',
          actions: { type: 'noteFailure', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    draining: {
      initial: 'planning',
      states: {
        planning: {
          entry: { type: 'remember', params: { step: 'planning' } },
          invoke: {
            src: 'makePlan',
            onDone: [
              {
                guard: { type: 'hasPlan', params: ({ event }) => ({ hasPlan: event.output }) },
                target: 'delivering',
                actions: 'clearFailures',
              },
              { target: '#outboxSender.empty', actions: 'clearFailures' },
            ],
            onError: {
              target: '#outboxSender.failed',
              actions: { type: 'noteFailure', params: ({ event }) => ({ error: event.error }) },
            },
          },
        },
        delivering: {
          entry: { type: 'remember', params: { step: 'delivering' } },
          invoke: {
            src: 'deliver',
            onDone: { target: 'settling', actions: 'clearFailures' },
            onError: {
              target: '#outboxSender.failed',
              actions: { type: 'noteFailure', params: ({ event }) => ({ error: event.error }) },
            },
          },
        },
        settling: {
          entry: { type: 'remember', params: { step: 'settling' } },
          invoke: {
            src: 'settle',
            onDone: { target: 'planning', actions: 'clearFailures' },
            onError: {
              target: '#outboxSender.failed',
              actions: { type: 'noteFailure', params: ({ event }) => ({ error: event.error }) },
            },
          },
        },
      },
    },
    failed: {
      always: [
        {
          guard: { type: 'needsSomebody', params: ({ context }) => ({ error: context.error }) },
          target: 'stalled',
        },
        { target: 'pending' },
      ],
    },
    /** Offline, or the server is not able to: what was appended waits. */
    pending: {
      after: { retryBackoff: 'resuming' },
      on: { 'upstream.reachable': 'resuming' },
    },
    stalled: { on: { 'resume.requested': 'resuming' } },
    resuming: {
      always: [
        { guard: 'isRecovering', target: 'recovering' },
        { guard: 'isDelivering', target: 'draining.delivering' },
        { guard: 'isSettling', target: 'draining.settling' },
        { target: 'draining.planning' },
      ],
    },
    closed: { type: 'final' },
  },
});
