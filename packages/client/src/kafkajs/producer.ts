/**
 * KafkaJS's producer over this client's. What KafkaJS says per call (`acks`, `compression`) is said per producer here, so there is one for each
 * combination that was asked for, on the same connections. KafkaJS sends a batch without sequence numbers unless it is told `idempotent`; here
 * a batch that is sent again is never written twice, told or not, wherever `acks` is -1.
 */
import type { Cluster } from '../cluster.ts';
import { Producer as Accumulator } from '../producer/producer.ts';
import type { ProducerRecord as Outgoing } from '../producer/producer-options.ts';
import type { Delivery } from '../producer/sinks.ts';
import { toBytes, toHeaderInputs } from './bytes.ts';
import { CODEC_NAMES, CompressionTypes, producerEvents } from './constants.ts';
import { afterRetries } from './error-mapping.ts';
import { KafkaJSError, KafkaJSNonRetriableError, KafkaJSNotImplemented } from './errors.ts';
import { Emitter } from './events.ts';
import type { KafkaJSHost } from './host.ts';
import { defaultPartitionerFor } from './partitioners.ts';
import type { RetryPlan } from './retry-plan.ts';
import { Session } from './session.ts';
import { TopicPartitionings } from './topic-metadata.ts';
import type {
  KafkaConfig,
  Logger,
  Message,
  PartitionerArgs,
  Producer,
  ProducerBatch,
  ProducerConfig,
  RecordMetadata,
} from './types.ts';

const ACKS = new Map<number, 'all' | 1 | 0>([
  [-1, 'all'],
  [1, 1],
  [0, 0],
]);
const METADATA_MAX_AGE_MS = 300_000;
/** KafkaJS has no such timer; it ends after its retries, each with a request's time. */
const deliveryTimeoutMs = ({ policy, retries }: RetryPlan, requestTimeoutMs: number): number =>
  Math.min(policy.timeoutMs + requestTimeoutMs * Math.min(retries + 1, 10), 2 ** 31 - 1);

export function createProducer<B extends Uint8Array>(
  host: KafkaJSHost<B>,
  config: KafkaConfig,
  options: ProducerConfig,
  plan: RetryPlan,
  rootLogger: Logger,
): Producer {
  if (options.transactionalId !== undefined) throw noTransactions();
  if (options.idempotent === true && plan.retries < 1)
    throw new KafkaJSNonRetriableError(
      'Idempotent producer must allow retries to protect against transient errors',
    );
  const logger = rootLogger.namespace('Producer');
  const emitter = new Emitter('producer', producerEvents, host.clock, logger);
  const session = new Session({ host, config, plan, emitter, events: producerEvents });
  const sender = new Sending(host, session, options);
  let status: 'disconnected' | 'connected' | 'disconnecting' = 'disconnected';

  const sendBatch = async (batch: ProducerBatch): Promise<RecordMetadata[]> => {
    checkBatch(batch, options.idempotent === true);
    if (status === 'disconnecting')
      throw new KafkaJSNonRetriableError(
        "The producer is disconnecting; therefore, it can't safely accept messages anymore",
      );
    if (status === 'disconnected') throw new KafkaJSError('The producer is disconnected');
    try {
      return await sender.send(batch);
    } catch (error) {
      const failure = afterRetries(error, plan);
      logger.error(`Failed to send messages: ${failure.message}`);
      throw failure;
    }
  };

  return {
    async connect() {
      await session.connect();
      status = 'connected';
    },
    async disconnect() {
      status = 'disconnecting';
      await sender.close();
      session.disconnect();
      status = 'disconnected';
    },
    isIdempotent: () => options.idempotent ?? false,
    events: producerEvents,
    on: (eventName: string, listener: (event: never) => unknown) => emitter.on(eventName, listener),
    send: ({ topic, messages, ...rest }) =>
      sendBatch({ ...rest, topicMessages: [{ topic, messages }] }),
    sendBatch,
    transaction: () => Promise.reject(noTransactions()),
    logger: () => logger,
  };
}

const noTransactions = (): KafkaJSNotImplemented =>
  new KafkaJSNotImplemented(
    'transactions (transactionalId, transaction()) are not offered here; a producer without them is idempotent already',
  );

function checkBatch({ acks = -1, topicMessages = [] }: ProducerBatch, idempotent: boolean): void {
  if (topicMessages.some(({ topic }) => !topic))
    throw new KafkaJSNonRetriableError('Invalid topic');
  if (idempotent && acks !== -1)
    throw new KafkaJSNonRetriableError(
      "Not requiring ack for all messages invalidates the idempotent producer's EoS guarantees",
    );
  if (!ACKS.has(acks)) throw new KafkaJSNonRetriableError(`Invalid acks ${acks}: -1, 0 or 1`);
  for (const { topic, messages } of topicMessages) {
    if (!Array.isArray(messages))
      throw new KafkaJSNonRetriableError(
        `Invalid messages array [${String(messages)}] for topic "${topic}"`,
      );
    const empty = messages.find(({ value }) => value === undefined);
    if (empty !== undefined)
      throw new KafkaJSNonRetriableError(
        `Invalid message without value for topic "${topic}": ${JSON.stringify(empty)}`,
      );
  }
}

class Sending<B extends Uint8Array> {
  readonly #session: Session<B>;
  readonly #options: ProducerConfig;
  readonly #partition: (args: PartitionerArgs) => number;
  readonly #accumulators = new Map<string, Accumulator>();
  #topics: TopicPartitionings | undefined;
  #cluster: Cluster | undefined;

  constructor(host: KafkaJSHost<B>, session: Session<B>, options: ProducerConfig) {
    this.#session = session;
    this.#options = options;
    this.#partition = (options.createPartitioner ?? defaultPartitionerFor(host.random))();
  }

  async send({
    acks = -1,
    compression = CompressionTypes.None,
    topicMessages = [],
  }: ProducerBatch): Promise<RecordMetadata[]> {
    const accumulator = this.#accumulator(acks, compression);
    const byTopic = new Map<string, Message[]>();
    for (const { topic, messages } of topicMessages)
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), ...messages]);
    const answers = await Promise.all(
      [...byTopic].map(async ([topic, messages]) => {
        // One that is known is not awaited: what is sent in one turn stays in order.
        const known = this.#topics!.known(topic);
        const partitionMetadata = known ?? (await this.#topics!.load(topic));
        const records = messages.map((message) =>
          toRecord(message, this.#partition({ topic, partitionMetadata, message })),
        );
        try {
          return toMetadata(topic, await accumulator.send(topic, records));
        } catch (error) {
          // It may be another topic of the same name by now.
          this.#topics?.forget(topic);
          throw error;
        }
      }),
    );
    return acks === 0 ? [] : answers.flat();
  }

  async close(): Promise<void> {
    const accumulators = [...this.#accumulators.values()];
    this.#accumulators.clear();
    this.#cluster = undefined;
    await Promise.all(accumulators.map((each) => each.close()));
  }

  #accumulator(acks: number, compression: CompressionTypes): Accumulator {
    const { cluster, plan, requestTimeoutMs } = this.#session;
    const { allowAutoTopicCreation = true, metadataMaxAge = METADATA_MAX_AGE_MS } = this.#options;
    if (cluster !== this.#cluster) {
      this.#cluster = cluster;
      this.#accumulators.clear();
      this.#topics = new TopicPartitionings(cluster, allowAutoTopicCreation, metadataMaxAge);
    }
    const key = `${acks} ${compression}`;
    let accumulator = this.#accumulators.get(key);
    if (accumulator === undefined) {
      const codec = CODEC_NAMES[compression];
      accumulator = new Accumulator(cluster, {
        acks: ACKS.get(acks)!,
        ...(codec !== undefined && { compression: codec }),
        mayCreateTopics: allowAutoTopicCreation,
        deliveryTimeoutMs: deliveryTimeoutMs(plan, requestTimeoutMs),
        maxBlockMs: Math.max(plan.policy.timeoutMs, requestTimeoutMs),
      });
      this.#accumulators.set(key, accumulator);
    }
    return accumulator;
  }
}

function toRecord({ key, value, headers, timestamp }: Message, partition: number): Outgoing {
  return {
    key: toBytes(key),
    value: toBytes(value),
    partition,
    ...(headers !== undefined && headers !== null && { headers: toHeaderInputs(headers) }),
    ...(timestamp !== undefined && timestamp !== null && { timestampMs: Number(timestamp) }),
  };
}

/** One entry a partition, with where its first record went. */
function toMetadata(topicName: string, deliveries: readonly Delivery[]): RecordMetadata[] {
  const first = new Map<number, number>();
  for (const { partition, baseOffset } of deliveries)
    first.set(partition, Math.min(first.get(partition) ?? baseOffset, baseOffset));
  return [...first].map(([partition, baseOffset]) => ({
    topicName,
    partition,
    errorCode: 0,
    baseOffset: String(baseOffset),
    logAppendTime: '-1',
    logStartOffset: '0',
  }));
}
