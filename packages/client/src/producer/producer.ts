/**
 * Sends records, each once and in order by partition, without transactions. Records gather in a batch a partition; a request takes one
 * batch of each partition that its broker leads, up to five requests are under way to a broker. Unless it is told otherwise the producer is
 * idempotent and waits for all in-sync replicas.
 *
 * Nothing waits for a record alone: what is sent in one turn of the event loop goes together, and while five requests are under way the next
 * batches fill (so that `lingerMs` may be 0). What is not acknowledged takes room in a bounded buffer; `send` waits for room.
 */
import type { TimerHandle } from '@odradek/ports';
import { ErrorCode, buildBatch } from '@odradek/protocol';
import type { CompressionName, HeaderInput, ProduceResponse, RecordInput } from '@odradek/protocol';
import { createActor, fromPromise } from 'xstate';
import type { Actor } from 'xstate';
import { initProducerIdApi, produceApi } from '../api.ts';
import type { BrokerConnection } from '../broker-connection.ts';
import type { Cluster } from '../cluster.ts';
import {
  BrokerError,
  BufferFull,
  ClientClosed,
  DeliveryTimedOut,
  ProducerFenced,
  RecordTooLarge,
  SchemaMismatch,
  UnsupportedApi,
  check,
  isRetriable,
} from '../errors.ts';
import { backoffMs } from '../retry.ts';
import { NEVER, PartitionQueue } from './partition-queue.ts';
import type { Batch, QueueLimits, Sink } from './partition-queue.ts';
import { StickyPartition, defaultPartition } from './partitioner.ts';
import type { Partitioner } from './partitioner.ts';
import { producerMachine } from './producer.machine.ts';
import type { Identity } from './producer.machine.ts';
import { DeliverySink, RecordSink, WaitCounter } from './sinks.ts';
import type { Delivery, RecordMetadata } from './sinks.ts';

export interface ProducerRecord {
  readonly key?: Uint8Array | null;
  /** Null is a tombstone in a compacted topic. */
  readonly value: Uint8Array | null;
  readonly headers?: readonly HeaderInput[];
  readonly timestampMs?: number;
  /** Otherwise the partitioner's choice. */
  readonly partition?: number;
}

export interface ProducerOptions {
  readonly compression?: CompressionName;
  /** Whether a missing topic may be created by asking for it. */
  readonly mayCreateTopics?: boolean;
  /** How many must have a record before it counts as sent: all in-sync replicas (the default), the leader (1), nobody (0). */
  readonly acks?: 'all' | 1 | 0;
  /** On unless `acks` says otherwise. */
  readonly idempotent?: boolean;
  readonly partitioner?: Partitioner;
  readonly batchBytes?: number;
  readonly lingerMs?: number;
  /** From `send` on, retries included. */
  readonly deliveryTimeoutMs?: number;
  /** Records that are not acknowledged, all together. */
  readonly bufferMemoryBytes?: number;
  /** How long `send` may wait for room, or for the topic's metadata. */
  readonly maxBlockMs?: number;
  readonly requestBytesMax?: number;
}

const LIMITS = {
  batchBytes: 128 * 1024,
  lingerMs: 0,
  /** Kafka's `delivery.timeout.ms`, `buffer.memory`, `max.block.ms`, `max.request.size`. */
  deliveryTimeoutMs: 120_000,
  bufferMemoryBytes: 32 * 1024 * 1024,
  maxBlockMs: 60_000,
  requestBytesMax: 1024 * 1024,
};
/** More than this a broker does not remember of a producer (NUM_BATCHES_TO_RETAIN). */
const IN_FLIGHT_MAX = 5;
/** Kafka's `metadata.max.age.ms`: new partitions are seen after so long. */
const METADATA_AGE_MS = 300_000;
/** What a record takes in a batch beyond its bytes, at most. */
const RECORD_OVERHEAD_BYTES = 24;
const BATCH_OVERHEAD_BYTES = 61;

/** The leader moved or does not know the partition yet: another broker may. */
const STALE_METADATA: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.FENCED_LEADER_EPOCH,
]);
const FATAL: ReadonlySet<number> = new Set([
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
]);

interface Topic {
  readonly name: string;
  partitionCount: number;
  readonly sticky: StickyPartition;
  readonly queues: (PartitionQueue | undefined)[];
  /** Those who came before the metadata, in their order. */
  waiting: Entry[];
  loadedMs: number;
  isLoading: boolean;
}

interface Entry {
  readonly record: ProducerRecord;
  readonly sizeBytes: number;
  readonly sink: Sink;
}

interface Blocked extends Entry {
  readonly topic: Topic;
  readonly deadlineMs: number;
}

export class Producer {
  readonly #cluster: Cluster;
  readonly #options: ProducerOptions;
  readonly #limits: typeof LIMITS;
  readonly #queueLimits: QueueLimits;
  readonly #isIdempotent: boolean;
  readonly #actor: Actor<typeof producerMachine>;
  readonly #topics = new Map<string, Topic>();
  /** Queues that hold something; who was served goes to the end. */
  readonly #active = new Set<PartitionQueue>();
  /** No room for them yet, in their order. */
  #blocked: Blocked[] = [];
  /** Those before are served. */
  #blockedAt = 0;
  #bufferedBytes = 0;
  /** Requests under way, by broker. */
  readonly #inFlight = new Map<number, number>();
  readonly #connecting = new Set<number>();
  #identity: Identity | undefined;
  #counter = new WaitCounter();
  #flushing = 0;
  #isRefreshing = false;
  #refreshFailures = 0;
  #isDrainQueued = false;
  #timer: TimerHandle | undefined;
  #timerAtMs = NEVER;

  constructor(cluster: Cluster, options: ProducerOptions = {}) {
    const { acks = 'all', idempotent } = options;
    if (idempotent === true && acks !== 'all')
      throw new RangeError('an idempotent producer needs acks: all');
    this.#cluster = cluster;
    this.#options = options;
    const given = Object.entries(options).filter(([key, value]) => key in LIMITS && value != null);
    this.#limits = { ...LIMITS, ...Object.fromEntries(given) };
    this.#isIdempotent = idempotent ?? acks === 'all';
    this.#queueLimits = {
      ...this.#limits,
      batchBytes: Math.min(this.#limits.batchBytes, this.#limits.requestBytesMax),
      // Without sequence numbers a second batch could pass a first one that is sent again.
      inFlightMax: this.#isIdempotent ? IN_FLIGHT_MAX : 1,
    };
    this.#actor = this.#createActor();
  }

  /** States and the last failure, for those who show them. */
  get status(): Actor<typeof producerMachine> {
    return this.#actor;
  }

  get #isBlocked(): boolean {
    return this.#blockedAt < this.#blocked.length;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Resolves when the record is acknowledged. */
  send(topic: string, record: ProducerRecord): Promise<RecordMetadata>;
  /** Resolves when all are acknowledged; rejects when some were not taken (others may have been). */
  send(topic: string, records: readonly ProducerRecord[]): Promise<readonly Delivery[]>;
  send(
    topic: string,
    records: ProducerRecord | readonly ProducerRecord[],
  ): Promise<RecordMetadata | readonly Delivery[]> {
    if (!this.#actor.getSnapshot().hasTag('accepts')) return Promise.reject(this.#refusal());
    const counter = this.#counter;
    if (isList(records)) {
      if (records.length === 0) return Promise.resolve([]);
      return new Promise((resolve, reject) => {
        const sink = new DeliverySink(records.length, resolve, reject, counter);
        for (const record of records) this.#accept(topic, record, sink);
      });
    }
    return new Promise((resolve, reject) => {
      this.#accept(topic, records, new RecordSink(topic, resolve, reject, counter));
    });
  }

  /** Waits until all that was given to `send` before is acknowledged or given up. Never rejects: `send` tells. */
  async flush(): Promise<void> {
    const counter = this.#counter;
    this.#counter = new WaitCounter(counter);
    this.#flushing += 1;
    this.#wake();
    await counter.settled();
    this.#flushing -= 1;
  }

  /** Sends what was taken, and takes nothing more. */
  async close(): Promise<void> {
    this.#tell({ type: 'close.requested' });
    await this.flush();
    this.#tell({ type: 'batches.settled' });
    this.#tell({ type: 'close.requested' });
    this.#cancelTimer();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(topicName: string, record: ProducerRecord, sink: Sink): void {
    const sizeBytes = sizeOf(record);
    const largest = Math.min(this.#limits.requestBytesMax, this.#limits.bufferMemoryBytes);
    if (sizeBytes + BATCH_OVERHEAD_BYTES > largest) {
      sink.failed(
        new RecordTooLarge(
          `${topicName}: a record of ${sizeBytes} bytes is larger than requestBytesMax (${largest}); raise it here, and message.max.bytes at the broker`,
        ),
      );
      return;
    }
    const topic = this.#topic(topicName);
    const entry = { record, sizeBytes, sink };
    if (topic.waiting.length > 0 || topic.partitionCount === 0) {
      topic.waiting.push(entry);
      if (!topic.isLoading) void this.#load(topic);
    } else this.#admit(topic, entry);
    if (this.#cluster.host.clock.monotonicMs() - topic.loadedMs > METADATA_AGE_MS)
      void this.#load(topic);
  }

  #topic(name: string): Topic {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = {
        name,
        partitionCount: 0,
        sticky: new StickyPartition(this.#cluster.host.random),
        queues: [],
        waiting: [],
        loadedMs: NEVER,
        isLoading: false,
      };
      this.#topics.set(name, topic);
    }
    return topic;
  }

  async #load(topic: Topic): Promise<void> {
    if (topic.isLoading) return;
    topic.isLoading = true;
    const cluster = this.#cluster;
    try {
      const { partitions } = await cluster.topic(topic.name, {
        mayCreate: this.#options.mayCreateTopics ?? false,
        timeoutMs: this.#limits.maxBlockMs,
      });
      topic.partitionCount = partitions.length;
      topic.loadedMs = cluster.host.clock.monotonicMs();
      const waiting = topic.waiting;
      topic.waiting = [];
      for (const entry of waiting) this.#admit(topic, entry);
    } catch (error) {
      topic.loadedMs = cluster.host.clock.monotonicMs();
      const waiting = topic.waiting;
      topic.waiting = [];
      for (const { sink } of waiting) sink.failed(asError(error));
    } finally {
      topic.isLoading = false;
    }
  }

  #admit(topic: Topic, entry: Entry): void {
    const hasRoom = this.#bufferedBytes + entry.sizeBytes <= this.#limits.bufferMemoryBytes;
    if (!this.#isBlocked && hasRoom) {
      this.#append(topic, entry);
      return;
    }
    const deadlineMs = this.#cluster.host.clock.monotonicMs() + this.#limits.maxBlockMs;
    this.#blocked.push({ ...entry, topic, deadlineMs });
    this.#wake();
  }

  #append(topic: Topic, { record, sizeBytes, sink }: Entry): void {
    const { clock } = this.#cluster.host;
    let queue: PartitionQueue;
    try {
      queue = this.#queueFor(topic, record);
    } catch (error) {
      sink.failed(asError(error));
      return;
    }
    const input: RecordInput = {
      timestampMs: record.timestampMs ?? clock.wallTimeMs(),
      key: record.key ?? null,
      value: record.value,
      ...(record.headers !== undefined && { headers: record.headers }),
    };
    this.#bufferedBytes += sizeBytes;
    queue.append(input, sizeBytes, sink, clock.monotonicMs());
    this.#active.add(queue);
    this.#wake();
  }

  #queueFor(topic: Topic, { partition, key = null, value }: ProducerRecord): PartitionQueue {
    const { name, partitionCount, sticky, queues } = topic;
    const index =
      partition ??
      this.#options.partitioner?.({ topic: name, key, value, partitionCount }) ??
      defaultPartition(key, partitionCount, sticky);
    if (!Number.isInteger(index) || index < 0 || index >= partitionCount)
      throw new BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, {
        topic: name,
        partition: index,
        detail: `the topic has partitions 0 to ${partitionCount - 1}`,
        retriable: false,
      });
    return (queues[index] ??= new PartitionQueue(name, index, this.#queueLimits));
  }

  /** Once in this turn, after those who are sending now are done. */
  #wake(): void {
    if (this.#isDrainQueued) return;
    this.#isDrainQueued = true;
    void Promise.resolve().then(() => {
      this.#isDrainQueued = false;
      this.#drain();
    });
  }

  /** Sends what is ready, and sets the timer for what will be. */
  #drain(): void {
    if (this.#cluster.isClosed)
      this.#tell({ type: 'producer.fenced', error: new ClientClosed('the client is closed') });
    const nowMs = this.#cluster.host.clock.monotonicMs();
    let wakeAtMs = this.#unblock(nowMs);
    wakeAtMs = Math.min(wakeAtMs, this.#expire(nowMs));
    const byNode = new Map<number, PartitionQueue[]>();
    const homeless = new Set<string>();
    // Whoever waits for room needs the rest to go, lingering or not.
    const isUrgent =
      this.#flushing > 0 || this.#isBlocked || !this.#actor.getSnapshot().hasTag('accepts');
    for (const queue of this.#active) {
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
    if (homeless.size > 0) void this.#refresh([...homeless]);
    if (byNode.size > 0 && this.#maySend())
      for (const [nodeId, queues] of byNode) this.#sendTo(nodeId, queues, nowMs, isUrgent);
    this.#setTimer(wakeAtMs);
  }

  #maySend(): boolean {
    const snapshot = this.#actor.getSnapshot();
    if (!this.#isIdempotent) return !snapshot.hasTag('fenced');
    if (this.#identity !== undefined) return snapshot.hasTag('sends');
    this.#tell({ type: 'identity.needed' });
    return false;
  }

  /** Room for those who wait, in their order; who waited too long is told. */
  #unblock(nowMs: number): number {
    const { bufferMemoryBytes, maxBlockMs } = this.#limits;
    for (; this.#isBlocked; this.#blockedAt += 1) {
      const blocked = this.#blocked[this.#blockedAt]!;
      if (blocked.deadlineMs <= nowMs)
        blocked.sink.failed(
          new BufferFull(
            `${blocked.topic.name}: no room within ${maxBlockMs} ms: ${this.#bufferedBytes} bytes wait for acknowledgement (bufferMemoryBytes ${bufferMemoryBytes})`,
          ),
        );
      else if (this.#bufferedBytes + blocked.sizeBytes <= bufferMemoryBytes)
        this.#append(blocked.topic, blocked);
      else break;
    }
    // Given back in large pieces: many may wait.
    if (this.#blockedAt * 2 > this.#blocked.length) {
      this.#blocked = this.#blocked.slice(this.#blockedAt);
      this.#blockedAt = 0;
    }
    return this.#blocked[this.#blockedAt]?.deadlineMs ?? NEVER;
  }

  #expire(nowMs: number): number {
    let nextMs = NEVER;
    for (const queue of this.#active) {
      // Batches are in the order of their deadlines.
      for (let first = queue.batches[0]; first !== undefined; first = queue.batches[0]) {
        if (first.deadlineMs > nowMs) break;
        if (!first.isSettled) this.#fail(first, this.#tooLate(queue, first));
        // Its numbers are known to nobody before the answer is there.
        if (first.isOnWire) break;
        queue.giveUp(first);
      }
      const waiting = queue.batches.find((batch) => !batch.isSettled);
      nextMs = Math.min(nextMs, waiting?.deadlineMs ?? NEVER);
      if (queue.isEmpty) this.#active.delete(queue);
    }
    return nextMs;
  }

  #tooLate({ topic, partition }: PartitionQueue, { lastError }: Batch): DeliveryTimedOut {
    const reason = lastError ?? (this.#actor.getSnapshot().context.error as Error | undefined);
    return new DeliveryTimedOut(
      `${topic}-${partition}: not acknowledged within ${this.#limits.deliveryTimeoutMs} ms${reason === undefined ? '' : `; last: ${reason.message}`}`,
      { cause: reason },
    );
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
      const batches: [PartitionQueue, Batch][] = [];
      let requestBytes = 0;
      for (const queue of ready) {
        const batch = queue.take(this.#identity, this.#isIdempotent);
        if (batch === undefined) {
          this.#tell({ type: 'identity.needed' });
          continue;
        }
        this.#topics.get(queue.topic)?.sticky.batchSent(queue.partition);
        try {
          batch.bytes ??= this.#build(batch);
        } catch (cause) {
          this.#giveUp(queue, batch, unbuildable(queue, cause));
          this.#wake();
          continue;
        }
        batches.push([queue, batch]);
        requestBytes += batch.sizeBytes;
        if (requestBytes >= this.#limits.requestBytesMax) break;
      }
      if (batches.length === 0) return;
      this.#request(nodeId, connection, batches);
      // Who was served goes to the end of the line.
      for (const [queue] of batches) {
        if (!this.#active.delete(queue)) continue;
        if (!queue.isEmpty) this.#active.add(queue);
      }
      ready = ready.filter((queue) => queue.readyAtMs(nowMs, isUrgent) <= nowMs);
    }
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

  #request(
    nodeId: number,
    connection: BrokerConnection,
    batches: readonly (readonly [PartitionQueue, Batch])[],
  ): void {
    const { acks = 'all' } = this.#options;
    const timeoutMs = this.#cluster.requestTimeoutMs;
    const byTopic = new Map<string, { index: number; records: Uint8Array }[]>();
    for (const [{ topic, partition }, batch] of batches) {
      const entry = { index: partition, records: batch.bytes! };
      const entries = byTopic.get(topic);
      if (entries === undefined) byTopic.set(topic, [entry]);
      else entries.push(entry);
    }
    const body = {
      acks: acks === 'all' ? -1 : acks,
      timeoutMs,
      topicData: [...byTopic].map(([name, partitionData]) => ({ name, partitionData })),
    };
    if (acks === 0) {
      try {
        connection.tell(produceApi, body);
        for (const [queue, batch] of batches) this.#succeed(queue, batch, -1, -1);
      } catch (error) {
        for (const [queue, batch] of batches) this.#retry(queue, batch, asError(error));
      }
      return;
    }
    this.#inFlight.set(nodeId, (this.#inFlight.get(nodeId) ?? 0) + 1);
    connection
      .request(produceApi, body, timeoutMs)
      .then(
        (response) => this.#answered(batches, response, nodeId),
        (error: unknown) => this.#unanswered(batches, asError(error)),
      )
      .finally(() => {
        this.#inFlight.set(nodeId, (this.#inFlight.get(nodeId) ?? 1) - 1);
        this.#wake();
      });
  }

  #build({ records, identity, baseSequence }: Batch): Uint8Array {
    const { host } = this.#cluster;
    const { compression } = this.#options;
    return buildBatch({
      records,
      ...(identity !== undefined && { ...identity, baseSequence }),
      ...(compression && {
        compress: {
          codec: compression,
          compress: (codec, bytes) => host.compression.compress(codec, bytes),
        },
      }),
      crc32c: host.crc32c,
    });
  }

  #unanswered(batches: readonly (readonly [PartitionQueue, Batch])[], error: Error): void {
    for (const [queue, batch] of batches) {
      this.#cluster.forgetLeaders(queue.topic);
      if (isRetriable(error)) this.#retry(queue, batch, error);
      else this.#giveUp(queue, batch, error);
    }
  }

  #answered(
    batches: readonly (readonly [PartitionQueue, Batch])[],
    { responses }: ProduceResponse,
    nodeId: number,
  ): void {
    for (const [queue, batch] of batches) {
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
      if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER)
        this.#succeed(queue, batch, baseOffset, logAppendTimeMs);
      else {
        const detail = errorMessage ?? recordErrors[0]?.batchIndexErrorMessage ?? null;
        const broker = this.#cluster.addressOf(nodeId);
        const error = new BrokerError(errorCode, { topic, partition, detail, broker });
        this.#refused(queue, batch, error);
      }
    }
  }

  #refused(queue: PartitionQueue, batch: Batch, error: BrokerError): void {
    const { code } = error;
    if (STALE_METADATA.has(code)) this.#cluster.forgetLeaders(queue.topic);
    switch (code) {
      case ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
      case ErrorCode.UNKNOWN_PRODUCER_ID:
      case ErrorCode.INVALID_PRODUCER_EPOCH: {
        if (!this.#isIdempotent) break;
        const isForgotten = code === ErrorCode.INVALID_PRODUCER_EPOCH;
        const { identity } = batch;
        this.#retry(queue, batch, error);
        queue.absent(batch, isForgotten);
        if (isForgotten && identity?.producerId === this.#identity?.producerId) {
          this.#identity = undefined;
          this.#tell({ type: 'identity.lost' });
        }
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
          this.#tell({ type: 'producer.fenced', error: fenced });
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
    const { host, retry } = this.#cluster;
    queue.returned(batch);
    batch.lastError = error;
    batch.notBeforeMs = host.clock.monotonicMs() + backoffMs(host, retry, batch.attempts - 1);
    if (batch.isSettled || this.#cluster.isClosed) this.#giveUpReturned(queue, batch, error);
  }

  #giveUp(queue: PartitionQueue, batch: Batch, error: Error): void {
    queue.returned(batch);
    this.#giveUpReturned(queue, batch, error);
  }

  #giveUpReturned(queue: PartitionQueue, batch: Batch, error: Error): void {
    queue.giveUp(batch);
    if (queue.isEmpty) this.#active.delete(queue);
    if (!batch.isSettled) this.#fail(batch, error);
  }

  #succeed(queue: PartitionQueue, batch: Batch, baseOffset: number, logAppendTimeMs: number): void {
    queue.returned(batch);
    queue.remove(batch);
    if (queue.isEmpty) this.#active.delete(queue);
    if (batch.isSettled) return;
    this.#settle(batch);
    const { sinks, records } = batch;
    for (let index = 0; index < sinks.length; index += 1) {
      const timestampMs = logAppendTimeMs >= 0 ? logAppendTimeMs : records[index]!.timestampMs;
      sinks[index]!.delivered(
        queue.partition,
        baseOffset < 0 ? -1 : baseOffset + index,
        timestampMs,
      );
    }
  }

  #fail(batch: Batch, error: Error): void {
    this.#settle(batch);
    for (const sink of batch.sinks) sink.failed(error);
  }

  #settle(batch: Batch): void {
    batch.isSettled = true;
    this.#bufferedBytes -= batch.sizeBytes;
    if (this.#isBlocked) this.#wake();
  }

  /** Asks who leads now; after a failure, only after a pause. */
  async #refresh(topics: readonly string[]): Promise<void> {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    const { host, retry } = this.#cluster;
    let isComplete = false;
    try {
      const { topics: found } = await this.#cluster.metadata({ topics });
      isComplete = found.every(
        ({ errorCode, partitions }) =>
          errorCode === 0 && partitions.every(({ leaderId }) => leaderId >= 0),
      );
      if (isComplete) this.#refreshFailures = 0;
    } catch (error) {
      for (const queue of this.#active)
        if (topics.includes(queue.topic))
          for (const batch of queue.batches) batch.lastError = asError(error);
    }
    if (isComplete || this.#cluster.isClosed) {
      this.#isRefreshing = false;
      this.#wake();
      return;
    }
    this.#refreshFailures += 1;
    host.clock.setTimeout(
      () => {
        this.#isRefreshing = false;
        this.#wake();
      },
      backoffMs(host, retry, this.#refreshFailures - 1),
    );
  }

  #setTimer(atMs: number): void {
    if (atMs === this.#timerAtMs) return;
    this.#cancelTimer();
    if (atMs === NEVER) return;
    const { clock } = this.#cluster.host;
    this.#timerAtMs = atMs;
    this.#timer = clock.setTimeout(
      () => {
        this.#timerAtMs = NEVER;
        this.#timer = undefined;
        this.#drain();
      },
      Math.max(0, Math.ceil(atMs - clock.monotonicMs())),
    );
  }

  #cancelTimer(): void {
    if (this.#timer !== undefined) this.#cluster.host.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAtMs = NEVER;
  }

  #tell(event: Parameters<Actor<typeof producerMachine>['send']>[0]): void {
    if (this.#actor.getSnapshot().status === 'active') this.#actor.send(event);
  }

  #refusal(): Error {
    const { context } = this.#actor.getSnapshot();
    return this.#actor.getSnapshot().hasTag('fenced')
      ? asError(context.error)
      : new ClientClosed('the producer is closed');
  }

  #failEverything(): void {
    const error = this.#refusal();
    for (const queue of this.#active) {
      for (const batch of queue.batches.slice()) {
        if (!batch.isSettled) this.#fail(batch, error);
        if (!batch.isOnWire) queue.giveUp(batch);
      }
      if (queue.isEmpty) this.#active.delete(queue);
    }
    const blocked = this.#blocked.slice(this.#blockedAt);
    this.#blocked = [];
    this.#blockedAt = 0;
    for (const { sink } of blocked) sink.failed(error);
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

  #createActor(): Actor<typeof producerMachine> {
    const { host } = this.#cluster;
    const logic = producerMachine.provide({
      delays: {
        retryBackoff: ({ context }) => backoffMs(host, this.#cluster.retry, context.failures - 1),
      },
      guards: { isRetriable: (_, { error }) => isRetriable(error) && !this.#cluster.isClosed },
      actions: {
        adoptIdentity: (_, { identity }) => {
          this.#identity = identity;
        },
        sendWhatIsReady: () => this.#wake(),
        failEverything: () => void Promise.resolve().then(() => this.#failEverything()),
        tellIdentityFailed: () => this.#wake(),
      },
      actors: { requestIdentity: fromPromise(() => this.#askIdentity()) },
    });
    return createActor(logic, {
      clock: host.clock,
      input: { needsIdentity: this.#isIdempotent },
    }).start();
  }
}

function sizeOf({ key, value, headers }: ProducerRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  if (headers !== undefined)
    // A character takes three bytes at most.
    for (const header of headers) bytes += 6 + 3 * header.key.length + (header.value?.length ?? 0);
  return bytes;
}

const isList = (
  records: ProducerRecord | readonly ProducerRecord[],
): records is readonly ProducerRecord[] => Array.isArray(records);

const unbuildable = ({ topic, partition }: PartitionQueue, cause: unknown): SchemaMismatch =>
  new SchemaMismatch(
    `${topic}-${partition}: the records cannot be made into a batch: ${asError(cause).message}`,
    { cause },
  );

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));
