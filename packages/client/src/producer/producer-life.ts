/** What the producer's machine orders: asking for an identity, and what follows when it is there, lost or refused for good. */
import type { TimerHandle } from '@odradek/ports';
import { initProducerIdApi } from '../api.ts';
import type { Cluster } from '../cluster.ts';
import { ClientClosed, UnsupportedApi, asError, check, isRetriable } from '../errors.ts';
import { Lifecycle } from '../lifecycle.ts';
import { backoffMs } from '../retry.ts';
import { producerMachine } from './producer.machine.ts';
import type {
  Identity,
  ProducerContext,
  ProducerEffect,
  ProducerEvent,
  ProducerState,
  ProducerTag,
} from './producer.machine.ts';

export interface ProducerLifeEffects {
  /** There may be something to send. */
  wake(): void;
  /** For good. */
  failEverything(reason: Error): void;
}

export type ProducerStatus = Lifecycle<
  ProducerState,
  ProducerEvent,
  ProducerEffect,
  ProducerTag,
  ProducerContext
>;

export class ProducerLife {
  readonly status: ProducerStatus;
  readonly #cluster: Cluster;
  readonly #isIdempotent: boolean;
  #pause: TimerHandle | undefined;

  constructor(cluster: Cluster, isIdempotent: boolean, effects: ProducerLifeEffects) {
    this.#cluster = cluster;
    this.#isIdempotent = isIdempotent;
    this.status = new Lifecycle(
      producerMachine,
      { identity: undefined, failures: 0, error: undefined },
      {
        requestIdentity: () => void this.#requestIdentity(),
        startPause: () => {
          this.#startPause();
          effects.wake();
        },
        cancelPause: () => cluster.host.clock.clearTimeout(this.#pause!),
        sendWhatIsReady: () => effects.wake(),
        // Later: those who are told may send again.
        failEverything: () =>
          void Promise.resolve().then(() => effects.failEverything(this.refusal())),
      },
    );
  }

  get identity(): Identity | undefined {
    return this.status.getSnapshot().context.identity;
  }

  /** Asks for an identity when there is none. */
  maySend(): boolean {
    if (!this.#isIdempotent) return !this.status.hasTag('fenced');
    if (this.identity !== undefined) return this.status.hasTag('sends');
    this.status.tell('identity.needed');
    return false;
  }

  loseIdentity(): void {
    this.status.tell('identity.lost', { identity: undefined });
  }

  fence(error: unknown): void {
    this.status.tell('producer.fenced', { error });
  }

  /** Why it takes nothing more. */
  refusal(): Error {
    return this.status.hasTag('fenced')
      ? asError(this.status.getSnapshot().context.error)
      : new ClientClosed('the producer is closed');
  }

  #startPause(): void {
    const { host, retry } = this.#cluster;
    const { failures } = this.status.getSnapshot().context;
    this.#pause = host.clock.setTimeout(
      () => this.status.tell('pause.elapsed'),
      backoffMs(host, retry, failures - 1),
    );
  }

  async #requestIdentity(): Promise<void> {
    try {
      const identity = await this.#askIdentity();
      this.status.tell('identity.given', { identity, failures: 0, error: undefined });
    } catch (error) {
      if (!isRetriable(error) || this.#cluster.isClosed) this.fence(error);
      else {
        const failures = this.status.getSnapshot().context.failures + 1;
        this.status.tell('identity.postponed', { failures, error });
      }
    }
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
