import { describe, expect, it } from 'vitest';
import { Admin, Cluster, Consumer, Producer } from '@odradek/client';
import { createClientHost } from '@odradek/node';
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import { startInProcess } from '../support/in-process-broker.ts';

const RECORDS = 1_000_000;
const RESTARTS = 20;

async function until(what: string, isTrue: () => boolean, timeoutMs = 30_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`it never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('a producer', () => {
  it('writes a million records once and in order while the broker is restarted twenty times', async () => {
    const first = await startInProcess();
    const { port } = first.addresses.kafka!;
    const cluster = new Cluster(createClientHost(), { bootstrap: [first.addresses.kafka!] });
    await new Admin(cluster).createTopic({ name: 't', partitions: 4 });
    const producer = new Producer(cluster, { bufferMemoryBytes: 4 * 1024 * 1024 });
    let current = first;
    let acknowledged = 0;
    const failures: unknown[] = [];
    let restarts = 0;
    const producing = (async () => {
      const inFlight = new Set<Promise<void>>();
      for (let from = 0; from < RECORDS; from += 1000) {
        const records = Array.from({ length: 1000 }, (_, index) => ({
          value: utf8Encode(`${from + index}`),
          partition: (from + index) % 4,
        }));
        const sent = producer.send('t', records).then(
          () => {
            acknowledged += records.length;
            inFlight.delete(sent);
          },
          (error: unknown) => void failures.push(error),
        );
        inFlight.add(sent);
        if (inFlight.size >= 20) await Promise.race(inFlight);
      }
      await Promise.all(inFlight);
    })();
    for (; restarts < RESTARTS; restarts += 1) {
      const next = ((restarts + 1) * RECORDS) / (RESTARTS + 2);
      await until('some more are there', () => acknowledged >= next || failures.length > 0, 60_000);
      expect(acknowledged).toBeLessThan(RECORDS);
      await current.stop();
      current = await startInProcess({
        dataDirectory: first.dataDirectory,
        config: { listeners: `PLAINTEXT://127.0.0.1:${port}` },
      });
    }
    await producing;
    expect(failures).toEqual([]);
    expect(acknowledged).toBe(RECORDS);
    const consumer = new Consumer(cluster, { from: 'earliest' });
    await consumer.assign([0, 1, 2, 3].map((partition) => ({ topic: 't', partition })));
    const next = [0, 1, 2, 3];
    for (let read = 0; read < RECORDS;) {
      const batch = (await consumer.poll(AbortSignal.timeout(30_000)))!;
      for (const { value, offset, partition } of batch.records) {
        if (utf8Decode(value!) !== `${next[partition]}`)
          throw new Error(
            `${partition}@${offset} is ${utf8Decode(value!)}, not ${next[partition]}`,
          );
        next[partition]! += 4;
      }
      read += batch.records.length;
    }
    expect(next.map((each) => each >= RECORDS)).toEqual([true, true, true, true]);
    expect(await consumer.poll(undefined, { waitMs: 100 })).toBeUndefined();
    await consumer.close();
    await producer.close();
    cluster.close();
    await current.dispose();
  }, 180_000);
});
