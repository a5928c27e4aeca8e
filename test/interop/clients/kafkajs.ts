/** KafkaJS 2.2.4. Its headers are an object: the same name again is a list. */
import { CompressionCodecs, CompressionTypes, Kafka, logLevel, type IHeaders } from 'kafkajs';
// @ts-expect-error it brings no types
import { compress, uncompress } from 'snappyjs';
import { until } from '../../support/until.ts';
import type { Sample } from '../record-cases.ts';
import type { RecordClient } from './client.ts';

const TYPES = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
} as const;

/** As its documentation has users do it. Bare blocks only: what we and librdkafka write. */
CompressionCodecs[CompressionTypes.Snappy] = () => ({
  compress: async ({ buffer }: { buffer: Buffer }) => Buffer.from(compress(buffer)),
  decompress: async (buffer: Buffer) => uncompress(buffer) as Buffer,
});

export const kafkajs = (bootstrap: string): RecordClient => {
  const kafka = (): Kafka =>
    new Kafka({
      brokers: [bootstrap],
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 50 },
    });
  return {
    codecs: ['none', 'gzip', 'snappy'],
    // It measures a header's value before it looks whether there is one.
    cannotWrite: ['a header without a value'],
    async write(topic, codec, samples) {
      const producer = kafka().producer();
      await producer.connect();
      await producer.send({
        topic,
        compression: TYPES[codec as keyof typeof TYPES],
        messages: samples.map(({ key, value, headers, timestampMs }) => ({
          key,
          value,
          headers: asObject(headers),
          ...(timestampMs !== undefined && { timestamp: String(timestampMs) }),
        })),
      });
      await producer.disconnect();
    },
    async read(topic, count) {
      const consumer = kafka().consumer({ groupId: `kafkajs-${topic}`, maxWaitTimeInMs: 50 });
      const samples: (Sample & { timestampMs: number })[] = [];
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message: { key, value, headers = {}, timestamp } }) => {
          samples.push({
            key,
            value,
            headers: Object.entries(headers).flatMap(([name, said]) =>
              [said].flat().map((it) => [name, (it ?? null) as Buffer | null] as const),
            ),
            timestampMs: Number(timestamp),
          });
        },
      });
      await until(() => samples.length >= count);
      await consumer.disconnect();
      return samples;
    },
  };
};

function asObject(headers: Sample['headers']): IHeaders {
  const object: Record<string, (Buffer | null)[]> = {};
  for (const [name, said] of headers) (object[name] ??= []).push(said);
  return Object.fromEntries(
    Object.entries(object).map(([name, list]) => [name, list.length === 1 ? list[0]! : list]),
  ) as IHeaders;
}
