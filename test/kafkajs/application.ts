/**
 * An application as people write them for KafkaJS: an order book. It makes its topic, sends orders with keys and headers, reads them in a group,
 * first one by one and then in batches, and asks the cluster how things stand. It is run with KafkaJS and with other things in KafkaJS's place;
 * only the import below, or the socket that is handed in, differs.
 */
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import type { KafkaConfig, KafkaMessage } from 'kafkajs';

export interface Order {
  readonly customer: string;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

export interface Outcome {
  readonly created: readonly boolean[];
  readonly sent: readonly string[];
  readonly eachMessage: readonly Order[];
  readonly eachBatch: readonly Order[];
  readonly keysStayTogether: boolean;
  readonly joined: readonly string[];
  readonly committed: readonly string[];
  readonly ends: readonly string[];
  readonly groups: readonly string[];
  readonly refused: string;
}

const PARTITIONS = 3;
const customers = ['anna', 'bruno', 'clara', 'dora'];

export async function runOrderBook(config: KafkaConfig, topic: string): Promise<Outcome> {
  const kafka = new Kafka({ clientId: 'order-book', logLevel: logLevel.NOTHING, ...config });
  const admin = kafka.admin();
  await admin.connect();
  const toCreate = { topics: [{ topic, numPartitions: PARTITIONS }] };
  const created = [await admin.createTopics(toCreate), await admin.createTopics(toCreate)];

  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const plain = await producer.send({
    topic,
    messages: customers.map((customer) => ({
      key: customer,
      value: `order of ${customer}`,
      headers: { source: 'web', tags: ['new', Buffer.from('urgent')] },
    })),
  });
  const packed = await producer.sendBatch({
    compression: CompressionTypes.GZIP,
    topicMessages: [
      { topic, messages: customers.map((key) => ({ key, value: Buffer.from(`bill of ${key}`) })) },
      { topic, messages: customers.map((key) => ({ key, value: null })) },
    ],
  });
  const sent = [...plain, ...packed].map((each) => `${each.topicName} ${each.errorCode}`);

  const partitionsOf = new Map<string, Set<number>>();
  const joined: string[] = [];
  const read = async (groupId: string, inBatches: boolean): Promise<Order[]> => {
    const orders: Order[] = [];
    const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, heartbeatInterval: 500 });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      joined.push(
        `${payload.groupId} ${payload.isLeader} ${payload.memberAssignment[topic]?.length}`,
      );
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const take = (partition: number, message: KafkaMessage): void => {
        const order = toOrder(message);
        orders.push(order);
        partitionsOf.set(
          order.customer,
          (partitionsOf.get(order.customer) ?? new Set()).add(partition),
        );
        if (orders.length === customers.length * 3) resolve();
      };
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      const running = inBatches
        ? consumer.run({
            eachBatch: async ({ batch, resolveOffset, heartbeat, isRunning, isStale }) => {
              for (const message of batch.messages) {
                if (!isRunning() || isStale()) break;
                take(batch.partition, message);
                resolveOffset(message.offset);
                await heartbeat();
              }
            },
          })
        : consumer.run({ eachMessage: async ({ partition, message }) => take(partition, message) });
      running.catch(reject);
    });
    await consumer.disconnect();
    return orders.sort((a, b) => order(a).localeCompare(order(b)));
  };
  const eachMessage = await read(`${topic}-one-by-one`, false);
  const eachBatch = await read(`${topic}-in-batches`, true);

  const offsets = await admin.fetchOffsets({ groupId: `${topic}-one-by-one`, topics: [topic] });
  const ends = await admin.fetchTopicOffsets(topic);
  const { groups } = await admin.describeGroups([`${topic}-one-by-one`, `${topic}-in-batches`]);
  const refused = await producer
    .send({ topic: `${topic}-none`, messages: [{ value: undefined as unknown as string }] })
    .then(String, (error: Error) => error.name);
  await producer.disconnect();
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
  return {
    created,
    sent: sent.sort(),
    eachMessage,
    eachBatch,
    keysStayTogether: [...partitionsOf.values()].every((partitions) => partitions.size === 1),
    joined,
    committed: offsets[0]!.partitions.map(place).sort(),
    ends: ends.map(({ partition, high }) => place({ partition, offset: high })).sort(),
    groups: groups.map(({ groupId, state }) => `${groupId} ${state}`).sort(),
    refused,
  };
}

const place = (at: { readonly partition: number; readonly offset: string }): string =>
  `${at.partition}: ${at.offset}`;

const order = ({ customer, value }: Order): string => `${customer} ${value}`;

const toOrder = ({ key, value, headers = {} }: KafkaMessage): Order => ({
  customer: key!.toString(),
  value: value === null ? null : value.toString(),
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, header]) => [
      name,
      Array.isArray(header) ? header.map(String) : String(header),
    ]),
  ),
});
