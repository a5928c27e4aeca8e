/**
 * One member's part in the election of the ensemble's leader: Raft with pre-vote, in KRaft's states (KIP-595, KIP-996). A
 * lone voter goes through the same states as one of many; its own vote is the majority, so no timer passes.
 *
 * Invariants: a vote is on disk before it is counted; an epoch that was learnt is on disk before it is acted in; the epoch
 * never goes back, and each candidacy has an epoch of its own. A disk that refused ends the member: it stops voting rather
 * than guess what it has promised.
 *
 * The machine knows elections only. Proposals, flushes and the high watermark pass by it (`acceptsProposals` says when).
 * Not here yet, and to come with several voters: answering the votes of others, fetching and truncating (`follower` and
 * `observer` name the effects that do it), a leader that resigns because its followers are silent, changes of the voters.
 */
import { assign, fromPromise, setup } from 'xstate';
import { leaderEpoch, type LeaderEpoch, type NodeId, type Uuid } from '@odradek/protocol';
import { asError } from '../errors.ts';
import { ELECTION_TIMEOUT_MS, FETCH_TIMEOUT_MS } from '../limits.ts';
import { holdsMajority, isOutvoted, type ElectionState } from './election.ts';

export interface MemberContext {
  readonly nodeId: NodeId;
  readonly incarnation: Uuid;
  readonly voters: readonly NodeId[];
  readonly election: ElectionState;
  /** Answers to the (pre-)votes that are being asked for. */
  readonly granted: readonly NodeId[];
  readonly refused: readonly NodeId[];
  /** Why it has failed, for people. */
  readonly failure: string | null;
}

export interface MemberInput {
  readonly nodeId: NodeId;
  readonly incarnation: Uuid;
  readonly voters: readonly NodeId[];
  readonly election: ElectionState;
}

export type MemberEvent =
  | { readonly type: 'preVote.granted'; readonly epoch: LeaderEpoch; readonly from: NodeId }
  | { readonly type: 'preVote.refused'; readonly epoch: LeaderEpoch; readonly from: NodeId }
  | { readonly type: 'vote.granted'; readonly epoch: LeaderEpoch; readonly from: NodeId }
  | { readonly type: 'vote.refused'; readonly epoch: LeaderEpoch; readonly from: NodeId }
  /** Some message carried it. */
  | { readonly type: 'epoch.observed'; readonly epoch: LeaderEpoch }
  /** BeginQuorumEpoch, or an answer that names the leader. */
  | { readonly type: 'leader.discovered'; readonly epoch: LeaderEpoch; readonly leaderId: NodeId }
  | { readonly type: 'fetch.succeeded'; readonly epoch: LeaderEpoch }
  /** The first record of this leader's epoch is held by a majority: so is all before it (Raft, section 5.4.2). */
  | { readonly type: 'epochStart.committed'; readonly epoch: LeaderEpoch }
  | { readonly type: 'log.failed'; readonly reason: string }
  | { readonly type: 'shutdown.requested' };

export type MemberRole =
  | 'unattached'
  | 'prospective'
  | 'candidate'
  | 'leader'
  | 'follower'
  | 'observer'
  /** It led, and was shut down. */
  | 'resigned'
  | 'closed'
  /** Its disk refused. */
  | 'failed';

type Answer = { readonly from: NodeId };
type Peers = { readonly epoch: LeaderEpoch; readonly peers: readonly NodeId[] };

const unprovided = (name: string) => () => {
  throw new Error(`${name} is provided by the shell`);
};
const effect = <Params>(name: string) => unprovided(name) as (_: unknown, params: Params) => void;

const NONE: readonly NodeId[] = [];

export const quorumMemberMachine = setup({
  types: {
    context: {} as MemberContext,
    events: {} as MemberEvent,
    input: {} as MemberInput,
    /** settled: this member's role in the present epoch is known and taken up. */
    tags: {} as 'acceptsProposals' | 'settled',
  },
  delays: { electionTimeout: ELECTION_TIMEOUT_MS, fetchTimeout: FETCH_TIMEOUT_MS },
  guards: {
    isVoter: ({ context }) => context.voters.includes(context.nodeId),
    isOnlyVoter: ({ context }) =>
      context.voters.length === 1 && context.voters[0] === context.nodeId,
    holdsMajority: ({ context }) => holdsMajority(context.granted, context.voters),
    isOutvoted: ({ context }) => isOutvoted(context.refused, context.voters),
    knowsLeader: ({ context }) => context.election.leaderId !== null,
    isVoterUnderLeader: ({ context }) =>
      context.election.leaderId !== null && context.voters.includes(context.nodeId),
    isCurrentEpoch: ({ context }, { epoch }: { epoch: LeaderEpoch }) =>
      epoch === context.election.epoch,
    isNewerEpoch: ({ context }, { epoch }: { epoch: LeaderEpoch }) =>
      epoch > context.election.epoch,
    isNewLeader: ({ context }, { epoch, leaderId }: { epoch: LeaderEpoch; leaderId: NodeId }) =>
      leaderId !== context.nodeId &&
      (epoch > context.election.epoch ||
        (epoch === context.election.epoch && context.election.leaderId === null)),
  },
  actions: {
    standForPreVote: assign(({ context }) => ({ granted: [context.nodeId], refused: NONE })),
    startElection: assign(({ context }) => ({
      election: ownCandidacy(context),
      granted: [context.nodeId],
      refused: NONE,
    })),
    recordGrant: assign(({ context }, { from }: Answer) => ({
      granted: withVoter(context.granted, from),
    })),
    recordRefusal: assign(({ context }, { from }: Answer) => ({
      refused: withVoter(context.refused, from),
    })),
    takeLeadership: assign(({ context }) => ({
      election: { ...context.election, leaderId: context.nodeId },
    })),
    adoptEpoch: assign(
      ({ context }, { epoch, leaderId }: { epoch: LeaderEpoch; leaderId: NodeId | null }) => ({
        election: adopted(context.election, epoch, leaderId),
        granted: NONE,
        refused: NONE,
      }),
    ),
    forgetLeader: assign(({ context }) => ({ election: { ...context.election, leaderId: null } })),
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
    startFetching: effect<{ epoch: LeaderEpoch; leaderId: NodeId | null }>('startFetching'),
    stopFetching: effect<{ epoch: LeaderEpoch }>('stopFetching'),
    sendEndQuorumEpoch: effect<Peers>('sendEndQuorumEpoch'),
  },
  actors: {
    /** Writes of the shell's are made in the order in which they are asked for. */
    persistElection: fromPromise<void, ElectionState>(unprovided('persistElection')),
    /** Brings the tree up to the start of the epoch, from the log. */
    replayCommitted: fromPromise<void, { epoch: LeaderEpoch }>(unprovided('replayCommitted')),
  },
}).createMachine({
  id: 'quorumMember',
  context: ({ input }) => ({ ...input, granted: NONE, refused: NONE, failure: null }),
  initial: 'joining',
  on: {
    'epoch.observed': {
      guard: { type: 'isNewerEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
      target: '.persistingEpoch',
      actions: {
        type: 'adoptEpoch',
        params: ({ event }) => ({ epoch: event.epoch, leaderId: null }),
      },
    },
    'leader.discovered': {
      guard: {
        type: 'isNewLeader',
        params: ({ event }) => ({ epoch: event.epoch, leaderId: event.leaderId }),
      },
      target: '.persistingEpoch',
      actions: {
        type: 'adoptEpoch',
        params: ({ event }) => ({ epoch: event.epoch, leaderId: event.leaderId }),
      },
    },
    'log.failed': {
      target: '.failed',
      actions: { type: 'recordFailure', params: ({ event }) => ({ reason: event.reason }) },
    },
    'shutdown.requested': '.closed',
  },
  states: {
    /** Which of its parts a member takes up when nothing urges it. */
    joining: {
      always: [
        { guard: 'isVoterUnderLeader', target: 'follower' },
        { guard: 'isVoter', target: 'unattached' },
        { target: 'observer' },
      ],
    },

    /** A voter that knows no leader, and waits whether one shows up. */
    unattached: {
      // Whom should it wait for?
      always: { guard: 'isOnlyVoter', target: 'prospective' },
      after: { electionTimeout: 'prospective' },
    },

    /** Asks whether it would be elected, before it disturbs anybody with a new epoch. */
    prospective: {
      entry: [
        'standForPreVote',
        { type: 'sendPreVoteRequests', params: ({ context }) => peersOf(context) },
      ],
      always: [
        { guard: 'holdsMajority', target: 'candidate' },
        { guard: 'isOutvoted', target: 'joining' },
      ],
      on: {
        'preVote.granted': {
          guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
          actions: { type: 'recordGrant', params: ({ event }) => ({ from: event.from }) },
        },
        'preVote.refused': {
          guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
          actions: { type: 'recordRefusal', params: ({ event }) => ({ from: event.from }) },
        },
      },
      after: { electionTimeout: 'joining' },
    },

    candidate: {
      entry: 'startElection',
      initial: 'persistingVote',
      states: {
        // No timeout here: whoever leaves it does not stop the disk, and must not vote again before it is done.
        persistingVote: {
          invoke: {
            src: 'persistElection',
            input: ({ context }) => context.election,
            onDone: 'collectingVotes',
            onError: {
              target: '#quorumMember.failed',
              actions: {
                type: 'recordFailure',
                params: ({ event }) => ({ reason: asError(event.error).message }),
              },
            },
          },
        },
        collectingVotes: {
          entry: { type: 'sendVoteRequests', params: ({ context }) => peersOf(context) },
          always: [
            { guard: 'holdsMajority', target: '#quorumMember.leader' },
            { guard: 'isOutvoted', target: '#quorumMember.prospective' },
          ],
          on: {
            'vote.granted': {
              guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
              actions: { type: 'recordGrant', params: ({ event }) => ({ from: event.from }) },
            },
            'vote.refused': {
              guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
              actions: { type: 'recordRefusal', params: ({ event }) => ({ from: event.from }) },
            },
          },
          after: { electionTimeout: '#quorumMember.prospective' },
        },
      },
    },

    leader: {
      entry: [
        'takeLeadership',
        {
          type: 'appendLeaderChange',
          params: ({ context }) => ({ epoch: context.election.epoch, granted: context.granted }),
        },
      ],
      exit: { type: 'stopLeading', params: ({ context }) => ({ epoch: context.election.epoch }) },
      initial: 'committingEpochStart',
      on: { 'shutdown.requested': 'resigned' },
      states: {
        committingEpochStart: {
          on: {
            'epochStart.committed': {
              guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
              target: 'replaying',
            },
          },
        },
        replaying: {
          invoke: {
            src: 'replayCommitted',
            input: ({ context }) => ({ epoch: context.election.epoch }),
            onDone: 'active',
            onError: {
              target: '#quorumMember.failed',
              actions: {
                type: 'recordFailure',
                params: ({ event }) => ({ reason: asError(event.error).message }),
              },
            },
          },
        },
        active: {
          tags: ['acceptsProposals', 'settled'],
          entry: {
            type: 'startLeading',
            params: ({ context }) => ({ epoch: context.election.epoch }),
          },
        },
      },
    },

    follower: {
      tags: ['settled'],
      entry: { type: 'startFetching', params: ({ context }) => leaderOf(context) },
      exit: { type: 'stopFetching', params: ({ context }) => ({ epoch: context.election.epoch }) },
      initial: 'fetching',
      states: {
        fetching: {
          on: {
            'fetch.succeeded': {
              guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
              target: 'fetching',
              reenter: true,
            },
          },
          after: { fetchTimeout: '#quorumMember.prospective' },
        },
      },
    },

    /** Follows the log without a vote. */
    observer: {
      tags: ['settled'],
      initial: 'searching',
      states: {
        searching: { always: { guard: 'knowsLeader', target: 'fetching' } },
        fetching: {
          entry: { type: 'startFetching', params: ({ context }) => leaderOf(context) },
          exit: {
            type: 'stopFetching',
            params: ({ context }) => ({ epoch: context.election.epoch }),
          },
          on: {
            'fetch.succeeded': {
              guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
              target: 'fetching',
              reenter: true,
            },
          },
          after: { fetchTimeout: { target: 'searching', actions: 'forgetLeader' } },
        },
      },
    },

    /** A newer epoch is on disk before anything is done or answered in it. */
    persistingEpoch: {
      invoke: {
        src: 'persistElection',
        input: ({ context }) => context.election,
        onDone: 'joining',
        onError: {
          target: 'failed',
          actions: {
            type: 'recordFailure',
            params: ({ event }) => ({ reason: asError(event.error).message }),
          },
        },
      },
    },

    resigned: {
      type: 'final',
      entry: { type: 'sendEndQuorumEpoch', params: ({ context }) => peersOf(context) },
    },
    closed: { type: 'final' },
    failed: { type: 'final' },
  },
});

/** The names that outsiders use; an epoch that is being persisted has no leader yet. */
const ROLES: Readonly<Record<string, MemberRole>> = {
  joining: 'unattached',
  unattached: 'unattached',
  persistingEpoch: 'unattached',
  prospective: 'prospective',
  candidate: 'candidate',
  leader: 'leader',
  follower: 'follower',
  observer: 'observer',
  resigned: 'resigned',
  closed: 'closed',
  failed: 'failed',
};

export const roleOf = (state: { readonly value: string | object }): MemberRole =>
  ROLES[typeof state.value === 'string' ? state.value : Object.keys(state.value)[0]!]!;

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

const withVoter = (voters: readonly NodeId[], voter: NodeId): readonly NodeId[] =>
  voters.includes(voter) ? voters : [...voters, voter];

const peersOf = ({ election, voters, nodeId }: MemberContext): Peers => ({
  epoch: election.epoch,
  peers: voters.filter((voter) => voter !== nodeId),
});

const leaderOf = ({ election }: MemberContext) => ({
  epoch: election.epoch,
  leaderId: election.leaderId,
});
