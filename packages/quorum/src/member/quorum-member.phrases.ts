/** What the tables of the roles say again and again. */
import type { LeaderEpoch, NodeId } from '@odradek/protocol';
import { asError } from '../errors.ts';
import type { MemberContext } from './quorum-member.events.ts';
import type { Following, Peers } from './quorum-member.vocabulary.ts';
import type { Voter } from './voters.ts';

type Of<Event> = { readonly event: Event };
type In = { readonly context: MemberContext };

/** What comes from another epoch than the present one means nothing. */
export const isOfThisEpoch = {
  type: 'isCurrentEpoch',
  params: ({ event }: Of<{ readonly epoch: LeaderEpoch }>) => ({ epoch: event.epoch }),
} as const;

export const recordGrant = {
  type: 'recordGrant',
  params: ({ event }: Of<{ readonly from: NodeId }>) => ({ from: event.from }),
} as const;

export const recordRefusal = {
  type: 'recordRefusal',
  params: ({ event }: Of<{ readonly from: NodeId }>) => ({ from: event.from }),
} as const;

/** The disk refuses: the member stops voting rather than guess. */
export const failed = {
  target: '#quorumMember.failed',
  actions: {
    type: 'recordFailure',
    params: ({ event }: Of<{ readonly error: unknown }>) => ({
      reason: asError(event.error).message,
    }),
  },
} as const;

export const startFetching = {
  type: 'startFetching',
  params: ({ context }: In) => leaderOf(context),
} as const;

export const stopFetching = {
  type: 'stopFetching',
  params: ({ context }: In) => epochOf(context),
} as const;

export const sayFarewell = {
  type: 'sendEndQuorumEpoch',
  params: ({ context }: In) => peersOf(context),
} as const;

export const epochOf = ({ election }: MemberContext): { readonly epoch: LeaderEpoch } => ({
  epoch: election.epoch,
});

export const peersOf = ({ election, voters, nodeId }: MemberContext): Peers => ({
  epoch: election.epoch,
  peers: voters.filter((voter: Voter) => voter.id !== nodeId),
});

export const leaderOf = ({ election }: MemberContext): Following => ({
  epoch: election.epoch,
  leaderId: election.leaderId,
});
