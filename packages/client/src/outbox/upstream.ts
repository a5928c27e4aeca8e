/** What the outbox asks of the server: each question once; trying again is the sender's affair. */
import { ErrorCode, batchesIn, errorName } from '@odradek/protocol';
import { fetchApi, initProducerIdApi, produceApi } from '../api.ts';
import type { Cluster } from '../cluster.ts';
import { lookUpOffsets } from '../consumer/offset-lookup.ts';
import { partitionKey } from '../consumer/topic-partition.ts';
import type { TopicPartition } from '../consumer/topic-partition.ts';
import { BrokerError, asError, check, isRetriable } from '../errors.ts';
import type { Identity } from '../producer/producer.machine.ts';

export interface TopicSeen {
  readonly errorCode: number;
  readonly topicId: string;
  readonly partitionCount: number;
}

export interface Survey {
  readonly clusterId: string | null;
  readonly topics: ReadonlyMap<string, TopicSeen>;
}

/** What came of a batch at one try. */
export type Outcome =
  | { readonly is: 'sent'; readonly baseOffset: number }
  /** It cannot be taken, now or later. */
  | { readonly is: 'refused'; readonly errorName: string; readonly reason: string }
  | { readonly is: 'tooLarge'; readonly error: BrokerError }
  /** The server does not know the producer, or not what it sent before. */
  | { readonly is: 'unknownProducer'; readonly error: BrokerError }
  /** There is no such topic (any more). */
  | { readonly is: 'noTopic'; readonly error: BrokerError }
  /** The same again, later. `isUncertain`: perhaps it was taken. */
  | { readonly is: 'failed'; readonly error: Error; readonly isUncertain: boolean };

export interface FoundBatch {
  readonly baseOffset: number;
  readonly recordCount: number;
}

export interface OutgoingBatch extends TopicPartition {
  readonly bytes: Uint8Array;
}

const PRODUCE_TIMEOUT_MS = 30_000;
const FETCH_BYTES_MAX = 1024 * 1024;
const UNKNOWN_PRODUCER: ReadonlySet<number> = new Set([
  ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.PRODUCER_FENCED,
]);
/** Answers that leave open whether the leader has it; so does every connection that is lost. */
const UNCERTAIN: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_SERVER_ERROR,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.KAFKA_STORAGE_ERROR,
]);
const TOO_LARGE: ReadonlySet<number> = new Set([
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
]);

export class Upstream {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async survey(topics: readonly string[], mayCreate: boolean): Promise<Survey> {
    const { clusterId, topics: found } = await this.#cluster.metadata({ topics, mayCreate });
    return {
      clusterId,
      topics: new Map(
        found.map(({ name, errorCode, topicId, partitions }) => [
          name ?? '',
          { errorCode, topicId, partitionCount: partitions.length },
        ]),
      ),
    };
  }

  /** Where each partition ends, by `partitionKey`. */
  async ends(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, number>> {
    const found = await lookUpOffsets(
      this.#cluster,
      partitions.map((each) => ({ ...each, timestamp: -1 })),
      false,
    );
    return new Map([...found].map(([key, { offset }]) => [key, offset]));
  }

  async takeIdentity(): Promise<Identity> {
    const answer = await this.#cluster.askAny(initProducerIdApi, {
      transactionalId: null,
      transactionTimeoutMs: 0,
    });
    check(answer.errorCode, { api: 'InitProducerId' });
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
  }

  /** One outcome for each batch, in order. Never rejects. */
  async produce(batches: readonly OutgoingBatch[]): Promise<readonly Outcome[]> {
    const outcomes = new Map<OutgoingBatch, Outcome>();
    const byLeader = new Map<number, OutgoingBatch[]>();
    for (const batch of batches) {
      const leader = this.#cluster.leaderOf(batch.topic, batch.partition);
      if (leader === undefined)
        outcomes.set(batch, { is: 'failed', error: this.#leaderless(batch), isUncertain: false });
      else byLeader.set(leader, [...(byLeader.get(leader) ?? []), batch]);
    }
    await Promise.all(
      [...byLeader].map(async ([leader, led]) => {
        try {
          for (const [batch, outcome] of await this.#produceTo(leader, led))
            outcomes.set(batch, outcome);
        } catch (error) {
          for (const batch of led) {
            this.#cluster.forgetLeaders(batch.topic);
            outcomes.set(batch, outcomeOf(asError(error)));
          }
        }
      }),
    );
    return batches.map((batch) => outcomes.get(batch)!);
  }

  /**
   * The producer's batch with this number, if it is in the log at or behind `fromOffset`; 'gone' when the log begins later by now, so
   * that nobody can tell.
   */
  async find(
    { topic, partition }: TopicPartition,
    { producerId, producerEpoch }: Identity,
    baseSequence: number,
    fromOffset: number,
  ): Promise<FoundBatch | 'absent' | 'gone'> {
    const end = (await this.ends([{ topic, partition }])).get(partitionKey(topic, partition)) ?? 0;
    for (let next = fromOffset; next < end;) {
      const leader = this.#cluster.leaderOf(topic, partition);
      if (leader === undefined) throw this.#leaderless({ topic, partition });
      const { errorCode, responses } = await this.#cluster.ask(leader, fetchApi, {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: FETCH_BYTES_MAX,
        isolationLevel: 0,
        topics: [
          {
            topic,
            partitions: [{ partition, fetchOffset: next, partitionMaxBytes: FETCH_BYTES_MAX }],
          },
        ],
        forgottenTopicsData: [],
      });
      check(errorCode, { api: 'Fetch' });
      const answer = responses[0]?.partitions[0];
      if (answer?.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) return 'gone';
      check(answer?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, { topic, partition });
      const before = next;
      for (const batch of batchesIn(answer?.records ?? new Uint8Array(0))) {
        const isIt =
          batch.producerId === producerId &&
          batch.producerEpoch === producerEpoch &&
          batch.baseSequence === baseSequence;
        if (isIt) return { baseOffset: batch.baseOffset, recordCount: batch.recordCount };
        next = Math.max(next, batch.nextOffset);
      }
      // What lies between may have been compacted away.
      if (next === before) break;
    }
    return 'absent';
  }

  async #produceTo(
    leader: number,
    led: readonly OutgoingBatch[],
  ): Promise<readonly (readonly [OutgoingBatch, Outcome])[]> {
    const byTopic = new Map<string, OutgoingBatch[]>();
    for (const batch of led) byTopic.set(batch.topic, [...(byTopic.get(batch.topic) ?? []), batch]);
    const { responses } = await this.#cluster.ask(leader, produceApi, {
      acks: -1,
      timeoutMs: PRODUCE_TIMEOUT_MS,
      topicData: [...byTopic].map(([name, batches]) => ({
        name,
        partitionData: batches.map(({ partition, bytes }) => ({
          index: partition,
          records: bytes,
        })),
      })),
    });
    return led.map((batch) => {
      const answer = responses
        .find(({ name }) => name === batch.topic)
        ?.partitionResponses.find(({ index }) => index === batch.partition);
      const errorCode = answer?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER)
        return [batch, { is: 'sent', baseOffset: answer!.baseOffset }];
      this.#cluster.forgetLeaders(batch.topic);
      const { topic, partition } = batch;
      const detail =
        answer?.errorMessage ?? answer?.recordErrors[0]?.batchIndexErrorMessage ?? null;
      return [batch, outcomeOf(new BrokerError(errorCode, { topic, partition, detail }))];
    });
  }

  #leaderless({ topic, partition }: TopicPartition): BrokerError {
    return new BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, { topic, partition });
  }
}

function outcomeOf(error: Error): Outcome {
  if (!(error instanceof BrokerError)) return { is: 'failed', error, isUncertain: true };
  const { code } = error;
  if (TOO_LARGE.has(code)) return { is: 'tooLarge', error };
  if (UNKNOWN_PRODUCER.has(code)) return { is: 'unknownProducer', error };
  if (code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return { is: 'noTopic', error };
  if (UNCERTAIN.has(code) || isRetriable(error))
    return { is: 'failed', error, isUncertain: UNCERTAIN.has(code) };
  return { is: 'refused', errorName: errorName(code), reason: error.message };
}
