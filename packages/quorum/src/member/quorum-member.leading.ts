/** A leader, and what it is when it leads no more. */
import { epochOf, failed, isOfThisEpoch, sayFarewell } from './quorum-member.phrases.ts';
import { member } from './quorum-member.vocabulary.ts';

export const leader = member.createStateConfig({
  entry: [
    'takeLeadership',
    {
      type: 'appendLeaderChange',
      params: ({ context }) => ({ epoch: context.election.epoch, granted: context.granted }),
    },
  ],
  exit: { type: 'stopLeading', params: ({ context }) => epochOf(context) },
  initial: 'committingEpochStart',
  on: {
    'shutdown.requested': 'retired',
    'resignation.requested': 'resigned',
    'majority.lost': { guard: isOfThisEpoch, target: 'resigned' },
  },
  states: {
    committingEpochStart: {
      on: { 'epochStart.committed': { guard: isOfThisEpoch, target: 'replaying' } },
    },
    replaying: {
      invoke: {
        src: 'replayCommitted',
        input: ({ context }) => epochOf(context),
        onDone: 'active',
        onError: failed,
      },
    },
    active: {
      tags: ['acceptsProposals', 'settled'],
      entry: { type: 'startLeading', params: ({ context }) => epochOf(context) },
    },
  },
});

/** It led, and leads no more in this epoch; for a while others are left to stand first. */
export const resigned = member.createStateConfig({
  entry: ['forgetLeader', sayFarewell],
  after: { electionTimeout: 'joining' },
});

/** The same, for good. */
export const retired = member.createStateConfig({ type: 'final', entry: sayFarewell });
