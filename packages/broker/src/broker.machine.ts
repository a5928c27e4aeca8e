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
 *   failed              the metadata log or the disk beneath it is gone: nothing can be promised any more
 *
 * Fencing by a controller elsewhere comes with clusters.
 */
import { assign, fromPromise, setup } from 'xstate';
import type { ListenerAddress } from './metadata/nodes.ts';

export interface BrokerContext {
  readonly nodeId: number;
  readonly failure: string | null;
}

export type BrokerEvent =
  | { type: 'listeners.opened'; listeners: readonly ListenerAddress[] }
  | { type: 'stop.requested' }
  | { type: 'metadata.failed'; reason: string };

const unprovided = (name: string) => () => {
  throw new Error(`${name} is provided by the broker`);
};

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const brokerMachine = setup({
  types: {
    context: {} as BrokerContext,
    events: {} as BrokerEvent,
    input: {} as { nodeId: number },
    tags: {} as 'takesConnections' | 'isReady' | 'isEnding' | 'isOver',
  },
  actions: {
    recordFailure: assign((_, { reason }: { reason: string }) => ({ failure: reason })),
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
  },
}).createMachine({
  id: 'broker',
  context: ({ input }) => ({ nodeId: input.nodeId, failure: null }),
  initial: 'starting',
  on: {
    'metadata.failed': {
      target: '.failed',
      actions: { type: 'recordFailure', params: ({ event }) => ({ reason: event.reason }) },
    },
  },
  states: {
    starting: {
      invoke: {
        src: 'joinQuorum',
        onDone: 'recovering',
        onError: {
          target: 'failed',
          actions: { type: 'recordFailure', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
        },
      },
    },
    recovering: {
      invoke: {
        src: 'recoverLogs',
        onDone: 'awaitingListeners',
        onError: {
          target: 'failed',
          actions: { type: 'recordFailure', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
        },
      },
    },
    awaitingListeners: {
      on: { 'listeners.opened': 'registering', 'stop.requested': 'controlledShutdown' },
    },
    registering: {
      tags: 'takesConnections',
      on: { 'stop.requested': 'controlledShutdown' },
      invoke: {
        src: 'register',
        input: ({ event }) => ({ listeners: event.type === 'listeners.opened' ? event.listeners : [] }),
        onDone: 'running',
        onError: {
          target: 'failed',
          actions: { type: 'recordFailure', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
        },
      },
    },
    running: {
      tags: ['takesConnections', 'isReady'],
      entry: 'serve',
      on: { 'stop.requested': 'controlledShutdown' },
    },
    controlledShutdown: {
      tags: 'isEnding',
      invoke: {
        src: 'shutDown',
        onDone: 'stopped',
        onError: {
          target: 'failed',
          actions: { type: 'recordFailure', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
        },
      },
    },
    stopped: { type: 'final', tags: ['isEnding', 'isOver'] },
    failed: {
      type: 'final',
      tags: ['isEnding', 'isOver'],
      entry: { type: 'giveUp', params: ({ context }) => ({ reason: context.failure ?? 'unknown' }) },
    },
  },
});
