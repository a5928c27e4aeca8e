/**
 * One member's part in the ensemble: Raft with pre-vote, in KRaft's states (KIP-595, KIP-853, KIP-996). A lone voter goes
 * through the same states as one of many; its own vote is the majority, so no timer passes.
 *
 * Invariants: a vote is on disk before it is counted or answered; an epoch that was learnt is on disk before it is acted in;
 * the epoch never goes back, and each candidacy has an epoch of its own; the log is cut only in a state of that name. A disk
 * that refused ends the member: it stops voting rather than guess what it has promised.
 *
 * The machine knows roles only. Proposals, records, flushes and the high watermark pass by it (`acceptsProposals` says when).
 * Long, because it is one table.
 */
import { assign, fromPromise, setup } from 'xstate';
import {
  leaderEpoch,
  type LeaderEpoch,
  type NodeId,
  type Offset,
  type Uuid,
} from '@odradek/protocol';
import { asError } from '../errors.ts';
import { ELECTION_TIMEOUT_MS, FETCH_TIMEOUT_MS } from '../limits.ts';
import type { SnapshotId } from '../tree/snapshot.ts';
import { holdsMajority, isOutvoted, mayCastVote, type ElectionState } from './election.ts';
import { idsOf, isVoterIn, type Voter, type VoterSet } from './voters.ts';

export interface MemberContext {
  readonly nodeId: NodeId;
  readonly incarnation: Uuid;
  readonly voters: VoterSet;
  readonly election: ElectionState;
  /** Answers to the (pre-)votes that are being asked for. */
  readonly granted: readonly NodeId[];
  readonly refused: readonly NodeId[];
  /** Since this member follows its leader it has answered: others need not be helped to depose it. */
  readonly hasHeardLeader: boolean;
  /** Where the log stops being the leader's, while it is cut. */
  readonly divergence: Offset | null;
  /** What the leader has in the place of what this member lacks, while it is fetched. */
  readonly snapshotId: SnapshotId | null;
  /** Why it has failed, for people. */
  readonly failure: string | null;
}

export interface MemberInput {
  readonly nodeId: NodeId;
  readonly incarnation: Uuid;
  readonly voters: VoterSet;
  readonly election: ElectionState;
}

type Candidate = { readonly id: NodeId; readonly incarnation: Uuid };

export type MemberEvent =
  | { readonly type: 'preVote.granted'; readonly epoch: LeaderEpoch; readonly from: NodeId }
  | { readonly type: 'preVote.refused'; readonly epoch: LeaderEpoch; readonly from: NodeId }
  | { readonly type: 'vote.granted'; readonly epoch: LeaderEpoch; readonly from: NodeId }
  | { readonly type: 'vote.refused'; readonly epoch: LeaderEpoch; readonly from: NodeId }
  /** Another's candidacy that deserves this member's vote, as far as the log goes. */
  | { readonly type: 'vote.requested'; readonly epoch: LeaderEpoch; readonly candidate: Candidate }
  /** Some message carried it. */
  | { readonly type: 'epoch.observed'; readonly epoch: LeaderEpoch }
  /** BeginQuorumEpoch, or an answer that names the leader. */
  | { readonly type: 'leader.discovered'; readonly epoch: LeaderEpoch; readonly leaderId: NodeId }
  /** EndQuorumEpoch (`isSuccessor`: this member is the first in its list), or the leader says that it is none. */
  | { readonly type: 'leader.left'; readonly epoch: LeaderEpoch; readonly isSuccessor: boolean }
  /** Its connection is refused, again and again. */
  | { readonly type: 'leader.lost'; readonly epoch: LeaderEpoch }
  | { readonly type: 'fetch.succeeded'; readonly epoch: LeaderEpoch }
  | { readonly type: 'divergence.found'; readonly epoch: LeaderEpoch; readonly end: Offset }
  | { readonly type: 'snapshot.required'; readonly epoch: LeaderEpoch; readonly id: SnapshotId }
  /** The first record of this leader's epoch is held by a majority: so is all before it (Raft, section 5.4.2). */
  | { readonly type: 'epochStart.committed'; readonly epoch: LeaderEpoch }
  /** No majority of the voters has asked this leader for so long. */
  | { readonly type: 'majority.lost'; readonly epoch: LeaderEpoch }
  | { readonly type: 'resignation.requested' }
  /** A record of the log says who votes, or is truncated away. */
  | { readonly type: 'voters.changed'; readonly voters: VoterSet }
  | { readonly type: 'log.failed'; readonly reason: string }
  | { readonly type: 'shutdown.requested' };

export type MemberRole =
  | 'unattached'
  | 'prospective'
  | 'candidate'
  | 'leader'
  | 'follower'
  | 'observer'
  /** It led, and has given it up. */
  | 'resigned'
  | 'closed'
  /** Its disk refused. */
  | 'failed';

type Answer = { readonly from: NodeId };
type Peers = { readonly epoch: LeaderEpoch; readonly peers: VoterSet };
type Following = { readonly epoch: LeaderEpoch; readonly leaderId: NodeId | null };

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
    tags: {} as 'acceptsProposals' | 'settled' | 'follows',
  },
  delays: { electionTimeout: ELECTION_TIMEOUT_MS, fetchTimeout: FETCH_TIMEOUT_MS },
  guards: {
    isVoter: ({ context }) => isVoterIn(context.voters, context.nodeId, context.incarnation),
    isOnlyVoter: ({ context }) =>
      context.voters.length === 1 && isVoterIn(context.voters, context.nodeId, context.incarnation),
    holdsMajority: ({ context }) => holdsMajority(context.granted, idsOf(context.voters)),
    isOutvoted: ({ context }) => isOutvoted(context.refused, idsOf(context.voters)),
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
    standForPreVote: assign(({ context }) => ({ granted: [context.nodeId], refused: NONE })),
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
}).createMachine({
  id: 'quorumMember',
  context: ({ input }) => ({
    ...input,
    granted: NONE,
    refused: NONE,
    hasHeardLeader: false,
    divergence: null,
    snapshotId: null,
    failure: null,
  }),
  initial: 'joining',
  on: {
    'vote.requested': {
      guard: {
        type: 'isFreeToVote',
        params: ({ event }) => ({ epoch: event.epoch, candidate: event.candidate }),
      },
      target: '.persistingEpoch',
      actions: {
        type: 'castVote',
        params: ({ event }) => ({ epoch: event.epoch, candidate: event.candidate }),
      },
    },
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
    'voters.changed': {
      actions: { type: 'changeVoters', params: ({ event }) => ({ voters: event.voters }) },
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
        // Whom should it wait for?
        { guard: 'isOnlyVoter', target: 'prospective' },
        { guard: 'isVoter', target: 'unattached' },
        { target: 'observer' },
      ],
    },

    /** A voter that knows no leader: it asks around, and waits whether one shows up. */
    unattached: {
      entry: { type: 'startFetching', params: ({ context }) => leaderOf(context) },
      exit: { type: 'stopFetching', params: ({ context }) => ({ epoch: context.election.epoch }) },
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
        'leader.left': {
          guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
          actions: 'forgetLeader',
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
            { guard: 'isOutvoted', target: '#quorumMember.joining' },
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
      on: {
        'shutdown.requested': 'retired',
        'resignation.requested': 'resigned',
        'majority.lost': {
          guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
          target: 'resigned',
        },
      },
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
          {
            guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
            target: 'joining',
            actions: 'forgetLeader',
          },
        ],
        'leader.lost': {
          guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
          target: 'prospective',
        },
        'voters.changed': {
          guard: { type: 'isVoterNoMore', params: ({ event }) => ({ voters: event.voters }) },
          target: 'joining',
          actions: { type: 'changeVoters', params: ({ event }) => ({ voters: event.voters }) },
        },
      },
      states: {
        fetching: {
          entry: { type: 'startFetching', params: ({ context }) => leaderOf(context) },
          exit: {
            type: 'stopFetching',
            params: ({ context }) => ({ epoch: context.election.epoch }),
          },
          initial: 'waiting',
          states: {
            /** For the leader's next answer. Fetching goes on when one comes; only the timer begins anew. */
            waiting: {
              on: {
                'fetch.succeeded': {
                  guard: {
                    type: 'isCurrentEpoch',
                    params: ({ event }) => ({ epoch: event.epoch }),
                  },
                  target: 'waiting',
                  reenter: true,
                  actions: 'hearLeader',
                },
              },
              after: { fetchTimeout: '#quorumMember.prospective' },
            },
          },
          on: {
            'divergence.found': {
              guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
              target: 'truncating',
              actions: { type: 'noteDivergence', params: ({ event }) => ({ end: event.end }) },
            },
            'snapshot.required': {
              guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
              target: 'installingSnapshot',
              actions: { type: 'noteSnapshot', params: ({ event }) => ({ id: event.id }) },
            },
          },
        },
        // No timeouts here: whoever leaves it does not stop the disk.
        truncating: {
          invoke: {
            src: 'truncateLog',
            input: ({ context }) => ({ epoch: context.election.epoch, end: context.divergence! }),
            onDone: 'fetching',
            onError: {
              target: '#quorumMember.failed',
              actions: {
                type: 'recordFailure',
                params: ({ event }) => ({ reason: asError(event.error).message }),
              },
            },
          },
        },
        installingSnapshot: {
          invoke: {
            src: 'installSnapshot',
            input: ({ context }) => ({ ...leaderOf(context), id: context.snapshotId! }),
            onDone: 'fetching',
            onError: {
              target: '#quorumMember.failed',
              actions: {
                type: 'recordFailure',
                params: ({ event }) => ({ reason: asError(event.error).message }),
              },
            },
          },
        },
      },
    },

    /** Follows the log without a vote. */
    observer: {
      tags: ['settled'],
      initial: 'searching',
      on: {
        'voters.changed': {
          guard: { type: 'becomesVoter', params: ({ event }) => ({ voters: event.voters }) },
          target: 'joining',
          actions: { type: 'changeVoters', params: ({ event }) => ({ voters: event.voters }) },
        },
      },
      states: {
        searching: {
          always: { guard: 'knowsLeader', target: 'following' },
          entry: { type: 'startFetching', params: ({ context }) => leaderOf(context) },
          exit: {
            type: 'stopFetching',
            params: ({ context }) => ({ epoch: context.election.epoch }),
          },
        },
        following: {
          tags: ['follows'],
          entry: 'awaitLeader',
          initial: 'fetching',
          on: {
            'leader.left': {
              guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
              target: 'searching',
              actions: 'forgetLeader',
            },
            'leader.lost': {
              guard: { type: 'isCurrentEpoch', params: ({ event }) => ({ epoch: event.epoch }) },
              target: 'searching',
              actions: 'forgetLeader',
            },
          },
          states: {
            fetching: {
              entry: { type: 'startFetching', params: ({ context }) => leaderOf(context) },
              exit: {
                type: 'stopFetching',
                params: ({ context }) => ({ epoch: context.election.epoch }),
              },
              initial: 'waiting',
              states: {
                /** For the leader's next answer. Fetching goes on when one comes; only the timer begins anew. */
                waiting: {
                  on: {
                    'fetch.succeeded': {
                      guard: {
                        type: 'isCurrentEpoch',
                        params: ({ event }) => ({ epoch: event.epoch }),
                      },
                      target: 'waiting',
                      reenter: true,
                      actions: 'hearLeader',
                    },
                  },
                  after: {
                    fetchTimeout: {
                      target: '#quorumMember.observer.searching',
                      actions: 'forgetLeader',
                    },
                  },
                },
              },
              on: {
                'divergence.found': {
                  guard: {
                    type: 'isCurrentEpoch',
                    params: ({ event }) => ({ epoch: event.epoch }),
                  },
                  target: 'truncating',
                  actions: { type: 'noteDivergence', params: ({ event }) => ({ end: event.end }) },
                },
                'snapshot.required': {
                  guard: {
                    type: 'isCurrentEpoch',
                    params: ({ event }) => ({ epoch: event.epoch }),
                  },
                  target: 'installingSnapshot',
                  actions: { type: 'noteSnapshot', params: ({ event }) => ({ id: event.id }) },
                },
              },
            },
            // No timeouts here: whoever leaves it does not stop the disk.
            truncating: {
              invoke: {
                src: 'truncateLog',
                input: ({ context }) => ({
                  epoch: context.election.epoch,
                  end: context.divergence!,
                }),
                onDone: 'fetching',
                onError: {
                  target: '#quorumMember.failed',
                  actions: {
                    type: 'recordFailure',
                    params: ({ event }) => ({ reason: asError(event.error).message }),
                  },
                },
              },
            },
            installingSnapshot: {
              invoke: {
                src: 'installSnapshot',
                input: ({ context }) => ({ ...leaderOf(context), id: context.snapshotId! }),
                onDone: 'fetching',
                onError: {
                  target: '#quorumMember.failed',
                  actions: {
                    type: 'recordFailure',
                    params: ({ event }) => ({ reason: asError(event.error).message }),
                  },
                },
              },
            },
          },
        },
      },
    },

    /** A newer epoch, and a vote, is on disk before anything is done or answered in it. */
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

    /** It led, and leads no more in this epoch; for a while others are left to stand first. */
    resigned: {
      entry: [
        'forgetLeader',
        { type: 'sendEndQuorumEpoch', params: ({ context }) => peersOf(context) },
      ],
      after: { electionTimeout: 'joining' },
    },
    retired: {
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
  retired: 'resigned',
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

const withNode = (nodes: readonly NodeId[], node: NodeId): readonly NodeId[] =>
  nodes.includes(node) ? nodes : [...nodes, node];

const peersOf = ({ election, voters, nodeId }: MemberContext): Peers => ({
  epoch: election.epoch,
  peers: voters.filter((voter: Voter) => voter.id !== nodeId),
});

const leaderOf = ({ election }: MemberContext): Following => ({
  epoch: election.epoch,
  leaderId: election.leaderId,
});
