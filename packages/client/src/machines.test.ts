/** Every event in every state of the machines of a group; what is not in a row is ignored there. */
import { describe, expect, it } from 'vitest';
import { heartbeatMachine } from './consumer/heartbeat.machine.ts';
import { membershipMachine } from './consumer/membership.machine.ts';
import { outcomesOf } from './testing/outcomes.ts';
import type { Happening } from './testing/outcomes.ts';

const event = (type: string, more: object = {}, context: object = {}): Happening => ({
  event: { type, ...more },
  context,
});
const refusal = (kind: string) => ({ kind, error: new Error(kind) });

const refusals = {
  rejoin: { rejected: refusal('rejoin') },
  expelled: { rejected: refusal('expelled') },
  coordinatorMoved: { rejected: refusal('coordinatorMoved') },
  transient: { rejected: refusal('transient') },
  fatal: { rejected: refusal('fatal') },
} as const;

describe('a membership', () => {
  const happenings = {
    join: event('group.joined'),
    rejoinRequested: event('rejoin.requested', { reason: '' }),
    generationLost: event('generation.lost'),
    leave: event('leave.requested'),
    beatRejoin: event('heartbeat.refused', refusal('rejoin')),
    beatExpelled: event('heartbeat.refused', refusal('expelled')),
    beatFatal: event('heartbeat.refused', refusal('fatal')),
    done: { done: false },
    doneAndGaveBack: { done: true },
    ...refusals,
    paused: 'its time is over',
  } as const;
  const context = {
    heartbeat: { intervalMs: 1, retryMs: 1 },
    failures: 0,
    reason: undefined,
    error: undefined,
    mustRejoin: false,
  };
  const refused = {
    rejoin: 'joining',
    expelled: 'joining',
    coordinatorMoved: 'backingOff',
    transient: 'backingOff',
    fatal: 'failed',
  };
  const open = { leave: 'leaving' };
  const member = {
    ...open,
    generationLost: 'joining',
    beatExpelled: 'joining',
    beatFatal: 'failed',
  };

  it('joins, syncs, adopts and gives back; and comes back after whatever can be helped', () => {
    expect(outcomesOf(membershipMachine, context, happenings)).toEqual({
      idle: { join: 'findingCoordinator', leave: 'left' },
      // The subscription is told when it joins: a change before that needs nothing.
      findingCoordinator: { ...open, ...refused, done: 'joining', doneAndGaveBack: 'joining' },
      joining: {
        ...open,
        ...refused,
        done: 'syncing',
        doneAndGaveBack: 'syncing',
        rejoin: 'stays',
        expelled: 'stays',
        rejoinRequested: 'stays',
      },
      syncing: {
        ...open,
        ...refused,
        done: 'member.adopting',
        doneAndGaveBack: 'member.adopting',
        rejoinRequested: 'stays',
      },
      'member.adopting': {
        ...member,
        ...refused,
        done: 'member.stable',
        doneAndGaveBack: 'joining',
        rejoinRequested: 'stays',
      },
      'member.stable': {
        ...member,
        beatRejoin: 'member.revoking',
        rejoinRequested: 'member.revoking',
      },
      'member.revoking': { ...member, ...refused, done: 'joining', doneAndGaveBack: 'joining' },
      backingOff: { ...open, paused: 'findingCoordinator' },
      leaving: {
        done: 'left',
        doneAndGaveBack: 'left',
        rejoin: 'left',
        expelled: 'left',
        coordinatorMoved: 'left',
        transient: 'left',
        fatal: 'left',
      },
      left: {},
      failed: { leave: 'leaving' },
    });
  });

  it('joins once more when what it told has changed meanwhile', () => {
    const table = outcomesOf(membershipMachine, { ...context, mustRejoin: true }, happenings);
    expect(table['member.adopting']?.['done']).toBe('joining');
  });
});

describe('a heartbeat', () => {
  it('goes on over what passes, and ends with what the membership must answer', () => {
    const machine = heartbeatMachine.provide({ actions: { tellParent: () => {} } });
    const table = outcomesOf(
      machine,
      { intervalMs: 1, retryMs: 1, failures: 0 },
      { answered: { done: undefined }, ...refusals, timeIsOver: 'its time is over' },
    );
    expect(table).toEqual({
      waiting: { timeIsOver: 'beating' },
      beating: {
        answered: 'waiting',
        rejoin: 'waiting',
        expelled: 'refused',
        fatal: 'refused',
        coordinatorMoved: 'pausing',
        transient: 'pausing',
      },
      pausing: { timeIsOver: 'beating' },
      refused: {},
    });
  });
});
