/**
 * A consumer's membership in a classic group, from finding the coordinator to leaving. What is asked of the broker and what happens to
 * partitions are effects (membership.ts); every wait for them is a state with a name.
 *
 * Invariants: nothing is joined before what must be given back is given back (`revoking`); heartbeats go out in every state in which
 * the member has a generation; a member that was expelled loses its partitions before it does anything else.
 */
import { assign, fromPromise } from 'xstate';
import { setup } from '../machine.ts';
import { heartbeatMachine } from './heartbeat.machine.ts';
import type { HeartbeatInput, HeartbeatRefused, Refusal } from './heartbeat.machine.ts';

export interface MembershipContext {
  readonly heartbeat: HeartbeatInput;
  /** In a row, for the pause before the next attempt. */
  readonly failures: number;
  /** Why it rebalances, tries again, or is over: for people and for JoinGroup's reason. */
  readonly reason: string | undefined;
  readonly error: unknown;
  /** What was told to the group has changed since: once more, when this rebalance is over. */
  readonly mustRejoin: boolean;
}

export type MembershipEvent =
  | { readonly type: 'group.joined' }
  | HeartbeatRefused
  /** The subscription or the topics have changed. */
  | { readonly type: 'rejoin.requested'; readonly reason: string }
  /** A commit was refused: the generation is over. */
  | { readonly type: 'generation.lost' }
  | { readonly type: 'leave.requested' };

export type MembershipTag = 'rebalancing' | 'stable' | 'leaving' | 'over' | 'failed';

const refused = ({ event }: { event: { readonly error: unknown } }): { refusal: Refusal } => ({
  refusal: event.error as Refusal,
});

/** What can go wrong while it joins and syncs; the same answers in both. */
const onRefusal = [
  {
    guard: { type: 'is', params: (args: ErrorArgs) => ({ ...refused(args), kind: 'rejoin' }) },
    target: '#membership.joining',
    reenter: true,
  },
  {
    guard: { type: 'is', params: (args: ErrorArgs) => ({ ...refused(args), kind: 'expelled' }) },
    target: '#membership.joining',
    reenter: true,
    actions: ['loseEverything', { type: 'noteRefusal', params: refused }],
  },
  {
    guard: { type: 'is', params: (args: ErrorArgs) => ({ ...refused(args), kind: 'fatal' }) },
    target: '#membership.failed',
    actions: { type: 'noteRefusal', params: refused },
  },
  { target: '#membership.backingOff', actions: { type: 'noteRefusal', params: refused } },
] as const;

/** The subscription has been told already, or partitions counted: too late for this rebalance. */
const rejoinLater = {
  actions: [
    'rememberToRejoin',
    {
      type: 'noteReason',
      params: ({ event }: { event: { readonly reason: string } }) => ({ reason: event.reason }),
    },
  ],
} as const;

interface ErrorArgs {
  readonly event: { readonly error: unknown };
}

export const membershipMachine = setup({
  types: {
    context: {} as MembershipContext,
    events: {} as MembershipEvent,
    input: {} as HeartbeatInput,
    tags: {} as MembershipTag,
  },
  delays: { retryPause: 100 },
  guards: {
    is: (_, { refusal, kind }: { refusal: Refusal; kind: string }) => refusal.kind === kind,
    /** A cooperative member that gave something back joins once more, so that it can go to others. */
    gaveBack: (_, { gaveBack }: { gaveBack: boolean }) => gaveBack,
    mustRejoin: ({ context }) => context.mustRejoin,
  },
  actions: {
    noteReason: assign({ reason: (_, { reason }: { reason: string }) => reason }),
    noteRefusal: assign({
      failures: ({ context }) => context.failures + 1,
      error: (_, { refusal }: { refusal: Refusal }) => refusal.error,
      reason: (_, { refusal }: { refusal: Refusal }) =>
        refusal.error instanceof Error ? refusal.error.message : String(refusal.error),
    }),
    clearFailures: assign({ failures: 0, error: undefined }),
    rememberToRejoin: assign({ mustRejoin: true }),
    forgetToRejoin: assign({ mustRejoin: false }),
    // Effects; the shell provides them.
    loseEverything() {},
  },
  actors: {
    heartbeat: heartbeatMachine,
    // All reject with a Refusal.
    findCoordinator: unprovided<void>(),
    join: unprovided<void>(),
    sync: unprovided<void>(),
    /** Gives up what the new assignment does not hold and takes what is new; tells whether anything was given back. */
    adoptAssignment: unprovided<boolean>(),
    /** Waits for records in work and commits, for what must be given back before joining. */
    revoke: unprovided<void>(),
    leave: unprovided<void>(),
  },
}).createMachine({
  id: 'membership',
  context: ({ input }) => ({
    heartbeat: input,
    failures: 0,
    reason: undefined,
    error: undefined,
    mustRejoin: false,
  }),
  initial: 'idle',
  on: { 'leave.requested': '.leaving' },
  states: {
    idle: { on: { 'group.joined': 'findingCoordinator', 'leave.requested': 'left' } },
    findingCoordinator: {
      tags: ['rebalancing'],
      invoke: { src: 'findCoordinator', onDone: 'joining', onError: onRefusal },
    },
    joining: {
      tags: ['rebalancing'],
      entry: 'forgetToRejoin',
      on: { 'rejoin.requested': rejoinLater },
      invoke: { src: 'join', onDone: 'syncing', onError: onRefusal },
    },
    syncing: {
      tags: ['rebalancing'],
      on: { 'rejoin.requested': rejoinLater },
      invoke: { src: 'sync', onDone: 'member', onError: onRefusal },
    },
    member: {
      entry: 'clearFailures',
      invoke: { src: 'heartbeat', input: ({ context }) => context.heartbeat },
      on: {
        'heartbeat.refused': [
          // It is told again at the next beat, when what is under way is done.
          { guard: { type: 'is', params: ({ event }) => ({ refusal: event, kind: 'rejoin' }) } },
          {
            guard: { type: 'is', params: ({ event }) => ({ refusal: event, kind: 'expelled' }) },
            target: 'joining',
            actions: [
              'loseEverything',
              { type: 'noteRefusal', params: ({ event }) => ({ refusal: event }) },
            ],
          },
          {
            target: 'failed',
            actions: { type: 'noteRefusal', params: ({ event }) => ({ refusal: event }) },
          },
        ],
        'generation.lost': { target: 'joining', actions: 'loseEverything' },
      },
      initial: 'adopting',
      states: {
        adopting: {
          tags: ['rebalancing'],
          on: { 'rejoin.requested': rejoinLater },
          invoke: {
            src: 'adoptAssignment',
            onDone: [
              {
                guard: { type: 'gaveBack', params: ({ event }) => ({ gaveBack: event.output }) },
                target: '#membership.joining',
                actions: {
                  type: 'noteReason',
                  params: () => ({ reason: 'partitions were given back' }),
                },
              },
              { guard: 'mustRejoin', target: '#membership.joining' },
              { target: 'stable' },
            ],
            onError: onRefusal,
          },
        },
        stable: {
          tags: ['stable'],
          on: {
            'heartbeat.refused': {
              guard: { type: 'is', params: ({ event }) => ({ refusal: event, kind: 'rejoin' }) },
              target: 'revoking',
              actions: { type: 'noteReason', params: () => ({ reason: 'the group rebalances' }) },
            },
            'rejoin.requested': {
              target: 'revoking',
              actions: {
                type: 'noteReason',
                params: ({ event }) => ({ reason: event.reason }),
              },
            },
          },
        },
        revoking: {
          tags: ['rebalancing'],
          invoke: { src: 'revoke', onDone: '#membership.joining', onError: onRefusal },
        },
      },
    },
    backingOff: { tags: ['rebalancing'], after: { retryPause: 'findingCoordinator' } },
    leaving: {
      tags: ['leaving'],
      invoke: { src: 'leave', onDone: 'left', onError: 'left' },
      on: { 'leave.requested': {} },
    },
    left: { tags: ['over'], type: 'final' },
    failed: { tags: ['failed', 'over'], on: { 'leave.requested': 'leaving' } },
  },
});

function unprovided<Out>() {
  return fromPromise<Out>(() => Promise.reject(new Error('not provided')));
}
