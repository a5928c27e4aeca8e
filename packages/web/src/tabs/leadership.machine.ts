/**
 * A worker's way to the leadership of its bus. Every tab has such a worker; the one that holds the lock hosts the broker, the others wait in the lock's
 * queue and listen whether the one that holds it lives.
 *
 *   waiting        in the queue
 *   suspecting     nothing was heard of the leader: may this worker, of all that wait, take the lock away?
 *   stealing
 *   starting       the lock is held; the broker starts
 *   leading
 *   standingDown   the lock was stolen, or the broker has failed: it is stopped before anything else
 *   resting        after a failure, so that another one may try
 *   closed
 */
import { assign, fromCallback, fromPromise, setup } from 'xstate';

export interface LeadershipContext {
  /** Of this worker's leadership; undefined while it does not lead. */
  readonly epoch: number | undefined;
  /** Why it leads no more, or could not begin to. */
  readonly error: unknown;
  readonly isClosing: boolean;
}

export type LeadershipEvent =
  | { readonly type: 'lock.granted' }
  /** Somebody took it away: this worker hung, or seemed to. */
  | { readonly type: 'lock.stolen' }
  | { readonly type: 'leader.silent' }
  | { readonly type: 'leader.heard' }
  | { readonly type: 'host.failed'; readonly error: unknown }
  | { readonly type: 'close.requested' };

const notProvided = (): Promise<never> => Promise.reject(new Error('not provided'));

export const leadershipMachine = setup({
  types: {
    context: {} as LeadershipContext,
    events: {} as LeadershipEvent,
    tags: {} as 'leads' | 'listens',
  },
  delays: { rest: 1_000 },
  guards: {
    isClosing: ({ context }) => context.isClosing,
    mayDecide: (_, { mayDecide }: { mayDecide: boolean }) => mayDecide,
  },
  actions: {
    noteEpoch: assign({ epoch: (_, { epoch }: { epoch: number }) => epoch, error: undefined }),
    noteError: assign({ error: (_, { error }: { error: unknown }) => error }),
    forgetEpoch: assign({ epoch: undefined }),
    noteClosing: assign({ isClosing: true }),
    // Effects; the shell provides them.
    queueForLock() {},
    leaveQueue() {},
    releaseLock() {},
    tellResigned() {},
  },
  actors: {
    /** Tells `leader.silent`. */
    listen: fromCallback<LeadershipEvent>(() => {}),
    /** Says whether this worker is the one to decide, and the leader is still silent. */
    suspect: fromPromise<boolean>(notProvided),
    steal: fromPromise<void>(notProvided),
    /** Gives the epoch. */
    startHost: fromPromise<number>(notProvided),
    /** Heartbeats. */
    beat: fromCallback<LeadershipEvent>(() => {}),
    stopHost: fromPromise<void>(notProvided),
  },
}).createMachine({
  id: 'leadership',
  context: { epoch: undefined, error: undefined, isClosing: false },
  initial: 'waiting',
  states: {
    waiting: {
      entry: 'queueForLock',
      tags: ['listens'],
      invoke: { src: 'listen' },
      on: {
        'lock.granted': 'starting',
        'leader.silent': 'suspecting',
        'close.requested': { target: 'closed', actions: ['leaveQueue'] },
      },
    },
    suspecting: {
      invoke: {
        src: 'suspect',
        onDone: [
          {
            guard: { type: 'mayDecide', params: ({ event }) => ({ mayDecide: event.output }) },
            target: 'stealing',
          },
          { target: 'waiting' },
        ],
        onError: 'waiting',
      },
      on: {
        'lock.granted': 'starting',
        'close.requested': { target: 'closed', actions: ['leaveQueue'] },
      },
    },
    stealing: {
      entry: 'leaveQueue',
      invoke: { src: 'steal', onDone: 'starting', onError: 'waiting' },
      on: { 'close.requested': { actions: 'noteClosing' } },
    },
    starting: {
      invoke: {
        src: 'startHost',
        onDone: {
          target: 'leading',
          actions: { type: 'noteEpoch', params: ({ event }) => ({ epoch: event.output }) },
        },
        onError: {
          target: 'standingDown',
          actions: { type: 'noteError', params: ({ event }) => ({ error: event.error }) },
        },
      },
      on: {
        'lock.stolen': 'standingDown',
        'close.requested': { target: 'standingDown', actions: 'noteClosing' },
      },
    },
    leading: {
      tags: ['leads'],
      invoke: { src: 'beat' },
      on: {
        'lock.stolen': 'standingDown',
        'host.failed': {
          target: 'standingDown',
          actions: { type: 'noteError', params: ({ event }) => ({ error: event.error }) },
        },
        'close.requested': { target: 'standingDown', actions: 'noteClosing' },
      },
      exit: ['tellResigned', 'forgetEpoch'],
    },
    standingDown: {
      invoke: {
        src: 'stopHost',
        onDone: [{ guard: 'isClosing', target: 'closed' }, { target: 'resting' }],
        onError: [{ guard: 'isClosing', target: 'closed' }, { target: 'resting' }],
      },
      on: { 'close.requested': { actions: 'noteClosing' } },
      exit: 'releaseLock',
    },
    resting: {
      after: { rest: 'waiting' },
      on: { 'close.requested': 'closed' },
    },
    closed: { type: 'final' },
  },
});
