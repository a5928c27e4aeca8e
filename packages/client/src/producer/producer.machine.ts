/**
 * The life of a producer. An idempotent one needs an identity (producer id and epoch) before its first batch; a broker can take it away for
 * good (fenced) or make it ask for another. Batches, sequences and retries are plain code in producer.ts and partition-queue.ts; here is
 * only what the whole producer goes through.
 */
import type { Machine } from '../lifecycle.ts';

export interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface ProducerContext {
  readonly identity: Identity | undefined;
  /** Attempts at an identity that failed in a row. */
  readonly failures: number;
  /** Why the last attempt failed, or why it is over. */
  readonly error: unknown;
}

export type ProducerEvent =
  | 'identity.needed'
  | 'identity.given'
  /** For now. */
  | 'identity.postponed'
  | 'pause.elapsed'
  /** The broker does not accept it any more, and another one would do. */
  | 'identity.lost'
  | 'producer.fenced'
  | 'close.requested'
  /** Every batch has been answered or given up. */
  | 'batches.settled';

export type ProducerState =
  | 'idle'
  | 'initialising'
  | 'backingOff'
  | 'ready'
  | 'draining'
  | 'drainingInitialising'
  | 'drainingBackingOff'
  | 'fenced'
  | 'closed';

export type ProducerEffect =
  | 'requestIdentity'
  | 'startPause'
  | 'cancelPause'
  | 'sendWhatIsReady'
  | 'failEverything';

export type ProducerTag = 'accepts' | 'sends' | 'fenced';

/** Unless a state says otherwise: while records are taken, */
const open = {
  'identity.needed': 'ignored',
  'identity.given': 'ignored',
  'identity.postponed': 'ignored',
  'pause.elapsed': 'ignored',
  'identity.lost': 'ignored',
  'producer.fenced': 'fenced',
  'close.requested': 'draining',
  'batches.settled': 'ignored',
} as const;
/** while what was taken is still sent, */
const draining = { ...open, 'close.requested': 'ignored', 'batches.settled': 'closed' } as const;
/** and when nothing can be sent any more. */
const fenced = { ...open, 'producer.fenced': 'ignored', 'close.requested': 'closed' } as const;

export const producerMachine: Machine<ProducerState, ProducerEvent, ProducerEffect, ProducerTag> = {
  id: 'producer',
  initial: 'idle',
  states: {
    idle: { tags: ['accepts'], on: { ...open, 'identity.needed': 'initialising' } },
    initialising: {
      tags: ['accepts'],
      entry: 'requestIdentity',
      on: {
        ...open,
        'identity.given': 'ready',
        'identity.postponed': 'backingOff',
      },
    },
    /** Batches wait meanwhile, each until its own deadline. */
    backingOff: {
      tags: ['accepts'],
      entry: 'startPause',
      exit: 'cancelPause',
      on: { ...open, 'pause.elapsed': 'initialising' },
    },
    ready: {
      tags: ['accepts', 'sends'],
      entry: 'sendWhatIsReady',
      on: { ...open, 'identity.lost': 'initialising' },
    },
    /** Takes nothing new; what was taken is still sent. */
    draining: {
      tags: ['sends'],
      entry: 'sendWhatIsReady',
      on: {
        ...draining,
        'identity.lost': 'drainingInitialising',
        'identity.needed': 'drainingInitialising',
      },
    },
    drainingInitialising: {
      entry: 'requestIdentity',
      on: { ...draining, 'identity.given': 'draining', 'identity.postponed': 'drainingBackingOff' },
    },
    drainingBackingOff: {
      entry: 'startPause',
      exit: 'cancelPause',
      on: { ...draining, 'pause.elapsed': 'drainingInitialising' },
    },
    /** For good: what waits is told, what comes is refused. */
    fenced: { tags: ['fenced'], entry: 'failEverything', on: fenced },
    closed: { type: 'final' },
  },
};
