import { describe, expect, it } from 'vitest';
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import { Cluster } from '../cluster.ts';
import { CodecUnavailable } from '../errors.ts';
import type { ClientHost } from '../host.ts';
import { Producer } from '../producer/producer.ts';
import type { ProducerOptions } from '../producer/producer-options.ts';
import { FakeBroker } from '../testing/fake-broker.ts';
import type { ConsumerOptions } from './consumer-options.ts';
import { Consumer } from './consumer.ts';

/** A broker that holds fetches for long, with two partitions: each value in the first is a batch of its own, the other stays empty. */
async function world(
  values: readonly string[],
  {
    consuming = {},
    producing = {},
    host = {},
  }: {
    readonly consuming?: ConsumerOptions;
    readonly producing?: ProducerOptions;
    readonly host?: Partial<ClientHost>;
  } = {},
) {
  const broker = new FakeBroker();
  broker.createTopic('t', 2);
  const open = (more: Partial<ClientHost> = {}): Cluster =>
    new Cluster({ ...broker.host, ...more }, { bootstrap: [{ host: 'fake', port: 9092 }] });
  const run = <T>(promise: Promise<T>): Promise<T> => broker.clock.runUntil(promise);
  const producer = new Producer(open({ compression: identity }), producing);
  const write = (value: string, partition = 0) =>
    run(producer.send('t', { value: utf8Encode(value), partition }));
  for (const value of values) await write(value);
  const consumer = new Consumer(open(host), { from: 'earliest', maxWaitMs: 5000, ...consuming });
  const next = async (): Promise<string> => {
    const { records } = (await run(consumer.poll()))!;
    for (const record of records) consumer.finished(record);
    return records.map(({ value }) => utf8Decode(value!)).join(' ');
  };
  const places = [0, 1].map((partition) => ({ topic: 't', partition }));
  await run(consumer.assign(places));
  const since = (atMs: number): number => broker.clock.monotonicMs() - atMs;
  return { broker, consumer, next, write, run, since, places };
}

/** Packs nothing: as if the bytes were compressed. */
const identity: ClientHost['compression'] = {
  compress: (_, bytes) => bytes,
  decompress: (_, bytes) => bytes,
};

describe('while a broker holds the fetch of partitions that have nothing new', () => {
  it('one that has gets its next records at once', async () => {
    const { broker, next, since } = await world(['a', 'b', 'c', 'd'], {
      // One batch fills the room of a partition, so it is left out until it is taken.
      consuming: { partitionMaxBytes: 1 },
    });
    expect(await next()).toBe('a');
    const startMs = broker.clock.monotonicMs();
    expect([await next(), await next(), await next()]).toEqual(['b', 'c', 'd']);
    expect(since(startMs)).toBeLessThan(100);
  });

  it('one that was left out does not wait longer for its next than Kafka would', async () => {
    const { broker, next, write, since } = await world(['a', 'b'], {
      consuming: { partitionMaxBytes: 1 },
    });
    expect([await next(), await next()]).toEqual(['a', 'b']);
    const startMs = broker.clock.monotonicMs();
    await write('c');
    expect(await next()).toBe('c');
    expect(since(startMs)).toBeLessThan(1000);
  });

  it('a seek and the end of a pause do not wait either', async () => {
    const { broker, consumer, next, write, run, since, places } = await world(['a']);
    expect(await next()).toBe('a');
    expect(await run(consumer.poll(undefined, { waitMs: 10 }))).toBeUndefined();
    const startMs = broker.clock.monotonicMs();
    consumer.seek(places[0]!, 0);
    expect(await next()).toBe('a');
    expect(since(startMs)).toBeLessThan(100);
    consumer.pause([places[0]!]);
    await broker.clock.advance(6000);
    await write('b');
    const resumedMs = broker.clock.monotonicMs();
    consumer.resume([places[0]!]);
    expect(await next()).toBe('b');
    expect(since(resumedMs)).toBeLessThan(100);
  });

  it('is not asked for what it told that it does not have', async () => {
    const { broker, next } = await world(['a', 'b'], { consuming: { partitionMaxBytes: 1 } });
    expect([await next(), await next()]).toEqual(['a', 'b']);
    const before = broker.askedOf.length;
    await broker.clock.advance(20_000);
    // Four of five seconds each, and those that were under way.
    expect(broker.askedOf.length - before).toBeLessThan(8);
  });
});

describe('a codec that cannot be loaded', () => {
  /** What a page's host does while the network, or the file, is not there. */
  const missing = (failures: number) => {
    let left = failures;
    const prepare = (): Promise<void> =>
      left-- > 0 ? Promise.reject(new Error('404 Not Found')) : Promise.resolve();
    return { host: { compression: { ...identity, prepare } }, heal: () => (left = 0) };
  };
  const producing = { compression: 'zstd' } as const;

  it('is tried again', async () => {
    const { host } = missing(4);
    const { next } = await world(['packed'], { producing, host });
    expect(await next()).toBe('packed');
  });

  it('is told when it lasts, and the consumer goes on as soon as it is there', async () => {
    const { host, heal } = missing(Infinity);
    const { broker, next, since } = await world(['packed'], { producing, host });
    for (const _ of ['once', 'and again']) {
      const startMs = broker.clock.monotonicMs();
      const told = await next().catch((error: unknown) => error);
      expect(told).toBeInstanceOf(CodecUnavailable);
      expect(told).toMatchObject({ retriable: true, cause: { message: '404 Not Found' } });
      expect(String(told)).toMatch(/zstd cannot be loaded: see that it is served.*404 Not Found/);
      expect(since(startMs)).toBeLessThan(15_000);
    }
    heal();
    expect(await next()).toBe('packed');
  });

  it('makes a send fail with the same words', async () => {
    const broker = new FakeBroker();
    broker.createTopic('t', 1);
    const cluster = new Cluster(
      { ...broker.host, ...missing(Infinity).host },
      { bootstrap: [{ host: 'fake', port: 9092 }] },
    );
    const sent = new Producer(cluster, producing).send('t', { value: utf8Encode('a') });
    await expect(broker.clock.runUntil(sent)).rejects.toThrow(CodecUnavailable);
  });
});
