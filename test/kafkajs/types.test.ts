/** What is typed against KafkaJS goes on to compile: these assignments are checked by the compiler. */
import type * as theirs from 'kafkajs';
import { Kafka, Partitioners, PartitionAssigners, logLevel } from 'odradek/kafkajs';
import type * as ours from 'odradek/kafkajs';
import { describe, expect, it } from 'vitest';

const kafka = new Kafka({ brokers: ['localhost:9092'], logLevel: logLevel.ERROR });

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
    const partitioner: ours.ICustomPartitioner = Partitioners.LegacyPartitioner;
    const theirPartitioner: theirs.ICustomPartitioner = Partitioners.DefaultPartitioner;
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
      partitionAssigners: [PartitionAssigners.roundRobin, assigner],
    };
    expect([taken, sent, each, partitioner, theirPartitioner, consumer]).toHaveLength(6);
  });
});
