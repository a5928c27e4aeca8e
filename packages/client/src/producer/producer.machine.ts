/**
 * The life of a producer. An idempotent one needs an identity (producer id and epoch) before its first batch; a broker can take it away for
 * good (fenced) or make it ask for another. Batches, sequences and retries are plain code in producer.ts and partition-queue.ts; here is
 * only what the whole producer goes through.
 */
import { assign, fromPromise } from 'xstate';
import { setup } from '../machine.ts';

export interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface ProducerContext {
  /** Attempts at an identity that failed in a row. */
  readonly failures: number;
  /** Why the last attempt failed, or why it is over. */
  readonly error: unknown;
}

export type ProducerEvent =
  | { readonly type: 'identity.needed' }
  /** The broker does not accept it any more, and another one would do. */
  | { readonly type: 'identity.lost' }
  | { readonly type: 'producer.fenced'; readonly error: unknown }
  | { readonly type: 'close.requested' }
  /** Every batch has been answered or given up. */
  | { readonly type: 'batches.settled' };

export const producerMachine = setup({
  types: {
    context: {} as ProducerContext,
    events: {} as ProducerEvent,
    input: {} as { readonly needsIdentity: boolean },
    tags: {} as 'accepts' | 'sends' | 'fenced' | 'closed',
  },
  delays: { retryBackoff: 100 },
  guards: {
    isRetriable: (_, _params: { error: unknown }): boolean => false,
  },
  actions: {
    noteFailure: assign({
      failures: ({ context }) => context.failures + 1,
      error: (_, { error }: { error: unknown }) => error,
    }),
    clearFailures: assign({ failures: 0, error: undefined }),
    noteError: assign({ error: (_, { error }: { error: unknown }) => error }),
    // Effects; the producer provides them.
    adoptIdentity(_, _params: { identity: Identity }) {},
    failEverything() {},
    sendWhatIsReady() {},
    tellIdentityFailed(_, _params: { error: unknown }) {},
  },
  actors: {
    requestIdentity: fromPromise<Identity>(() => Promise.reject(new Error('not provided'))),
  },
}).createMachine({
  id: 'producer',
  context: { failures: 0, error: undefined },
  initial: 'idle',
  on: {
    'producer.fenced': {
      target: '.fenced',
      actions: { type: 'noteError', params: ({ event }) => ({ error: event.error }) },
    },
    'close.requested': '.draining',
  },
  states: {
    idle: { tags: ['accepts'], on: { 'identity.needed': 'initialising' } },
    initialising: {
      tags: ['accepts'],
      invoke: {
        src: 'requestIdentity',
        onDone: {
          target: 'ready',
          actions: [
            { type: 'adoptIdentity', params: ({ event }) => ({ identity: event.output }) },
            'clearFailures',
          ],
        },
        onError: [
          {
            guard: { type: 'isRetriable', params: ({ event }) => ({ error: event.error }) },
            target: 'backingOff',
            actions: [
              { type: 'noteFailure', params: ({ event }) => ({ error: event.error }) },
              { type: 'tellIdentityFailed', params: ({ event }) => ({ error: event.error }) },
            ],
          },
          {
            target: 'fenced',
            actions: { type: 'noteError', params: ({ event }) => ({ error: event.error }) },
          },
        ],
      },
    },
    /** Batches wait meanwhile, each until its own deadline. */
    backingOff: { tags: ['accepts'], after: { retryBackoff: 'initialising' } },
    ready: {
      tags: ['accepts', 'sends'],
      entry: 'sendWhatIsReady',
      on: { 'identity.lost': 'initialising' },
    },
    /** Takes nothing new; what was taken is still sent. */
    draining: {
      initial: 'sending',
      on: { 'batches.settled': 'closed', 'close.requested': {} },
      states: {
        sending: {
          tags: ['sends'],
          entry: 'sendWhatIsReady',
          on: { 'identity.lost': 'initialising', 'identity.needed': 'initialising' },
        },
        initialising: {
          invoke: {
            src: 'requestIdentity',
            onDone: {
              target: 'sending',
              actions: {
                type: 'adoptIdentity',
                params: ({ event }) => ({ identity: event.output }),
              },
            },
            onError: [
              {
                guard: { type: 'isRetriable', params: ({ event }) => ({ error: event.error }) },
                target: 'backingOff',
                actions: [
                  { type: 'noteFailure', params: ({ event }) => ({ error: event.error }) },
                  { type: 'tellIdentityFailed', params: ({ event }) => ({ error: event.error }) },
                ],
              },
              {
                target: '#producer.fenced',
                actions: { type: 'noteError', params: ({ event }) => ({ error: event.error }) },
              },
            ],
          },
        },
        backingOff: { after: { retryBackoff: 'initialising' } },
      },
    },
    /** For good: what waits is told, what comes is refused. */
    fenced: {
      tags: ['fenced'],
      entry: 'failEverything',
      on: { 'producer.fenced': {}, 'close.requested': 'closed' },
    },
    closed: { tags: ['closed'], type: 'final' },
  },
});
