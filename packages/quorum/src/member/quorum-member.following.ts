/**
 * Followers and observers: the same pull from the leader, with and without a vote. What differs is whom they turn to when the
 * leader is gone: a follower stands for election, an observer asks around.
 */
import type { Offset } from '@odradek/protocol';
import type { SnapshotId } from '../tree/snapshot.ts';
import {
  failed,
  isOfThisEpoch,
  leaderOf,
  startFetching,
  stopFetching,
} from './quorum-member.phrases.ts';
import { member } from './quorum-member.vocabulary.ts';
import type { VoterSet } from './voters.ts';

/** Of either: on a fetch timeout it goes where its leader is not waited for any more. */
const pulling = <const Lost>(leaderIsSilent: Lost) =>
  ({
    fetching: {
      entry: startFetching,
      exit: stopFetching,
      initial: 'waiting',
      states: {
        /** For the leader's answers. Fetching goes on when one comes; only the timer begins anew. */
        waiting: {
          on: {
            'fetch.succeeded': {
              guard: isOfThisEpoch,
              target: 'waiting',
              reenter: true,
              actions: 'hearLeader',
            },
          },
          after: {
            fetchTimeout: [
              { guard: 'hasAnsweredMeanwhile', target: 'waiting', reenter: true },
              leaderIsSilent,
            ],
          },
        },
      },
      on: {
        'divergence.found': {
          guard: isOfThisEpoch,
          target: 'truncating',
          actions: {
            type: 'noteDivergence',
            params: ({ event }: { event: { readonly end: Offset } }) => ({ end: event.end }),
          },
        },
        'snapshot.required': {
          guard: isOfThisEpoch,
          target: 'installingSnapshot',
          actions: {
            type: 'noteSnapshot',
            params: ({ event }: { event: { readonly id: SnapshotId } }) => ({ id: event.id }),
          },
        },
      },
    },
    // No timeouts in these two: whoever leaves them does not stop the disk.
    truncating: member.createStateConfig({
      invoke: {
        src: 'truncateLog',
        input: ({ context }) => ({ epoch: context.election.epoch, end: context.divergence! }),
        onDone: 'fetching',
        onError: failed,
      },
    }),
    installingSnapshot: member.createStateConfig({
      invoke: {
        src: 'installSnapshot',
        input: ({ context }) => ({ ...leaderOf(context), id: context.snapshotId! }),
        onDone: 'fetching',
        onError: failed,
      },
    }),
  }) as const;

const changeVoters = {
  type: 'changeVoters',
  params: ({ event }: { event: { readonly voters: VoterSet } }) => ({ voters: event.voters }),
} as const;

export const follower = member.createStateConfig({
  tags: ['settled', 'follows'],
  entry: 'awaitLeader',
  initial: 'fetching',
  on: {
    'leader.left': [
      {
        guard: {
          type: 'isSuccessor',
          params: ({ event }) => ({ epoch: event.epoch, isSuccessor: event.isSuccessor }),
        },
        target: 'prospective',
        actions: 'forgetLeader',
      },
      { guard: isOfThisEpoch, target: 'joining', actions: 'forgetLeader' },
    ],
    'leader.lost': { guard: isOfThisEpoch, target: 'prospective' },
    'voters.changed': {
      guard: { type: 'isVoterNoMore', params: ({ event }) => ({ voters: event.voters }) },
      target: 'joining',
      actions: changeVoters,
    },
  },
  states: pulling({ target: '#quorumMember.prospective' }),
});

const leaderIsGone = {
  guard: isOfThisEpoch,
  target: 'searching',
  actions: 'forgetLeader',
} as const;

/** Follows the log without a vote. */
export const observer = member.createStateConfig({
  tags: ['settled'],
  initial: 'searching',
  on: {
    'voters.changed': {
      guard: { type: 'becomesVoter', params: ({ event }) => ({ voters: event.voters }) },
      target: 'joining',
      actions: changeVoters,
    },
  },
  states: {
    searching: {
      always: { guard: 'knowsLeader', target: 'following' },
      entry: startFetching,
      exit: stopFetching,
    },
    following: {
      tags: ['follows'],
      entry: 'awaitLeader',
      initial: 'fetching',
      on: { 'leader.left': leaderIsGone, 'leader.lost': leaderIsGone },
      states: pulling({ target: '#quorumMember.observer.searching', actions: 'forgetLeader' }),
    },
  },
});
