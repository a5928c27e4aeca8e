/**
 * One of KafkaJS's clients on the way to the brokers: a producer, a consumer and an admin each have connections of their own there. Connecting
 * makes a cluster, disconnecting ends it, and connecting again makes another one.
 */
import type { Dial, Endpoint } from '@odradek/ports';
import { ApiKey } from '@odradek/protocol';
import { parseBrokers } from '../bus/bus.ts';
import { Cluster } from '../cluster.ts';
import { formatEndpoint } from '../errors.ts';
import { withRetries } from '../retry.ts';
import { AbortSource } from '../abort-source.ts';
import { KafkaJSConnectionError, KafkaJSNonRetriableError } from './errors.ts';
import { afterRetries } from './error-mapping.ts';
import type { Emitter } from './events.ts';
import type { KafkaJSHost } from './host.ts';
import { observed } from './network-events.ts';
import type { RetryPlan } from './retry-plan.ts';
import type { KafkaConfig, RequestPayload } from './types.ts';

export interface SessionOptions<B extends Uint8Array> {
  readonly host: KafkaJSHost<B>;
  readonly config: KafkaConfig;
  readonly plan: RetryPlan;
  readonly emitter: Emitter;
  readonly events: Readonly<
    Record<'CONNECT' | 'DISCONNECT' | 'REQUEST' | 'REQUEST_TIMEOUT', string>
  >;
  /** A consumer tells its heartbeats and fetches. */
  readonly onSent?: (apiKey: number, nodeId: number) => void;
  readonly onAnswered?: (apiKey: number, nodeId: number, durationMs: number) => void;
}

/** KafkaJS's defaults. */
const CONNECTION_TIMEOUT_MS = 1000;
const REQUEST_TIMEOUT_MS = 30_000;
const CLIENT_ID = 'kafkajs';

export class Session<B extends Uint8Array> {
  readonly plan: RetryPlan;
  readonly #options: SessionOptions<B>;
  #cluster: Cluster | undefined;
  #connecting: Promise<Cluster> | undefined;
  #isEnded = false;

  constructor(options: SessionOptions<B>) {
    this.plan = options.plan;
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#cluster !== undefined;
  }

  get requestTimeoutMs(): number {
    return this.#options.config.requestTimeout ?? REQUEST_TIMEOUT_MS;
  }

  /** The cluster of now; throws when not connected. */
  get cluster(): Cluster {
    if (this.#cluster === undefined) throw notConnected();
    return this.#cluster;
  }

  /** Tells CONNECT, every time. */
  async connect(): Promise<Cluster> {
    this.#isEnded = false;
    const cluster = await this.connected();
    this.#options.emitter.emit(this.#options.events.CONNECT);
    return cluster;
  }

  /** Connects when that is not done; not again after it was ended, or nobody would end it. */
  connected(): Promise<Cluster> {
    if (this.#cluster !== undefined) return Promise.resolve(this.#cluster);
    if (this.#isEnded) return Promise.reject(notConnected());
    return (this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    }));
  }

  disconnect(): void {
    this.#isEnded = true;
    this.#cluster?.close();
    this.#cluster = undefined;
    this.#options.emitter.emit(this.#options.events.DISCONNECT);
  }

  /** What goes wrong in `work` comes out in KafkaJS's words. */
  async run<T>(work: (cluster: Cluster) => Promise<T>): Promise<T> {
    const cluster = await this.connected();
    try {
      return await work(cluster);
    } catch (error) {
      throw afterRetries(error, this.plan);
    }
  }

  async #open(): Promise<Cluster> {
    const { host, config } = this.#options;
    let cluster: Cluster | undefined;
    try {
      const bootstrap = await this.#bootstrap();
      cluster = new Cluster(
        { ...host, dial: this.#dial(host.dial) },
        {
          bootstrap,
          clientId: config.clientId ?? CLIENT_ID,
          requestTimeoutMs: this.requestTimeoutMs,
          retry: this.plan.policy,
        },
      );
      const opened = cluster;
      await withRetries(host, this.plan.policy, () => opened.metadata({ topics: [] }));
    } catch (error) {
      cluster?.close();
      throw afterRetries(error, this.plan);
    }
    if (this.#isEnded) {
      cluster.close();
      throw notConnected();
    }
    this.#cluster = cluster;
    return cluster;
  }

  async #bootstrap(): Promise<readonly Endpoint[]> {
    const { brokers } = this.#options.config;
    let list: readonly string[];
    try {
      list = typeof brokers === 'function' ? await brokers() : brokers;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new KafkaJSConnectionError(`Failed to connect: "config.brokers" threw: ${why}`, {
        cause: error,
      });
    }
    if (!Array.isArray(list) || list.length === 0)
      throw new KafkaJSNonRetriableError(
        'Failed to connect: expected brokers array and got nothing',
      );
    return parseBrokers(list);
  }

  #dial(dial: Dial): Dial {
    const { host, config, emitter, events } = this.#options;
    const { clientId = CLIENT_ID, connectionTimeout = CONNECTION_TIMEOUT_MS } = config;
    const timed: Dial = async (endpoint, signal) => {
      const source = new AbortSource();
      const why = new Error(
        `${formatEndpoint(endpoint)} did not answer within connectionTimeout (${connectionTimeout} ms)`,
      );
      const timer = host.clock.setTimeout(() => source.abort(why), connectionTimeout);
      const forward = (): void => source.abort(signal?.reason);
      signal?.addEventListener('abort', forward);
      try {
        return await dial(endpoint, source);
      } catch (error) {
        throw source.aborted ? why : error;
      } finally {
        host.clock.clearTimeout(timer);
        signal?.removeEventListener('abort', forward);
      }
    };
    return observed(timed, host.clock, clientId, {
      sent: ({ apiKey, broker }) => this.#options.onSent?.(apiKey, this.#nodeAt(broker)),
      answered: (request: RequestPayload) => {
        emitter.emit(events.REQUEST, request);
        this.#options.onAnswered?.(request.apiKey, this.#nodeAt(request.broker), request.duration);
      },
      unanswered: (request) => {
        const { clock } = host;
        if (clock.wallTimeMs() - request.sentAt >= this.requestTimeoutMs)
          emitter.emit(events.REQUEST_TIMEOUT, request);
      },
    });
  }

  #nodeAt(broker: string): number {
    const cluster = this.#cluster;
    return cluster?.nodeIds.find((nodeId) => cluster.addressOf(nodeId) === broker) ?? -1;
  }
}

const notConnected = (): KafkaJSNonRetriableError =>
  new KafkaJSNonRetriableError('not connected: call connect() first');

export const HEARTBEAT_KEY = ApiKey.Heartbeat;
export const FETCH_KEY = ApiKey.Fetch;
