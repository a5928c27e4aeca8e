/** Our own producer and consumer. */
import { Cluster, Consumer, Producer } from '@odradek/client';
import { createClientHost } from '@odradek/node';
import type { Sample } from '../record-cases.ts';
import type { RecordClient } from './client.ts';

const open = (bootstrap: string): Cluster => {
  const [host = '', port] = bootstrap.split(':');
  return new Cluster(createClientHost(), { bootstrap: [{ host, port: Number(port) }] });
};
const copied = (bytes: Uint8Array | null): Buffer | null => bytes && Buffer.from(bytes);

export const odradek = (bootstrap: string): RecordClient => ({
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  cannotWrite: [],
  async write(topic, codec, samples) {
    const cluster = open(bootstrap);
    const producer = new Producer(cluster, {
      mayCreateTopics: true,
      ...(codec !== 'none' && { compression: codec }),
    });
    const records = samples.map(({ headers, ...rest }) => ({
      ...rest,
      headers: headers.map(([key, value]) => ({ key, value })),
    }));
    await producer.send(topic, records);
    await producer.close();
    await cluster.close();
  },
  async read(topic, count) {
    const cluster = open(bootstrap);
    const consumer = new Consumer(cluster, { from: 'earliest', maxWaitMs: 50 });
    await consumer.assign([{ topic, partition: 0 }]);
    const samples: (Sample & { timestampMs: number })[] = [];
    while (samples.length < count) {
      const batch = await consumer.poll();
      for (const { key, value, headers, timestampMs } of batch!.records)
        samples.push({
          key: copied(key),
          value: copied(value),
          headers: headers.map((it) => [it.key, copied(it.value)] as const),
          timestampMs,
        });
    }
    await consumer.close();
    await cluster.close();
    return samples;
  },
});
