/**
 * The words of a member's machine: what is asked, what is done, what is waited for. The tables of the roles are written in
 * them (electing, leading, following), and quorum-member.machine.ts puts those together.
 */
import { assign, fromPromise, setup } from 'xstate';
import { leaderEpoch, type LeaderEpoch, type NodeId, type Offset } from '@odradek/protocol';
import { ELECTION_TIMEOUT_MS, FETCH_TIMEOUT_MS } from '../limits.ts';
import type { SnapshotId } from '../tree/snapshot.ts';
import { holdsMajority, isOutvoted, mayCastVote, type ElectionState } from './election.ts';
import type { Candidate, MemberContext, MemberEvent, MemberInput } from './quorum-member.events.ts';
import { idsOf, isVoterIn, type VoterSet } from './voters.ts';

type Answer = { readonly from: NodeId };
export type Peers = { readonly epoch: LeaderEpoch; readonly peers: VoterSet };
export type Following = { readonly epoch: LeaderEpoch; readonly leaderId: NodeId | null };

const unprovided = (name: string) => () => {
  throw new Error(`${name} is provided by the shell`);
};
const effect = <Params>(name: string) => unprovided(name) as (_: unknown, params: Params) => void;

export const NONE: readonly NodeId[] = [];

export const member = setup({
  types: {
    context: {} as MemberContext,
    events: {} as MemberEvent,
    input: {} as MemberInput,
    /** settled: this member's role in the present epoch is known and taken up. */
    tags: {} as 'acceptsProposals' | 'settled' | 'follows',
  },
  delays: { electionTimeout: ELECTION_TIMEOUT_MS, fetchTimeout: FETCH_TIMEOUT_MS },
  guards: {
    isVoter: ({ context }) => isVoterIn(context.voters, context.nodeId, context.incarnation),
    isOnlyVoter: ({ context }) =>
      context.voters.length === 1 && isVoterIn(context.voters, context.nodeId, context.incarnation),
    holdsMajority: ({ context }) => holdsMajority(context.granted, idsOf(context.voters)),
    isOutvoted: ({ context }) => isOutvoted(context.refused, idsOf(context.voters)),
    isNewcomer: ({ context }) => context.isNewcomer,
    /** Its leader has answered since the timer was set, which is not set anew for each answer. */
    hasAnsweredMeanwhile: () => false,
    knowsLeader: ({ context }) => context.election.leaderId !== null,
    isVoterUnderLeader: ({ context }) =>
      context.election.leaderId !== null &&
      isVoterIn(context.voters, context.nodeId, context.incarnation),
    isCurrentEpoch: ({ context }, { epoch }: { epoch: LeaderEpoch }) =>
      epoch === context.election.epoch,
    isNewerEpoch: ({ context }, { epoch }: { epoch: LeaderEpoch }) =>
      epoch > context.election.epoch,
    isFreeToVote: (
      { context },
      { epoch, candidate }: { epoch: LeaderEpoch; candidate: Candidate },
    ) => mayCastVote(context.election, epoch, candidate),
    isNewLeader: ({ context }, { epoch, leaderId }: { epoch: LeaderEpoch; leaderId: NodeId }) =>
      leaderId !== context.nodeId &&
      (epoch > context.election.epoch ||
        (epoch === context.election.epoch && context.election.leaderId === null)),
    becomesVoter: ({ context }, { voters }: { voters: VoterSet }) =>
      isVoterIn(voters, context.nodeId, context.incarnation),
    isVoterNoMore: ({ context }, { voters }: { voters: VoterSet }) =>
      !isVoterIn(voters, context.nodeId, context.incarnation),
    isSuccessor: (
      { context },
      { epoch, isSuccessor }: { epoch: LeaderEpoch; isSuccessor: boolean },
    ) => isSuccessor && epoch === context.election.epoch,
  },
  actions: {
    standForPreVote: assign(({ context }) => ({
      isNewcomer: false,
      granted: [context.nodeId],
      refused: NONE,
    })),
    startElection: assign(({ context }) => ({
      election: ownCandidacy(context),
      granted: [context.nodeId],
      refused: NONE,
    })),
    recordGrant: assign(({ context }, { from }: Answer) => ({
      granted: withNode(context.granted, from),
    })),
    recordRefusal: assign(({ context }, { from }: Answer) => ({
      refused: withNode(context.refused, from),
    })),
    castVote: assign(
      ({ context }, { epoch, candidate }: { epoch: LeaderEpoch; candidate: Candidate }) => ({
        election: {
          ...adopted(context.election, epoch, null),
          votedId: candidate.id,
          votedIncarnation: candidate.incarnation,
        },
        isNewcomer: false,
        granted: NONE,
        refused: NONE,
      }),
    ),
    takeLeadership: assign(({ context }) => ({
      election: { ...context.election, leaderId: context.nodeId },
    })),
    adoptEpoch: assign(
      ({ context }, { epoch, leaderId }: { epoch: LeaderEpoch; leaderId: NodeId | null }) => ({
        election: adopted(context.election, epoch, leaderId),
        isNewcomer: false,
        granted: NONE,
        refused: NONE,
      }),
    ),
    forgetLeader: assign(({ context }) => ({ election: { ...context.election, leaderId: null } })),
    awaitLeader: assign({ hasHeardLeader: false }),
    hearLeader: assign({ hasHeardLeader: true }),
    changeVoters: assign((_, { voters }: { voters: VoterSet }) => ({ voters })),
    noteDivergence: assign((_, { end }: { end: Offset }) => ({ divergence: end })),
    noteSnapshot: assign((_, { id }: { id: SnapshotId }) => ({ snapshotId: id })),
    recordFailure: assign((_, { reason }: { reason: string }) => ({ failure: reason })),

    // Effects.
    sendPreVoteRequests: effect<Peers>('sendPreVoteRequests'),
    sendVoteRequests: effect<Peers>('sendVoteRequests'),
    /** The record that opens the epoch; its commit is told by `epochStart.committed`. */
    appendLeaderChange: effect<{ epoch: LeaderEpoch; granted: readonly NodeId[] }>(
      'appendLeaderChange',
    ),
    startLeading: effect<{ epoch: LeaderEpoch }>('startLeading'),
    /** Proposals that still wait are given up. */
    stopLeading: effect<{ epoch: LeaderEpoch }>('stopLeading'),
    /** From the leader; without one, from everybody in turn, to hear of one. */
    startFetching: effect<Following>('startFetching'),
    stopFetching: effect<{ epoch: LeaderEpoch }>('stopFetching'),
    sendEndQuorumEpoch: effect<Peers>('sendEndQuorumEpoch'),
  },
  actors: {
    /** Writes of the shell's are made in the order in which they are asked for. */
    persistElection: fromPromise<void, ElectionState>(unprovided('persistElection')),
    /** Brings the tree up to the start of the epoch, from the log. */
    replayCommitted: fromPromise<void, { epoch: LeaderEpoch }>(unprovided('replayCommitted')),
    /** Cuts the log where it stops being the leader's. */
    truncateLog: fromPromise<void, { epoch: LeaderEpoch; end: Offset }>(unprovided('truncateLog')),
    /** Rejects only when the disk refuses; a leader that has stopped answering is the fetch timeout's affair. */
    installSnapshot: fromPromise<void, Following & { id: SnapshotId }>(
      unprovided('installSnapshot'),
    ),
  },
});

function ownCandidacy({ election, nodeId, incarnation }: MemberContext): ElectionState {
  return {
    epoch: leaderEpoch(election.epoch + 1),
    leaderId: null,
    votedId: nodeId,
    votedIncarnation: incarnation,
  };
}

/** A vote is for one epoch: in a newer one there is none yet. */
function adopted(
  election: ElectionState,
  epoch: LeaderEpoch,
  leaderId: NodeId | null,
): ElectionState {
  if (epoch === election.epoch) return { ...election, leaderId };
  return { epoch, leaderId, votedId: null, votedIncarnation: null };
}

const withNode = (nodes: readonly NodeId[], node: NodeId): readonly NodeId[] =>
  nodes.includes(node) ? nodes : [...nodes, node];
