/** What is typed against KafkaJS goes on to compile: these assignments are checked by the compiler. */
import type * as theirs from 'kafkajs';
import * as kafkajs from 'kafkajs';
import * as ours from 'odradek/kafkajs';
import { describe, expect, it } from 'vitest';

const kafka = new ours.Kafka({ brokers: ['localhost:9092'], logLevel: ours.logLevel.ERROR });

describe('the module', () => {
  it('has everything that KafkaJS’s has, with the same numbers', () => {
    const taken = ours as unknown as Readonly<Record<string, unknown>>;
    const given = Object.entries(kafkajs).filter(([name]) => name !== 'default');
    expect(given.map(([name]) => name).filter((name) => taken[name] === undefined)).toEqual([]);
    for (const [name, value] of given)
      if (typeof value === 'object' && Object.values(value).every((each) => !Number.isNaN(+each)))
        expect([name, taken[name]]).toEqual([name, value]);
  });

  it('has the errors under their names', () => {
    const classes = Object.entries(ours).filter(([name]) => /^KafkaJS[A-Z]/.test(name));
    const names = classes.map(([name, each]) => {
      const Class = each as new (...values: unknown[]) => Error;
      const place = { topic: 't', partition: 0, partitions: [], retryCount: 0, retryTime: 0 };
      return [name, new Class(name.includes('Records') ? place : new Error('x'), place).name];
    });
    expect(names).toEqual(classes.map(([name]) => [name, name]));
  });

  it('takes plug-ins for compression, and needs none', () => {
    const { CompressionCodecs, CompressionTypes } = ours;
    CompressionCodecs[CompressionTypes.Snappy] = () => ({});
    expect(CompressionCodecs[CompressionTypes.Snappy]).toBeUndefined();
  });
});

describe('types', () => {
  it('give what KafkaJS gives', () => {
    const producer: theirs.Producer = kafka.producer();
    const consumer: theirs.Consumer = kafka.consumer({ groupId: 'readers' });
    const logger: theirs.Logger = kafka.logger();
    const admin: Omit<theirs.Admin, 'createAcls' | 'describeAcls' | 'deleteAcls'> = kafka.admin();
    expect([producer, consumer, logger, admin].every((each) => each !== undefined)).toBe(true);
  });

  it('take what was written for KafkaJS', () => {
    const config: theirs.KafkaConfig = { brokers: ['localhost:9092'], clientId: 'typed' };
    const message: theirs.Message = {
      key: Buffer.from('k'),
      value: 'v',
      headers: { a: ['1', Buffer.from('2')] },
    };
    const eachMessage: theirs.EachMessageHandler = async ({ message: { key, value, headers } }) =>
      void [key?.toString('utf8'), value?.readInt8(0), headers?.a];
    const eachBatch: theirs.EachBatchHandler = async ({ batch, resolveOffset }) =>
      resolveOffset(batch.lastOffset());
    const taken: ours.KafkaConfig = config;
    const sent: ours.Message = message;
    const each: ours.ConsumerRunConfig = { eachMessage, eachBatch };
    const partitioner: ours.ICustomPartitioner = ours.Partitioners.LegacyPartitioner;
    const theirPartitioner: theirs.ICustomPartitioner = ours.Partitioners.DefaultPartitioner;
    const assigner: ours.PartitionAssigner = ({ cluster }) => ({
      name: 'mine',
      version: 1,
      assign: async ({ members }) => [
        { memberId: members[0]!.memberId, memberAssignment: members[0]!.memberMetadata },
      ],
      protocol: () => ({
        name: 'mine',
        metadata: Buffer.from(String(cluster.findTopicPartitionMetadata('t').length)),
      }),
    });
    const consumer: ours.ConsumerConfig = {
      groupId: 'typed',
      partitionAssigners: [ours.PartitionAssigners.roundRobin, assigner],
    };
    expect([taken, sent, each, partitioner, theirPartitioner, consumer]).toHaveLength(6);
  });
});
