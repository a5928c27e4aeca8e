/** What a producer promises: what was sent comes back as it was, where it belongs, in order and once. */
import { describe, expect, it } from 'vitest';
import { Consumer, Producer } from '@odradek/client';
import type { ConsumerRecord, ProducerOptions, ProducerRecord } from '@odradek/client';
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import type { World } from './world.ts';
import { numbered, read, soon, text } from './world.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
/** Partitions of ten, as Java's client finds them. */
const JAVA_PARTITIONS = { '21': 0, foobar: 6, abc: 7, 'a-little-bit-long-string': 2 } as const;

export function producing(world: World): void {
  const sendAll = async (
    topic: string,
    records: readonly ProducerRecord[],
    options: ProducerOptions = {},
  ): Promise<void> => {
    await using producer = new Producer(world.cluster, options);
    await producer.send(topic, records);
  };
  const receive = async (topic: string, count: number, partitions = 1) => {
    await using consumer = new Consumer(world.cluster, { from: 'earliest' });
    await consumer.assign(
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
    );
    const records: ConsumerRecord[] = [];
    while (records.length < count) records.push(...(await consumer.poll(soon()))!.records);
    return records;
  };

  describe('a producer', () => {
    it.each(CODECS)('sends what is read back byte for byte, packed by %s', async (codec) => {
      const topic = await world.newTopic();
      const long = utf8Encode('all work and no play '.repeat(300));
      const records: ProducerRecord[] = [
        { key: utf8Encode('k'), value: utf8Encode('v'), timestampMs: 1_700_000_000_000 },
        { key: null, value: long, timestampMs: 1_700_000_000_001 },
        { key: long, value: utf8Encode('ü€😀'), timestampMs: 1_700_000_000_002 },
      ];
      await sendAll(topic, records, codec === 'none' ? {} : { compression: codec });
      const received = await receive(topic, 3);
      expect(received.map(({ key, value, timestampMs }) => ({ key, value, timestampMs }))).toEqual(
        records,
      );
    });

    it('keeps nothing and null apart: keys, values, tombstones, headers', async () => {
      const topic = await world.newTopic();
      const none = new Uint8Array(0);
      const records: ProducerRecord[] = [
        { key: null, value: null },
        { key: none, value: none },
        { key: utf8Encode('deleted'), value: null },
        {
          value: utf8Encode('v'),
          headers: [
            { key: 'h', value: utf8Encode('1') },
            { key: 'h', value: utf8Encode('2') },
            { key: 'null', value: null },
            { key: '', value: none },
            { key: 'ключ', value: utf8Encode('значение') },
          ],
        },
      ];
      await sendAll(topic, records);
      const received = await receive(topic, records.length);
      expect(
        received.map(({ key, value, headers }) => ({
          key,
          value,
          headers: headers.map((header) => ({ key: header.key, value: header.value })),
        })),
      ).toEqual(
        records.map(({ key = null, value, headers = [] }) => ({
          key,
          value,
          headers: [...headers],
        })),
      );
    });

    it("puts a key where Java's client does, and records without one everywhere", async () => {
      const topic = await world.newTopic(10);
      await using producer = new Producer(world.cluster);
      for (const [key, partition] of Object.entries(JAVA_PARTITIONS)) {
        const sent = await producer.send(topic, { key: utf8Encode(key), value: null });
        expect(`${key}: ${sent.partition}`).toBe(`${key}: ${partition}`);
      }
      const seen = new Set<number>();
      for (let turn = 0; turn < 200 && seen.size < 10; turn += 1)
        seen.add((await producer.send(topic, text('x'))).partition);
      expect(seen.size).toBe(10);
    });

    it.each(['all', 1, 0] as const)(
      'keeps the order of many batches with acks %s',
      async (acks) => {
        const topic = await world.newTopic(2);
        await using producer = new Producer(world.cluster, { acks, batchBytes: 1000 });
        const sent = numbered(1000).map((value, index) =>
          producer.send(topic, { ...text(value), partition: index % 2 }),
        );
        const metadata = await Promise.all(sent);
        if (acks !== 0)
          expect(metadata.map(({ offset }) => offset)).toEqual(
            metadata.map((_, index) => index >> 1),
          );
        const received = await receive(topic, 1000, 2);
        for (const partition of [0, 1])
          expect(
            received
              .filter((each) => each.partition === partition)
              .map(({ value }) => utf8Decode(value!)),
          ).toEqual(numbered(1000).filter((_, index) => index % 2 === partition));
      },
    );

    it('gets more through than fits into its buffer, by waiting for room', async () => {
      const topic = await world.newTopic();
      await using producer = new Producer(world.cluster, {
        bufferMemoryBytes: 4096,
        batchBytes: 1024,
      });
      const sent = numbered(500).map((value) => producer.send(topic, text(value.padEnd(100))));
      expect(producer.bufferedBytes).toBeLessThanOrEqual(4096);
      expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual(
        numbered(500).map(Number),
      );
    });

    it('is told the time at which the broker wrote, where the topic keeps that', async () => {
      const topic = await world.newTopic(1, { 'message.timestamp.type': 'LogAppendTime' });
      const before = Date.now() - 5000;
      await using producer = new Producer(world.cluster);
      const { timestampMs } = await producer.send(topic, { ...text('a'), timestampMs: 1000 });
      expect(timestampMs).toBeGreaterThan(before);
      await using consumer = new Consumer(world.cluster, { from: 'earliest' });
      await consumer.assign([{ topic, partition: 0 }]);
      expect((await consumer.poll(soon()))!.records[0]!.timestampMs).toBe(timestampMs);
    });

    it('flushes what lingers, and sends all that it has taken before it closes', async () => {
      const topic = await world.newTopic();
      const producer = new Producer(world.cluster, { lingerMs: 60_000 });
      const first = producer.send(topic, text('a'));
      await producer.flush();
      expect((await first).offset).toBe(0);
      const second = producer.send(topic, text('b'));
      await producer.close();
      expect((await second).offset).toBe(1);
      await using consumer = new Consumer(world.cluster, { from: 'earliest' });
      await consumer.assign([{ topic, partition: 0 }]);
      expect(await read(consumer, 2)).toEqual(['a', 'b']);
    });
  });
}
