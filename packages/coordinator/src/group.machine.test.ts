import { ErrorCode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { phaseOf } from './group-actors.ts';
import { groupMachine } from './group.machine.ts';
import type { GroupEvent, RosterFacts } from './group.machine.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

const waiting: RosterFacts = { memberCount: 2, everyoneJoined: false, rebalanceTimeoutMs: 60_000 };
const complete: RosterFacts = { ...waiting, everyoneJoined: true };
const nobody: RosterFacts = { memberCount: 0, everyoneJoined: true, rebalanceTimeoutMs: 0 };

const EFFECTS = [
  'stampStateChange',
  'closeJoinPhase',
  'announceGeneration',
  'storeEmptyGroup',
  'storeAssignment',
  'deliverAssignments',
  'refuseSyncs',
  'expirePendingSyncs',
  'storeReplacement',
  'dismissEveryone',
] as const;

/** A machine, and what it ordered. */
function start(roster: RosterFacts = nobody) {
  const clock = new VirtualClock();
  const ordered: string[] = [];
  const actions = Object.fromEntries(
    EFFECTS.map((effect) => [effect, () => void ordered.push(effect)]),
  );
  const actor = createActor(groupMachine.provide({ actions: actions as never }), {
    clock,
    input: { roster, initialRebalanceDelayMs: 3_000 },
  }).start();
  const take = (): string[] => ordered.splice(0).filter((effect) => effect !== 'stampStateChange');
  return { clock, actor, take, phase: () => phaseOf(actor.getSnapshot()) };
}

/** Each state, by a way into it. */
const ways: Readonly<Record<string, readonly GroupEvent[]>> = {
  empty: [],
  'preparingRebalance.gathering': [{ type: 'member.joined', roster: waiting, isNew: true }],
  'preparingRebalance.joining': [{ type: 'rebalance.requested', roster: waiting }],
  'preparingRebalance.closing': [{ type: 'rebalance.requested', roster: complete }],
  'generation.completingRebalance.awaitingAssignment': [
    { type: 'rebalance.requested', roster: complete },
    { type: 'generation.begun', roster: waiting },
  ],
  'generation.completingRebalance.storingAssignment': [
    { type: 'rebalance.requested', roster: complete },
    { type: 'generation.begun', roster: waiting },
    { type: 'assignment.received' },
  ],
  'generation.stable.settled': [
    { type: 'rebalance.requested', roster: complete },
    { type: 'generation.begun', roster: waiting },
    { type: 'assignment.received' },
    { type: 'assignment.stored' },
  ],
  'generation.stable.storingReplacement': [{ type: 'replacement.requested' }],
  dead: [{ type: 'group.closed', errorCode: ErrorCode.NOT_COORDINATOR }],
};

/** Every event, and where it leads from each state. What is not listed is ignored on purpose. */
const joins = {
  'member.joined': 'preparingRebalance.joining',
  'member.left': 'preparingRebalance.joining',
  'rebalance.requested': 'preparingRebalance.joining',
};
const leadsTo: Readonly<Record<string, Partial<Record<GroupEvent['type'], string>>>> = {
  empty: { 'member.joined': 'preparingRebalance.gathering' },
  'preparingRebalance.gathering': {},
  'preparingRebalance.joining': {},
  'preparingRebalance.closing': {
    'generation.begun': 'generation.completingRebalance.awaitingAssignment',
    'generation.emptied': 'empty',
    'join.postponed': 'preparingRebalance.joining',
  },
  'generation.completingRebalance.awaitingAssignment': {
    ...joins,
    'assignment.received': 'generation.completingRebalance.storingAssignment',
  },
  'generation.completingRebalance.storingAssignment': {
    ...joins,
    'assignment.stored': 'generation.stable.settled',
    'assignment.refused': 'preparingRebalance.joining',
  },
  'generation.stable.settled': {
    ...joins,
    'replacement.requested': 'generation.stable.storingReplacement',
  },
  'generation.stable.storingReplacement': {
    ...joins,
    'replacement.settled': 'generation.stable.settled',
  },
};

const events: readonly GroupEvent[] = [
  { type: 'member.joined', roster: waiting, isNew: true },
  { type: 'member.left', roster: waiting },
  { type: 'pending.changed', roster: waiting },
  { type: 'rebalance.requested', roster: waiting },
  { type: 'generation.begun', roster: waiting },
  { type: 'generation.emptied' },
  { type: 'join.postponed', roster: waiting },
  { type: 'assignment.received' },
  { type: 'assignment.stored' },
  { type: 'assignment.refused', errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, roster: waiting },
  { type: 'replacement.requested' },
  { type: 'replacement.settled' },
];

function stateIn(path: string) {
  const isOfGeneration = !['empty', 'preparingRebalance.gathering', 'dead'].includes(path);
  const machine = start(isOfGeneration ? waiting : nobody);
  for (const event of ways[path]!) machine.actor.send(event);
  expect(pathOf(machine.actor.getSnapshot().value)).toBe(path);
  return machine;
}

function pathOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[name, inner]] = Object.entries(value as Record<string, unknown>) as [[string, unknown]];
  return `${name}.${pathOf(inner)}`;
}

describe('the group machine', () => {
  it.each(Object.keys(leadsTo))('from %s goes where each event leads', (from) => {
    for (const event of events) {
      const { actor } = stateIn(from);
      actor.send(event);
      expect([event.type, pathOf(actor.getSnapshot().value)]).toEqual([
        event.type,
        leadsTo[from]![event.type] ?? from,
      ]);
    }
  });

  it.each(Object.keys(leadsTo))('%s ends with everybody dismissed', (from) => {
    const { actor, take } = stateIn(from);
    take();
    actor.send({ type: 'group.closed', errorCode: ErrorCode.NOT_COORDINATOR });
    expect(take()).toEqual(['dismissEveryone']);
    expect(actor.getSnapshot().status).toBe('done');
  });

  it("says its state in Kafka's words", () => {
    const phases = Object.keys(ways).map((path) => stateIn(path).phase());
    expect(phases).toEqual([
      'Empty',
      'PreparingRebalance',
      'PreparingRebalance',
      'PreparingRebalance',
      'CompletingRebalance',
      'CompletingRebalance',
      'Stable',
      'Stable',
      'Dead',
    ]);
  });

  it('gathers members for the delay, and again while new ones come, up to the rebalance timeout', async () => {
    const { actor, clock, take, phase } = start();
    const newcomer: GroupEvent = {
      type: 'member.joined',
      roster: { ...waiting, rebalanceTimeoutMs: 7_000 },
      isNew: true,
    };
    actor.send(newcomer);
    actor.send(newcomer);
    await clock.advance(3_000);
    actor.send(newcomer);
    await clock.advance(3_000);
    actor.send(newcomer);
    await clock.advance(999);
    expect(take()).toEqual([]);
    await clock.advance(1);
    expect(take()).toEqual(['closeJoinPhase']);
    expect(phase()).toBe('PreparingRebalance');
  });

  it('does not gather longer for a member that is not new', async () => {
    const { actor, clock, take } = start();
    actor.send({ type: 'member.joined', roster: waiting, isNew: true });
    actor.send({ type: 'member.joined', roster: waiting, isNew: false });
    await clock.advance(3_000);
    expect(take()).toEqual(['closeJoinPhase']);
  });

  it('closes the join phase when everyone has joined, or when time is up', async () => {
    const early = stateIn('preparingRebalance.joining');
    early.actor.send({ type: 'pending.changed', roster: complete });
    expect(early.take()).toContain('closeJoinPhase');
    const late = stateIn('preparingRebalance.joining');
    await late.clock.advance(59_999);
    expect(late.take()).toEqual([]);
    await late.clock.advance(1);
    expect(late.take()).toEqual(['closeJoinPhase']);
  });

  it('gives one time limit for all syncs of a generation', async () => {
    const { actor, clock, take } = stateIn('generation.completingRebalance.awaitingAssignment');
    await clock.advance(30_000);
    actor.send({ type: 'assignment.received' });
    actor.send({ type: 'assignment.stored' });
    expect(take()).toEqual([
      'closeJoinPhase',
      'announceGeneration',
      'storeAssignment',
      'deliverAssignments',
    ]);
    await clock.advance(30_000);
    expect(take()).toEqual(['expirePendingSyncs']);
  });

  it('ends the waiting syncs when a generation ends before its assignment is stored', () => {
    for (const event of events.filter(
      ({ type }) =>
        type === 'member.joined' || type === 'member.left' || type === 'rebalance.requested',
    )) {
      const { actor, take } = stateIn('generation.completingRebalance.storingAssignment');
      take();
      actor.send(event);
      expect(take()).toEqual(['refuseSyncs']);
    }
  });

  it('goes on with the generation that the log has', () => {
    expect(start(waiting).phase()).toBe('Stable');
    expect(start(nobody).phase()).toBe('Empty');
  });
});
