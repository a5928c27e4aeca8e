/**
 * The fetching from one leader broker: one request is under way for all partitions that it leads and this broker follows.
 * An answer is applied, and what it brought is flushed, before the next request goes out, because a request tells the leader
 * that all before its offsets is held.
 *
 * The machine knows of rounds only; what there is to ask for is LeaderFetcher's.
 */
import { fromPromise, setup } from 'xstate';
import type { FetchResponse, NodeId } from '@odradek/protocol';

export interface LeaderFetcherContext {
  readonly leader: NodeId;
}

export type LeaderFetcherEvent =
  /** A partition came, or may be asked for again. */
  { type: 'work.found' } | { type: 'stop.requested' };

const unprovided = (name: string) => () => {
  throw new Error(`${name} is provided by the fetcher`);
};

export const leaderFetcherMachine = setup({
  types: {
    context: {} as LeaderFetcherContext,
    events: {} as LeaderFetcherEvent,
    input: {} as LeaderFetcherContext,
  },
  delays: { fetchBackoff: 1_000 },
  guards: { hasWork: unprovided('hasWork') as () => boolean },
  actions: {
    /** Effect: the way to the leader failed; the session with it is over. */
    tellFailure: (_, _params: { error: unknown }) => {},
  },
  actors: {
    fetchFromLeader: fromPromise<FetchResponse>(unprovided('fetchFromLeader')),
    applyAnswer: fromPromise<void, FetchResponse>(unprovided('applyAnswer')),
  },
}).createMachine({
  id: 'leaderFetcher',
  context: ({ input }) => input,
  initial: 'looking',
  on: { 'stop.requested': '.stopped' },
  states: {
    looking: { always: [{ guard: 'hasWork', target: 'fetching' }, { target: 'idle' }] },
    idle: { on: { 'work.found': 'looking' } },
    fetching: {
      invoke: {
        src: 'fetchFromLeader',
        onDone: 'applying',
        onError: {
          target: 'backingOff',
          actions: { type: 'tellFailure', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    applying: {
      invoke: {
        src: 'applyAnswer',
        input: ({ event }) => (event as unknown as { output: FetchResponse }).output,
        onDone: 'looking',
        onError: {
          target: 'backingOff',
          actions: { type: 'tellFailure', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    backingOff: { after: { fetchBackoff: 'looking' } },
    stopped: { type: 'final' },
  },
});
