/** A voter without a leader: it waits for one to show up, asks whether it would be elected, and stands for election. */
import {
  failed,
  isOfThisEpoch,
  peersOf,
  recordGrant,
  recordRefusal,
  startFetching,
  stopFetching,
} from './quorum-member.phrases.ts';
import { member } from './quorum-member.vocabulary.ts';

/** A voter that knows no leader: it asks around, and waits whether one shows up. */
export const unattached = member.createStateConfig({
  entry: startFetching,
  exit: stopFetching,
  // Once in its life: afterwards a leader that is missing may be one that is being elected.
  on: { 'leader.missing': { guard: 'isNewcomer', target: 'prospective' } },
  after: { electionTimeout: 'prospective' },
});

/** Asks whether it would be elected, before it disturbs anybody with a new epoch. */
export const prospective = member.createStateConfig({
  entry: [
    'standForPreVote',
    { type: 'sendPreVoteRequests', params: ({ context }) => peersOf(context) },
  ],
  always: [
    { guard: 'holdsMajority', target: 'candidate' },
    { guard: 'isOutvoted', target: 'joining' },
  ],
  on: {
    'preVote.granted': { guard: isOfThisEpoch, actions: recordGrant },
    'preVote.refused': { guard: isOfThisEpoch, actions: recordRefusal },
    'leader.left': { guard: isOfThisEpoch, actions: 'forgetLeader' },
  },
  after: { electionTimeout: 'joining' },
});

export const candidate = member.createStateConfig({
  entry: 'startElection',
  initial: 'persistingVote',
  states: {
    // No timeout here: whoever leaves it does not stop the disk, and must not vote again before it is done.
    persistingVote: {
      invoke: {
        src: 'persistElection',
        input: ({ context }) => context.election,
        onDone: 'collectingVotes',
        onError: failed,
      },
    },
    collectingVotes: {
      entry: { type: 'sendVoteRequests', params: ({ context }) => peersOf(context) },
      always: [
        { guard: 'holdsMajority', target: '#quorumMember.leader' },
        { guard: 'isOutvoted', target: '#quorumMember.joining' },
      ],
      on: {
        'vote.granted': { guard: isOfThisEpoch, actions: recordGrant },
        'vote.refused': { guard: isOfThisEpoch, actions: recordRefusal },
      },
      after: { electionTimeout: '#quorumMember.prospective' },
    },
  },
});
