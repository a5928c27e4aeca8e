/**
 * The brokers of a cluster and who leads what, as Metadata tells it. Connections are opened when they are first needed, one a broker (and one for long polls), and
 * opened anew after they are lost. Bootstrap addresses serve only until a broker has told the others' (they may be a load balancer's).
 */
import type { Endpoint } from '@odradek/ports';
import { ErrorCode } from '@odradek/protocol';
import type { MetadataResponse } from '@odradek/protocol';
import { metadataApi } from './api.ts';
import type { Api } from './api.ts';
import { BrokerConnection } from './broker-connection.ts';
import { BrokerError, ClientClosed, NoBrokerReachable, formatEndpoint } from './errors.ts';
import type { ClientHost } from './host.ts';
import { RETRY_DEFAULT, withRetries } from './retry.ts';
import type { RetryPolicy } from './retry.ts';

export interface ClusterOptions {
  /** One at least. */
  readonly bootstrap: readonly Endpoint[];
  readonly clientId?: string;
  /** How long one answer may take; long polls add their own wait. */
  readonly requestTimeoutMs?: number;
  readonly retry?: Partial<RetryPolicy>;
}

export type TopicMetadata = MetadataResponse['topics'][number];
export type PartitionMetadata = TopicMetadata['partitions'][number];

export interface MetadataQuery {
  /** Null for all. */
  readonly topics: readonly string[] | null;
  /** Whether the broker may create what is missing. */
  readonly mayCreate?: boolean;
}

const REQUEST_TIMEOUT_MS = 30_000;

export interface AskOptions {
  /** What the broker may take on purpose, beyond the usual time. */
  readonly extraMs?: number;
  /**
   * A broker answers a connection's requests in their order: behind a fetch that waits for records, everything waits. So such
   * fetches have a connection of their own.
   */
  readonly lane?: 'main' | 'fetch';
}

export class Cluster {
  readonly host: ClientHost;
  readonly retry: RetryPolicy;
  readonly #bootstrap: readonly Endpoint[];
  readonly #connectionOptions: { readonly clientId: string; readonly requestTimeoutMs: number };
  /** By lane and "host:port"; the promise is shared by those who ask while it opens. */
  readonly #connections = new Map<string, Promise<BrokerConnection>>();
  #brokers: ReadonlyMap<number, Endpoint> = new Map();
  #controllerId = -1;
  #leaders = new Map<string, number>();
  #isClosed = false;

  constructor(host: ClientHost, options: ClusterOptions) {
    if (options.bootstrap.length === 0) throw new RangeError('a client needs one address at least');
    this.host = host;
    this.retry = { ...RETRY_DEFAULT, ...options.retry };
    this.#bootstrap = options.bootstrap;
    this.#connectionOptions = {
      clientId: options.clientId ?? 'odradek',
      requestTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    };
  }

  /** Asks, and remembers brokers and leaders. Errors of single topics are left in the answer. */
  async metadata({ topics, mayCreate = false }: MetadataQuery): Promise<MetadataResponse> {
    const response = await this.askAny(metadataApi, {
      topics: topics === null ? null : topics.map((name) => ({ name })),
      allowAutoTopicCreation: mayCreate,
      includeTopicAuthorizedOperations: false,
    });
    this.#brokers = new Map(
      response.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]),
    );
    this.#controllerId = response.controllerId;
    for (const topic of response.topics) {
      for (const { partitionIndex, leaderId } of topic.partitions)
        this.#leaders.set(leaderKey(topic.name ?? '', partitionIndex), leaderId);
    }
    return response;
  }

  /** One topic, whole: asks again while it is being created or a leader is being elected. */
  topic(name: string, options: { readonly mayCreate?: boolean } = {}): Promise<TopicMetadata> {
    return withRetries(this.host, this.retry, async () => {
      const { topics } = await this.metadata({ topics: [name], ...options });
      const topic = topics.find((candidate) => candidate.name === name);
      if (topic === undefined)
        throw new BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, { topic: name });
      const errorCode =
        topic.errorCode !== 0
          ? topic.errorCode
          : (topic.partitions.find((partition) => partition.errorCode !== 0)?.errorCode ?? 0);
      if (errorCode === 0) return topic;
      // An unknown topic is retriable in Kafka's table, for those who wait for it to appear. Who does not create it does not wait.
      const isMissing =
        errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && options.mayCreate !== true;
      throw new BrokerError(errorCode, { topic: name, ...(isMissing && { retriable: false }) });
    });
  }

  /** The node that leads a partition, as far as is known; undefined asks for a refresh. */
  leaderOf(topic: string, partition: number): number | undefined {
    const leader = this.#leaders.get(leaderKey(topic, partition));
    return leader === undefined || leader < 0 ? undefined : leader;
  }

  /** What is known of the topic's leaders turned out to be wrong. */
  forgetLeaders(topic: string): void {
    for (const key of this.#leaders.keys())
      if (key.startsWith(`${topic}/`)) this.#leaders.delete(key);
  }

  async ask<In, Out>(
    nodeId: number,
    api: Api<In, Out>,
    body: NoInfer<In>,
    { extraMs = 0, lane = 'main' }: AskOptions = {},
  ): Promise<Out> {
    const endpoint = this.#brokers.get(nodeId);
    if (endpoint === undefined)
      throw new NoBrokerReachable(`broker ${nodeId} is not known (any more)`);
    const connection = await this.#connect(endpoint, lane);
    return connection.request(api, body, this.#connectionOptions.requestTimeoutMs + extraMs);
  }

  /** The controller changes; an answer of NOT_CONTROLLER is retriable and leads to a refresh. */
  async askController<In, Out>(api: Api<In, Out>, body: NoInfer<In>): Promise<Out> {
    if (!this.#brokers.has(this.#controllerId)) await this.metadata({ topics: [] });
    return this.#brokers.has(this.#controllerId)
      ? this.ask(this.#controllerId, api, body)
      : this.askAny(api, body);
  }

  forgetController(): void {
    this.#controllerId = -1;
  }

  /** The first broker that can be reached: those that are known, then the bootstrap addresses. */
  async askAny<In, Out>(api: Api<In, Out>, body: NoInfer<In>): Promise<Out> {
    const failures: { readonly endpoint: Endpoint; readonly error: unknown }[] = [];
    for (const endpoint of [...this.#brokers.values(), ...this.#bootstrap]) {
      let connection: BrokerConnection;
      try {
        connection = await this.#connect(endpoint);
      } catch (error) {
        if (this.#isClosed) throw error;
        failures.push({ endpoint, error });
        continue;
      }
      return connection.request(api, body);
    }
    const reasons = failures.map(
      ({ endpoint, error }) =>
        `${formatEndpoint(endpoint)} (${error instanceof Error ? error.message : String(error)})`,
    );
    throw new NoBrokerReachable(`no broker can be reached: ${[...new Set(reasons)].join(', ')}`, {
      cause: failures[0]?.error,
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const opening of this.#connections.values()) {
      opening.then(
        (connection) => connection.close(),
        () => {},
      );
    }
    this.#connections.clear();
  }

  async #connect(endpoint: Endpoint, lane: 'main' | 'fetch' = 'main'): Promise<BrokerConnection> {
    if (this.#isClosed) throw new ClientClosed('the client is closed');
    const key = `${lane} ${formatEndpoint(endpoint)}`;
    const known = this.#connections.get(key);
    if (known !== undefined) {
      const connection = await known;
      if (connection.isOpen) return connection;
      if (this.#connections.get(key) === known) this.#connections.delete(key);
      return this.#connect(endpoint, lane);
    }
    const opening = BrokerConnection.open(this.host, endpoint, this.#connectionOptions);
    this.#connections.set(key, opening);
    opening.catch(() => {
      if (this.#connections.get(key) === opening) this.#connections.delete(key);
    });
    return opening;
  }
}

const leaderKey = (topic: string, partition: number): string => `${topic}/${partition}`;
