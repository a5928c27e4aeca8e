/** Stories of the module in KafkaJS's place alone: where it does more than KafkaJS, and what befalls an application. */
import { AssignerProtocol, Kafka } from 'odradek/kafkajs';
import type {
  Consumer,
  ConsumerConfig,
  KafkaConfig,
  LogEntry,
  PartitionAssigner,
} from 'odradek/kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startInProcess } from '../support/in-process-broker.ts';
import type { InProcessBroker } from '../support/in-process-broker.ts';
import { until } from '../support/until.ts';

let broker: InProcessBroker;
beforeAll(async () => {
  broker = await startInProcess({ config: { 'group.min.session.timeout.ms': '300' } });
});
afterAll(() => broker.dispose());

const kafkaAt = (bootstrap: string, config: Partial<KafkaConfig> = {}): Kafka =>
  new Kafka({
    brokers: [bootstrap],
    retry: { initialRetryTime: 20, maxRetryTime: 200, retries: 50 },
    ...config,
  });

const topicWith = async (topic: string, count: number, numPartitions = 1): Promise<void> => {
  const kafka = kafkaAt(broker.bootstrap);
  const admin = kafka.admin();
  const producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  await admin.createTopics({ topics: [{ topic, numPartitions }] });
  const messages = Array.from({ length: count }, (_, n) => ({
    value: `${n}`,
    partition: n % numPartitions,
  }));
  await producer.send({ topic, messages });
  await Promise.all([admin.disconnect(), producer.disconnect()]);
};

const consumerOf = (groupId: string, config: Partial<ConsumerConfig> = {}): Consumer =>
  kafkaAt(broker.bootstrap).consumer({
    groupId,
    maxWaitTimeInMs: 50,
    heartbeatInterval: 100,
    ...config,
  });

const joinsOf = (consumer: Consumer): number[] => {
  const joins: number[] = [];
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    joins.push(Object.values(payload.memberAssignment).flat().length);
  });
  return joins;
};

const text = (bytes: Buffer | null): string => bytes!.toString();

describe('the face', () => {
  it('keeps its place in the group while a handler takes three session timeouts', async () => {
    await topicWith('slow', 2);
    const consumer = consumerOf('slow', { sessionTimeout: 1000 });
    const joins = joinsOf(consumer);
    const seen: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic: 'slow', fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        if (message.offset === '0') await new Promise((resolve) => setTimeout(resolve, 3000));
        seen.push(text(message.value));
      },
    });
    await until(() => seen.length === 2);
    await consumer.disconnect();
    expect(seen).toEqual(['0', '1']);
    expect(joins).toEqual([1]);
  });

  it('ends a batch in work when the group goes on without it, and repeats nothing that was resolved', async () => {
    await topicWith('taken-away', 20, 2);
    const first = consumerOf('taken-away');
    const second = consumerOf('taken-away');
    const joins = joinsOf(first);
    const seen: string[] = [];
    const refusals: string[] = [];
    const handler =
      (isFirst: boolean) =>
      async ({ batch, resolveOffset, heartbeat }: Parameters<EachBatch>[0]): Promise<void> => {
        for (const { value, offset } of batch.messages) {
          seen.push(`${batch.partition}/${offset} ${text(value)}`);
          resolveOffset(offset);
          try {
            // Once, until the group says that it rebalances.
            if (isFirst && offset === '3' && refusals.length === 0)
              await until(() => heartbeat().then(() => false));
            else await heartbeat();
          } catch (error) {
            refusals.push((error as { type: string }).type);
            throw error;
          }
        }
      };
    type EachBatch = NonNullable<NonNullable<Parameters<Consumer['run']>[0]>['eachBatch']>;
    await first.connect();
    await first.subscribe({ topics: ['taken-away'], fromBeginning: true });
    await first.run({ eachBatch: handler(true), eachBatchAutoResolve: false });
    await until(() => seen.length === 4);
    await second.connect();
    await second.subscribe({ topics: ['taken-away'], fromBeginning: true });
    await second.run({ eachBatch: handler(false), eachBatchAutoResolve: false });
    await until(() => seen.length >= 20);
    await Promise.all([first.disconnect(), second.disconnect()]);
    expect([...seen].sort()).toEqual([...new Set(seen)].sort());
    expect(seen).toHaveLength(20);
    expect(refusals[0]).toBe('REBALANCE_IN_PROGRESS');
    expect(joins.slice(0, 2)).toEqual([2, 1]);
  });

  it('stops after the message in work and goes on there when it is run again', async () => {
    await topicWith('again', 6);
    const consumer = consumerOf('again');
    const seen: string[] = [];
    let stopped: Promise<void> | undefined;
    const eachMessage = async ({
      message,
    }: {
      message: { value: Buffer | null };
    }): Promise<void> => {
      seen.push(text(message.value));
      if (seen.length === 3) stopped = consumer.stop();
    };
    await consumer.connect();
    await consumer.subscribe({ topics: ['again'], fromBeginning: true });
    await consumer.run({ eachMessage });
    await until(() => stopped !== undefined);
    await stopped;
    expect(seen).toEqual(['0', '1', '2']);
    await consumer.run({ eachMessage });
    await until(() => seen.length === 6);
    await consumer.disconnect();
    expect(seen).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  it('stays ended when it is disconnected while it thinks about another start', async () => {
    await topicWith('ended', 1);
    let answer: ((restart: boolean) => void) | undefined;
    const consumer = consumerOf('ended', {
      retry: {
        retries: 0,
        restartOnFailure: () => new Promise((resolve) => (answer = resolve)),
      },
    });
    const crashes: boolean[] = [];
    consumer.on(consumer.events.CRASH, ({ payload }) => crashes.push(payload.restart));
    const joins = joinsOf(consumer);
    await consumer.connect();
    await consumer.subscribe({ topics: ['ended'], fromBeginning: true });
    await consumer.run({
      eachMessage: async () => {
        throw new Error('no');
      },
    });
    await until(() => answer !== undefined);
    await consumer.disconnect();
    answer!(true);
    await until(() => crashes.length === 1);
    expect(crashes).toEqual([false]);
    expect(joins).toHaveLength(1);
  });

  it('begins each topic where it was told', async () => {
    await topicWith('old', 2);
    await topicWith('new', 2);
    const consumer = consumerOf('from-beginnings');
    const seen: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic: 'old', fromBeginning: true });
    await consumer.subscribe({ topic: 'new' });
    const joins = joinsOf(consumer);
    await consumer.run({
      eachMessage: async ({ topic, message }) => void seen.push(`${topic} ${text(message.value)}`),
    });
    await until(() => seen.length === 2 && joins.length === 1);
    const producer = kafkaAt(broker.bootstrap).producer();
    await producer.connect();
    await producer.sendBatch({
      topicMessages: ['old', 'new'].map((topic) => ({ topic, messages: [{ value: 'now' }] })),
    });
    await until(() => seen.length >= 4);
    await Promise.all([consumer.disconnect(), producer.disconnect()]);
    expect(seen.slice(0, 2)).toEqual(['old 0', 'old 1']);
    expect(seen.slice(2).sort()).toEqual(['new now', 'old now']);
  });

  it('does not read what it has not subscribed to, and says so', async () => {
    await topicWith('both-want', 4, 2);
    await topicWith('one-wants', 4, 2);
    const leader = consumerOf('unequal');
    const other = consumerOf('unequal');
    const joins = joinsOf(other);
    const told: string[] = [];
    other.on(other.events.RECEIVED_UNSUBSCRIBED_TOPICS, ({ payload }) => {
      told.push(...payload.topicsNotSubscribed);
    });
    const seen: string[] = [];
    const eachMessage =
      (who: string) =>
      async ({ topic }: { topic: string }): Promise<void> =>
        void seen.push(`${who} ${topic}`);
    await leader.connect();
    await leader.subscribe({ topics: ['both-want', 'one-wants'] });
    await leader.run({ eachMessage: eachMessage('leader') });
    await other.connect();
    await other.subscribe({ topics: ['both-want'] });
    await other.run({ eachMessage: eachMessage('other') });
    await until(() => joins.at(-1) === 2);
    const producer = kafkaAt(broker.bootstrap).producer();
    await producer.connect();
    const messages = [0, 1].map((partition) => ({ partition, value: 'now' }));
    await producer.sendBatch({
      topicMessages: ['one-wants', 'both-want'].map((topic) => ({ topic, messages })),
    });
    await until(() => seen.length === 3);
    await Promise.all([leader.disconnect(), other.disconnect(), producer.disconnect()]);
    expect(told).toEqual(['one-wants']);
    expect(seen.sort()).toEqual(['leader both-want', 'leader one-wants', 'other both-want']);
  });

  it('lets an assigner of the application decide who gets what', async () => {
    await topicWith('assigned', 4, 4);
    /** Everything to whoever has the largest id. */
    const greedy: PartitionAssigner = ({ cluster }) => ({
      name: 'greedy',
      version: 7,
      protocol: ({ topics }) => ({
        name: 'greedy',
        metadata: AssignerProtocol.MemberMetadata.encode({
          version: 7,
          topics,
          userData: Buffer.from('mine'),
        }),
      }),
      assign: async ({ members, topics }) => {
        const decoded = members.map(({ memberId, memberMetadata }) => ({
          memberId,
          ...AssignerProtocol.MemberMetadata.decode(memberMetadata)!,
        }));
        expect(decoded.map(({ userData }) => text(userData))).toEqual(members.map(() => 'mine'));
        const all = Object.fromEntries(
          topics.map((topic) => [
            topic,
            cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId),
          ]),
        );
        return members
          .map(({ memberId }) => memberId)
          .sort()
          .map((memberId, index, ids) => ({
            memberId,
            memberAssignment: AssignerProtocol.MemberAssignment.encode({
              version: 7,
              assignment: index === ids.length - 1 ? all : {},
              userData: Buffer.alloc(0),
            }),
          }));
      },
    });
    const consumers = [1, 2].map(() => consumerOf('assigned', { partitionAssigners: [greedy] }));
    const joins = consumers.map(joinsOf);
    let count = 0;
    for (const consumer of consumers) {
      await consumer.connect();
      await consumer.subscribe({ topics: ['assigned'], fromBeginning: true });
      await consumer.run({ eachMessage: async () => void (count += 1) });
    }
    const shares = (): number[] => joins.map((each) => each.at(-1) ?? -1).sort();
    await until(() => count === 4 && shares().join() === '0,4' && joins.flat().length >= 3);
    await Promise.all(consumers.map((consumer) => consumer.disconnect()));
  });

  it('goes on when the broker comes back, with everything sent meanwhile', async () => {
    const port = await freePort();
    const config = { listeners: `PLAINTEXT://127.0.0.1:${port},WS://127.0.0.1:0` };
    let mortal = await startInProcess({ config });
    const kafka = kafkaAt(mortal.bootstrap);
    const producer = kafka.producer();
    const consumer = kafka.consumer({ groupId: 'patient', maxWaitTimeInMs: 50 });
    const crashes: unknown[] = [];
    consumer.on(consumer.events.CRASH, (event) => crashes.push(event));
    const seen: string[] = [];
    await Promise.all([producer.connect(), consumer.connect()]);
    await producer.send({ topic: 'patience', messages: [{ value: '0' }] });
    await consumer.subscribe({ topic: 'patience', fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => void seen.push(text(message.value)),
    });
    await until(() => seen.length === 1);
    await mortal.stop();
    const sending = producer.send({ topic: 'patience', messages: [{ value: '1' }] });
    mortal = await startInProcess({ config, dataDirectory: mortal.dataDirectory });
    const [sent] = await sending;
    expect(sent).toMatchObject({ partition: 0, baseOffset: '1' });
    await until(() => seen.length === 2);
    await Promise.all([producer.disconnect(), consumer.disconnect()]);
    await mortal.dispose();
    expect(seen).toEqual(['0', '1']);
    expect(crashes).toEqual([]);
  });

  it('tells a logger of the application what goes on, and nobody else', async () => {
    const entries: LogEntry[] = [];
    const kafka = kafkaAt(broker.bootstrap, { logCreator: () => (entry) => entries.push(entry) });
    const consumer = kafka.consumer({ groupId: 'logged' });
    await consumer.connect();
    await consumer.subscribe({ topic: 'logged' });
    await consumer.run({ eachMessage: async () => {} });
    await consumer.disconnect();
    expect(
      entries.map(({ namespace, label, log }) => `${namespace} ${label} ${log.message}`),
    ).toEqual([
      'Consumer INFO Starting',
      'Consumer INFO Consumer has joined the group',
      'Consumer INFO Stopped',
    ]);
  });
});
