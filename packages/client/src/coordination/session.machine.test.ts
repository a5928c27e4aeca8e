/** Every event in every state of a session; what is not in a row is ignored there. */
import { describe, expect, it } from 'vitest';
import { outcomesOf } from '../testing/outcomes.ts';
import { sessionMachine } from './session.machine.ts';
import { SessionLost } from './tree-errors.ts';

const lease = { sessionId: 7, timeoutMs: 900, endsAtMs: 1000 };

describe('a session', () => {
  it('is opened when it is wanted, renewed, given up when its time is over, and may be opened again', () => {
    const table = outcomesOf(
      sessionMachine,
      { lease, reason: undefined },
      {
        wanted: { event: { type: 'session.wanted' } },
        close: { event: { type: 'close.requested' } },
        leaseOver: { event: { type: 'xstate.after.leaseEnd.session.open' } },
        done: { done: lease },
        failed: { rejected: new Error('nobody answers') },
        over: { rejected: new SessionLost('it has ended') },
        paused: 'its time is over',
      },
    );
    const open = { close: 'closing', leaseOver: 'lost' };
    expect(table).toEqual({
      none: { wanted: 'opening', close: 'closed' },
      opening: { close: 'closed', done: 'open.resting', failed: 'refused', over: 'refused' },
      refused: { wanted: 'opening', close: 'closed' },
      'open.resting': { ...open, paused: 'open.renewing' },
      'open.renewing': {
        ...open,
        done: 'open.resting',
        failed: 'open.pausing',
        over: 'lost',
      },
      'open.pausing': { ...open, paused: 'open.renewing' },
      lost: { wanted: 'opening', close: 'closed' },
      closing: { done: 'closed', failed: 'closed', over: 'closed' },
      closed: {},
    });
  });
});
