/**
 * One member's part in the ensemble: Raft with pre-vote, in KRaft's states (KIP-595, KIP-853, KIP-996). A lone voter goes
 * through the same states as one of many; its own vote is the majority, so no timer passes.
 *
 * Invariants: a vote is on disk before it is counted or answered; an epoch that was learnt is on disk before it is acted in;
 * the epoch never goes back, and each candidacy has an epoch of its own; the log is cut only in a state of that name. A disk
 * that refused ends the member: it stops voting rather than guess what it has promised.
 *
 * The machine knows roles only. Proposals, records, flushes and the high watermark pass by it (`acceptsProposals` says when).
 * Here is what holds in any role, and where a member goes when nothing urges it; the roles have tables of their own.
 */
import { candidate, prospective, unattached } from './quorum-member.electing.ts';
import type { MemberRole } from './quorum-member.events.ts';
import { follower, observer } from './quorum-member.following.ts';
import { leader, resigned, retired } from './quorum-member.leading.ts';
import { failed } from './quorum-member.phrases.ts';
import { member, NONE } from './quorum-member.vocabulary.ts';

export const quorumMemberMachine = member.createMachine({
  id: 'quorumMember',
  context: ({ input }) => ({
    ...input,
    granted: NONE,
    refused: NONE,
    isNewcomer: true,
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
    unattached,
    prospective,
    candidate,
    leader,
    follower,
    observer,
    /** A newer epoch, and a vote, is on disk before anything is done or answered in it. */
    persistingEpoch: {
      invoke: {
        src: 'persistElection',
        input: ({ context }) => context.election,
        onDone: 'joining',
        onError: failed,
      },
    },
    resigned,
    retired,
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
