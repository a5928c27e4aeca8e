/**
 * The life of one consumer group, in Kafka's five states: empty, preparingRebalance (who joins?), completingRebalance (the leader
 * computes, the log stores), stable, dead. Members, replies and heartbeat deadlines are the shell's (group.ts); the machine
 * knows of them only the facts that its transitions depend on, so that it is small and every wait has a name.
 *
 * Invariants: join answers go out only on entering a generation; sync answers only when the assignment is committed in the log or
 * the generation ends; each generation has one time limit for the syncs of all members, whichever of its two states it is in.
 */
import { ErrorCode } from '@odradek/protocol';
import { assign, setup } from 'xstate';

/** What the machine must know of the roster; sent along with every event that changes it. */
export interface RosterFacts {
  readonly memberCount: number;
  /** Every member waits for its join answer, and no member id was handed out that has yet to join. */
  readonly everyoneJoined: boolean;
  /** The longest of the members' own. */
  readonly rebalanceTimeoutMs: number;
}

export interface GroupContext {
  readonly roster: RosterFacts;
  /** group.initial.rebalance.delay.ms */
  readonly initialRebalanceDelayMs: number;
  /** The first rebalance of an empty group waits for more members, again and again while new ones come, never beyond the rebalance timeout. */
  readonly gathering: {
    readonly delayMs: number;
    readonly remainingMs: number;
    readonly newMember: boolean;
  };
}

export interface GroupInput {
  readonly roster: RosterFacts;
  readonly initialRebalanceDelayMs: number;
}

export type GroupEvent =
  /** A member, new or known, waits for the answer to its JoinGroup. */
  | { readonly type: 'member.joined'; readonly roster: RosterFacts; readonly isNew: boolean }
  /** A member left, expired, or was removed. */
  | { readonly type: 'member.left'; readonly roster: RosterFacts }
  /** A member id was handed out (MEMBER_ID_REQUIRED), or one that was never used has expired. */
  | { readonly type: 'pending.changed'; readonly roster: RosterFacts }
  | { readonly type: 'rebalance.requested'; readonly roster: RosterFacts }
  /** The three ways in which closing the join phase ends. */
  | { readonly type: 'generation.begun'; readonly roster: RosterFacts }
  | { readonly type: 'generation.emptied' }
  /** Only absent static members are left: they keep their place until their sessions expire. */
  | { readonly type: 'join.postponed'; readonly roster: RosterFacts }
  | { readonly type: 'assignment.received' }
  | { readonly type: 'assignment.stored' }
  | {
      readonly type: 'assignment.refused';
      readonly errorCode: ErrorCode;
      readonly roster: RosterFacts;
    }
  /** A static member came back under a new member id, and nothing else changes (KIP-345). */
  | { readonly type: 'replacement.requested' }
  | { readonly type: 'replacement.settled' }
  /** The group was deleted, has nothing left to live for, or its partition moved away. */
  | { readonly type: 'group.closed'; readonly errorCode: ErrorCode };

/** The group's state in Kafka's words, as clients are shown it. The machine's tags. */
export type GroupPhase = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

const notGathering: GroupContext['gathering'] = { delayMs: 0, remainingMs: 0, newMember: false };

/** The facts that came with the event become the context's. */
const noteRoster = {
  type: 'noteRoster',
  params: ({ event }: { event: { readonly roster: RosterFacts } }) => ({ roster: event.roster }),
} as const;

/** Before the assignment is there. Who waits for it must join again. */
const rebalanceFromHere = {
  target: '#group.preparingRebalance.joining',
  actions: [
    noteRoster,
    { type: 'refuseSyncs', params: { errorCode: ErrorCode.REBALANCE_IN_PROGRESS } },
  ],
} as const;

export const groupMachine = setup({
  types: {
    context: {} as GroupContext,
    events: {} as GroupEvent,
    input: {} as GroupInput,
    tags: {} as GroupPhase,
  },
  delays: {
    gatheringDelay: ({ context }) => context.gathering.delayMs,
    rebalanceTimeout: ({ context }) => context.roster.rebalanceTimeoutMs,
    syncTimeout: ({ context }) => context.roster.rebalanceTimeoutMs,
  },
  guards: {
    hasMembers: ({ context }) => context.roster.memberCount > 0,
    everyoneJoined: ({ context }) => context.roster.everyoneJoined,
    mayGatherLonger: ({ context }) =>
      context.gathering.newMember && context.gathering.remainingMs > 0,
  },
  actions: {
    noteRoster: assign({ roster: (_, { roster }: { roster: RosterFacts }) => roster }),
    startGathering: assign({
      gathering: ({ context }) => ({
        delayMs: context.initialRebalanceDelayMs,
        remainingMs: Math.max(
          context.roster.rebalanceTimeoutMs - context.initialRebalanceDelayMs,
          0,
        ),
        newMember: false,
      }),
    }),
    noteNewMember: assign({
      gathering: ({ context }, { isNew }: { isNew: boolean }) => ({
        ...context.gathering,
        newMember: context.gathering.newMember || isNew,
      }),
    }),
    gatherLonger: assign({
      gathering: ({ context: { gathering, initialRebalanceDelayMs } }) => ({
        delayMs: Math.min(initialRebalanceDelayMs, gathering.remainingMs),
        remainingMs: Math.max(gathering.remainingMs - gathering.delayMs, 0),
        newMember: false,
      }),
    }),

    // Effects; the shell provides them.
    stampStateChange() {},
    closeJoinPhase() {},
    announceGeneration() {},
    storeEmptyGroup() {},
    storeAssignment() {},
    deliverAssignments() {},
    refuseSyncs(_, _params: { errorCode: ErrorCode }) {},
    expirePendingSyncs() {},
    storeReplacement() {},
    dismissEveryone(_, _params: { errorCode: ErrorCode }) {},
  },
}).createMachine({
  id: 'group',
  context: ({ input }) => ({ ...input, gathering: notGathering }),
  initial: 'restored',
  on: {
    'group.closed': {
      target: '.dead',
      actions: { type: 'dismissEveryone', params: ({ event }) => ({ errorCode: event.errorCode }) },
    },
  },
  states: {
    /** What the log says: a generation with members goes on where it was. */
    restored: {
      always: [{ guard: 'hasMembers', target: 'generation.stable' }, { target: 'empty' }],
    },

    empty: {
      tags: 'Empty',
      entry: 'stampStateChange',
      on: {
        'member.joined': {
          target: 'preparingRebalance.gathering',
          actions: [noteRoster, 'startGathering'],
        },
      },
    },

    preparingRebalance: {
      tags: 'PreparingRebalance',
      entry: 'stampStateChange',
      on: {
        'member.left': { actions: noteRoster },
        'pending.changed': { actions: noteRoster },
      },
      initial: 'joining',
      states: {
        gathering: {
          on: {
            'member.joined': {
              actions: [
                noteRoster,
                { type: 'noteNewMember', params: ({ event }) => ({ isNew: event.isNew }) },
              ],
            },
          },
          after: {
            gatheringDelay: [
              {
                guard: 'mayGatherLonger',
                target: 'gathering',
                reenter: true,
                actions: 'gatherLonger',
              },
              { target: 'closing' },
            ],
          },
        },
        joining: {
          on: {
            'member.joined': { actions: noteRoster },
          },
          always: { guard: 'everyoneJoined', target: 'closing' },
          after: { rebalanceTimeout: 'closing' },
        },
        /** Passed through at once: the shell drops who is absent and says which of three facts holds. */
        closing: {
          entry: 'closeJoinPhase',
          on: {
            'generation.begun': {
              target: '#group.generation',
              actions: noteRoster,
            },
            'generation.emptied': { target: '#group.empty', actions: 'storeEmptyGroup' },
            'join.postponed': { target: 'joining', actions: noteRoster },
          },
        },
      },
    },

    generation: {
      // Members that have not sent their SyncGroup by now are removed, also when the others are long stable.
      after: { syncTimeout: { actions: 'expirePendingSyncs' } },
      on: {
        'member.joined': {
          target: 'preparingRebalance.joining',
          actions: noteRoster,
        },
        'member.left': {
          target: 'preparingRebalance.joining',
          actions: noteRoster,
        },
        'rebalance.requested': {
          target: 'preparingRebalance.joining',
          actions: noteRoster,
        },
      },
      initial: 'completingRebalance',
      states: {
        completingRebalance: {
          tags: 'CompletingRebalance',
          entry: ['stampStateChange', 'announceGeneration'],
          on: {
            'member.joined': rebalanceFromHere,
            'member.left': rebalanceFromHere,
            'rebalance.requested': rebalanceFromHere,
          },
          initial: 'awaitingAssignment',
          states: {
            awaitingAssignment: {
              on: { 'assignment.received': 'storingAssignment' },
            },
            // No member may act on an assignment that a crash could take back.
            storingAssignment: {
              entry: 'storeAssignment',
              on: {
                'assignment.stored': {
                  target: '#group.generation.stable',
                  actions: 'deliverAssignments',
                },
                'assignment.refused': {
                  target: '#group.preparingRebalance.joining',
                  actions: [
                    noteRoster,
                    {
                      type: 'refuseSyncs',
                      params: ({ event }) => ({ errorCode: event.errorCode }),
                    },
                  ],
                },
              },
            },
          },
        },
        stable: {
          tags: 'Stable',
          entry: 'stampStateChange',
          initial: 'settled',
          states: {
            settled: {
              on: { 'replacement.requested': 'storingReplacement' },
            },
            storingReplacement: {
              entry: 'storeReplacement',
              on: { 'replacement.settled': 'settled' },
            },
          },
        },
      },
    },

    dead: { type: 'final', tags: 'Dead' },
  },
});
