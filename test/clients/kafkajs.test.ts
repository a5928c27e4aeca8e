/** KafkaJS 2.2.4: nothing of what it speaks is flexible, so it covers the classic encodings. */
import {
  AssignerProtocol,
  CompressionTypes,
  Kafka,
  logLevel,
  type Consumer,
  type EachMessagePayload,
} from 'kafkajs';
import { webSocketSocketFactory } from '@odradek/node/kafkajs-socket';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startInProcess, type InProcessBroker } from '../support/in-process-broker.ts';
import { until } from '../support/until.ts';

let broker: InProcessBroker;
let kafka: Kafka;
beforeAll(async () => {
  broker = await startInProcess();
  kafka = clientOf(broker);
});
afterAll(() => broker.dispose());

const RETRY = { initialRetryTime: 50, maxRetryTime: 500, retries: 10 };

const clientOf = ({ bootstrap }: InProcessBroker): Kafka =>
  new Kafka({ clientId: 'test', brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: RETRY });

/** KafkaJS sends its heartbeats on the connection that a waiting fetch holds: it must not wait for long. */
const member = (groupId: string, client = kafka): Consumer =>
  client.consumer({ groupId, sessionTimeout: 6_000, heartbeatInterval: 200, maxWaitTimeInMs: 50 });

const reading = async (
  groupId: string,
  topic: string,
  onMessage: (payload: EachMessagePayload) => void,
  client = kafka,
): Promise<Consumer> => {
  const consumer = member(groupId, client);
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async (payload) => onMessage(payload) });
  return consumer;
};

const createTopic = async (topic: string, numPartitions = 1): Promise<void> => {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions }] });
  await admin.disconnect();
};

/** `count` messages with the values `from`, `from` + 1 ..., dealt out to the partitions. */
const send = async (topic: string, from: number, count: number, partitions = 1): Promise<void> => {
  const producer = kafka.producer();
  await producer.connect();
  const messages = Array.from({ length: count }, (_, n) => ({
    partition: n % partitions,
    value: `${from + n}`,
  }));
  await producer.send({ topic, messages });
  await producer.disconnect();
};

const upTo = (count: number): string[] => Array.from({ length: count }, (_, n) => `${n}`);

describe('KafkaJS', () => {
  it('produces and consumes with keys, headers, tombstones and gzip', async () => {
    const producer = kafka.producer({ idempotent: true });
    await producer.connect();
    await producer.send({
      topic: 'js-pairs',
      compression: CompressionTypes.GZIP,
      messages: [
        { key: 'a', value: '1', headers: { origin: 'kafkajs' } },
        { key: 'a', value: null },
        { key: 'b', value: '' },
      ],
    });
    await producer.disconnect();
    const seen: { key: string | undefined; value: string | null; origin: string | undefined }[] =
      [];
    const consumer = await reading('js-readers', 'js-pairs', ({ message }) => {
      seen.push({
        key: message.key?.toString(),
        value: message.value === null ? null : message.value.toString(),
        origin: message.headers?.origin?.toString(),
      });
    });
    await until(() => seen.length === 3);
    await consumer.disconnect();
    expect(seen).toEqual([
      { key: 'a', value: '1', origin: 'kafkajs' },
      { key: 'a', value: null, origin: undefined },
      { key: 'b', value: '', origin: undefined },
    ]);
  });

  it.each([0, 1, -1])('produces with acks %d', async (acks) => {
    const topic = `js-acks${acks}`;
    await createTopic(topic);
    const producer = kafka.producer();
    await producer.connect();
    const answers = [];
    for (let n = 0; n < 3; n++)
      answers.push(await producer.send({ topic, acks, messages: [{ value: `${n}` }] }));
    // Without acknowledgements there is no answer, and no offset.
    expect(answers.map((it) => it[0]?.baseOffset)).toEqual(
      acks === 0 ? [undefined, undefined, undefined] : ['0', '1', '2'],
    );
    await producer.disconnect();
    const seen: string[] = [];
    const consumer = await reading(
      `${topic}-readers`,
      topic,
      ({ message }) => void seen.push(message.value!.toString()),
    );
    await until(() => seen.length === 3);
    await consumer.disconnect();
    expect(seen).toEqual(upTo(3));
  });

  it('shares partitions among the members of a group, and gives them over when one leaves', async () => {
    const admin = kafka.admin();
    await admin.connect();
    await createTopic('js-shared', 4);
    const byMember: [Set<number>, Set<number>] = [new Set(), new Set()];
    const seen = new Set<string>();
    const joining = (number: 0 | 1) =>
      reading('js-team', 'js-shared', ({ partition, message }) => {
        byMember[number].add(partition);
        seen.add(message.value!.toString());
      });
    const first = await joining(0);
    const second = await joining(1);
    await until(async () => {
      const { groups } = await admin.describeGroups(['js-team']);
      return groups[0]!.state === 'Stable' && groups[0]!.members.length === 2;
    });
    await send('js-shared', 0, 40, 4);
    await until(() => seen.size === 40);
    expect(byMember[0].size).toBe(2);
    expect(byMember[1].size).toBe(2);
    await second.disconnect();
    await send('js-shared', 100, 40, 4);
    await until(() => seen.size === 80);
    expect([...byMember[0]].sort()).toEqual([0, 1, 2, 3]);
    await first.disconnect();
    await admin.disconnect();
  });

  it('loses nothing while a group of three is restarted member by member under load', async () => {
    await createTopic('js-rolling', 6);
    const admin = kafka.admin();
    const producer = kafka.producer({ idempotent: true });
    await Promise.all([admin.connect(), producer.connect()]);
    const seen = new Set<string>();
    const joining = () =>
      reading(
        'js-rolling-team',
        'js-rolling',
        ({ message }) => void seen.add(message.value!.toString()),
      );
    /** Every partition belongs to exactly one of the members. */
    const isShared = async () => {
      const { groups } = await admin.describeGroups(['js-rolling-team']);
      const { state, members } = groups[0]!;
      if (state !== 'Stable' || members.length !== 3) return false;
      const owned = members.map(
        (it) =>
          AssignerProtocol.MemberAssignment.decode(it.memberAssignment)!.assignment['js-rolling'] ??
          [],
      );
      expect(owned.flat().sort()).toEqual([0, 1, 2, 3, 4, 5]);
      expect(owned.map((it) => it.length)).toEqual([2, 2, 2]);
      return true;
    };
    const members = await Promise.all([joining(), joining(), joining()]);
    await until(isShared);
    let sent = 0;
    let isOver = false;
    const load = (async () => {
      while (!isOver) {
        const messages = Array.from({ length: 12 }, (_, n) => ({
          partition: n % 6,
          value: `${sent + n}`,
        }));
        await producer.send({ topic: 'js-rolling', messages });
        sent += messages.length;
      }
    })();
    for (const place of members.keys()) {
      const before = sent;
      await members[place]!.disconnect();
      members[place] = await joining();
      await until(isShared);
      await until(() => sent > before);
    }
    isOver = true;
    await load;
    await until(() => seen.size === sent);
    await Promise.all(members.map((it) => it.disconnect()));
    const [committed] = await admin.fetchOffsets({
      groupId: 'js-rolling-team',
      topics: ['js-rolling'],
    });
    expect(committed!.partitions.reduce((sum, it) => sum + Number(it.offset), 0)).toBe(sent);
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  });

  it('reads batch by batch and goes on behind what it resolved', async () => {
    await send('js-batches', 0, 10);
    await send('js-batches', 10, 10);
    const seen: string[] = [];
    const readUpTo = async (last: string) => {
      const consumer = member('js-batch-readers');
      await consumer.connect();
      await consumer.subscribe({ topic: 'js-batches', fromBeginning: true });
      let isReached = false;
      await consumer.run({
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary, heartbeat }) => {
          expect(batch.highWatermark).toBe('20');
          for (const { offset, value } of batch.messages) {
            if (isReached) return;
            seen.push(value!.toString());
            resolveOffset(offset);
            await heartbeat();
            isReached = value!.toString() === last;
          }
          await commitOffsetsIfNecessary();
        },
      });
      await until(() => isReached);
      await consumer.disconnect();
    };
    await readUpTo('13');
    await readUpTo('19');
    expect(seen).toEqual(upTo(20));
  });

  it('commits by hand, with metadata, and starts again from there', async () => {
    await send('js-manual', 0, 10);
    const seen: string[] = [];
    const consumer = member('js-manual-readers');
    await consumer.connect();
    await consumer.subscribe({ topic: 'js-manual', fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => void seen.push(message.value!.toString()),
    });
    await until(() => seen.length === 10);
    await consumer.commitOffsets([
      { topic: 'js-manual', partition: 0, offset: '4', metadata: 'four' },
    ]);
    await consumer.disconnect();
    const admin = kafka.admin();
    await admin.connect();
    const [committed] = await admin.fetchOffsets({
      groupId: 'js-manual-readers',
      topics: ['js-manual'],
    });
    expect(committed!.partitions).toEqual([{ partition: 0, offset: '4', metadata: 'four' }]);
    await admin.disconnect();
    const again: string[] = [];
    const second = await reading(
      'js-manual-readers',
      'js-manual',
      ({ message }) => void again.push(message.value!.toString()),
    );
    await until(() => again.length === 6);
    await second.disconnect();
    expect(again).toEqual(['4', '5', '6', '7', '8', '9']);
  });

  it('seeks, and reads on past an end that it was sent beyond', async () => {
    await send('js-seek', 0, 10);
    const seen: string[] = [];
    const consumer = await reading(
      'js-seekers',
      'js-seek',
      ({ message }) => void seen.push(message.value!.toString()),
    );
    await until(() => seen.length === 10);
    consumer.seek({ topic: 'js-seek', partition: 0, offset: '7' });
    await until(() => seen.length === 13);
    expect(seen.slice(10)).toEqual(['7', '8', '9']);
    // Out of range: it goes where the group was told to begin.
    consumer.seek({ topic: 'js-seek', partition: 0, offset: '1000' });
    await until(() => seen.length === 23);
    expect(seen.slice(13)).toEqual(upTo(10));
    await consumer.disconnect();
  });

  it('pauses one partition while it reads the other', async () => {
    await createTopic('js-paused', 2);
    const counts = [0, 0];
    const consumer = await reading(
      'js-pausers',
      'js-paused',
      ({ partition }) => void counts[partition]!++,
    );
    await send('js-paused', 0, 20, 2);
    await until(() => counts[0] === 10 && counts[1] === 10);
    consumer.pause([{ topic: 'js-paused', partitions: [0] }]);
    await send('js-paused', 20, 20, 2);
    await until(() => counts[1] === 20);
    await send('js-paused', 40, 2, 2);
    await until(() => counts[1] === 21);
    expect(counts[0]).toBe(10);
    consumer.resume([{ topic: 'js-paused', partitions: [0] }]);
    await until(() => counts[0] === 21);
    await consumer.disconnect();
  });

  it('administers topics, configurations, offsets and groups', async () => {
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({
      topics: [
        {
          topic: 'js-admin',
          numPartitions: 2,
          configEntries: [{ name: 'retention.ms', value: '1000000' }],
        },
      ],
    });
    expect(await admin.listTopics()).toContain('js-admin');
    await admin.createPartitions({ topicPartitions: [{ topic: 'js-admin', count: 3 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: ['js-admin'] });
    expect(topics[0]!.partitions).toHaveLength(3);
    const described = await admin.describeConfigs({
      includeSynonyms: true,
      resources: [{ type: 2, name: 'js-admin', configNames: ['retention.ms'] }],
    });
    expect(described.resources[0]!.configEntries[0]).toMatchObject({
      configName: 'retention.ms',
      configValue: '1000000',
    });
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: 2,
          name: 'js-admin',
          configEntries: [{ name: 'cleanup.policy', value: 'compact' }],
        },
      ],
    });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({
      topic: 'js-admin',
      messages: [
        { partition: 0, key: 'k', value: 'a' },
        { partition: 0, key: 'k', value: 'b' },
      ],
    });
    expect(
      (await admin.fetchTopicOffsets('js-admin')).find((it) => it.partition === 0),
    ).toMatchObject({ high: '2', low: '0' });
    await admin.setOffsets({
      groupId: 'js-admin-group',
      topic: 'js-admin',
      partitions: [{ partition: 0, offset: '1' }],
    });
    const offsets = await admin.fetchOffsets({ groupId: 'js-admin-group', topics: ['js-admin'] });
    expect(offsets[0]!.partitions.find((it) => it.partition === 0)!.offset).toBe('1');
    expect((await admin.listGroups()).groups.map((it) => it.groupId)).toContain('js-admin-group');
    await admin.deleteGroups(['js-admin-group']);
    expect((await admin.listGroups()).groups.map((it) => it.groupId)).not.toContain(
      'js-admin-group',
    );
    await admin.createTopics({ topics: [{ topic: 'js-trimmed', numPartitions: 1 }] });
    await producer.send({ topic: 'js-trimmed', messages: [{ value: 'a' }, { value: 'b' }] });
    // KafkaJS looks for the leader in what it knows: this makes it know the topic.
    await admin.fetchTopicOffsets('js-trimmed');
    await admin.deleteTopicRecords({
      topic: 'js-trimmed',
      partitions: [{ partition: 0, offset: '1' }],
    });
    expect((await admin.fetchTopicOffsets('js-trimmed'))[0]).toMatchObject({ low: '1', high: '2' });
    await admin.deleteTopics({ topics: ['js-trimmed'] });
    expect(await admin.listTopics()).not.toContain('js-trimmed');
    const cluster = await admin.describeCluster();
    expect(cluster).toMatchObject({ clusterId: broker.clusterId, controller: broker.nodeId });
    await expect(
      admin.createAcls({
        acl: [
          {
            resourceType: 2,
            resourceName: '*',
            resourcePatternType: 3,
            principal: 'User:a',
            host: '*',
            operation: 3,
            permissionType: 3,
          },
        ],
      }),
    ).rejects.toMatchObject({ type: 'SECURITY_DISABLED' });
    await producer.disconnect();
    await admin.disconnect();
  });

  it('finds offsets by time', async () => {
    const producer = kafka.producer();
    const admin = kafka.admin();
    await Promise.all([producer.connect(), admin.connect()]);
    const at = (n: number) => `${1_700_000_000_000 + n * 1_000}`;
    await admin.createTopics({ topics: [{ topic: 'js-times' }] });
    await producer.send({
      topic: 'js-times',
      messages: [0, 1, 2, 3].map((n) => ({ timestamp: at(n), value: `${n}` })),
    });
    const offsetAt = async (timestamp: string) =>
      (await admin.fetchTopicOffsetsByTimestamp('js-times', Number(timestamp)))[0]!.offset;
    expect(await offsetAt(at(2))).toBe('2');
    expect(await offsetAt(`${Number(at(2)) + 1}`)).toBe('3');
    // Nothing is so young: KafkaJS then gives the end.
    expect(await offsetAt(at(9))).toBe('4');
    await Promise.all([producer.disconnect(), admin.disconnect()]);
  });

  it('is told at once, and for good, that there are no transactions', async () => {
    await createTopic('js-transactions');
    const producer = kafka.producer({
      transactionalId: 'js-txn',
      maxInFlightRequests: 1,
      idempotent: true,
    });
    const startedMs = performance.now();
    await producer.connect();
    await expect(producer.transaction()).rejects.toMatchObject({
      name: expect.stringMatching(/^KafkaJS/),
      retriable: false,
    });
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    await producer.disconnect();
  });

  it('goes on where it was when the broker comes back on its port and folder', async () => {
    let mortal = await startInProcess();
    const port = mortal.addresses.kafka!.port;
    const client = clientOf(mortal);
    const producer = client.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    await producer.send({ topic: 'js-restarted', messages: [{ value: '0' }] });
    const seen: string[] = [];
    const consumer = await reading(
      'js-restarted',
      'js-restarted',
      ({ message }) => void seen.push(message.value!.toString()),
      client,
    );
    await until(() => seen.length === 1);
    await mortal.stop();
    mortal = await startInProcess({
      dataDirectory: mortal.dataDirectory,
      config: { listeners: `PLAINTEXT://127.0.0.1:${port},WS://127.0.0.1:0` },
    });
    await producer.send({ topic: 'js-restarted', messages: [{ value: '1' }] });
    await until(() => seen.length === 2);
    expect(seen).toEqual(['0', '1']);
    await Promise.all([consumer.disconnect(), producer.disconnect()]);
    await mortal.dispose();
  });
});

describe('KafkaJS over WebSocket', () => {
  it('is told WebSocket addresses, and does all that it does over TCP', async () => {
    const { host, port } = broker.addresses.http!;
    const dialled = new Set<string>();
    const client = new Kafka({
      clientId: 'test',
      brokers: [`${host}:${port}`],
      logLevel: logLevel.NOTHING,
      retry: RETRY,
      socketFactory: webSocketSocketFactory({
        url(name, at) {
          const url = `ws://${name}:${at}/kafka`;
          dialled.add(url);
          return url;
        },
      }),
    });
    const admin = client.admin();
    await admin.connect();
    expect((await admin.describeCluster()).brokers).toEqual([
      { nodeId: broker.nodeId, host, port },
    ]);
    await admin.createTopics({ topics: [{ topic: 'js-socket', numPartitions: 2 }] });
    const producer = client.producer({ idempotent: true });
    await producer.connect();
    // Larger than a frame of the WebSocket is likely to be, and smaller than the smallest.
    const values = ['', 'x', 'y'.repeat(600_000)];
    await producer.send({
      topic: 'js-socket',
      messages: values.map((value) => ({ partition: 0, value })),
    });
    const seen: string[] = [];
    const consumer = await reading(
      'js-socket-readers',
      'js-socket',
      ({ message }) => void seen.push(message.value!.toString()),
      client,
    );
    await until(() => seen.length === 3);
    expect(seen).toEqual(values);
    // Who came by the other door reads the same records.
    const byTcp: string[] = [];
    const other = await reading(
      'js-tcp-readers',
      'js-socket',
      ({ message }) => void byTcp.push(message.value!.toString()),
    );
    await until(() => byTcp.length === 3);
    expect(byTcp).toEqual(values);
    await Promise.all([
      other.disconnect(),
      consumer.disconnect(),
      producer.disconnect(),
      admin.disconnect(),
    ]);
    expect([...dialled]).toEqual([broker.addresses.websocket]);
  });
});
