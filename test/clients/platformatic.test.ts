/** @platformatic/kafka 1.35: all that it speaks is flexible, and topics are named by id where it can. */
import {
  Admin,
  Consumer,
  ListOffsetTimestamps,
  MessagesStreamModes,
  Producer,
  stringDeserializers,
  stringSerializers,
  type MessagesStreamModeValue,
} from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startInProcess, type InProcessBroker } from '../support/in-process-broker.ts';
import { until } from '../support/until.ts';

/** Kafka's numbers, as this client's functions take them. */
const TOPIC = 2;
const BROKER = 4;
const SET = 0;
const DELETE = 1;
const APPEND = 2;
const GROUP = 0;
const TRANSACTION = 1;

let broker: InProcessBroker;
let admin: Admin;
beforeAll(async () => {
  broker = await startInProcess();
  admin = new Admin(common());
});
afterAll(async () => {
  await admin.close();
  await broker.dispose();
});

const common = () => ({
  clientId: 'test',
  bootstrapBrokers: [broker.bootstrap],
  retries: 3,
  retryDelay: 50,
});

const createTopic = (topic: string, partitions = 1) =>
  admin.createTopics({ topics: [topic], partitions, replicas: 1 });

/** `count` values from `from` on, dealt out to the partitions. */
const send = async (topic: string, from: number, count: number, partitions = 1): Promise<void> => {
  const producer = new Producer({
    ...common(),
    serializers: stringSerializers,
    autocreateTopics: true,
  });
  const messages = Array.from({ length: count }, (_, n) => ({
    topic,
    partition: n % partitions,
    value: `${from + n}`,
  }));
  await producer.send({ messages });
  await producer.close();
};

type TextConsumer = Consumer<string, string, string, string>;

const member = (groupId: string, options: { groupInstanceId?: string } = {}): TextConsumer =>
  new Consumer({
    ...common(),
    ...options,
    groupId,
    deserializers: stringDeserializers,
    sessionTimeout: 6_000,
    heartbeatInterval: 200,
    rebalanceTimeout: 6_000,
    maxWaitTime: 50,
  });

/** Reads until `count` values have come. */
const read = async (
  consumer: TextConsumer,
  topic: string,
  count: number,
  mode: MessagesStreamModeValue,
): Promise<string[]> => {
  const stream = await consumer.consume({ topics: [topic], mode, autocommit: true });
  const seen: string[] = [];
  for await (const { value } of stream) {
    seen.push(value);
    if (seen.length === count) break;
  }
  return seen;
};

describe('@platformatic/kafka', () => {
  it.each(['none', 'gzip', 'snappy', 'lz4'] as const)(
    'produces and consumes with %s',
    async (compression) => {
      const topic = `plt-${compression}`;
      const producer = new Producer({
        ...common(),
        serializers: stringSerializers,
        autocreateTopics: true,
      });
      const values = Array.from({ length: 500 }, (_, i) => `value ${i} ${'x'.repeat(i % 50)}`);
      await producer.send({
        messages: values.map((value) => ({
          topic,
          key: 'k',
          value,
          headers: { origin: 'platformatic' },
        })),
        compression,
        idempotent: true,
        acks: -1,
      });
      await producer.close();
      const consumer = member(`plt-group-${compression}`);
      const stream = await consumer.consume({
        topics: [topic],
        mode: MessagesStreamModes.EARLIEST,
        autocommit: true,
      });
      const seen: string[] = [];
      for await (const message of stream) {
        seen.push(message.value);
        expect(message.headers.get('origin')).toBe('platformatic');
        if (seen.length === values.length) break;
      }
      await consumer.close(true);
      expect(seen).toEqual(values);
    },
  );

  it.each([0, 1, -1])('produces with acks %d', async (acks) => {
    const topic = `plt-acks${acks}`;
    await createTopic(topic);
    const producer = new Producer({ ...common(), serializers: stringSerializers });
    for (const value of ['a', 'b', 'c']) {
      const { offsets } = await producer.send({ messages: [{ topic, value }], acks });
      if (acks !== 0)
        expect(offsets![0]).toMatchObject({
          topic,
          partition: 0,
          offset: BigInt('abc'.indexOf(value)),
        });
    }
    await producer.close();
    const consumer = member(`plt-acks-group${acks}`);
    expect(await read(consumer, topic, 3, MessagesStreamModes.EARLIEST)).toEqual(['a', 'b', 'c']);
    await consumer.close(true);
  });

  it('goes on where the group was', async () => {
    await createTopic('plt-queue');
    await send('plt-queue', 0, 10);
    const first = member('plt-queue-group');
    const stream = await first.consume({
      topics: ['plt-queue'],
      mode: MessagesStreamModes.EARLIEST,
      autocommit: false,
    });
    for await (const message of stream) {
      if (message.value === '6') {
        await message.commit();
        break;
      }
    }
    await first.close(true);
    const second = member('plt-queue-group');
    expect(
      await second.listCommittedOffsets({ topics: [{ topic: 'plt-queue', partitions: [0] }] }),
    ).toEqual(new Map([['plt-queue', [7n]]]));
    expect(await read(second, 'plt-queue', 3, MessagesStreamModes.COMMITTED)).toEqual([
      '7',
      '8',
      '9',
    ]);
    await second.close(true);
  });

  it('shares a topic so that each partition has one owner at a time, whoever comes and goes', async () => {
    const partitions = 4;
    await createTopic('plt-shared', partitions);
    const seen = new Set<string>();
    /** Who owned what, by generation. */
    const owners = new Map<number, Map<string, readonly number[]>>();
    const join = async (): Promise<TextConsumer> => {
      const consumer = member('plt-team');
      consumer.on('consumer:group:join', ({ generationId, memberId, assignments }) => {
        const generation = owners.get(generationId!) ?? new Map<string, readonly number[]>();
        generation.set(
          memberId,
          (assignments ?? []).flatMap((it) => it.partitions),
        );
        owners.set(generationId!, generation);
      });
      const stream = await consumer.consume({
        topics: ['plt-shared'],
        mode: MessagesStreamModes.EARLIEST,
        autocommit: true,
      });
      stream.on('data', ({ value }) => seen.add(value));
      return consumer;
    };
    const isShared = async (count: number): Promise<boolean> => {
      const group = (await admin.describeGroups({ groups: ['plt-team'] })).get('plt-team')!;
      if (group.state !== 'STABLE' || group.members.size !== count) return false;
      const owned = [...group.members.values()].map(
        (it) => it.assignments?.get('plt-shared')?.partitions ?? [],
      );
      expect(owned.flat().toSorted()).toEqual([0, 1, 2, 3]);
      return true;
    };
    let sent = 0;
    const load = async (): Promise<void> => {
      await send('plt-shared', sent, 40, partitions);
      sent += 40;
    };
    const first = await join();
    await until(() => isShared(1));
    await load();
    const second = await join();
    const third = await join();
    await until(() => isShared(3));
    await load();
    await until(() => seen.size === sent);
    await second.close(true);
    await until(() => isShared(2));
    await load();
    await until(() => seen.size === sent);
    await first.close(true);
    await until(() => isShared(1));
    await load();
    await until(() => seen.size === sent);
    await third.close(true);
    for (const generation of owners.values()) {
      const owned = [...generation.values()].flat();
      expect(owned.toSorted()).toEqual([...new Set(owned)].toSorted());
    }
    expect(owners.size).toBeGreaterThanOrEqual(4);
  });

  it('keeps its place as a static member', async () => {
    await createTopic('plt-static', 2);
    await send('plt-static', 0, 4, 2);
    const describeGroup = async () =>
      (await admin.describeGroups({ groups: ['plt-static-team'] })).get('plt-static-team')!;
    const first = member('plt-static-team', { groupInstanceId: 'one' });
    expect((await read(first, 'plt-static', 4, MessagesStreamModes.EARLIEST)).toSorted()).toEqual([
      '0',
      '1',
      '2',
      '3',
    ]);
    const [before] = (await describeGroup()).members.values();
    expect(before).toMatchObject({ groupInstanceId: 'one' });
    const generation = first.generationId;
    // Gone without a word, and back under the same name: another member id in the same generation.
    const second = member('plt-static-team', { groupInstanceId: 'one' });
    await second.joinGroup();
    const [after, ...others] = (await describeGroup()).members.values();
    expect(others).toEqual([]);
    expect(after!.groupInstanceId).toBe('one');
    expect(after!.id).not.toBe(before!.id);
    expect(second.generationId).toBe(generation);
    await second.close(true);
    await first.close(true);
  });

  it('finds offsets by name and by time', async () => {
    const producer = new Producer({
      ...common(),
      serializers: stringSerializers,
      autocreateTopics: true,
    });
    const at = (n: number) => 1_700_000_000_000n + BigInt(n) * 1_000n;
    for (const n of [0, 1, 2])
      await producer.send({
        messages: [{ topic: 'plt-offsets', value: `${n}`, timestamp: at(n) }],
      });
    await producer.close();
    const offsetAt = async (timestamp: bigint) => {
      const [topic] = await admin.listOffsets({
        topics: [{ name: 'plt-offsets', partitions: [{ partitionIndex: 0, timestamp }] }],
      });
      return topic!.partitions[0]!.offset;
    };
    expect(await offsetAt(ListOffsetTimestamps.LATEST)).toBe(3n);
    expect(await offsetAt(ListOffsetTimestamps.EARLIEST)).toBe(0n);
    // The record with the largest time.
    expect(await offsetAt(-3n)).toBe(2n);
    expect(await offsetAt(at(1))).toBe(1n);
    expect(await offsetAt(at(1) + 1n)).toBe(2n);
    expect(await offsetAt(at(9))).toBe(-1n);
    const consumer = member('plt-offsets');
    expect(await consumer.getLag({ topics: ['plt-offsets'] })).toEqual(
      new Map([['plt-offsets', [-1n]]]),
    );
    await consumer.close(true);
  });

  it('is told at once that there are no transactions', async () => {
    await createTopic('plt-transactions');
    const producer = new Producer({
      ...common(),
      serializers: stringSerializers,
      transactionalId: 'plt-txn',
      idempotent: true,
    });
    const startedMs = performance.now();
    await expect(producer.beginTransaction()).rejects.toThrow();
    await expect(
      admin.findCoordinator({ keyType: TRANSACTION, keys: ['plt-txn'] }),
    ).rejects.toThrow();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    await producer.close();
  });
});

describe('the admin of @platformatic/kafka', () => {
  it('creates, lists, enlarges and deletes topics', async () => {
    const [created] = await createTopic('plt-admin', 3);
    expect(created).toMatchObject({
      name: 'plt-admin',
      partitions: 3,
      replicas: 1,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    await expect(createTopic('plt-admin')).rejects.toThrow();
    expect(await admin.listTopics()).toContain('plt-admin');
    await admin.createPartitions({
      topics: [{ name: 'plt-admin', count: 5, assignments: null }],
      validateOnly: true,
    });
    await admin.createPartitions({ topics: [{ name: 'plt-admin', count: 4, assignments: null }] });
    const { topics, brokers, controllerId } = await admin.metadata({ topics: ['plt-admin'] });
    expect(topics.get('plt-admin')!.partitionsCount).toBe(4);
    expect([...brokers.values()]).toEqual([
      expect.objectContaining({ host: '127.0.0.1', port: broker.addresses.kafka!.port }),
    ]);
    expect(controllerId).toBe(broker.nodeId);
    await admin.deleteTopics({ topics: ['plt-admin'] });
    expect(await admin.listTopics()).not.toContain('plt-admin');
    expect(await admin.listTopics({ includeInternals: true })).toContain('__consumer_offsets');
  });

  it('describes and changes configurations', async () => {
    await createTopic('plt-config');
    const valueOf = async (
      name: string,
      resource = { resourceType: TOPIC, resourceName: 'plt-config' } as const,
    ) => {
      const [described] = await admin.describeConfigs({
        resources: [{ ...resource, configurationKeys: [name] }],
        includeSynonyms: true,
        includeDocumentation: true,
      });
      expect(described!.configs).toHaveLength(1);
      return described!.configs[0]!;
    };
    await admin.alterConfigs({
      resources: [
        {
          resourceType: TOPIC,
          resourceName: 'plt-config',
          configs: [{ name: 'retention.ms', value: '1000000' }],
        },
      ],
    });
    const retention = await valueOf('retention.ms');
    expect(retention).toMatchObject({
      value: '1000000',
      configSource: 1,
      readOnly: false,
      isSensitive: false,
    });
    expect(retention.synonyms.map((it) => it.name)).toEqual([
      'retention.ms',
      'log.retention.hours',
    ]);
    expect(retention.documentation).not.toBe('');
    const change = (
      configs: Parameters<typeof admin.incrementalAlterConfigs>[0]['resources'][number]['configs'],
    ) =>
      admin.incrementalAlterConfigs({
        resources: [{ resourceType: TOPIC, resourceName: 'plt-config', configs }],
      });
    await change([
      { name: 'cleanup.policy', configOperation: APPEND, value: 'compact' },
      { name: 'segment.ms', configOperation: SET, value: '60000' },
    ]);
    expect((await valueOf('cleanup.policy')).value).toBe('delete,compact');
    expect((await valueOf('segment.ms')).value).toBe('60000');
    await change([{ name: 'retention.ms', configOperation: DELETE }]);
    expect(await valueOf('retention.ms')).toMatchObject({ value: '604800000', configSource: 5 });
    await expect(
      change([{ name: 'retention.ms', configOperation: SET, value: 'soon' }]),
    ).rejects.toThrow();
    await expect(
      change([{ name: 'no.such.key', configOperation: SET, value: '1' }]),
    ).rejects.toThrow();
    const [ofBroker] = await admin.describeConfigs({
      resources: [{ resourceType: BROKER, resourceName: String(broker.nodeId) }],
    });
    expect(ofBroker!.configs.find((it) => it.name === 'num.partitions')).toMatchObject({
      value: '1',
    });
  });

  it('lists, describes and deletes groups, and throws members out', async () => {
    await send('plt-grouped', 0, 3);
    const consumer = member('plt-grouped-team');
    await read(consumer, 'plt-grouped', 3, MessagesStreamModes.EARLIEST);
    expect((await admin.listGroups()).get('plt-grouped-team')).toMatchObject({
      protocolType: 'consumer',
      groupType: 'classic',
    });
    expect((await admin.listGroups({ states: ['DEAD'] })).has('plt-grouped-team')).toBe(false);
    expect([...(await admin.listGroups({ types: ['consumer'] })).keys()]).toEqual([]);
    const group = (
      await admin.describeGroups({
        groups: ['plt-grouped-team'],
        includeAuthorizedOperations: true,
      })
    ).get('plt-grouped-team')!;
    const [described] = group.members.values();
    expect(group).toMatchObject({ state: 'STABLE', protocolType: 'consumer' });
    expect(described).toMatchObject({ clientId: 'test', clientHost: '/127.0.0.1' });
    expect(described!.assignments!.get('plt-grouped')!.partitions).toEqual([0]);
    const [found] = await admin.findCoordinator({ keyType: GROUP, keys: ['plt-grouped-team'] });
    expect(found).toMatchObject({
      key: 'plt-grouped-team',
      nodeId: broker.nodeId,
      port: broker.addresses.kafka!.port,
    });
    await expect(admin.deleteGroups({ groups: ['plt-grouped-team'] })).rejects.toThrow();
    await admin.removeMembersFromConsumerGroup({
      groupId: 'plt-grouped-team',
      members: [{ memberId: described!.id }],
    });
    await consumer.close(true);
    await until(
      async () =>
        (await admin.describeGroups({ groups: ['plt-grouped-team'] })).get('plt-grouped-team')!
          .state === 'EMPTY',
    );
    await admin.deleteGroups({ groups: ['plt-grouped-team'] });
    expect((await admin.listGroups()).has('plt-grouped-team')).toBe(false);
  });

  it("lists, changes and deletes a group's offsets", async () => {
    await createTopic('plt-committed', 2);
    await send('plt-committed', 0, 10, 2);
    const groupId = 'plt-committed-group';
    const committed = async () => {
      const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] });
      return group!.topics.flatMap((it) =>
        it.partitions.map(({ partitionIndex, committedOffset }) => [
          it.name,
          partitionIndex,
          committedOffset,
        ]),
      );
    };
    await admin.alterConsumerGroupOffsets({
      groupId,
      topics: [
        {
          name: 'plt-committed',
          partitionOffsets: [
            { partition: 0, offset: 2n },
            { partition: 1, offset: 4n },
          ],
        },
      ],
    });
    expect(await committed()).toEqual([
      ['plt-committed', 0, 2n],
      ['plt-committed', 1, 4n],
    ]);
    await admin.deleteConsumerGroupOffsets({
      groupId,
      topics: [{ name: 'plt-committed', partitionIndexes: [1] }],
    });
    expect(await committed()).toEqual([['plt-committed', 0, 2n]]);
    const consumer = member(groupId);
    expect(
      await consumer.listCommittedOffsets({
        topics: [{ topic: 'plt-committed', partitions: [0] }],
      }),
    ).toEqual(new Map([['plt-committed', [2n]]]));
    await consumer.close(true);
  });

  it('trims partitions, and looks into the data folder', async () => {
    await createTopic('plt-trimmed');
    await send('plt-trimmed', 0, 10);
    const [trimmed] = await admin.deleteRecords({
      topics: [{ name: 'plt-trimmed', partitions: [{ partition: 0, offset: 4n }] }],
    });
    expect(trimmed).toEqual({
      name: 'plt-trimmed',
      partitions: [{ partition: 0, lowWatermark: 4n }],
    });
    const consumer = member('plt-trimmed-group');
    expect(await read(consumer, 'plt-trimmed', 6, MessagesStreamModes.EARLIEST)).toEqual([
      '4',
      '5',
      '6',
      '7',
      '8',
      '9',
    ]);
    await consumer.close(true);
    const [folders] = await admin.describeLogDirs({
      topics: [{ name: 'plt-trimmed', partitions: [0] }],
    });
    expect(Number(folders!.broker)).toBe(broker.nodeId);
    const [folder] = folders!.results;
    expect(folder!.logDir).toBe(broker.dataDirectory);
    expect(folder!.topics).toEqual([
      {
        name: 'plt-trimmed',
        partitions: [
          {
            partitionIndex: 0,
            partitionSize: expect.any(BigInt),
            offsetLag: 0n,
            isFutureKey: false,
          },
        ],
      },
    ]);
    expect(folder!.topics[0]!.partitions[0]!.partitionSize).toBeGreaterThan(0n);
  });

  it('is told that nobody keeps access lists here', async () => {
    const acl = {
      resourceType: TOPIC,
      resourceName: 'a',
      resourcePatternType: 3,
      principal: 'User:a',
      host: '*',
      operation: 3,
      permissionType: 3,
    } as const;
    await expect(admin.createAcls({ creations: [acl] })).rejects.toThrow();
    await expect(admin.describeAcls({ filter: acl })).rejects.toThrow();
    await expect(admin.deleteAcls({ filters: [acl] })).rejects.toThrow();
  });
});
