/**
 * Starts the machines of a broker's groups. All share one machine with one set of effects; which group an effect belongs to is
 * found by its actor. (A machine provided anew for each group would cost each a tree of states.)
 */
import type { Clock } from '@odradek/ports';
import type { ErrorCode } from '@odradek/protocol';
import { createActor } from 'xstate';
import type { Actor } from 'xstate';
import { groupMachine } from './group.machine.ts';
import type { GroupInput, GroupPhase } from './group.machine.ts';

/** What the machine orders and the shell does. Called while the machine is between two states: the phase is not to be asked then. */
export interface GroupEffects {
  stampStateChange(): void;
  closeJoinPhase(): void;
  announceGeneration(): void;
  storeEmptyGroup(): void;
  storeAssignment(): void;
  deliverAssignments(): void;
  refuseSyncs(errorCode: ErrorCode): void;
  expirePendingSyncs(): void;
  storeReplacement(): void;
  dismissEveryone(errorCode: ErrorCode): void;
}

export type GroupActor = Actor<typeof groupMachine>;

export class GroupActors {
  readonly #clock: Clock;
  readonly #owners = new WeakMap<object, GroupEffects>();
  readonly #logic: typeof groupMachine;

  constructor(clock: Clock) {
    this.#clock = clock;
    const owner = (self: object): GroupEffects => this.#owners.get(self)!;
    this.#logic = groupMachine.provide({
      actions: {
        stampStateChange: ({ self }) => owner(self).stampStateChange(),
        closeJoinPhase: ({ self }) => owner(self).closeJoinPhase(),
        announceGeneration: ({ self }) => owner(self).announceGeneration(),
        storeEmptyGroup: ({ self }) => owner(self).storeEmptyGroup(),
        storeAssignment: ({ self }) => owner(self).storeAssignment(),
        deliverAssignments: ({ self }) => owner(self).deliverAssignments(),
        refuseSyncs: ({ self }, { errorCode }) => owner(self).refuseSyncs(errorCode),
        expirePendingSyncs: ({ self }) => owner(self).expirePendingSyncs(),
        storeReplacement: ({ self }) => owner(self).storeReplacement(),
        dismissEveryone: ({ self }, { errorCode }) => owner(self).dismissEveryone(errorCode),
      },
    });
  }

  /** Not started yet. */
  create(input: GroupInput, effects: GroupEffects, onBroken: (error: unknown) => void): GroupActor {
    const actor = createActor(this.#logic, { clock: this.#clock, input });
    this.#owners.set(actor, effects);
    actor.subscribe({ error: onBroken });
    return actor;
  }
}

const PHASES: readonly GroupPhase[] = [
  'Stable',
  'CompletingRebalance',
  'PreparingRebalance',
  'Empty',
];

export function phaseOf(snapshot: ReturnType<GroupActor['getSnapshot']>): GroupPhase {
  return PHASES.find((phase) => snapshot.hasTag(phase)) ?? 'Dead';
}
