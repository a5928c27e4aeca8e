/**
 * The fetching from one leader broker: whether there is anything to fetch, whether the leader is to be left alone for a while.
 *
 * Round follows round within `fetching` as long as there is work: a busy follower has thousands of them a second, and each as two
 * states of its own took a quarter of what the whole broker did. What a round is, and what there is to ask for, is LeaderFetcher's.
 */
import { fromPromise, setup } from 'xstate';
import type { NodeId } from '@odradek/protocol';

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
    /** Resolves when there is nothing more to ask for; rejects when the way to the leader failed. */
    fetchRounds: fromPromise<void>(unprovided('fetchRounds')),
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
        src: 'fetchRounds',
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
