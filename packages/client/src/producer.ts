/**
 * Sends records, each once and in order, without transactions: the broker gives the producer an id, every batch has a sequence number, and
 * a batch that is sent again after a lost answer is recognised (KIP-98). One batch a partition is under way at a time, so a retry can
 * never pass a later batch. What `send` is given becomes one batch a partition; collecting records over time is the caller's choice.
 */
import { ErrorCode, buildBatch } from '@odradek/protocol';
import type { CompressionName, HeaderInput } from '@odradek/protocol';
import { initProducerIdApi, produceApi } from './api.ts';
import type { Cluster } from './cluster.ts';
import { BrokerError, ClientError, check } from './errors.ts';
import { partitionOfKey } from './murmur2.ts';
import { withRetries } from './retry.ts';

export interface ProducerRecord {
  readonly key?: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly HeaderInput[];
  readonly timestampMs?: number;
  /** Otherwise the key's, or for records without a key the one whose turn it is. */
  readonly partition?: number;
}

export interface ProducerOptions {
  readonly compression?: CompressionName;
  /** Whether a missing topic may be created by asking for it. */
  readonly mayCreateTopics?: boolean;
  readonly produceTimeoutMs?: number;
}

export interface Delivery {
  readonly partition: number;
  readonly baseOffset: number;
  readonly recordCount: number;
}

interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

interface PartitionState {
  /** Whose sequence it is: a new identity begins at 0. */
  identity: Identity | undefined;
  nextSequence: number;
  /** Settles when the batch before has its answer; never rejects. */
  tail: Promise<void>;
}

const ACKS_ALL = -1;
const PRODUCE_TIMEOUT_MS = 30_000;
const SEQUENCES = 2 ** 31;
/** The leader moved or does not know the partition yet: another broker may. */
const STALE_METADATA: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
]);

export class Producer {
  readonly #cluster: Cluster;
  readonly #options: ProducerOptions;
  readonly #partitions = new Map<string, PartitionState>();
  readonly #partitionCounts = new Map<string, Promise<number>>();
  #identity: Promise<Identity> | undefined;
  #turn = 0;

  constructor(cluster: Cluster, options: ProducerOptions = {}) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Resolves when every in-sync replica has all of them; rejects when some were not taken (others may have been). */
  async send(topic: string, records: readonly ProducerRecord[]): Promise<readonly Delivery[]> {
    const partitionCount = await this.#partitionCount(topic);
    const byPartition = new Map<number, ProducerRecord[]>();
    // Records without a key go to one partition a call: fewer, larger batches (KIP-480).
    const keyless = this.#turn++ % partitionCount;
    for (const record of records) {
      const partition =
        record.partition ??
        (record.key == null ? keyless : partitionOfKey(record.key, partitionCount));
      const group = byPartition.get(partition);
      if (group === undefined) byPartition.set(partition, [record]);
      else group.push(record);
    }
    return Promise.all(
      [...byPartition].map(([partition, group]) => this.#sendInTurn(topic, partition, group)),
    );
  }

  /** Shared by those who ask at once, so that they go on in the order in which they asked. */
  #partitionCount(topic: string): Promise<number> {
    const known = this.#partitionCounts.get(topic);
    if (known !== undefined) return known;
    const asked = this.#cluster
      .topic(topic, { mayCreate: this.#options.mayCreateTopics ?? false })
      .then(({ partitions }) => partitions.length);
    this.#partitionCounts.set(topic, asked);
    asked.catch(() => this.#partitionCounts.delete(topic));
    return asked;
  }

  #sendInTurn(
    topic: string,
    partition: number,
    records: readonly ProducerRecord[],
  ): Promise<Delivery> {
    const key = `${topic}/${partition}`;
    const state = this.#partitions.get(key) ?? {
      identity: undefined,
      nextSequence: 0,
      tail: Promise.resolve(),
    };
    this.#partitions.set(key, state);
    const sent = state.tail.then(() => this.#sendBatch(topic, partition, records, state));
    state.tail = sent.then(
      () => {},
      () => {},
    );
    return sent;
  }

  async #sendBatch(
    topic: string,
    partition: number,
    records: readonly ProducerRecord[],
    state: PartitionState,
  ): Promise<Delivery> {
    const { host, retry } = this.#cluster;
    const identity = await (this.#identity ??= this.#askIdentity());
    if (state.identity !== identity) {
      state.identity = identity;
      state.nextSequence = 0;
    }
    const batch = this.#buildBatch(records, identity, state.nextSequence);
    try {
      const baseOffset = await withRetries(host, retry, () =>
        this.#produce(topic, partition, batch),
      );
      state.nextSequence = (state.nextSequence + records.length) % SEQUENCES;
      return { partition, baseOffset, recordCount: records.length };
    } catch (error) {
      // Whether the batch was taken, and with it its sequence numbers, may never be known: what comes next begins anew.
      this.#identity = undefined;
      throw error;
    }
  }

  #buildBatch(
    records: readonly ProducerRecord[],
    identity: Identity,
    baseSequence: number,
  ): Uint8Array {
    const { host } = this.#cluster;
    const { compression } = this.#options;
    const now = host.clock.wallTimeMs();
    return buildBatch({
      records: records.map(({ key, value, headers, timestampMs }) => ({
        key: key ?? null,
        value,
        headers: headers ?? [],
        timestampMs: timestampMs ?? now,
      })),
      ...identity,
      baseSequence,
      ...(compression && {
        compress: {
          codec: compression,
          compress: (codec, bytes) => host.compression.compress(codec, bytes),
        },
      }),
      crc32c: host.crc32c,
    });
  }

  async #produce(topic: string, partition: number, batch: Uint8Array): Promise<number> {
    const timeoutMs = this.#options.produceTimeoutMs ?? PRODUCE_TIMEOUT_MS;
    const leader =
      this.#cluster.leaderOf(topic, partition) ?? (await this.#findLeader(topic, partition));
    try {
      const { responses } = await this.#cluster.ask(
        leader,
        produceApi,
        {
          acks: ACKS_ALL,
          timeoutMs,
          topicData: [{ name: topic, partitionData: [{ index: partition, records: batch }] }],
        },
        { extraMs: timeoutMs },
      );
      const [answer] = responses[0]?.partitionResponses ?? [];
      if (answer === undefined)
        throw new BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR, {
          topic,
          partition,
          detail: 'no answer for the partition',
        });
      // The batch is there already: an answer to an earlier try was lost, and five batches later nobody knows its offset any more.
      if (answer.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) return answer.baseOffset;
      check(answer.errorCode, { topic, partition, detail: answer.errorMessage });
      return answer.baseOffset;
    } catch (error) {
      if (
        !(error instanceof BrokerError)
          ? error instanceof ClientError
          : STALE_METADATA.has(error.code)
      )
        this.#cluster.forgetLeaders(topic);
      throw error;
    }
  }

  async #findLeader(topic: string, partition: number): Promise<number> {
    await this.#cluster.metadata({ topics: [topic] });
    const leader = this.#cluster.leaderOf(topic, partition);
    if (leader === undefined)
      throw new BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, { topic, partition });
    return leader;
  }

  #askIdentity(): Promise<Identity> {
    const { host, retry } = this.#cluster;
    const asked = withRetries(host, retry, async () => {
      const { errorCode, producerId, producerEpoch } = await this.#cluster.askAny(
        initProducerIdApi,
        { transactionalId: null, transactionTimeoutMs: 0 },
      );
      check(errorCode, { api: 'InitProducerId' });
      return { producerId, producerEpoch };
    });
    // A failure is told to those who wait; the next batch asks again.
    asked.catch(() => {
      this.#identity = undefined;
    });
    return asked;
  }
}
