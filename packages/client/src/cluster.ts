/**
 * The brokers of a cluster and who leads what, as Metadata tells it. Connections are opened when they are first needed and opened anew
 * after they are lost, with growing pauses between attempts at one address (KIP-580). Bootstrap addresses serve until a broker has told
 * the others' (they may be a load balancer's), and again when none of those answers.
 *
 * A broker answers a connection's requests in their order: behind a fetch that waits for records, or a join that waits for other members,
 * everything waits. So what may be held has a lane of its own: a connection that others do not share.
 */
import type { Endpoint } from '@odradek/ports';
import { ErrorCode } from '@odradek/protocol';
import type { MetadataResponse } from '@odradek/protocol';
import { metadataApi } from './api.ts';
import type { Api } from './api.ts';
import { BrokerConnection } from './broker-connection.ts';
import { clusterMachine } from './cluster.machine.ts';
import type { ClusterContext, ClusterEvent, ClusterState } from './cluster.machine.ts';
import {
  BrokerError,
  ClientClosed,
  NoBrokerReachable,
  formatEndpoint,
  isRetriable,
} from './errors.ts';
import type { ClientHost } from './host.ts';
import { LeadersSeen } from './leaders-seen.ts';
import { Lifecycle } from './lifecycle.ts';
import { RETRY_DEFAULT, backoffMs, pause, withRetries } from './retry.ts';
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

export interface PartitionLeader {
  readonly nodeId: number;
  /** -1 from brokers that do not tell. */
  readonly epoch: number;
}

export interface AskOptions {
  /** What the broker may take on purpose, beyond the usual time. */
  readonly extraMs?: number;
  /** 'main' unless the answer may be held. */
  readonly lane?: string;
}

const MISSING_TOPIC =
  'there is no such topic: create it, or let the broker do so with mayCreateTopics (and its auto.create.topics.enable)';
const MAIN_LANE = 'main';
const REQUEST_TIMEOUT_MS = 30_000;
/** Kafka's `reconnect.backoff.ms` and `reconnect.backoff.max.ms`. */
const RECONNECT: RetryPolicy = { timeoutMs: 0, backoffMs: 50, backoffMaxMs: 1000 };

interface Penalty {
  readonly failures: number;
  readonly untilMs: number;
}

interface Link {
  readonly opening: Promise<BrokerConnection>;
  /** Once it is open. */
  connection: BrokerConnection | undefined;
}

export type ClusterStatus = Lifecycle<ClusterState, ClusterEvent, never, never, ClusterContext>;

export class Cluster {
  readonly host: ClientHost;
  readonly retry: RetryPolicy;
  readonly requestTimeoutMs: number;
  /** States and last error, for those who show them. */
  readonly status: ClusterStatus;
  readonly #bootstrap: readonly Endpoint[];
  readonly #connectionOptions: { readonly clientId: string; readonly requestTimeoutMs: number };
  /** By lane and "host:port"; the promise is shared by those who ask while it opens. */
  readonly #links = new Map<string, Link>();
  readonly #penalties = new Map<string, Penalty>();
  #brokers: ReadonlyMap<number, Endpoint> = new Map();
  #controllerId = -1;
  readonly #leaders = new Map<string, Map<number, PartitionLeader>>();
  readonly #leadersSeen: LeadersSeen;
  #openConnections = 0;
  #nextLane = 1;
  /** Who answered last when any broker would do, and who did so before the leaders that were known turned out to be wrong. */
  #told: string | undefined;
  #doubted: string | undefined;
  #isClosed = false;

  constructor(host: ClientHost, options: ClusterOptions) {
    if (options.bootstrap.length === 0) throw new RangeError('a client needs one address at least');
    this.host = host;
    this.retry = { ...RETRY_DEFAULT, ...options.retry };
    this.requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    this.#bootstrap = options.bootstrap;
    this.#connectionOptions = {
      clientId: options.clientId ?? 'odradek',
      requestTimeoutMs: this.requestTimeoutMs,
    };
    this.#leadersSeen = new LeadersSeen(this.retry.timeoutMs);
    this.status = new Lifecycle(clusterMachine, { lastError: undefined }, {});
  }

  get isClosed(): boolean {
    return this.#isClosed;
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
    const { clock } = this.host;
    const topicsSeen = response.topics.map((topic) =>
      this.#leadersSeen.checked(topic, clock.monotonicMs()),
    );
    // Others may know better.
    if (topicsSeen.some((topic, index) => topic !== response.topics[index]))
      this.#doubted = this.#told;
    for (const topic of topicsSeen) {
      if (topic.partitions.length === 0) continue;
      const leaders = new Map<number, PartitionLeader>();
      for (const { partitionIndex, leaderId, leaderEpoch } of topic.partitions)
        leaders.set(partitionIndex, { nodeId: leaderId, epoch: leaderEpoch });
      this.#leaders.set(topic.name ?? '', leaders);
    }
    return { ...response, topics: topicsSeen };
  }

  /** One topic, whole: asks again while it is being created or a leader is being elected. */
  topic(
    name: string,
    options: { readonly mayCreate?: boolean; readonly timeoutMs?: number } = {},
  ): Promise<TopicMetadata> {
    const policy = {
      ...this.retry,
      timeoutMs: Math.min(options.timeoutMs ?? Number.POSITIVE_INFINITY, this.retry.timeoutMs),
    };
    return withRetries(this.host, policy, async () => {
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
      throw new BrokerError(errorCode, {
        topic: name,
        ...(isMissing && { retriable: false, detail: MISSING_TOPIC }),
      });
    });
  }

  /** The node that leads a partition, as far as is known; undefined asks for a refresh. */
  leaderOf(topic: string, partition: number): number | undefined {
    return this.leader(topic, partition)?.nodeId;
  }

  leader(topic: string, partition: number): PartitionLeader | undefined {
    const leader = this.#leaders.get(topic)?.get(partition);
    return leader === undefined || leader.nodeId < 0 || !this.#brokers.has(leader.nodeId)
      ? undefined
      : leader;
  }

  /**
   * Who leads now, as the broker that does not lead any more tells it (KIP-951). False when it does not tell, or nothing newer than what is known:
   * then somebody has to be asked.
   */
  learnLeader(
    topic: string,
    partition: number,
    { leaderId, leaderEpoch }: { readonly leaderId: number; readonly leaderEpoch: number },
    endpoints: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[],
  ): boolean {
    const leaders = this.#leaders.get(topic);
    const known = leaders?.get(partition);
    if (leaders === undefined || leaderId < 0 || leaderEpoch <= (known?.epoch ?? -1)) return false;
    for (const { nodeId, host, port } of endpoints) this.learnBroker(nodeId, { host, port });
    leaders.set(partition, { nodeId: leaderId, epoch: leaderEpoch });
    return this.#brokers.has(leaderId);
  }

  /** Whoever tells of this leader is behind what is known already. */
  knowsNewerLeader(
    topic: string,
    partition: number,
    { leaderEpoch }: { readonly leaderEpoch: number },
  ): boolean {
    const known = this.#leaders.get(topic)?.get(partition);
    return leaderEpoch >= 0 && known !== undefined && known.epoch > leaderEpoch;
  }

  /** What is known of the topic's leaders turned out to be wrong. */
  forgetLeaders(topic: string): void {
    this.#leaders.delete(topic);
    this.#doubted = this.#told;
  }

  /** "host:port", for messages. */
  addressOf(nodeId: number): string {
    const endpoint = this.#brokers.get(nodeId);
    return endpoint === undefined ? `broker ${nodeId}` : formatEndpoint(endpoint);
  }

  get nodeIds(): readonly number[] {
    return [...this.#brokers.keys()];
  }

  /** What only Metadata tells, by some other answer: a group's coordinator. */
  learnBroker(nodeId: number, endpoint: Endpoint): void {
    this.#brokers = new Map([...this.#brokers, [nodeId, endpoint]]);
  }

  async ask<In, Out>(
    nodeId: number,
    api: Api<In, Out>,
    body: NoInfer<In>,
    { extraMs = 0, lane = MAIN_LANE }: AskOptions = {},
  ): Promise<Out> {
    const connection = this.connectionTo(nodeId, lane) ?? (await this.connect(nodeId, lane));
    return connection.request(api, body, this.requestTimeoutMs + extraMs);
  }

  /** The connection that is open now: what is sent over it in one turn stays in order. */
  connectionTo(nodeId: number, lane: string = MAIN_LANE): BrokerConnection | undefined {
    const endpoint = this.#brokers.get(nodeId);
    if (endpoint === undefined) return undefined;
    const connection = this.#links.get(`${lane} ${formatEndpoint(endpoint)}`)?.connection;
    return connection?.isOpen === true ? connection : undefined;
  }

  async connect(nodeId: number, lane: string = MAIN_LANE): Promise<BrokerConnection> {
    const endpoint = this.#brokers.get(nodeId);
    if (endpoint === undefined)
      throw new NoBrokerReachable(`broker ${nodeId} is not known (any more)`);
    return this.#open(endpoint, lane);
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
    for (const endpoint of this.#byPenalty([...this.#brokers.values(), ...this.#bootstrap])) {
      let connection: BrokerConnection;
      try {
        connection = await this.#open(endpoint, MAIN_LANE);
      } catch (error) {
        if (this.#isClosed) throw error;
        failures.push({ endpoint, error });
        continue;
      }
      const answer = await connection.request(api, body);
      this.#told = formatEndpoint(endpoint);
      return answer;
    }
    const reasons = failures.map(
      ({ endpoint, error }) =>
        `${formatEndpoint(endpoint)} (${error instanceof Error ? error.message : String(error)})`,
    );
    const reason = [...new Set(reasons)].join(', ');
    this.status.tell('brokers.unreachable', { lastError: reason });
    throw new NoBrokerReachable(`no broker can be reached: ${reason}`, {
      cause: failures[0]?.error,
      retriable: failures.some(({ error }) => isRetriable(error)),
    });
  }

  /** A name for connections of one's own; given back with `closeLane`. */
  newLane(purpose: string): string {
    return `${purpose}-${this.#nextLane++}`;
  }

  closeLane(lane: string): void {
    for (const [key, link] of this.#links) {
      if (!key.startsWith(`${lane} `)) continue;
      this.#links.delete(key);
      closeLink(link);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const links = [...this.#links.values()];
    this.#links.clear();
    for (const link of links) closeLink(link);
    this.status.tell('client.closed');
  }

  /** Those that failed lately come last, and before them the one whose word was found wrong: it may be cut off from its cluster. */
  #byPenalty(endpoints: readonly Endpoint[]): readonly Endpoint[] {
    const unique = [...new Map(endpoints.map((each) => [formatEndpoint(each), each])).values()];
    const until = (endpoint: Endpoint): number =>
      this.#penalties.get(formatEndpoint(endpoint))?.untilMs ?? 0;
    const doubt = (endpoint: Endpoint): number =>
      formatEndpoint(endpoint) === this.#doubted ? 1 : 0;
    return unique.sort((a, b) => until(a) - until(b) || doubt(a) - doubt(b));
  }

  #open(endpoint: Endpoint, lane: string): Promise<BrokerConnection> {
    if (this.#isClosed) return Promise.reject(new ClientClosed('the client is closed'));
    const key = `${lane} ${formatEndpoint(endpoint)}`;
    const known = this.#links.get(key);
    if (known !== undefined && known.connection?.isOpen !== false) return known.opening;
    const link: Link = { opening: this.#dial(endpoint), connection: undefined };
    this.#links.set(key, link);
    const forget = (): void => {
      if (this.#links.get(key) === link) this.#links.delete(key);
    };
    link.opening.then((connection) => {
      link.connection = connection;
      connection.onLost(forget);
      // Closed, or its lane given back, while it was being opened.
      if (this.#isClosed || this.#links.get(key) !== link) connection.close();
    }, forget);
    return link.opening;
  }

  /** After a failure the next attempt waits, and longer after each further one. */
  async #dial(endpoint: Endpoint): Promise<BrokerConnection> {
    const address = formatEndpoint(endpoint);
    const { clock } = this.host;
    const penalty = this.#penalties.get(address);
    const waitMs = (penalty?.untilMs ?? 0) - clock.monotonicMs();
    this.status.tell('connection.attempted');
    if (waitMs > 0) await pause(this.host, waitMs);
    if (this.#isClosed) throw new ClientClosed('the client is closed');
    try {
      const connection = await BrokerConnection.open(this.host, endpoint, this.#connectionOptions);
      this.#penalties.delete(address);
      this.#openConnections += 1;
      this.status.tell('connection.opened', { lastError: undefined });
      connection.onLost(({ message }) => {
        this.#openConnections -= 1;
        if (this.#openConnections === 0)
          this.status.tell('connections.lost', { lastError: message });
      });
      return connection;
    } catch (error) {
      const failures = (this.#penalties.get(address)?.failures ?? 0) + 1;
      const untilMs = clock.monotonicMs() + backoffMs(this.host, RECONNECT, failures - 1);
      this.#penalties.set(address, { failures, untilMs });
      throw error;
    }
  }
}

function closeLink({ opening, connection }: Link): void {
  if (connection !== undefined) connection.close();
  else
    opening.then(
      (opened) => opened.close(),
      () => {},
    );
}
