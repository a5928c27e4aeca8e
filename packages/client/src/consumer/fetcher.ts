/**
 * Fetches ahead of who takes the records: one request a broker under way, for all of its partitions that have room. Partitions are read from
 * their leaders, or from the nearer replica that the leader names (KIP-392). What comes for a partition that has moved since (a seek, a
 * rebalance) is thrown away.
 *
 * A broker holds a request that finds nothing. A partition that gets room meanwhile (its records were taken, it was sought, resumed or newly
 * given) does not wait for that: what it has is fetched by a second request, which is never held.
 */
import { ErrorCode } from '@odradek/protocol';
import { fetchApi } from '../api.ts';
import type { PartitionLeader } from '../cluster.ts';
import { prepareCodecs } from '../codecs.ts';
import { CodecUnavailable, check, isRetriable } from '../errors.ts';
import { backoffMs, pause } from '../retry.ts';
import { FetchAnswers } from './fetch-answers.ts';
import type { Asked } from './fetch-answers.ts';
import { nextFetch } from './fetch-request.ts';
import { FetchSession } from './fetch-session.ts';
import type { Holdings } from './holdings.ts';
import type { PartitionState } from './partition-state.ts';
import type { Positions } from './positions.ts';
import type { TopicWatch } from './topic-watch.ts';

const SESSION_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
]);

interface Broker {
  readonly session: FetchSession;
  /** The request in the session: on its way, held perhaps, or none. */
  waiting: 'no' | 'briefly' | 'perhaps held';
  /** Whether there is another one besides. */
  isHurrying: boolean;
  failures: number;
  notBeforeMs: number;
}

/** Kafka's `fetch.max.wait.ms`: who is left out of a request does not wait longer for the next. */
const LEFT_OUT_WAIT_MS_MAX = 500;

interface FetchPlan {
  readonly session?: FetchSession;
  readonly lane: string;
  /** How long the broker may hold it. */
  readonly waitMs: number;
}

export class Fetcher {
  readonly #holdings: Holdings;
  readonly #positions: Positions;
  readonly #topics: TopicWatch;
  readonly #lane: string;
  readonly #hurriedLane: string;
  readonly #answers: FetchAnswers;
  readonly #brokers = new Map<number, Broker>();

  constructor(holdings: Holdings, positions: Positions, topics: TopicWatch) {
    this.#holdings = holdings;
    this.#positions = positions;
    this.#topics = topics;
    this.#answers = new FetchAnswers(holdings, positions, topics, (nodeId) =>
      this.#slowDown(nodeId),
    );
    this.#lane = holdings.cluster.newLane('fetch');
    this.#hurriedLane = holdings.cluster.newLane('fetch-now');
  }

  /** Starts whatever can be started: looking up positions and leaders, one fetch a broker, and another beside one that may be held. */
  pump(): void {
    const { cluster, settings, isOver } = this.#holdings;
    if (isOver) {
      if (cluster.isClosed) this.#holdings.tellPollers();
      return;
    }
    const byNode = new Map<number, PartitionState[]>();
    let isSomeLeftOut = false;
    let needsLookUp = false;
    const homeless = new Set<string>();
    for (const state of this.#holdings.partitions.values()) {
      if (state.isRevoked) continue;
      if (state.isPaused) {
        isSomeLeftOut = true;
        continue;
      }
      const leader = cluster.leader(state.topic, state.partition);
      if (state.position === undefined || state.isDoubtful) needsLookUp = true;
      else if (leader === undefined) homeless.add(state.topic);
      else if (state.mustCheck(leader.epoch)) {
        state.isDoubtful = true;
        needsLookUp = true;
      } else if (state.bufferedBytes < settings.partitionMaxBytes) {
        state.checkedEpoch = leader.epoch;
        const nodeId = this.#replicaOf(state, leader);
        const { askedOf } = state;
        if (askedOf === nodeId) continue;
        if (askedOf !== undefined) state.disownFetch();
        const list = byNode.get(nodeId);
        if (list === undefined) byNode.set(nodeId, [state]);
        else list.push(state);
      } else isSomeLeftOut = true;
    }
    if (needsLookUp) this.#positions.resolve();
    if (homeless.size > 0) this.#topics.findLeaders([...homeless]);
    for (const [nodeId, states] of byNode) {
      let broker = this.#brokers.get(nodeId);
      if (broker === undefined) {
        broker = {
          session: new FetchSession(),
          waiting: 'no',
          isHurrying: false,
          failures: 0,
          notBeforeMs: 0,
        };
        this.#brokers.set(nodeId, broker);
      }
      if (broker.waiting === 'no') void this.#wait(nodeId, broker, states, isSomeLeftOut);
      else if (broker.waiting === 'perhaps held' && !broker.isHurrying) {
        const behind = states.filter(({ mayHaveMore }) => mayHaveMore);
        if (behind.length > 0) void this.#hurry(nodeId, broker, behind);
      }
    }
  }

  close(): void {
    const { cluster } = this.#holdings;
    cluster.closeLane(this.#lane);
    cluster.closeLane(this.#hurriedLane);
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

  async #wait(
    nodeId: number,
    broker: Broker,
    states: readonly PartitionState[],
    isSomeLeftOut: boolean,
  ): Promise<void> {
    const { maxWaitMs } = this.#holdings.settings;
    broker.waiting = states.some(({ mayHaveMore }) => mayHaveMore) ? 'briefly' : 'perhaps held';
    await this.#fetch(nodeId, broker, states, {
      session: broker.session,
      lane: this.#lane,
      waitMs: isSomeLeftOut ? Math.min(maxWaitMs, LEFT_OUT_WAIT_MS_MAX) : maxWaitMs,
    });
    broker.waiting = 'no';
    this.#goOn();
  }

  async #hurry(nodeId: number, broker: Broker, states: readonly PartitionState[]): Promise<void> {
    broker.isHurrying = true;
    await this.#fetch(nodeId, broker, states, { lane: this.#hurriedLane, waitMs: 0 });
    broker.isHurrying = false;
    this.#goOn();
  }

  #goOn(): void {
    this.pump();
    this.#holdings.tellPollers();
  }

  /** Never rejects: the consumer is told. */
  async #fetch(
    nodeId: number,
    broker: Broker,
    states: readonly PartitionState[],
    { session, lane, waitMs }: FetchPlan,
  ): Promise<void> {
    const { cluster, settings } = this.#holdings;
    const { host } = cluster;
    let asked: readonly Asked[] = [];
    try {
      const pauseMs = broker.notBeforeMs - host.clock.monotonicMs();
      if (pauseMs > 0) {
        await pause(host, pauseMs);
        states = states.filter((state) => this.#isFetchable(state, nodeId));
        if (states.length === 0) return;
      }
      asked = states.map((state) => ({ state, version: state.version }));
      for (const { state, version } of asked) state.asked = { nodeId, version };
      const response = await cluster.ask(
        nodeId,
        fetchApi,
        nextFetch(session, states, settings, waitMs),
        { extraMs: waitMs, lane },
      );
      await prepareCodecs(cluster, response);
      if (SESSION_ERRORS.has(response.errorCode)) {
        session?.reset();
        return;
      }
      check(response.errorCode, { api: 'Fetch', broker: cluster.addressOf(nodeId) });
      session?.answered(response.sessionId);
      broker.failures = 0;
      this.#answers.received(response, asked, nodeId);
    } catch (error) {
      if (this.#holdings.isClosed) return;
      session?.reset();
      broker.failures += 1;
      broker.notBeforeMs =
        host.clock.monotonicMs() + backoffMs(host, cluster.retry, broker.failures - 1);
      if (error instanceof CodecUnavailable) {
        this.#holdings.complain(error);
        return;
      }
      for (const state of states) {
        state.preferred = undefined;
        cluster.forgetLeaders(state.topic);
      }
      if (!isRetriable(error) && !cluster.isClosed) this.#holdings.fail(error);
    } finally {
      for (const { state, version } of asked)
        if (state.asked?.version === version) state.asked = undefined;
    }
  }

  #isFetchable(state: PartitionState, nodeId: number): boolean {
    const leader = this.#holdings.cluster.leader(state.topic, state.partition);
    return (
      state.isServed &&
      state.askedOf === undefined &&
      !state.isDoubtful &&
      leader !== undefined &&
      this.#replicaOf(state, leader) === nodeId
    );
  }

  #slowDown(nodeId: number): void {
    const { host, retry } = this.#holdings.cluster;
    const broker = this.#brokers.get(nodeId);
    if (broker !== undefined) broker.notBeforeMs = host.clock.monotonicMs() + retry.backoffMs;
  }
}
