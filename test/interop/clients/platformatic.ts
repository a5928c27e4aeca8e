/** @platformatic/kafka 1.35. Its headers are a Map by buffers, which may be the same name twice. */
import { Consumer, MessagesStreamModes, Producer } from '@platformatic/kafka';
import type { Sample } from '../record-cases.ts';
import type { RecordClient } from './client.ts';

export const platformatic = (bootstrap: string): RecordClient => ({
  // zstd comes with Node 22.15.
  codecs: ['none', 'gzip', 'snappy', 'lz4'],
  cannotWrite: [],
  async write(topic, codec, samples) {
    const producer = new Producer({
      clientId: 'interop',
      bootstrapBrokers: [bootstrap],
      autocreateTopics: true,
    });
    const messages = samples.map(({ key, value, headers, timestampMs }) => ({
      topic,
      ...(key !== null && { key }),
      ...(value !== null && { value }),
      headers: new Map(headers.map(([name, said]) => [Buffer.from(name), said as Buffer])),
      ...(timestampMs !== undefined && { timestamp: BigInt(timestampMs) }),
    }));
    await producer.send({ messages, compression: codec as 'gzip' });
    await producer.close();
  },
  async read(topic, count) {
    const consumer = new Consumer({
      clientId: 'interop',
      bootstrapBrokers: [bootstrap],
      groupId: `platformatic-${topic}`,
      maxWaitTime: 50,
    });
    const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST });
    const samples: (Sample & { timestampMs: number })[] = [];
    for await (const { key, value, headers, timestamp } of stream) {
      samples.push({
        key: key ?? null,
        value: value ?? null,
        headers: [...headers].map(([name, said]) => [name.toString(), said ?? null] as const),
        timestampMs: Number(timestamp),
      });
      if (samples.length === count) break;
    }
    await consumer.close(true);
    return samples;
  },
});
