import { createActor, fromPromise, type SnapshotFrom } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { describe, expect, it } from 'vitest';
import { brokerMachine, type BrokerEvent } from './broker.machine.ts';
import { ManualClock } from '@odradek/ports/testing';
import { settle } from './testing/turns.ts';

type Part = 'joinQuorum' | 'recoverLogs' | 'register' | 'shutDown' | 'abandon';
type Ending = { readonly done: () => void; readonly failed: (error: Error) => void };

/** A broker without parts: each step ends when the test says so. */
const broker = () => {
  const effects: string[] = [];
  const steps = new Map<Part, Ending>();
  const step = (name: Part) => () => {
    effects.push(name);
    return new Promise<void>((done, failed) => steps.set(name, { done, failed }));
  };
  const clock = new ManualClock();
  const machine = brokerMachine.provide({
    actors: {
      joinQuorum: fromPromise(step('joinQuorum')),
      recoverLogs: fromPromise(step('recoverLogs')),
      register: fromPromise(step('register')),
      shutDown: fromPromise(step('shutDown')),
      abandon: fromPromise(step('abandon')),
    },
    actions: {
      serve: () => void effects.push('serve'),
      giveUp: (_, { reason }) => void effects.push(`giveUp: ${reason}`),
    },
  });
  const actor = createActor(machine, { input: { nodeId: 1 }, clock });
  actor.start();
  return {
    effects,
    clock,
    send: (event: BrokerEvent) => actor.send(event),
    state: () => String(actor.getSnapshot().value),
    has: (tag: 'takesConnections' | 'isReady' | 'isEnding' | 'isOver') =>
      actor.getSnapshot().hasTag(tag),
    failure: () => actor.getSnapshot().context.failure,
    async done(name: Part) {
      steps.get(name)!.done();
      await settle(2);
    },
    async failed(name: Part, message: string) {
      steps.get(name)!.failed(new Error(message));
      await settle(2);
    },
  };
};

const OPENED: BrokerEvent = { type: 'listeners.opened', listeners: [] };
const STOP: BrokerEvent = { type: 'stop.requested' };
const METADATA_GONE: BrokerEvent = { type: 'metadata.failed', reason: 'fdatasync' };

describe('a broker', () => {
  it('starts, runs and stops, step by step', async () => {
    const one = broker();
    await one.done('joinQuorum');
    await one.done('recoverLogs');
    expect(one.state()).toBe('awaitingListeners');
    one.send(OPENED);
    expect([one.has('takesConnections'), one.has('isReady')]).toEqual([true, false]);
    await one.done('register');
    expect(one.has('isReady')).toBe(true);
    one.send(STOP);
    one.send(STOP);
    expect([one.has('isReady'), one.has('isEnding')]).toEqual([false, true]);
    await one.done('shutDown');
    expect(one.state()).toBe('stopped');
    expect(one.effects).toEqual(['joinQuorum', 'recoverLogs', 'register', 'serve', 'shutDown']);
  });

  it.each([
    ['starting', ['joinQuorum']],
    ['recovering', ['joinQuorum', 'recoverLogs']],
    ['registering', ['joinQuorum', 'recoverLogs', 'register']],
  ] as const)(
    'that is to stop while %s does so when the disk is done with that',
    async (state, steps) => {
      const one = broker();
      for (const step of steps.slice(0, -1)) await one.done(step);
      if (state === 'registering') one.send(OPENED);
      expect(one.state()).toBe(state);
      one.send(STOP);
      expect(one.state()).toBe(state);
      await one.done(steps.at(-1)!);
      expect(one.state()).toBe('controlledShutdown');
      await one.done('shutDown');
      expect(one.state()).toBe('stopped');
      expect(one.effects).not.toContain('serve');
    },
  );

  it.each(['joinQuorum', 'recoverLogs', 'register', 'shutDown'] as const)(
    'whose %s fails gives up with that reason and lets go of what it holds',
    async (part) => {
      const one = broker();
      for (const step of ['joinQuorum', 'recoverLogs', 'register'] as const) {
        if (step === 'register') one.send(OPENED);
        if (step === part) break;
        await one.done(step);
      }
      if (part === 'shutDown') one.send(STOP);
      await one.failed(part, 'no space');
      expect(one.state()).toBe('givingUp');
      expect(one.effects.slice(-2)).toEqual(['giveUp: no space', 'abandon']);
      expect(one.has('isOver')).toBe(false);
      await one.failed('abandon', 'nor does this');
      expect([one.state(), one.failure()]).toEqual(['failed', 'no space']);
    },
  );

  it('whose metadata log fails gives up at once, and tells the first reason', async () => {
    const one = broker();
    await one.done('joinQuorum');
    await one.done('recoverLogs');
    one.send(OPENED);
    await one.done('register');
    one.send(METADATA_GONE);
    one.send({ type: 'metadata.failed', reason: 'later' });
    expect([one.state(), one.failure()]).toEqual(['givingUp', 'fdatasync']);
    await one.done('abandon');
    expect(one.state()).toBe('failed');
    expect(one.clock.pendingTimers).toBe(0);
  });

  it('does not wait for a disk that never answers', async () => {
    const one = broker();
    await one.failed('joinQuorum', 'locked');
    one.clock.advance(9_999);
    expect(one.state()).toBe('givingUp');
    one.clock.advance(1);
    expect(one.state()).toBe('failed');
  });

  it('whose metadata log fails while it shuts down goes on, and has failed at the end', async () => {
    const one = broker();
    await one.done('joinQuorum');
    await one.done('recoverLogs');
    one.send(STOP);
    one.send(METADATA_GONE);
    expect(one.state()).toBe('controlledShutdown');
    await one.done('shutDown');
    expect([one.state(), one.failure()]).toEqual(['failed', 'fdatasync']);
  });
});

/** Left alone on purpose. */
const IGNORED: Readonly<Record<string, readonly BrokerEvent['type'][]>> = {
  starting: ['listeners.opened'],
  recovering: ['listeners.opened'],
  awaitingListeners: [],
  registering: ['listeners.opened'],
  running: ['listeners.opened'],
  controlledShutdown: ['listeners.opened', 'stop.requested'],
  // There is nothing left to stop.
  givingUp: ['listeners.opened', 'stop.requested'],
};
const EVENTS: readonly BrokerEvent[] = [OPENED, STOP, METADATA_GONE];

describe('the machine', () => {
  it('handles or leaves alone on purpose every event in every state', () => {
    const { states, ownEvents } = brokerMachine.root as unknown as {
      states: Record<string, { type: string; ownEvents: readonly string[] }>;
      ownEvents: readonly string[];
    };
    for (const [name, state] of Object.entries(states)) {
      if (state.type === 'final') continue;
      const unhandled = EVENTS.map((it) => it.type).filter(
        (it) => !state.ownEvents.includes(it) && !ownEvents.includes(it),
      );
      expect([name, unhandled.toSorted()]).toEqual([name, IGNORED[name]?.toSorted()]);
    }
  });

  it('reaches every state', () => {
    const nothing = fromPromise(async () => {});
    const quiet = brokerMachine.provide({
      actions: { serve: () => {}, giveUp: () => {} },
      actors: {
        joinQuorum: nothing,
        recoverLogs: nothing,
        register: nothing as never,
        shutDown: nothing,
        abandon: nothing,
      },
    });
    type State = SnapshotFrom<typeof quiet>;
    const answers = (state: State) =>
      Object.values(state.children).flatMap((child) => [
        { type: `xstate.done.actor.${child!.id}`, output: undefined, actorId: child!.id },
        { type: `xstate.error.actor.${child!.id}`, error: new Error('disk'), actorId: child!.id },
      ]);
    const paths = getShortestPaths(quiet, {
      input: { nodeId: 1 },
      events: (state) => [...EVENTS, ...answers(state)] as BrokerEvent[],
      serializeState: (state) => JSON.stringify([state.value, state.context]),
    });
    const reached = new Set(paths.map(({ state }) => String(state.value)));
    expect([...reached].toSorted()).toEqual(Object.keys(quiet.root.states).toSorted());
  });
});
