/** What the producer's machine orders: asking for an identity, and what follows when it is there, lost or refused for good. */
import { createActor, fromPromise } from 'xstate';
import type { Actor } from 'xstate';
import { initProducerIdApi } from '../api.ts';
import type { Cluster } from '../cluster.ts';
import { ClientClosed, UnsupportedApi, asError, check, isRetriable } from '../errors.ts';
import { backoffMs } from '../retry.ts';
import { producerMachine } from './producer.machine.ts';
import type { Identity, ProducerEvent } from './producer.machine.ts';

export interface ProducerLifeEffects {
  /** There may be something to send. */
  wake(): void;
  /** For good. */
  failEverything(reason: Error): void;
}

export class ProducerLife {
  readonly actor: Actor<typeof producerMachine>;
  identity: Identity | undefined;
  readonly #cluster: Cluster;
  readonly #isIdempotent: boolean;

  constructor(cluster: Cluster, isIdempotent: boolean, effects: ProducerLifeEffects) {
    this.#cluster = cluster;
    this.#isIdempotent = isIdempotent;
    const { host, retry } = cluster;
    const logic = producerMachine.provide({
      delays: { retryBackoff: ({ context }) => backoffMs(host, retry, context.failures - 1) },
      guards: { isRetriable: (_, { error }) => isRetriable(error) && !cluster.isClosed },
      actions: {
        adoptIdentity: (_, { identity }) => {
          this.identity = identity;
        },
        sendWhatIsReady: () => effects.wake(),
        // Later: those who are told may send again.
        failEverything: () =>
          void Promise.resolve().then(() => effects.failEverything(this.refusal())),
        tellIdentityFailed: () => effects.wake(),
      },
      actors: { requestIdentity: fromPromise(() => this.#askIdentity()) },
    });
    this.actor = createActor(logic, {
      clock: host.clock,
      input: { needsIdentity: isIdempotent },
    }).start();
  }

  get accepts(): boolean {
    return this.actor.getSnapshot().hasTag('accepts');
  }

  /** A machine that has ended takes no events. */
  tell(event: ProducerEvent): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.send(event);
  }

  /** Asks for an identity when there is none. */
  maySend(): boolean {
    const snapshot = this.actor.getSnapshot();
    if (!this.#isIdempotent) return !snapshot.hasTag('fenced');
    if (this.identity !== undefined) return snapshot.hasTag('sends');
    this.tell({ type: 'identity.needed' });
    return false;
  }

  loseIdentity(): void {
    this.identity = undefined;
    this.tell({ type: 'identity.lost' });
  }

  /** Why it takes nothing more. */
  refusal(): Error {
    const snapshot = this.actor.getSnapshot();
    return snapshot.hasTag('fenced')
      ? asError(snapshot.context.error)
      : new ClientClosed('the producer is closed');
  }

  async #askIdentity(): Promise<Identity> {
    try {
      const { errorCode, producerId, producerEpoch } = await this.#cluster.askAny(
        initProducerIdApi,
        { transactionalId: null, transactionTimeoutMs: 0 },
      );
      check(errorCode, { api: 'InitProducerId' });
      return { producerId, producerEpoch };
    } catch (cause) {
      if (cause instanceof UnsupportedApi)
        throw new UnsupportedApi(
          `${cause.message}: this broker knows no idempotent producers; set idempotent: false`,
          { cause },
        );
      throw cause;
    }
  }
}
