/**
 * Sends batches to the brokers that lead their partitions and acts on the answers: settled, tried again, given up, or the identity changed. A request
 * takes one batch of each partition; up to five are under way to a broker.
 */
import { ErrorCode } from '@odradek/protocol';
import type { ProduceResponse } from '@odradek/protocol';
import { produceApi } from '../api.ts';
import type { BrokerConnection } from '../broker-connection.ts';
import type { Cluster } from '../cluster.ts';
import { BrokerError, ProducerFenced, asError, isRetriable } from '../errors.ts';
import { backoffMs } from '../retry.ts';
import type { Accumulator } from './accumulator.ts';
import { LeaderSearch } from './leader-search.ts';
import type { Batch, PartitionQueue } from './partition-queue.ts';
import { bytesOf, produceBody } from './produce-request.ts';
import type { Taken } from './produce-request.ts';
import type { ProducerLife } from './producer-life.ts';
import { IN_FLIGHT_MAX } from './producer-options.ts';
import type { ProducerSettings } from './producer-options.ts';

/** The leader moved or does not know the partition yet: another broker may. */
const STALE_METADATA: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.FENCED_LEADER_EPOCH,
  // It reaches its client, and perhaps not its followers: then others lead by now.
  ErrorCode.REQUEST_TIMED_OUT,
]);
const FATAL: ReadonlySet<number> = new Set([
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
]);

/** A new leader hears of it a moment after its predecessor at the latest; this often it is asked again before somebody else is. */
const BEHIND_PAUSE_MS = 20;
const BEHIND_TRIES_MAX = 10;

export class Sender {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #accumulator: Accumulator;
  readonly #life: ProducerLife;
  readonly #wake: () => void;
  /** Requests under way, by broker. */
  readonly #inFlight = new Map<number, number>();
  readonly #connecting = new Set<number>();
  readonly #leaders: LeaderSearch;

  constructor(
    cluster: Cluster,
    settings: ProducerSettings,
    accumulator: Accumulator,
    life: ProducerLife,
    wake: () => void,
  ) {
    this.#cluster = cluster;
    this.#leaders = new LeaderSearch(cluster);
    this.#settings = settings;
    this.#accumulator = accumulator;
    this.#life = life;
    this.#wake = wake;
  }

  /** What is ready, to whom it belongs. Gives the time at which more will be. */
  send(nowMs: number, isUrgent: boolean, wakeAtMs: number): number {
    const byNode = new Map<number, PartitionQueue[]>();
    const homeless = new Set<string>();
    for (const queue of this.#accumulator.active) {
      const readyAtMs = queue.readyAtMs(nowMs, isUrgent);
      if (readyAtMs > nowMs) {
        wakeAtMs = Math.min(wakeAtMs, readyAtMs);
        continue;
      }
      const leader = this.#cluster.leaderOf(queue.topic, queue.partition);
      if (leader === undefined) homeless.add(queue.topic);
      else {
        const queues = byNode.get(leader);
        if (queues === undefined) byNode.set(leader, [queue]);
        else queues.push(queue);
      }
    }
    if (homeless.size > 0) this.#findLeaders([...homeless]);
    if (byNode.size > 0 && this.#life.maySend())
      for (const [nodeId, queues] of byNode) this.#sendTo(nodeId, queues, nowMs, isUrgent);
    return wakeAtMs;
  }

  #findLeaders(topics: readonly string[]): void {
    void this.#leaders.find(topics, this.#wake, (error) => {
      for (const queue of this.#accumulator.active)
        if (topics.includes(queue.topic))
          for (const batch of queue.batches) batch.lastError = error;
    });
  }

  #sendTo(
    nodeId: number,
    queues: readonly PartitionQueue[],
    nowMs: number,
    isUrgent: boolean,
  ): void {
    const connection = this.#cluster.connectionTo(nodeId);
    if (connection === undefined) {
      void this.#connect(nodeId, queues);
      return;
    }
    let ready = queues;
    while (ready.length > 0 && (this.#inFlight.get(nodeId) ?? 0) < IN_FLIGHT_MAX) {
      const taken = this.#take(ready);
      if (taken.length === 0) return;
      this.#request(nodeId, connection, taken);
      for (const [queue] of taken) this.#accumulator.served(queue);
      ready = ready.filter((queue) => queue.readyAtMs(nowMs, isUrgent) <= nowMs);
    }
  }

  /** A batch of each, until the request is full. */
  #take(queues: readonly PartitionQueue[]): Taken {
    const { idempotent, requestBytesMax, compression } = this.#settings;
    const taken: [PartitionQueue, Batch][] = [];
    let requestBytes = 0;
    for (const queue of queues) {
      const batch = queue.take(this.#life.identity, idempotent);
      if (batch === undefined) {
        this.#life.status.tell('identity.needed');
        continue;
      }
      this.#accumulator.sent(queue);
      try {
        batch.bytes ??= bytesOf(queue, batch, this.#cluster.host, compression);
      } catch (error) {
        this.#giveUp(queue, batch, asError(error));
        this.#wake();
        continue;
      }
      taken.push([queue, batch]);
      requestBytes += batch.sizeBytes;
      if (requestBytes >= requestBytesMax) break;
    }
    return taken;
  }

  async #connect(nodeId: number, queues: readonly PartitionQueue[]): Promise<void> {
    if (this.#connecting.has(nodeId)) return;
    this.#connecting.add(nodeId);
    try {
      await this.#cluster.connect(nodeId);
    } catch (error) {
      for (const queue of queues) {
        for (const batch of queue.batches) batch.lastError = asError(error);
        this.#cluster.forgetLeaders(queue.topic);
      }
    } finally {
      this.#connecting.delete(nodeId);
      this.#wake();
    }
  }

  #request(nodeId: number, connection: BrokerConnection, taken: Taken): void {
    const { acks = 'all' } = this.#settings;
    const timeoutMs = this.#cluster.requestTimeoutMs;
    const body = produceBody(taken, acks, timeoutMs);
    if (acks === 0) {
      try {
        connection.tell(produceApi, body);
        for (const [queue, batch] of taken) this.#accumulator.succeed(queue, batch, -1, -1);
      } catch (error) {
        for (const [queue, batch] of taken) this.#retry(queue, batch, asError(error));
      }
      return;
    }
    this.#inFlight.set(nodeId, (this.#inFlight.get(nodeId) ?? 0) + 1);
    connection
      .request(produceApi, body, timeoutMs)
      .then(
        (response) => this.#answered(taken, response, nodeId),
        (error: unknown) => this.#unanswered(taken, asError(error)),
      )
      .finally(() => {
        this.#inFlight.set(nodeId, (this.#inFlight.get(nodeId) ?? 1) - 1);
        this.#wake();
      });
  }

  #unanswered(taken: Taken, error: Error): void {
    for (const [queue, batch] of taken) {
      this.#cluster.forgetLeaders(queue.topic);
      if (isRetriable(error)) this.#retry(queue, batch, error);
      else this.#giveUp(queue, batch, error);
    }
  }

  #answered(taken: Taken, { responses, nodeEndpoints }: ProduceResponse, nodeId: number): void {
    for (const [queue, batch] of taken) {
      const { topic, partition } = queue;
      const answer = responses
        .find(({ name }) => name === topic)
        ?.partitionResponses.find(({ index }) => index === partition);
      if (answer === undefined) {
        const error = new BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR, {
          topic,
          partition,
          detail: 'the broker did not answer for this partition',
        });
        this.#giveUp(queue, batch, error);
        continue;
      }
      const { errorCode, errorMessage, recordErrors, baseOffset, logAppendTimeMs } = answer;
      // Already there: an answer to an earlier try was lost, and five batches later nobody knows its offset any more.
      if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) {
        this.#accumulator.succeed(queue, batch, baseOffset, logAppendTimeMs);
        continue;
      }
      // The answer may say who leads now: then nobody has to be asked, and nothing waited for (KIP-951).
      const isLeaderKnown = this.#cluster.learnLeader(
        topic,
        partition,
        answer.currentLeader,
        nodeEndpoints,
      );
      // Or it is to lead by what another one said, and has not heard of it yet.
      const isBehind =
        batch.attempts <= BEHIND_TRIES_MAX &&
        this.#cluster.knowsNewerLeader(topic, partition, answer.currentLeader);
      if (STALE_METADATA.has(errorCode) && !isLeaderKnown && !isBehind)
        this.#cluster.forgetLeaders(topic);
      const detail = errorMessage ?? recordErrors[0]?.batchIndexErrorMessage ?? null;
      const broker = this.#cluster.addressOf(nodeId);
      const error = new BrokerError(errorCode, { topic, partition, detail, broker });
      this.#refused(queue, batch, error);
      if (isLeaderKnown) batch.notBeforeMs = 0;
      else if (isBehind)
        batch.notBeforeMs = this.#cluster.host.clock.monotonicMs() + BEHIND_PAUSE_MS;
    }
  }

  #refused(queue: PartitionQueue, batch: Batch, error: BrokerError): void {
    const { code } = error;
    switch (code) {
      case ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
      case ErrorCode.UNKNOWN_PRODUCER_ID:
      case ErrorCode.INVALID_PRODUCER_EPOCH: {
        if (!this.#settings.idempotent) break;
        const isForgotten = code === ErrorCode.INVALID_PRODUCER_EPOCH;
        const { identity } = batch;
        this.#retry(queue, batch, error);
        queue.absent(batch, isForgotten);
        if (isForgotten && identity?.producerId === this.#life.identity?.producerId)
          this.#life.loseIdentity();
        return;
      }
      case ErrorCode.MESSAGE_TOO_LARGE:
      case ErrorCode.RECORD_LIST_TOO_LARGE:
        if (batch.records.length === 1 || batch.isSettled) break;
        queue.returned(batch);
        queue.split(batch);
        return;
      default:
        if (FATAL.has(code)) {
          const fenced = new ProducerFenced(`the producer cannot go on: ${error.message}`, {
            cause: error,
          });
          this.#giveUp(queue, batch, fenced);
          this.#life.fence(fenced);
          return;
        }
        if (error.retriable) {
          this.#retry(queue, batch, error);
          return;
        }
    }
    this.#giveUp(queue, batch, error);
  }

  #retry(queue: PartitionQueue, batch: Batch, error: Error): void {
    const { host, retry, isClosed } = this.#cluster;
    queue.returned(batch);
    batch.lastError = error;
    batch.notBeforeMs = host.clock.monotonicMs() + backoffMs(host, retry, batch.attempts - 1);
    if (batch.isSettled || isClosed) this.#accumulator.giveUp(queue, batch, error);
  }

  #giveUp(queue: PartitionQueue, batch: Batch, error: Error): void {
    queue.returned(batch);
    this.#accumulator.giveUp(queue, batch, error);
  }
}
