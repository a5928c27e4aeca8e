import { createActor, type SnapshotFrom } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '@odradek/ports/testing';
import { clientConnectionMachine, type ConnectionEvent } from './client-connection.machine.ts';

const connection = () => {
  const effects: string[] = [];
  const clock = new ManualClock();
  const note = (name: string) => (_: unknown, params: { id: string; reason: string | null }) =>
    void effects.push(params.reason === null ? name : `${name}: ${params.reason}`);
  const machine = clientConnectionMachine.provide({
    actions: {
      stopReading: note('stopReading'),
      closeGently: note('closeGently'),
      cutOff: note('cutOff'),
      release: note('release'),
    },
  });
  const actor = createActor(machine, { input: { id: 'one' }, clock });
  actor.start();
  return {
    effects,
    clock,
    send: (event: ConnectionEvent) => actor.send(event),
    state: () => String(actor.getSnapshot().value),
    takesRequests: () => actor.getSnapshot().hasTag('takesRequests'),
  };
};

const DRAIN: ConnectionEvent = { type: 'drain.requested', reason: 'the broker is stopping' };
const BROKEN: ConnectionEvent = { type: 'rule.broken', reason: 'nonsense' };

describe('a connection', () => {
  it('is ready from its first request on, and ends when the client leaves', () => {
    const one = connection();
    expect([one.state(), one.takesRequests()]).toEqual(['open', true]);
    one.send({ type: 'request.understood' });
    expect([one.state(), one.takesRequests()]).toEqual(['ready', true]);
    one.send({ type: 'peer.closed' });
    expect(one.effects).toEqual(['release']);
  });

  it('that is drained sends what it owes, closes gently and is released', () => {
    for (const isUsed of [true, false]) {
      const one = connection();
      if (isUsed) one.send({ type: 'request.understood' });
      one.send(DRAIN);
      expect([one.state(), one.takesRequests()]).toEqual(['draining', false]);
      one.send(DRAIN);
      one.send({ type: 'answers.sent' });
      expect(one.effects).toEqual([
        'stopReading: the broker is stopping',
        'closeGently: the broker is stopping',
        'release: the broker is stopping',
      ]);
      expect(one.clock.pendingTimers).toBe(0);
    }
  });

  it('that cannot be drained in time is cut', () => {
    const one = connection();
    one.send(DRAIN);
    one.clock.advance(9_999);
    expect(one.state()).toBe('draining');
    one.clock.advance(1);
    expect(one.effects.slice(1)).toEqual([
      'cutOff: the broker is stopping',
      'release: the broker is stopping',
    ]);
  });

  it('that breaks a rule is cut, in whatever state it is', () => {
    for (const before of [[], [{ type: 'request.understood' }], [DRAIN]] as ConnectionEvent[][]) {
      const one = connection();
      for (const event of before) one.send(event);
      one.send(BROKEN);
      expect(one.state()).toBe('closed');
      expect(one.effects).toContain('cutOff: nonsense');
      expect(one.effects.at(-1)).toMatch(/^release/);
    }
  });
});

const EVENTS: readonly ConnectionEvent[] = [
  { type: 'request.understood' },
  DRAIN,
  { type: 'answers.sent' },
  BROKEN,
  { type: 'peer.closed' },
];
/** Left alone on purpose: answers are only waited for while draining, and there is one first request. */
const IGNORED: Readonly<Record<string, readonly ConnectionEvent['type'][]>> = {
  open: ['answers.sent'],
  ready: ['answers.sent', 'request.understood'],
  draining: ['drain.requested', 'request.understood'],
};

describe('the machine', () => {
  it('handles or leaves alone on purpose every event in every state', () => {
    const { states } = clientConnectionMachine.root as unknown as {
      states: Record<string, { type: string; ownEvents: readonly string[] }>;
    };
    for (const [name, state] of Object.entries(states)) {
      if (state.type === 'final') continue;
      const unhandled = EVENTS.map((it) => it.type).filter((it) => !state.ownEvents.includes(it));
      expect([name, unhandled.toSorted()]).toEqual([name, IGNORED[name]?.toSorted()]);
    }
  });

  it('reaches every state', () => {
    const nothing = () => {};
    const quiet = clientConnectionMachine.provide({
      actions: { stopReading: nothing, closeGently: nothing, cutOff: nothing, release: nothing },
    });
    const paths = getShortestPaths(quiet, {
      input: { id: 'one' },
      events: [...EVENTS],
      serializeState: (state: SnapshotFrom<typeof quiet>) => String(state.value),
    });
    const reached = paths.map(({ state }) => String(state.value));
    expect(reached.toSorted()).toEqual(Object.keys(quiet.root.states).toSorted());
  });
});
