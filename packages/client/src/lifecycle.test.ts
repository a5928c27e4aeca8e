/** The holder of a table, and what the tables of the cluster and the producer come to. */
import { describe, expect, it } from 'vitest';
import { clusterMachine } from './cluster.machine.ts';
import type { ClusterEvent } from './cluster.machine.ts';
import { Lifecycle } from './lifecycle.ts';
import type { Machine } from './lifecycle.ts';
import { producerMachine } from './producer/producer.machine.ts';
import type { ProducerEvent } from './producer/producer.machine.ts';

type Door = 'shut' | 'open' | 'gone';
type DoorEvent = 'knocked' | 'pushed' | 'burnt';
const door: Machine<Door, DoorEvent, 'creak' | 'slam', 'passable'> = {
  id: 'door',
  initial: 'shut',
  states: {
    shut: { on: { knocked: 'ignored', pushed: 'open', burnt: 'gone' } },
    open: {
      tags: ['passable'],
      entry: 'creak',
      exit: 'slam',
      on: { knocked: 'ignored', pushed: 'open', burnt: 'gone' },
    },
    gone: { type: 'final' },
  },
};

/** A door, and everything that is heard of it. */
function listened() {
  const heard: string[] = [];
  const life = new Lifecycle(
    door,
    { by: 'nobody' },
    { creak: () => heard.push('creak'), slam: () => heard.push('slam') },
  );
  const leave = life.subscribe(() => heard.push(life.getSnapshot().value));
  return { life, heard, leave };
}

describe('a lifecycle', () => {
  it('goes where the table says, with its effects, and tells those who look', () => {
    const { life, heard } = listened();
    life.tell('pushed', { by: 'the wind' });
    expect(life.hasTag('passable')).toBe(true);
    life.tell('pushed');
    life.tell('burnt');
    expect(heard).toEqual(['creak', 'open', 'slam', 'creak', 'open', 'slam', 'gone']);
    expect(life.getSnapshot()).toEqual({ value: 'gone', context: { by: 'the wind' } });
  });

  it('takes nothing of what it ignores, nor of anything after its end', () => {
    const { life, heard } = listened();
    const before = life.getSnapshot();
    life.tell('knocked', { by: 'the postman' });
    expect(life.getSnapshot()).toBe(before);
    life.tell('burnt');
    life.tell('pushed', { by: 'the firemen' });
    expect(life.getSnapshot()).toEqual({ value: 'gone', context: { by: 'nobody' } });
    expect(heard).toEqual(['gone']);
  });

  it('tells nobody who has left', () => {
    const { life, heard, leave } = listened();
    leave();
    life.tell('burnt');
    expect(heard).toEqual([]);
  });

  it('compiles with a word about each event in each state, and no other', () => {
    type Rows = Machine<Door, DoorEvent>['states'];
    const on = { knocked: 'ignored', pushed: 'open', burnt: 'gone' } as const;
    const shut = { on };
    const gone = { type: 'final' } as const;
    const whole: Rows = { shut, open: { on }, gone };
    // @ts-expect-error a state is missing
    const noState: Rows = { shut, gone };
    const { burnt: _, ...silent } = on;
    // @ts-expect-error an event is missing
    const noEvent: Rows = { shut, open: { on: silent }, gone };
    const strange = { ...on, burnt: 'ashes' } as const;
    // @ts-expect-error there is no such state
    const noTarget: Rows = { shut, open: { on: strange }, gone };
    expect([whole, noState, noEvent, noTarget]).toHaveLength(4);
  });
});

/** Where the events lead from the machine's start, and what is run on the way, one step a line. */
function walk<State extends string, Event extends string, Effect extends string>(
  machine: Machine<State, Event, Effect, never>,
  events: readonly Event[],
): readonly string[] {
  let run: string[] = [];
  const effects = new Proxy({} as Record<Effect, () => void>, {
    get: (_, name) => () => run.push(String(name)),
  });
  const life = new Lifecycle(machine, {}, effects);
  return events.map((event) => {
    run = [];
    life.tell(event);
    return [life.getSnapshot().value, ...run].join(' ');
  });
}

describe('the cluster', () => {
  const afterwards = (...events: ClusterEvent[]) => walk(clusterMachine, events).at(-1);

  it('is connected from the first connection to the last', () => {
    expect(
      walk(clusterMachine, [
        'connection.attempted',
        'connection.opened',
        'connection.attempted',
        'connections.lost',
        'connection.attempted',
        'brokers.unreachable',
        'connection.attempted',
        'connection.opened',
        'client.closed',
        'connection.opened',
      ]),
    ).toEqual([
      'connecting',
      'connected',
      'connected',
      'idle',
      'connecting',
      'unreachable',
      'unreachable',
      'connected',
      'closed',
      'closed',
    ]);
  });

  it('can be closed at any time', () => {
    expect(afterwards('client.closed')).toBe('closed');
    expect(afterwards('connection.attempted', 'client.closed')).toBe('closed');
    expect(afterwards('brokers.unreachable', 'client.closed')).toBe('closed');
  });
});

describe('a producer', () => {
  const lifeOf = (...events: ProducerEvent[]) => walk(producerMachine as never, events);

  it('asks for an identity when one is needed, after pauses when it was put off', () => {
    expect(
      lifeOf(
        'identity.lost',
        'identity.needed',
        'identity.needed',
        'identity.postponed',
        'identity.needed',
        'pause.elapsed',
        'identity.given',
        'identity.lost',
      ),
    ).toEqual([
      'idle',
      'initialising requestIdentity',
      'initialising',
      'backingOff startPause',
      'backingOff',
      'initialising cancelPause requestIdentity',
      'ready sendWhatIsReady',
      'initialising requestIdentity',
    ]);
  });

  it('sends what it took before it closes, with another identity if need be', () => {
    expect(
      lifeOf(
        'identity.needed',
        'identity.postponed',
        'close.requested',
        'identity.needed',
        'identity.postponed',
        'close.requested',
        'pause.elapsed',
        'identity.given',
        'identity.lost',
        'identity.given',
        'batches.settled',
        'producer.fenced',
      ),
    ).toEqual([
      'initialising requestIdentity',
      'backingOff startPause',
      'draining cancelPause sendWhatIsReady',
      'drainingInitialising requestIdentity',
      'drainingBackingOff startPause',
      'drainingBackingOff',
      'drainingInitialising cancelPause requestIdentity',
      'draining sendWhatIsReady',
      'drainingInitialising requestIdentity',
      'draining sendWhatIsReady',
      'closed',
      'closed',
    ]);
  });

  it('is fenced for good, and closed after that', () => {
    const fenced = ['fenced failEverything', 'fenced', 'closed'];
    const end = ['producer.fenced', 'identity.given', 'close.requested'] as const;
    expect(lifeOf(...end)).toEqual(fenced);
    expect(lifeOf('identity.needed', ...end).slice(-3)).toEqual(fenced);
    expect(lifeOf('close.requested', ...end).slice(-3)).toEqual(fenced);
    expect(lifeOf('close.requested', 'identity.needed', ...end).slice(-3)).toEqual(fenced);
    // No timer is left behind.
    expect(lifeOf('identity.needed', 'identity.postponed', ...end).slice(-3)).toEqual([
      'fenced cancelPause failEverything',
      ...fenced.slice(1),
    ]);
  });

  it('may close while it waits for an identity', () => {
    expect(lifeOf('close.requested', 'identity.needed', 'batches.settled').at(-1)).toBe('closed');
  });
});
