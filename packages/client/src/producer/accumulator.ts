/**
 * Records that are not acknowledged, by topic and partition, in a bounded buffer. A record waits for its topic's metadata, then for room, then in its
 * partition's queue; each wait has an end, and whoever sent it is told.
 *
 * Invariant: `bufferedBytes` is the size of all batches that are not settled, and who waits for room is served in order.
 */
import { ErrorCode } from '@odradek/protocol';
import type { RecordInput } from '@odradek/protocol';
import type { Cluster } from '../cluster.ts';
import { prepareCodec } from '../codecs.ts';
import { BrokerError, BufferFull, RecordTooLarge, asError } from '../errors.ts';
import { NEVER, PartitionQueue } from './partition-queue.ts';
import type { Batch, Sink } from './partition-queue.ts';
import { StickyPartition, defaultPartition } from './partitioner.ts';
import type { ProducerRecord, ProducerSettings } from './producer-options.ts';
import { BATCH_OVERHEAD_BYTES, sizeOf } from './record-size.ts';

/** Kafka's `metadata.max.age.ms`: new partitions are seen after so long. */
const METADATA_AGE_MS = 300_000;

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

export class Accumulator {
  bufferedBytes = 0;
  /** Queues that hold something; who was served goes to the end. */
  readonly active = new Set<PartitionQueue>();
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #wake: () => void;
  readonly #topics = new Map<string, Topic>();
  /** No room for them yet, in their order. */
  #blocked: Blocked[] = [];
  /** Those before are served. */
  #blockedAt = 0;

  /** `wake` is called when there may be something to send. */
  constructor(cluster: Cluster, settings: ProducerSettings, wake: () => void) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#wake = wake;
  }

  get isBlocked(): boolean {
    return this.#blockedAt < this.#blocked.length;
  }

  accept(topicName: string, record: ProducerRecord, sink: Sink): void {
    const { requestBytesMax, bufferMemoryBytes } = this.#settings;
    const sizeBytes = sizeOf(record);
    const largest = Math.min(requestBytesMax, bufferMemoryBytes);
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

  /** Room for those who wait, in their order; who waited too long is told. Gives the time to look again. */
  unblock(nowMs: number): number {
    const { bufferMemoryBytes, maxBlockMs } = this.#settings;
    for (; this.isBlocked; this.#blockedAt += 1) {
      const blocked = this.#blocked[this.#blockedAt]!;
      if (blocked.deadlineMs <= nowMs)
        blocked.sink.failed(
          new BufferFull(
            `${blocked.topic.name}: no room within ${maxBlockMs} ms: ${this.bufferedBytes} bytes wait for acknowledgement (bufferMemoryBytes ${bufferMemoryBytes})`,
          ),
        );
      else if (this.bufferedBytes + blocked.sizeBytes <= bufferMemoryBytes)
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

  /** Batches whose time is over are failed with what `tooLate` makes of them. Gives the time to look again. */
  expire(nowMs: number, tooLate: (queue: PartitionQueue, batch: Batch) => Error): number {
    let nextMs = NEVER;
    for (const queue of this.active) {
      // Batches are in the order of their deadlines.
      for (let index = 0; index < queue.batches.length;) {
        const batch = queue.batches[index]!;
        if (batch.deadlineMs > nowMs) break;
        this.fail(batch, () => tooLate(queue, batch));
        // Its numbers are known to nobody before the answer is there.
        if (batch.isOnWire) index += 1;
        else queue.giveUp(batch);
      }
      const waiting = queue.batches.find((batch) => !batch.isSettled);
      nextMs = Math.min(nextMs, waiting?.deadlineMs ?? NEVER);
      this.#forgetWhenEmpty(queue);
    }
    return nextMs;
  }

  /** A batch of the queue is on its way. */
  sent({ topic, partition }: PartitionQueue): void {
    this.#topics.get(topic)?.sticky.batchSent(partition);
  }

  /** Who was served goes to the end of the line. */
  served(queue: PartitionQueue): void {
    if (this.active.delete(queue) && !queue.isEmpty) this.active.add(queue);
  }

  succeed(queue: PartitionQueue, batch: Batch, baseOffset: number, logAppendTimeMs: number): void {
    queue.returned(batch);
    queue.taken(batch);
    this.#forgetWhenEmpty(queue);
    if (!this.#settle(batch)) return;
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

  /** It will not be sent (again). */
  giveUp(queue: PartitionQueue, batch: Batch, error: Error): void {
    queue.giveUp(batch);
    this.#forgetWhenEmpty(queue);
    this.fail(batch, () => error);
  }

  /** Tells those who wait for it; once. */
  fail(batch: Batch, makeError: () => Error): void {
    if (!this.#settle(batch)) return;
    const error = makeError();
    for (const sink of batch.sinks) sink.failed(error);
  }

  failEverything(error: Error): void {
    for (const queue of this.active) {
      for (const batch of queue.batches.slice()) {
        this.fail(batch, () => error);
        if (!batch.isOnWire) queue.giveUp(batch);
      }
      this.#forgetWhenEmpty(queue);
    }
    const blocked = this.#blocked.slice(this.#blockedAt);
    this.#blocked = [];
    this.#blockedAt = 0;
    for (const { sink } of blocked) sink.failed(error);
  }

  #forgetWhenEmpty(queue: PartitionQueue): void {
    if (queue.isEmpty) this.active.delete(queue);
  }

  /** False when it was settled before. */
  #settle(batch: Batch): boolean {
    if (batch.isSettled) return false;
    batch.isSettled = true;
    this.bufferedBytes -= batch.sizeBytes;
    if (this.isBlocked) this.#wake();
    return true;
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
    const { clock } = this.#cluster.host;
    const { compression } = this.#settings;
    let failure: Error | undefined;
    try {
      if (compression !== undefined) await prepareCodec(this.#cluster, compression);
      const { partitions } = await this.#cluster.topic(topic.name, {
        mayCreate: this.#settings.mayCreateTopics ?? false,
        timeoutMs: this.#settings.maxBlockMs,
      });
      topic.partitionCount = partitions.length;
    } catch (error) {
      failure = asError(error);
    }
    topic.loadedMs = clock.monotonicMs();
    topic.isLoading = false;
    const { waiting } = topic;
    topic.waiting = [];
    for (const entry of waiting)
      if (failure === undefined) this.#admit(topic, entry);
      else entry.sink.failed(failure);
  }

  #admit(topic: Topic, entry: Entry): void {
    const hasRoom = this.bufferedBytes + entry.sizeBytes <= this.#settings.bufferMemoryBytes;
    if (!this.isBlocked && hasRoom) {
      this.#append(topic, entry);
      return;
    }
    const deadlineMs = this.#cluster.host.clock.monotonicMs() + this.#settings.maxBlockMs;
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
    this.bufferedBytes += sizeBytes;
    queue.append(input, sizeBytes, sink, clock.monotonicMs());
    this.active.add(queue);
    this.#wake();
  }

  #queueFor(topic: Topic, { partition, key = null, value }: ProducerRecord): PartitionQueue {
    const { name, partitionCount, sticky, queues } = topic;
    const index =
      partition ??
      this.#settings.partitioner?.({ topic: name, key, value, partitionCount }) ??
      defaultPartition(key, partitionCount, sticky);
    if (!Number.isInteger(index) || index < 0 || index >= partitionCount)
      throw new BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, {
        topic: name,
        partition: index,
        detail: `the topic has partitions 0 to ${partitionCount - 1}`,
        retriable: false,
      });
    return (queues[index] ??= new PartitionQueue(name, index, this.#settings));
  }
}
