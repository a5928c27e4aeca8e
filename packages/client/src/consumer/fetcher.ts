/**
 * Fetches ahead of who takes the records: one request a broker under way, for all of its partitions that have room. Partitions are read from
 * their leaders, or from the nearer replica that the leader names (KIP-392). What comes for a partition that has moved since (a seek, a
 * rebalance) is thrown away.
 */
import { ErrorCode } from '@odradek/protocol';
import type { FetchResponse } from '@odradek/protocol';
import { fetchApi } from '../api.ts';
import type { PartitionLeader } from '../cluster.ts';
import { prepareCodecs } from '../codecs.ts';
import { BrokerError, ProtocolViolation, check, isRetriable } from '../errors.ts';
import { backoffMs, pause } from '../retry.ts';
import { nextFetch } from './fetch-request.ts';
import { FetchSession } from './fetch-session.ts';
import { Fetched } from './fetched.ts';
import type { Holdings } from './holdings.ts';
import type { PartitionState } from './partition-state.ts';
import type { Positions } from './positions.ts';
import type { TopicWatch } from './topic-watch.ts';
import { keyOf, partitionKey } from './topic-partition.ts';

/** Whoever leads now may answer otherwise. */
const STALE_LEADER: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.REPLICA_NOT_AVAILABLE,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.OFFSET_NOT_AVAILABLE,
]);
const SESSION_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
]);

interface Broker {
  readonly session: FetchSession;
  isFetching: boolean;
  failures: number;
  notBeforeMs: number;
}

interface Asked {
  readonly state: PartitionState;
  readonly version: number;
}

type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number];

export class Fetcher {
  readonly #holdings: Holdings;
  readonly #positions: Positions;
  readonly #topics: TopicWatch;
  readonly #lane: string;
  readonly #brokers = new Map<number, Broker>();

  constructor(holdings: Holdings, positions: Positions, topics: TopicWatch) {
    this.#holdings = holdings;
    this.#positions = positions;
    this.#topics = topics;
    this.#lane = holdings.cluster.newLane('fetch');
  }

  /** Starts whatever can be started: looking up positions and leaders, and one fetch a broker. */
  pump(): void {
    const { cluster, settings, isOver } = this.#holdings;
    if (isOver) {
      if (cluster.isClosed) this.#holdings.tellPollers();
      return;
    }
    const byNode = new Map<number, PartitionState[]>();
    let needsLookUp = false;
    const homeless = new Set<string>();
    for (const state of this.#holdings.partitions.values()) {
      if (state.isPaused || state.isRevoked) continue;
      const leader = cluster.leader(state.topic, state.partition);
      if (state.position === undefined || state.isDoubtful) needsLookUp = true;
      else if (leader === undefined) homeless.add(state.topic);
      else if (state.mustCheck(leader.epoch)) {
        state.isDoubtful = true;
        needsLookUp = true;
      } else if (state.bufferedBytes < settings.partitionMaxBytes) {
        state.checkedEpoch = leader.epoch;
        const nodeId = this.#replicaOf(state, leader);
        const list = byNode.get(nodeId);
        if (list === undefined) byNode.set(nodeId, [state]);
        else list.push(state);
      }
    }
    if (needsLookUp) this.#positions.resolve();
    if (homeless.size > 0) this.#topics.findLeaders([...homeless]);
    for (const [nodeId, states] of byNode) {
      let broker = this.#brokers.get(nodeId);
      if (broker === undefined) {
        broker = { session: new FetchSession(), isFetching: false, failures: 0, notBeforeMs: 0 };
        this.#brokers.set(nodeId, broker);
      }
      if (!broker.isFetching) void this.#fetch(nodeId, broker, states);
    }
  }

  close(): void {
    this.#holdings.cluster.closeLane(this.#lane);
  }

  /** The leader asks to be asked again from time to time: replicas come and go. */
  #replicaOf(state: PartitionState, leader: PartitionLeader): number {
    const { cluster } = this.#holdings;
    const { preferred } = state;
    if (preferred === undefined) return leader.nodeId;
    if (
      cluster.host.clock.monotonicMs() < preferred.untilMs &&
      cluster.nodeIds.includes(preferred.nodeId)
    )
      return preferred.nodeId;
    state.preferred = undefined;
    return leader.nodeId;
  }

  async #fetch(nodeId: number, broker: Broker, states: readonly PartitionState[]): Promise<void> {
    const { cluster } = this.#holdings;
    const { host } = cluster;
    broker.isFetching = true;
    try {
      const waitMs = broker.notBeforeMs - host.clock.monotonicMs();
      if (waitMs > 0) {
        await pause(host, waitMs);
        states = states.filter((state) => this.#isFetchable(state, nodeId));
        if (states.length === 0) return;
      }
      const asked = new Map(
        states.map((state) => [keyOf(state), { state, version: state.version }]),
      );
      const { settings } = this.#holdings;
      const response = await cluster.ask(
        nodeId,
        fetchApi,
        nextFetch(broker.session, states, settings),
        { extraMs: settings.maxWaitMs, lane: this.#lane },
      );
      if (host.compression.prepare !== undefined)
        await prepareCodecs(
          host,
          response.responses.flatMap(({ partitions }) => partitions),
        );
      if (SESSION_ERRORS.has(response.errorCode)) {
        broker.session.reset();
        return;
      }
      check(response.errorCode, { api: 'Fetch', broker: cluster.addressOf(nodeId) });
      broker.session.answered(response.sessionId);
      broker.failures = 0;
      this.#received(response, asked, nodeId);
    } catch (error) {
      if (this.#holdings.isClosed) return;
      broker.session.reset();
      broker.failures += 1;
      broker.notBeforeMs =
        host.clock.monotonicMs() + backoffMs(host, cluster.retry, broker.failures - 1);
      for (const state of states) {
        state.preferred = undefined;
        cluster.forgetLeaders(state.topic);
      }
      if (!isRetriable(error) && !cluster.isClosed) this.#holdings.fail(error);
    } finally {
      broker.isFetching = false;
      this.pump();
      this.#holdings.tellPollers();
    }
  }

  #isFetchable(state: PartitionState, nodeId: number): boolean {
    const leader = this.#holdings.cluster.leader(state.topic, state.partition);
    return (
      state.isServed &&
      !state.isDoubtful &&
      leader !== undefined &&
      this.#replicaOf(state, leader) === nodeId
    );
  }

  #received(
    { responses, nodeEndpoints }: FetchResponse,
    asked: ReadonlyMap<string, Asked>,
    nodeId: number,
  ): void {
    for (const { topic, partitions } of responses) {
      for (const answer of partitions) {
        const entry = asked.get(partitionKey(topic, answer.partitionIndex));
        // Not ours any more, or it has moved since.
        if (entry === undefined || entry.state.version !== entry.version) continue;
        const { state } = entry;
        if (!state.isHeld) continue;
        if (answer.errorCode === ErrorCode.NONE) this.#fetched(state, answer, nodeId);
        else this.#troubled(state, answer, nodeId, nodeEndpoints);
      }
    }
  }

  #fetched(state: PartitionState, answer: PartitionAnswer, nodeId: number): void {
    const { cluster, settings } = this.#holdings;
    const { records, preferredReadReplica, highWatermark, logStartOffset } = answer;
    state.troubledSinceMs = undefined;
    state.highWatermark = highWatermark;
    state.logStartOffset = logStartOffset;
    if (preferredReadReplica >= 0 && !cluster.nodeIds.includes(preferredReadReplica)) {
      // The leader answers that at once and without records: asked again and again, it would be all that it did.
      this.#slowDown(nodeId);
      this.#topics.findLeaders([state.topic]);
    } else if (preferredReadReplica >= 0)
      state.preferred = {
        nodeId: preferredReadReplica,
        untilMs: cluster.host.clock.monotonicMs() + settings.metadataMaxAgeMs,
      };
    if (records === null || records.length === 0) return;
    const fetched = new Fetched(records, answer.abortedTransactions);
    const { nextOffset } = fetched;
    if (nextOffset === undefined) {
      this.#holdings.fail(
        new ProtocolViolation(
          `${state.topic}-${state.partition}: the answer at offset ${state.fetchOffset} holds no whole batch`,
        ),
      );
      return;
    }
    state.fetched.push(fetched);
    state.bufferedBytes += fetched.sizeBytes;
    state.fetchOffset = Math.max(state.fetchOffset, nextOffset);
  }

  #troubled(
    state: PartitionState,
    { errorCode: code, currentLeader }: PartitionAnswer,
    nodeId: number,
    nodeEndpoints: FetchResponse['nodeEndpoints'],
  ): void {
    const { cluster } = this.#holdings;
    const { topic, partition } = state;
    const { clock } = cluster.host;
    const isFromFollower = state.preferred?.nodeId === nodeId;
    state.preferred = undefined;
    if (code === ErrorCode.OFFSET_OUT_OF_RANGE) {
      // A follower may be behind, or ahead in what it deleted: the leader is asked before the position is given up (KIP-392).
      if (isFromFollower) this.#slowDown(nodeId);
      // What was fetched before is still good; the place behind it is not.
      if (isFromFollower || state.fetched.length > 0 || state.hasRecords) return;
      this.#positions.reset(state, `offset ${state.fetchOffset} is not in the log`);
      return;
    }
    const error = new BrokerError(code, { topic, partition, broker: cluster.addressOf(nodeId) });
    if (!STALE_LEADER.has(code) && !error.retriable) {
      this.#holdings.fail(error);
      return;
    }
    if (code === ErrorCode.FENCED_LEADER_EPOCH || code === ErrorCode.UNKNOWN_LEADER_EPOCH)
      state.isDoubtful = state.positionEpoch >= 0;
    state.troubledSinceMs ??= clock.monotonicMs();
    // The answer may say who leads now: then nobody has to be asked, and nothing waited for (KIP-951).
    if (cluster.learnLeader(topic, partition, currentLeader, nodeEndpoints)) return;
    cluster.forgetLeaders(topic);
    // Elections end; a topic that is gone does not come back.
    if (clock.monotonicMs() - state.troubledSinceMs > cluster.retry.timeoutMs)
      this.#holdings.fail(error);
    this.#slowDown(nodeId);
  }

  #slowDown(nodeId: number): void {
    const { host, retry } = this.#holdings.cluster;
    const broker = this.#brokers.get(nodeId);
    if (broker !== undefined) broker.notBeforeMs = host.clock.monotonicMs() + retry.backoffMs;
  }
}
