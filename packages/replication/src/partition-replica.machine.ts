/**
 * One partition on one broker. It opens its log, then plays the role that the metadata log assigns: leader or follower,
 * by epoch. A log that failed makes it offline for good: it is opened anew only by a restart, because after a failed
 * flush nobody knows what the disk holds. A log that is damaged is another matter: once the controller has noted it, and
 * somebody else leads, it is set aside for a person to look at, and the replica begins anew with nothing. Opening, cutting, closing and deleting wait for the disk in states of their own.
 *
 * A follower fetches, or cuts what its leader does not have. While it cuts, it takes part in nothing: a new role that comes
 * meanwhile is played once the disk is done, because a log that is being cut can neither lead nor be fetched for.
 *
 * It ends as `closed` without a `failure` only when the log was opened, served and closed in order: nothing less may vouch
 * for its files at the next start.
 *
 * The machine holds roles and lifecycle only. Appends and reads go straight to the replica's log (PartitionReplica), which
 * asks this machine by tag.
 */
import { assign, fromPromise, setup } from 'xstate';
import { elrOf, isNewerAssignment, offlineOf, type PartitionAssignment } from './assignment.ts';
import type { LeaderEpoch, NodeId } from '@odradek/protocol';
import type { Truncation } from './following.ts';

/** Names one replica among those of a broker: a topic that was deleted and made again is another topic. */
export interface ReplicaKey {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

export interface ReplicaContext {
  readonly key: ReplicaKey;
  readonly nodeId: NodeId;
  readonly assignment: PartitionAssignment | null;
  /** Why it is offline, or was not closed or deleted as it should have been; for people. */
  readonly failure: string | null;
  /** It is offline because bytes that were flushed are not what was written. */
  readonly isDamaged: boolean;
  /** What is being cut, while it is. */
  readonly truncation: Truncation | null;
  /** Whether the close that was asked for may leave out recovery at the next start. */
  readonly closeCleanly: boolean;
}

export type ReplicaEvent =
  | { type: 'leadership.assigned'; assignment: PartitionAssignment }
  /** By the leader of that epoch. */
  | { type: 'divergence.found'; leaderEpoch: LeaderEpoch; truncation: Truncation }
  | { type: 'log.failed'; reason: string; isDamaged?: boolean }
  /** By a reader. */
  | { type: 'damage.found'; reason: string }
  | { type: 'deletion.requested' }
  | { type: 'close.requested'; clean: boolean };

export interface ReplicaInput {
  readonly key: ReplicaKey;
  readonly nodeId: NodeId;
  readonly assignment: PartitionAssignment | null;
}

const unprovided = (name: string) => () => {
  throw new Error(`${name} is provided by the broker`);
};

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** The log's own class; of that package nothing but types is imported. */
export const isDamage = (error: unknown): boolean =>
  error instanceof Error && error.name === 'LogCorruptError';

const isElectable = ({ isr }: PartitionAssignment, elr: readonly NodeId[], nodeId: NodeId) =>
  isr.includes(nodeId) || elr.includes(nodeId);

/**
 * Others have everything, and the controller knows that this one has nothing: it is neither in sync nor eligible, and cannot
 * be elected while it is offline there. Only then what it has may be set aside.
 */
const mayBeRebuilt = (assignment: PartitionAssignment | null, nodeId: NodeId): boolean =>
  assignment !== null &&
  assignment.leader >= 0 &&
  assignment.leader !== nodeId &&
  offlineOf(assignment).includes(nodeId) &&
  !isElectable(assignment, elrOf(assignment), nodeId);

export const partitionReplicaMachine = setup({
  types: {
    context: {} as ReplicaContext,
    events: {} as ReplicaEvent,
    input: {} as ReplicaInput,
    tags: {} as 'acceptsWrites' | 'servesReads' | 'settled',
  },
  guards: {
    isAssigned: ({ context }) => context.assignment !== null,
    hasFailed: ({ context }) => context.failure !== null,
    /** Nobody else is sure to have everything: what can be read of it is better than nothing. */
    hasOthersInSync: ({ context: { assignment, nodeId } }) =>
      assignment !== null && assignment.isr.some((it) => it !== nodeId),
    mayBeRebuilt: ({ context }) =>
      context.isDamaged && mayBeRebuilt(context.assignment, context.nodeId),
    mayBeRebuiltIn: ({ context }, { next }: { next: PartitionAssignment }) =>
      context.isDamaged &&
      isNewerAssignment(context.assignment, next) &&
      mayBeRebuilt(next, context.nodeId),
    isLeader: ({ context }) => context.assignment?.leader === context.nodeId,
    isOfThisEpoch: ({ context }, { epoch }: { epoch: LeaderEpoch }) =>
      context.assignment?.leaderEpoch === epoch,
    isNewer: ({ context }, { next }: { next: PartitionAssignment }) =>
      isNewerAssignment(context.assignment, next),
  },
  actions: {
    rememberTruncation: assign((_, { truncation }: { truncation: Truncation }) => ({ truncation })),
    takeAssignment: assign((_, { next }: { next: PartitionAssignment }) => ({ assignment: next })),
    rememberClose: assign((_, { clean }: { clean: boolean }) => ({ closeCleanly: clean })),
    recordFailure: assign((_, { reason }: { reason: string }) => ({
      failure: reason,
      isDamaged: false,
    })),
    recordDamage: assign((_, { reason, isDamaged }: { reason: string; isDamaged: boolean }) => ({
      failure: reason,
      isDamaged,
    })),
    forgetDamage: assign({ failure: null, isDamaged: false }),
    /** Effect: the log serves reads and takes writes in the new epoch. */
    lead: unprovided('lead') as (
      _: unknown,
      params: { key: ReplicaKey; assignment: PartitionAssignment | null },
    ) => void,
    /** Effect: writes are refused; what waits is answered NOT_LEADER_OR_FOLLOWER. */
    follow: unprovided('follow') as (
      _: unknown,
      params: { key: ReplicaKey; assignment: PartitionAssignment | null },
    ) => void,
    /** Effect: the fetcher of the leader's broker takes the partition in. There may be no leader. */
    startFetching: (_, _params: { key: ReplicaKey; assignment: PartitionAssignment | null }) => {},
    /** Effect: no fetcher asks for it any more. */
    stopFetching: (_, _params: { key: ReplicaKey }) => {},
    /** Effect: what waits is answered KAFKA_STORAGE_ERROR and the broker is told. */
    goOffline: unprovided('goOffline') as (
      _: unknown,
      params: { key: ReplicaKey; reason: string | null },
    ) => void,
  },
  actors: {
    openLog: fromPromise<void, ReplicaKey>(unprovided('openLog')),
    truncateLog: fromPromise<void, { key: ReplicaKey; truncation: Truncation }>(
      unprovided('truncateLog'),
    ),
    closeLog: fromPromise<void, { key: ReplicaKey; clean: boolean }>(unprovided('closeLog')),
    deleteLog: fromPromise<void, ReplicaKey>(unprovided('deleteLog')),
    /** What there is of the log is kept elsewhere on return, and its folder is empty. Asked again, it goes on. */
    setLogAside: fromPromise<void, { key: ReplicaKey; reason: string | null }>(
      unprovided('setLogAside'),
    ),
  },
}).createMachine({
  id: 'partitionReplica',
  context: ({ input }) => ({
    ...input,
    failure: null,
    isDamaged: false,
    truncation: null,
    closeCleanly: false,
  }),
  initial: 'loading',
  on: {
    'leadership.assigned': {
      guard: { type: 'isNewer', params: ({ event }) => ({ next: event.assignment }) },
      actions: { type: 'takeAssignment', params: ({ event }) => ({ next: event.assignment }) },
    },
  },
  states: {
    loading: {
      invoke: {
        src: 'openLog',
        input: ({ context }) => context.key,
        onDone: 'assigning',
        onError: {
          target: 'offline',
          actions: {
            type: 'recordDamage',
            params: ({ event }) => ({
              reason: reasonOf(event.error),
              isDamaged: isDamage(event.error),
            }),
          },
        },
      },
      on: {
        // Open, and failed before anybody was told: there is no role to play.
        'log.failed': {
          actions: { type: 'recordFailure', params: ({ event }) => ({ reason: event.reason }) },
        },
        // The disk is busy with the open: these wait for it.
        'deletion.requested': 'loadingThenDeleting',
        'close.requested': {
          target: 'loadingThenClosing',
          actions: { type: 'rememberClose', params: ({ event }) => ({ clean: event.clean }) },
        },
      },
    },
    loadingThenDeleting: {
      invoke: {
        src: 'openLog',
        input: ({ context }) => context.key,
        onDone: 'deleting',
        onError: 'deleting',
      },
    },
    loadingThenClosing: {
      invoke: {
        src: 'openLog',
        input: ({ context }) => context.key,
        onDone: 'closing',
        onError: {
          target: 'closed',
          actions: {
            type: 'recordFailure',
            params: ({ event }) => ({ reason: reasonOf(event.error) }),
          },
        },
      },
    },
    assigning: {
      always: [
        { guard: 'hasFailed', target: 'offline' },
        { guard: 'isLeader', target: 'leader' },
        { guard: 'isAssigned', target: 'follower' },
      ],
      on: {
        'deletion.requested': 'deleting',
        'close.requested': {
          target: 'closing',
          actions: { type: 'rememberClose', params: ({ event }) => ({ clean: event.clean }) },
        },
      },
    },
    leader: {
      tags: ['acceptsWrites', 'servesReads', 'settled'],
      entry: {
        type: 'lead',
        params: ({ context }) => ({ key: context.key, assignment: context.assignment }),
      },
      on: {
        'leadership.assigned': {
          guard: { type: 'isNewer', params: ({ event }) => ({ next: event.assignment }) },
          target: 'assigning',
          actions: { type: 'takeAssignment', params: ({ event }) => ({ next: event.assignment }) },
        },
        'log.failed': {
          target: 'offline',
          actions: {
            type: 'recordDamage',
            params: ({ event }) => ({
              reason: event.reason,
              isDamaged: event.isDamaged === true,
            }),
          },
        },
        'damage.found': {
          guard: 'hasOthersInSync',
          target: 'offline',
          actions: {
            type: 'recordDamage',
            params: ({ event }) => ({ reason: event.reason, isDamaged: true }),
          },
        },
        'deletion.requested': 'deleting',
        'close.requested': {
          target: 'closing',
          actions: { type: 'rememberClose', params: ({ event }) => ({ clean: event.clean }) },
        },
      },
    },
    follower: {
      tags: ['settled'],
      entry: {
        type: 'follow',
        params: ({ context }) => ({ key: context.key, assignment: context.assignment }),
      },
      initial: 'fetching',
      on: {
        'log.failed': {
          target: 'offline',
          actions: {
            type: 'recordDamage',
            params: ({ event }) => ({
              reason: event.reason,
              isDamaged: event.isDamaged === true,
            }),
          },
        },
        'damage.found': {
          guard: 'hasOthersInSync',
          target: 'offline',
          actions: {
            type: 'recordDamage',
            params: ({ event }) => ({ reason: event.reason, isDamaged: true }),
          },
        },
        'deletion.requested': 'deleting',
        'close.requested': {
          target: 'closing',
          actions: { type: 'rememberClose', params: ({ event }) => ({ clean: event.clean }) },
        },
      },
      states: {
        fetching: {
          entry: {
            type: 'startFetching',
            params: ({ context }) => ({ key: context.key, assignment: context.assignment }),
          },
          exit: { type: 'stopFetching', params: ({ context }) => ({ key: context.key }) },
          on: {
            'leadership.assigned': {
              guard: { type: 'isNewer', params: ({ event }) => ({ next: event.assignment }) },
              target: '#partitionReplica.assigning',
              actions: {
                type: 'takeAssignment',
                params: ({ event }) => ({ next: event.assignment }),
              },
            },
            'divergence.found': {
              guard: {
                type: 'isOfThisEpoch',
                params: ({ event }) => ({ epoch: event.leaderEpoch }),
              },
              target: 'truncating',
              actions: {
                type: 'rememberTruncation',
                params: ({ event }) => ({ truncation: event.truncation }),
              },
            },
          },
        },
        /** The role that comes meanwhile is taken down (above, for all states), and played afterwards. */
        truncating: {
          invoke: {
            src: 'truncateLog',
            input: ({ context }) => ({ key: context.key, truncation: context.truncation! }),
            onDone: '#partitionReplica.assigning',
            onError: {
              target: '#partitionReplica.offline',
              actions: {
                type: 'recordDamage',
                params: ({ event }) => ({
                  reason: reasonOf(event.error),
                  isDamaged: isDamage(event.error),
                }),
              },
            },
          },
        },
      },
    },
    offline: {
      tags: ['settled'],
      entry: {
        type: 'goOffline',
        params: ({ context }) => ({ key: context.key, reason: context.failure }),
      },
      always: { guard: 'mayBeRebuilt', target: 'settingAside' },
      on: {
        'leadership.assigned': [
          {
            guard: { type: 'mayBeRebuiltIn', params: ({ event }) => ({ next: event.assignment }) },
            target: 'settingAside',
            actions: {
              type: 'takeAssignment',
              params: ({ event }) => ({ next: event.assignment }),
            },
          },
          {
            guard: { type: 'isNewer', params: ({ event }) => ({ next: event.assignment }) },
            actions: {
              type: 'takeAssignment',
              params: ({ event }) => ({ next: event.assignment }),
            },
          },
        ],
        'deletion.requested': 'deleting',
        'close.requested': {
          target: 'closing',
          actions: { type: 'rememberClose', params: ({ event }) => ({ clean: event.clean }) },
        },
      },
    },
    /** The disk is busy: whatever is wished meanwhile waits for it. The newest role is taken down (above, for all states). */
    settingAside: {
      invoke: {
        src: 'setLogAside',
        input: ({ context }) => ({ key: context.key, reason: context.failure }),
        onDone: { target: 'loading', actions: 'forgetDamage' },
        onError: {
          target: 'offline',
          actions: {
            type: 'recordFailure',
            params: ({ event }) => ({ reason: reasonOf(event.error) }),
          },
        },
      },
      on: {
        'deletion.requested': 'settingAsideThenDeleting',
        'close.requested': 'settingAsideThenClosing',
      },
    },
    settingAsideThenDeleting: {
      invoke: {
        src: 'setLogAside',
        input: ({ context }) => ({ key: context.key, reason: context.failure }),
        onDone: 'deleting',
        onError: 'deleting',
      },
    },
    /** It has a failure, so that nothing vouches for it at the next start. */
    settingAsideThenClosing: {
      invoke: {
        src: 'setLogAside',
        input: ({ context }) => ({ key: context.key, reason: context.failure }),
        onDone: 'closed',
        onError: 'closed',
      },
    },
    deleting: {
      invoke: {
        src: 'deleteLog',
        input: ({ context }) => context.key,
        onDone: 'deleted',
        onError: {
          target: 'deletionFailed',
          actions: {
            type: 'recordFailure',
            params: ({ event }) => ({ reason: reasonOf(event.error) }),
          },
        },
      },
    },
    closing: {
      invoke: {
        src: 'closeLog',
        input: ({ context }) => ({ key: context.key, clean: context.closeCleanly }),
        onDone: 'closed',
        onError: {
          target: 'closed',
          actions: {
            type: 'recordFailure',
            params: ({ event }) => ({ reason: reasonOf(event.error) }),
          },
        },
      },
    },
    /** The files could not be removed; the intent stands in the metadata log and is carried out at the next start. */
    deletionFailed: { type: 'final' },
    deleted: { type: 'final' },
    closed: { type: 'final' },
  },
});
