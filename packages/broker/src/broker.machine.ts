/**
 * The life of a broker, in Kafka's words.
 *
 *   starting            who am I: meta.properties, the metadata log, the quorum
 *   recovering          every log that the metadata places here is opened, and repaired after an unclean stop
 *   awaitingListeners   the host opens its listeners and says where they are
 *   registering         the metadata log learns that the broker is up, and where
 *   running
 *   controlledShutdown  answers owed are sent, logs are flushed and closed, a clean stop is marked
 *   stopped
 *   givingUp            the metadata log or the disk beneath it is gone: nothing can be promised any more, and everything is
 *                       let go of
 *   failed
 *
 * Who asks for a stop while the disk works on the start is heard when that is done: half a start cannot be taken back.
 * Fencing by a controller elsewhere comes with clusters.
 */
import { assign, fromPromise, setup } from 'xstate';
import type { ListenerAddress } from './metadata/nodes.ts';

export interface BrokerContext {
  readonly nodeId: number;
  /** A stop was asked for during the start. */
  readonly isStopWanted: boolean;
  /** The first one; those that follow from it are not told. */
  readonly failure: string | null;
}

export type BrokerEvent =
  | { type: 'listeners.opened'; listeners: readonly ListenerAddress[] }
  | { type: 'stop.requested' }
  | { type: 'metadata.failed'; reason: string };

const unprovided = (name: string) => () => {
  throw new Error(`${name} is provided by the broker`);
};

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** What the first failure was is told to people; those that follow from it are not. */
const failed = {
  target: 'givingUp',
  actions: {
    type: 'recordFailure',
    params: ({ event }: { readonly event: { readonly error: unknown } }) => ({
      reason: reasonOf(event.error),
    }),
  },
} as const;

export const brokerMachine = setup({
  types: {
    context: {} as BrokerContext,
    events: {} as BrokerEvent,
    input: {} as { nodeId: number },
    tags: {} as 'takesConnections' | 'isReady' | 'isEnding' | 'isOver',
  },
  guards: {
    isStopWanted: ({ context }) => context.isStopWanted,
    hasFailed: ({ context }) => context.failure !== null,
  },
  actions: {
    rememberStop: assign({ isStopWanted: true }),
    recordFailure: assign(({ context }, { reason }: { reason: string }) => ({
      failure: context.failure ?? reason,
    })),
    /** Effect: connections that came early are served; retention, compaction and checkpoints begin. */
    serve: unprovided('serve') as () => void,
    /** Effect: nothing is acknowledged any more; connections are cut. */
    giveUp: unprovided('giveUp') as (_: unknown, params: { reason: string }) => void,
  },
  actors: {
    joinQuorum: fromPromise<void>(unprovided('joinQuorum')),
    recoverLogs: fromPromise<void>(unprovided('recoverLogs')),
    register: fromPromise<void, { listeners: readonly ListenerAddress[] }>(unprovided('register')),
    shutDown: fromPromise<void>(unprovided('shutDown')),
    /** Lets go of files and timers, without a promise about what they hold. */
    abandon: fromPromise<void>(unprovided('abandon')),
  },
  // A disk that does not answer may not hold up the news that it has failed.
  delays: { abandonTimeout: 10_000 },
}).createMachine({
  id: 'broker',
  context: ({ input }) => ({ nodeId: input.nodeId, isStopWanted: false, failure: null }),
  initial: 'starting',
  on: {
    'metadata.failed': {
      target: '.givingUp',
      actions: { type: 'recordFailure', params: ({ event }) => ({ reason: event.reason }) },
    },
  },
  states: {
    starting: {
      on: { 'stop.requested': { actions: 'rememberStop' } },
      invoke: {
        src: 'joinQuorum',
        onDone: [{ guard: 'isStopWanted', target: 'controlledShutdown' }, { target: 'recovering' }],
        onError: failed,
      },
    },
    recovering: {
      on: { 'stop.requested': { actions: 'rememberStop' } },
      invoke: {
        src: 'recoverLogs',
        onDone: [
          { guard: 'isStopWanted', target: 'controlledShutdown' },
          { target: 'awaitingListeners' },
        ],
        onError: failed,
      },
    },
    awaitingListeners: {
      on: { 'listeners.opened': 'registering', 'stop.requested': 'controlledShutdown' },
    },
    registering: {
      tags: 'takesConnections',
      on: { 'stop.requested': { actions: 'rememberStop' } },
      invoke: {
        src: 'register',
        input: ({ event }) => ({
          listeners: event.type === 'listeners.opened' ? event.listeners : [],
        }),
        onDone: [{ guard: 'isStopWanted', target: 'controlledShutdown' }, { target: 'running' }],
        onError: failed,
      },
    },
    running: {
      tags: ['takesConnections', 'isReady'],
      entry: 'serve',
      on: { 'stop.requested': 'controlledShutdown' },
    },
    controlledShutdown: {
      tags: 'isEnding',
      // It goes on to the end, where it will be found that this was no clean stop.
      on: {
        'metadata.failed': {
          actions: { type: 'recordFailure', params: ({ event }) => ({ reason: event.reason }) },
        },
      },
      invoke: {
        src: 'shutDown',
        onDone: [{ guard: 'hasFailed', target: 'failed' }, { target: 'stopped' }],
        onError: failed,
      },
    },
    givingUp: {
      tags: 'isEnding',
      entry: {
        type: 'giveUp',
        params: ({ context }) => ({ reason: context.failure ?? 'unknown' }),
      },
      // What fails now follows from the first failure.
      on: { 'metadata.failed': {} },
      invoke: { src: 'abandon', onDone: 'failed', onError: 'failed' },
      after: { abandonTimeout: 'failed' },
    },
    stopped: { type: 'final', tags: ['isEnding', 'isOver'] },
    failed: { type: 'final', tags: ['isEnding', 'isOver'] },
  },
});
