/** What the face refuses, and says so by name. */
import { describe, expect, it } from 'vitest';
import { PortableBuffer } from './bytes.ts';
import type { KafkaJSHost } from './host.ts';
import { KafkaFace } from './kafka.ts';
import type { KafkaConfig } from './types.ts';

const host: KafkaJSHost<PortableBuffer> = {
  dial: () => Promise.reject(new Error('not here')),
  clock: {
    wallTimeMs: () => 0,
    monotonicMs: () => 0,
    setTimeout: () => 0,
    clearTimeout: () => {},
  },
  random: { uint32: () => 0, bytes: (length) => new Uint8Array(length) },
  compression: { compress: (_, bytes) => bytes, decompress: (_, bytes) => bytes },
  crc32c: () => 0,
  toBuffer: PortableBuffer.view,
  timestamp: () => '1970-01-01T00:00:00.000Z',
  log: () => {},
};
const kafkaWith = (config: Partial<KafkaConfig> = {}): KafkaFace<PortableBuffer> =>
  new KafkaFace(host, { brokers: ['a:1'], ...config });

describe('the face refuses', () => {
  it.each([
    ['brokers', { brokers: [] }],
    ['ssl', { ssl: true }],
    ['sasl', { sasl: { mechanism: 'plain' } }],
    ['socketFactory', { socketFactory: () => undefined }],
  ])('%s', (name, config: Partial<KafkaConfig>) => {
    expect(() => kafkaWith(config)).toThrow(name);
  });

  it('what a producer cannot be', async () => {
    expect(() => kafkaWith().producer({ transactionalId: 'x' })).toThrow('transactionalId');
    expect(() => kafkaWith().producer({ idempotent: true, retry: { retries: 0 } })).toThrow(
      'retries',
    );
    await expect(kafkaWith().producer().transaction()).rejects.toThrow('transactions');
    const unequal = { acks: 1, topicMessages: [] };
    await expect(kafkaWith().producer({ idempotent: true }).sendBatch(unequal)).rejects.toThrow(
      'idempotent',
    );
  });

  it('what a consumer cannot do', async () => {
    expect(() => kafkaWith().consumer({ groupId: '' })).toThrow('groupId');
    expect(() =>
      kafkaWith().consumer({ groupId: 'g', sessionTimeout: 1000, heartbeatInterval: 1000 }),
    ).toThrow('heartbeatInterval');
    const consumer = kafkaWith().consumer({ groupId: 'g' });
    const place = { topic: 't', partition: 0 };
    expect(() => consumer.seek({ ...place, offset: '1' })).toThrow('consumer#run');
    expect(() => consumer.seek({ ...place, offset: '-3' })).toThrow('negative');
    expect(() => consumer.seek({ ...place, offset: '1.5' })).toThrow('Invalid offset');
    expect(() => consumer.pause([{ topic: 't' }])).toThrow('consumer#run');
    expect(() => consumer.pause([{ topic: '' }])).toThrow('Invalid topic');
    expect(consumer.paused()).toEqual([]);
    await expect(consumer.commitOffsets([{ ...place, offset: '-1' }])).rejects.toThrow('negative');
    await expect(consumer.subscribe({ topics: [''] })).rejects.toThrow('Invalid topic');
  });

  it('what an admin does not offer', async () => {
    const admin = kafkaWith().admin();
    const calls = [
      admin.createAcls({}),
      admin.describeAcls({}),
      admin.deleteAcls({}),
      admin.alterPartitionReassignments({}),
      admin.listPartitionReassignments({}),
    ];
    const names = await Promise.all(
      calls.map((call) => call.catch((error: Error) => error.message)),
    );
    expect(names).toEqual(
      [
        'createAcls',
        'describeAcls',
        'deleteAcls',
        'alterPartitionReassignments',
        'listPartitionReassignments',
      ].map((name) => `${name} is not offered here`),
    );
    await expect(admin.createTopics({ topics: [{ topic: 'a' }, { topic: 'a' }] })).rejects.toThrow(
      'multiple entries',
    );
    await expect(admin.setOffsets({ groupId: '', topic: 't', partitions: [] })).rejects.toThrow(
      'groupId',
    );
  });
});

describe('connecting', () => {
  it('tells that there is nobody, after as many attempts as were allowed', async () => {
    const producer = kafkaWith({ retry: { retries: 0 } }).producer();
    await expect(producer.connect()).rejects.toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      cause: { name: 'KafkaJSConnectionError', cause: { name: 'NoBrokerReachable' } },
    });
    const failing = kafkaWith({ brokers: () => Promise.reject(new Error('no directory')) });
    await expect(failing.admin().connect()).rejects.toThrow('no directory');
  });

  it('is not done again behind the back of who disconnected', async () => {
    const admin = kafkaWith().admin();
    await admin.disconnect();
    await expect(admin.listTopics()).rejects.toThrow('connect()');
  });
});
