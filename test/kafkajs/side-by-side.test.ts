/** Stories that KafkaJS and what takes its place must tell alike: each runs with both, against the same broker. */
import * as theirs from 'kafkajs';
import * as ours from 'odradek/kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startInProcess } from '../support/in-process-broker.ts';
import type { InProcessBroker } from '../support/in-process-broker.ts';
import { until } from '../support/until.ts';

let broker: InProcessBroker;
beforeAll(async () => {
  broker = await startInProcess();
});
afterAll(() => broker.dispose());

const RETRY = { initialRetryTime: 20, maxRetryTime: 100, retries: 4 };

const libraries = [
  { name: 'kafkajs', library: theirs },
  // As KafkaJS's own: that this compiles is a part of the test.
  { name: 'ours', library: ours as unknown as typeof theirs },
];

describe.each(libraries)('$name', ({ name, library }) => {
  const { Kafka, logLevel } = library;
  const kafka = (): theirs.Kafka =>
    new Kafka({
      clientId: name,
      brokers: [broker.bootstrap],
      logLevel: logLevel.NOTHING,
      retry: RETRY,
    });

  /** A topic with the values 0, 1, 2 ... dealt out to its partitions. */
  const topicWith = async (story: string, count: number, numPartitions = 1): Promise<string> => {
    const topic = `${name}-${story}`;
    const admin = kafka().admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions }] });
    await admin.disconnect();
    if (count > 0) await send(topic, 0, count, numPartitions);
    return topic;
  };

  const send = async (topic: string, from: number, count: number, partitions = 1) => {
    const producer = kafka().producer();
    await producer.connect();
    const messages = Array.from({ length: count }, (_, n) => ({
      value: `${from + n}`,
      partition: n % partitions,
      timestamp: `${1_000_000 + from + n}`,
    }));
    await producer.send({ topic, messages });
    await producer.disconnect();
  };

  const consumerOf = (
    groupId: string,
    config: Partial<theirs.ConsumerConfig> = {},
  ): theirs.Consumer =>
    kafka().consumer({ groupId, maxWaitTimeInMs: 50, heartbeatInterval: 200, ...config });

  const started = async (
    consumer: theirs.Consumer,
    topics: (string | RegExp)[],
    run: theirs.ConsumerRunConfig,
  ): Promise<void> => {
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning: true });
    await consumer.run(run);
  };

  const committedOf = async (groupId: string, topic: string): Promise<string[]> => {
    const admin = kafka().admin();
    await admin.connect();
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
    await admin.disconnect();
    return offsets!.partitions
      .sort((a, b) => a.partition - b.partition)
      .map(({ offset }) => offset);
  };

  const values = (count: number): string[] => Array.from({ length: count }, (_, n) => `${n}`);

  it('hands out again what a batch left unresolved', async () => {
    const topic = await topicWith('unresolved', 5);
    const consumer = consumerOf(topic);
    const seen: string[] = [];
    await started(consumer, [topic], {
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch, resolveOffset }) => {
        for (const { value, offset } of batch.messages.slice(0, 2)) {
          seen.push(value!.toString());
          resolveOffset(offset);
        }
      },
    });
    await until(() => seen.length >= 5);
    await consumer.disconnect();
    expect(seen).toEqual(values(5));
    expect(await committedOf(topic, topic)).toEqual(['5']);
  });

  it('repeats the message whose handler failed, and nothing before it', async () => {
    const topic = await topicWith('failing-once', 4);
    const consumer = consumerOf(topic);
    const seen: string[] = [];
    await started(consumer, [topic], {
      eachMessage: async ({ message }) => {
        const value = message.value!.toString();
        seen.push(value);
        if (value === '2' && seen.filter((each) => each === '2').length < 3)
          throw new Error('not yet');
      },
    });
    await until(() => seen.includes('3'));
    await consumer.disconnect();
    expect(seen).toEqual(['0', '1', '2', '2', '2', '3']);
  });

  it('crashes when a handler fails every time, and starts again only when it is told to', async () => {
    const topic = await topicWith('failing', 3);
    const asked: string[] = [];
    const consumer = consumerOf(topic, {
      retry: {
        ...RETRY,
        restartOnFailure: async (error) => {
          asked.push(error.name);
          return asked.length < 2;
        },
      },
    });
    const crashes: { name: string; restart: boolean; cause: string | undefined }[] = [];
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      crashes.push({ name: error.name, restart, cause: (error.cause as Error).message });
    });
    let calls = 0;
    await started(consumer, [topic], {
      eachMessage: async ({ message }) => {
        if (message.offset === '1') {
          calls += 1;
          throw new Error('never');
        }
      },
    });
    await until(() => crashes.length === 2);
    await consumer.disconnect();
    const crash = { name: 'KafkaJSNumberOfRetriesExceeded', cause: 'never' };
    expect(crashes).toEqual([
      { ...crash, restart: true },
      { ...crash, restart: false },
    ]);
    expect(asked).toEqual(crashes.map((each) => each.name));
    expect(calls).toBe(2 * (RETRY.retries + 1));
    expect(await committedOf(topic, topic)).toEqual(['1']);
  });

  it('does not try again what is an error in the program', async () => {
    const topic = await topicWith('type-error', 1);
    const consumer = consumerOf(topic);
    const crashes: { name: string; restart: boolean }[] = [];
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      crashes.push({ name: error.name, restart });
    });
    await started(consumer, [topic], {
      eachMessage: async () => {
        throw new TypeError('undefined is not a function');
      },
    });
    await until(() => crashes.length === 1);
    await consumer.disconnect();
    expect(crashes).toEqual([{ name: 'KafkaJSNonRetriableError', restart: false }]);
  });

  it('goes back by a seek, and on from there', async () => {
    const topic = await topicWith('seek', 4);
    const consumer = consumerOf(topic);
    const seen: string[] = [];
    const stale: boolean[] = [];
    await started(consumer, [topic], {
      eachBatch: async ({ batch, isStale, resolveOffset }) => {
        for (const { value, offset } of batch.messages) {
          if (isStale()) break;
          seen.push(value!.toString());
          resolveOffset(offset);
          if (offset === '3' && seen.length === 4) {
            consumer.seek({ topic, partition: 0, offset: '2' });
            stale.push(isStale());
          }
        }
      },
    });
    await until(() => seen.length === 6);
    await consumer.disconnect();
    expect(seen).toEqual(['0', '1', '2', '3', '2', '3']);
    expect(stale).toEqual([true]);
  });

  it('pauses from within a handler and reads on where it was', async () => {
    const topic = await topicWith('pause', 4);
    const consumer = consumerOf(topic);
    const seen: string[] = [];
    let resume: (() => void) | undefined;
    await started(consumer, [topic], {
      eachMessage: async ({ message, pause }) => {
        seen.push(message.value!.toString());
        if (message.offset === '1' && resume === undefined) resume = pause();
      },
    });
    await until(() => resume !== undefined && consumer.paused().length === 1);
    expect(consumer.paused()).toEqual([{ topic, partitions: [0] }]);
    await send(topic, 4, 1);
    expect(seen).toEqual(['0', '1']);
    resume!();
    await until(() => seen.length === 5);
    await consumer.disconnect();
    expect(seen).toEqual(values(5));
  });

  it('begins where offsets were committed by hand', async () => {
    const topic = await topicWith('by-hand', 4);
    const first = consumerOf(topic);
    let count = 0;
    await started(first, [topic], {
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        count += 1;
        if (message.offset === '1')
          await first.commitOffsets([{ topic, partition, offset: '2', metadata: 'so far' }]);
      },
    });
    await until(() => count === 4);
    await first.disconnect();
    expect(await committedOf(topic, topic)).toEqual(['2']);
    const second = consumerOf(topic);
    const seen: string[] = [];
    await started(second, [topic], {
      eachMessage: async ({ message }) => void seen.push(message.value!.toString()),
    });
    await until(() => seen.length === 2);
    await second.disconnect();
    expect(seen).toEqual(['2', '3']);
  });

  it('commits in between when the threshold is reached', async () => {
    const topic = await topicWith('threshold', 10);
    const consumer = consumerOf(topic);
    const commits: string[] = [];
    consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
      commits.push(payload.topics[0]!.partitions[0]!.offset);
    });
    let count = 0;
    await started(consumer, [topic], {
      autoCommitThreshold: 4,
      eachMessage: async () => {
        count += 1;
      },
    });
    await until(() => count === 10 && commits.includes('10'));
    await consumer.disconnect();
    expect(commits).toEqual(['4', '8', '10']);
  });

  it('works on several partitions at once, and keeps each in order', async () => {
    const topic = await topicWith('concurrent', 40, 4);
    const consumer = consumerOf(topic);
    const seen = new Map<number, number[]>();
    let atOnce = 0;
    let most = 0;
    let count = 0;
    await started(consumer, [topic], {
      partitionsConsumedConcurrently: 3,
      eachMessage: async ({ partition, message }) => {
        atOnce += 1;
        most = Math.max(most, atOnce);
        await new Promise((resolve) => setTimeout(resolve, 2));
        atOnce -= 1;
        seen.set(partition, [...(seen.get(partition) ?? []), Number(message.offset)]);
        count += 1;
      },
    });
    await until(() => count === 40);
    await consumer.disconnect();
    expect(most).toBe(3);
    for (const offsets of seen.values())
      expect(offsets).toEqual(Array.from({ length: 10 }, (_, n) => n));
    expect(await committedOf(topic, topic)).toEqual(['10', '10', '10', '10']);
  });

  it('subscribes by an expression', async () => {
    await topicWith('orders-eu', 2);
    await topicWith('orders-us', 2);
    await topicWith('bills', 2);
    const consumer = consumerOf(`${name}-expression`);
    const seen = new Set<string>();
    let count = 0;
    await started(consumer, [new RegExp(`^${name}-orders-`)], {
      eachMessage: async ({ topic }) => {
        seen.add(topic);
        count += 1;
      },
    });
    await until(() => count === 4);
    await consumer.disconnect();
    expect([...seen].sort()).toEqual([`${name}-orders-eu`, `${name}-orders-us`]);
  });

  it('tells what happens by events', async () => {
    const topic = await topicWith('events', 2);
    const consumer = consumerOf(topic, { heartbeatInterval: 50 });
    const told = new Set<string>();
    for (const event of Object.values(consumer.events))
      consumer.on(event as typeof consumer.events.CONNECT, ({ type }) => void told.add(type));
    const batches: unknown[] = [];
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { duration, ...payload } }) => {
      batches.push({ ...payload, hasDuration: duration >= 0 });
    });
    await started(consumer, [topic], { eachBatch: async () => {} });
    await until(() => told.has('consumer.heartbeat') && told.has('consumer.commit_offsets'));
    await consumer.disconnect();
    expect([...told].sort()).toEqual([
      'consumer.commit_offsets',
      'consumer.connect',
      'consumer.disconnect',
      'consumer.end_batch_process',
      'consumer.fetch',
      'consumer.fetch_start',
      'consumer.group_join',
      'consumer.heartbeat',
      'consumer.network.request',
      'consumer.start_batch_process',
      'consumer.stop',
    ]);
    expect(batches).toEqual([
      {
        topic,
        partition: 0,
        highWatermark: '2',
        offsetLag: '0',
        offsetLagLow: '1',
        batchSize: 2,
        firstOffset: '0',
        lastOffset: '1',
        hasDuration: true,
      },
    ]);
  });

  it('asks a partitioner of the application', async () => {
    const topic = await topicWith('partitioner', 0, 3);
    const asked: string[] = [];
    const producer = kafka().producer({
      createPartitioner:
        () =>
        ({ topic: to, message, partitionMetadata }) => {
          asked.push(`${to} ${String(message.key)} ${partitionMetadata.length}`);
          return 2;
        },
    });
    await producer.connect();
    const sent = await producer.send({ topic, messages: [{ key: 'k', value: 'v' }] });
    await producer.disconnect();
    expect(asked).toEqual([`${topic} k 3`]);
    expect(sent).toMatchObject([
      { topicName: topic, partition: 2, errorCode: 0, baseOffset: '0', logAppendTime: '-1' },
    ]);
  });

  it('deals out messages without a key to all partitions in turn', async () => {
    const topic = await topicWith('in-turn', 0, 3);
    const producer = kafka().producer();
    await producer.connect();
    const partitions: number[] = [];
    for (let n = 0; n < 6; n += 1)
      for (const { partition } of await producer.send({ topic, messages: [{ value: 'v' }] }))
        partitions.push(partition);
    await producer.disconnect();
    expect(partitions.slice(0, 3).sort()).toEqual([0, 1, 2]);
    expect(partitions.slice(3)).toEqual(partitions.slice(0, 3));
  });

  it('administers offsets, configurations and records', async () => {
    const topic = await topicWith('admin', 6, 2);
    const groupId = `${topic}-group`;
    const admin = kafka().admin();
    await admin.connect();
    expect(await admin.fetchTopicOffsets(topic)).toEqual([
      { partition: 0, offset: '3', high: '3', low: '0' },
      { partition: 1, offset: '3', high: '3', low: '0' },
    ]);
    const byTime = await admin.fetchTopicOffsetsByTimestamp(topic, 1_000_003);
    expect(byTime.sort((a, b) => a.partition - b.partition)).toEqual([
      { partition: 0, offset: '2' },
      { partition: 1, offset: '1' },
    ]);
    await admin.setOffsets({
      groupId,
      topic,
      partitions: [
        { partition: 0, offset: '1' },
        { partition: 1, offset: '2' },
      ],
    });
    expect(await committedOf(groupId, topic)).toEqual(['1', '2']);
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: library.ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: [{ name: 'retention.ms', value: '123456' }],
        },
      ],
    });
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [
        {
          type: library.ConfigResourceTypes.TOPIC,
          name: topic,
          configNames: ['retention.ms', 'cleanup.policy'],
        },
      ],
    });
    expect(
      resources[0]!.configEntries
        .map(({ configName, configValue, isDefault }) => ({ configName, configValue, isDefault }))
        .sort((a, b) => (a.configName < b.configName ? -1 : 1)),
    ).toEqual([
      { configName: 'cleanup.policy', configValue: 'delete', isDefault: true },
      { configName: 'retention.ms', configValue: '123456', isDefault: false },
    ]);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
    expect((await admin.fetchTopicOffsets(topic)).map(({ low }) => low)).toEqual(['2', '0']);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    expect(topics[0]!.partitions).toHaveLength(4);
    expect(Object.keys(topics[0]!.partitions[0]!).sort()).toEqual([
      'isr',
      'leader',
      'offlineReplicas',
      'partitionErrorCode',
      'partitionId',
      'replicas',
    ]);
    expect((await admin.listGroups()).groups).toContainEqual({
      groupId,
      protocolType: expect.any(String),
    });
    expect(await admin.deleteGroups([groupId])).toMatchObject([{ groupId, errorCode: 0 }]);
    expect((await admin.describeGroups([groupId])).groups[0]).toMatchObject({
      groupId,
      state: 'Dead',
      members: [],
    });
    await admin.disconnect();
  });

  it('says by the same classes what went wrong', async () => {
    const nameOf = (work: Promise<unknown>): Promise<string> =>
      work.then(String, (error: Error) => error.name);
    const topic = await topicWith('errors', 1);
    const admin = kafka().admin();
    await admin.connect();
    const producer = kafka().producer();
    expect(await nameOf(producer.send({ topic, messages: [] }))).toBe('KafkaJSError');
    await producer.connect();
    expect(await nameOf(producer.send({ topic: '', messages: [] }))).toBe(
      'KafkaJSNonRetriableError',
    );
    const created = await admin
      .createTopics({ topics: [{ topic: 'not/allowed' }] })
      .catch((error: theirs.KafkaJSAggregateError) => error);
    expect(created).toMatchObject({
      name: 'KafkaJSAggregateError',
      errors: [{ name: 'KafkaJSCreateTopicError', type: 'INVALID_TOPIC_EXCEPTION', code: 17 }],
    });
    const consumer = consumerOf(topic);
    await started(consumer, [topic], { eachMessage: async () => {} });
    const deleted = await admin
      .deleteGroups([topic])
      .catch((error: theirs.KafkaJSDeleteGroupsError) => error);
    expect(deleted).toMatchObject({
      name: 'KafkaJSDeleteGroupsError',
      groups: [{ groupId: topic, errorCode: 68, error: { type: 'NON_EMPTY_GROUP' } }],
    });
    const offsets = { groupId: topic, topic, partitions: [{ partition: 0, offset: '0' }] };
    expect(await nameOf(admin.setOffsets(offsets))).toBe('KafkaJSNonRetriableError');
    await Promise.all([consumer.disconnect(), producer.disconnect(), admin.disconnect()]);
    const lost = new Kafka({
      brokers: ['127.0.0.1:1'],
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 5, retries: 2 },
    });
    const refused = await lost
      .producer()
      .connect()
      .catch((error: theirs.KafkaJSNumberOfRetriesExceeded) => error);
    expect(refused).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      retryCount: 2,
      cause: { name: 'KafkaJSConnectionError' },
    });
  });
});

describe('a group of both', () => {
  it('shares its partitions while an application moves from one to the other', async () => {
    const { Kafka, logLevel } = theirs;
    const config = { brokers: [broker.bootstrap], logLevel: logLevel.NOTHING, retry: RETRY };
    const clients = [new Kafka(config), new ours.Kafka(config) as unknown as theirs.Kafka];
    const topic = 'mixed';
    const admin = clients[1]!.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 6 }] });
    const shares: (number | undefined)[] = [];
    const seen: string[] = [];
    const consumers = clients.map((client, index) => {
      const consumer = client.consumer({
        groupId: topic,
        maxWaitTimeInMs: 50,
        heartbeatInterval: 100,
      });
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        shares[index] = payload.memberAssignment[topic]?.length;
      });
      return consumer;
    });
    for (const consumer of consumers) {
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message }) => void seen.push(message.value!.toString()),
      });
    }
    await until(() => shares[0] === 3 && shares[1] === 3);
    const producer = clients[0]!.producer();
    await producer.connect();
    const sent = Array.from({ length: 60 }, (_, n) => ({ value: `${n}`, partition: n % 6 }));
    await producer.send({ topic, messages: sent });
    await until(() => seen.length === 60);
    expect(new Set(seen).size).toBe(60);
    // The one with which it began leaves; the other has everything.
    await consumers[0]!.disconnect();
    await until(() => shares[1] === 6);
    await Promise.all([consumers[1]!.disconnect(), producer.disconnect(), admin.disconnect()]);
  });
});
