import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { BatchView, ErrorCode, recordsIn, utf8Decode, utf8Encode } from '@odradek/protocol';
import { Cluster } from '../cluster.ts';
import {
  BufferFull,
  ClientClosed,
  DeliveryTimedOut,
  ProducerFenced,
  RecordTooLarge,
} from '../errors.ts';
import { FakeBroker } from '../testing/fake-broker.ts';
import { Producer } from './producer.ts';
import type { ProducerOptions } from './producer-options.ts';

function world(options: ProducerOptions = {}, topics: Readonly<Record<string, number>> = { t: 1 }) {
  const broker = new FakeBroker();
  for (const [name, partitions] of Object.entries(topics)) broker.createTopic(name, partitions);
  const cluster = new Cluster(broker.host, { bootstrap: [{ host: 'seed', port: 9092 }] });
  const run = <T>(promise: Promise<T>): Promise<T> => broker.clock.runUntil(promise);
  return { broker, cluster, producer: new Producer(cluster, options), run };
}

const text = (value: string): { readonly value: Uint8Array } => ({ value: utf8Encode(value) });
const reason = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => error,
  );
const batchesOf = (broker: FakeBroker, partition = 0): readonly BatchView[] =>
  broker.topics.get('t')![partition]!.batches.map((bytes) => new BatchView(bytes));
const valuesOf = (broker: FakeBroker, partition = 0): readonly string[] =>
  batchesOf(broker, partition).flatMap((batch) =>
    [...recordsIn(batch)].map(({ value }) => utf8Decode(value!)),
  );
const produces = (broker: FakeBroker): number =>
  broker.asked.filter((name) => name.startsWith('Produce')).length;

describe('records', () => {
  it('that are sent in one turn share a batch, and each is told its offset', async () => {
    const { broker, producer, run } = world();
    const sent = await run(Promise.all(['a', 'b', 'c'].map((v) => producer.send('t', text(v)))));
    expect(sent.map(({ partition, offset }) => [partition, offset])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
    ]);
    expect(batchesOf(broker)).toHaveLength(1);
  });

  it('wait lingerMs for company, but not longer than a full batch or a flush', async () => {
    const { broker, producer, run } = world({ lingerMs: 100, batchBytes: 200 });
    await run(producer.send('t', text('warm up')));
    const first = producer.send('t', text('a'));
    await broker.clock.advance(60);
    const second = producer.send('t', text('b'));
    await broker.clock.advance(30);
    expect(batchesOf(broker)).toHaveLength(1);
    await broker.clock.advance(20);
    expect(batchesOf(broker)).toHaveLength(2);
    await run(Promise.all([first, second]));
    const full = producer.send('t', { value: new Uint8Array(190) });
    await broker.clock.advance(1);
    expect(batchesOf(broker)).toHaveLength(3);
    const flushed = producer.send('t', text('c'));
    await broker.clock.advance(1);
    expect(batchesOf(broker)).toHaveLength(3);
    void producer.flush();
    await broker.clock.advance(1);
    expect(batchesOf(broker)).toHaveLength(4);
    await Promise.all([full, flushed]);
  });

  it('follow their leader at once, and wait but a moment when it has not heard yet that it leads', async () => {
    const { broker, producer, run } = world();
    broker.tellsLeaders = true;
    broker.nodes.set(2, 'other');
    await run(producer.send('t', text('a')));
    const partition = broker.topics.get('t')![0]!;
    partition.leader = 2;
    partition.epoch += 1;
    broker.hearsLate = 2;
    const metadata = (): number => broker.asked.filter((it) => it.startsWith('Metadata')).length;
    const before = { atMs: broker.clock.monotonicMs(), metadata: metadata() };
    await run(producer.send('t', text('b')));
    // Twice 20 ms, and neither a look for the leader nor a pause that grows.
    expect(broker.clock.monotonicMs() - before.atMs).toBeLessThan(100);
    expect(metadata()).toBe(before.metadata);
    expect(valuesOf(broker)).toEqual(['a', 'b']);
  });

  it('keep their order over lost connections, moved leaders and slow replicas, and are there once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.constantFrom(
            0,
            0,
            ErrorCode.NOT_LEADER_OR_FOLLOWER,
            ErrorCode.NOT_ENOUGH_REPLICAS,
            -100,
            -200,
          ),
          { maxLength: 12 },
        ),
        async (troubles) => {
          const { broker, producer, run } = world({ batchBytes: 40 }, { t: 2 });
          const expected = Array.from({ length: 30 }, (_, index) => `${index}`);
          const sent = expected.map((value, index) =>
            producer.send('t', { ...text(value), partition: index % 2 }),
          );
          for (const trouble of troubles) {
            if (trouble === -100) broker.lostAnswers.add('Produce');
            else if (trouble === -200) broker.dropConnections();
            else broker.errors.set('Produce', [...(broker.errors.get('Produce') ?? []), trouble]);
            await broker.clock.advance(7);
          }
          const metadata = await run(Promise.all(sent));
          expect(valuesOf(broker, 0)).toEqual(expected.filter((_, index) => index % 2 === 0));
          expect(valuesOf(broker, 1)).toEqual(expected.filter((_, index) => index % 2 === 1));
          expect(metadata.map(({ offset }) => offset)).toEqual(
            expected.map((_, index) => index >> 1),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keep their order though the first of all is refused, by a broker that takes any first number', async () => {
    const { broker, producer, run } = world({ batchBytes: 40 });
    broker.takesUnknownSequences = true;
    broker.errors.set('Produce', [ErrorCode.NOT_LEADER_OR_FOLLOWER]);
    const values = ['a', 'b', 'c', 'd', 'e'];
    await run(Promise.all(values.map((value) => producer.send('t', text(value)))));
    expect(valuesOf(broker)).toEqual(values);
    expect(batchesOf(broker).map(({ producerEpoch }) => producerEpoch)).toEqual([0, 0, 0, 0, 0]);
  });

  it('go on under the next epoch when the broker has forgotten the producer', async () => {
    const { broker, producer, run } = world({ batchBytes: 40 });
    await run(producer.send('t', text('a')));
    broker.topics.get('t')![0]!.producers.clear();
    const sent = ['b', 'c', 'd', 'e'].map((value) => producer.send('t', text(value)));
    await run(Promise.all(sent));
    expect(valuesOf(broker)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(
      batchesOf(broker).map(({ producerEpoch, baseSequence }) => [producerEpoch, baseSequence]),
    ).toEqual([
      [0, 0],
      [1, 0],
      [1, 1],
      [1, 2],
      [1, 3],
    ]);
  });

  it('behind one that was given up are written once, under the next epoch', async () => {
    const { broker, producer, run } = world({ batchBytes: 40 });
    await run(producer.send('t', text('a')));
    broker.errors.set('Produce', [ErrorCode.INVALID_RECORD]);
    const results = await run(
      Promise.allSettled(['bad', 'c', 'd'].map((value) => producer.send('t', text(value)))),
    );
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(valuesOf(broker)).toEqual(['a', 'c', 'd']);
    expect(batchesOf(broker).map(({ producerEpoch }) => producerEpoch)).toEqual([0, 1, 1]);
  });

  it('are never written twice when it is not known whether the one before was taken', async () => {
    // The first batch's answers are lost until its time is over; those behind it were written with their own numbers.
    const { broker, producer, run } = world({ batchBytes: 40, deliveryTimeoutMs: 3000 });
    await run(producer.send('t', text('a')));
    broker.lostAnswers.add('Produce');
    const first = reason(producer.send('t', text('b')));
    await broker.clock.advance(10);
    broker.isUp = false;
    broker.dropConnections();
    await broker.clock.advance(1500);
    const later = producer.send('t', text('c'));
    await broker.clock.advance(1600);
    expect(await first).toBeInstanceOf(DeliveryTimedOut);
    broker.isUp = true;
    await run(later);
    expect(valuesOf(broker)).toEqual(['a', 'b', 'c']);
  });

  it('of a batch that is too large for the broker are sent in smaller ones', async () => {
    const { broker, producer, run } = world();
    broker.messageBytesMax = 300;
    const values = Array.from({ length: 20 }, (_, index) => `${index}`.padStart(40, '.'));
    const sent = await run(Promise.all(values.map((value) => producer.send('t', text(value)))));
    expect(sent.map(({ offset }) => offset)).toEqual(values.map((_, index) => index));
    expect(valuesOf(broker)).toEqual(values);
  });

  it('carry headers, nulls and tombstones', async () => {
    const { broker, producer, run } = world();
    await run(
      producer.send('t', [
        { key: utf8Encode('k'), value: null, headers: [{ key: 'h', value: null }] },
        { value: new Uint8Array(0), timestampMs: 77 },
      ]),
    );
    const [first, second] = batchesOf(broker).flatMap((batch) => [...recordsIn(batch)]);
    expect(first).toMatchObject({ value: null, headers: [{ key: 'h', value: null }] });
    expect(second).toMatchObject({
      key: null,
      value: new Uint8Array(0),
      timestampMs: 77,
      headers: [],
    });
  });
});

describe('a producer', () => {
  it('has five requests under way, no more, and fills batches meanwhile', async () => {
    const { broker, producer, run } = world({ batchBytes: 40 });
    await run(producer.send('t', text('warm up')));
    broker.silent.add('Produce');
    const before = produces(broker);
    const sent = Array.from({ length: 20 }, (_, index) =>
      reason(producer.send('t', text(`${index}`))),
    );
    await broker.clock.advance(10);
    expect(produces(broker) - before).toBe(5);
    broker.silent.clear();
    expect(await run(Promise.all(sent))).toEqual(Array(20).fill('resolved'));
    expect(valuesOf(broker).slice(1)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
  });

  it('lets send wait for room, and says so when there is none in time', async () => {
    const { broker, producer, run } = world({ bufferMemoryBytes: 1000, maxBlockMs: 500 });
    await run(producer.send('t', text('warm up')));
    broker.silent.add('Produce');
    const sent = Array.from({ length: 3 }, () =>
      reason(producer.send('t', { value: new Uint8Array(400) })),
    );
    await broker.clock.advance(600);
    expect(producer.bufferedBytes).toBeLessThanOrEqual(1000);
    expect(await sent[2]).toBeInstanceOf(BufferFull);
    expect(String(await sent[2])).toContain('no room within 500 ms');
    broker.silent.clear();
    expect(await run(Promise.all(sent.slice(0, 2)))).toEqual(['resolved', 'resolved']);
    expect(await run(reason(producer.send('t', { value: new Uint8Array(400) })))).toBe('resolved');
    expect(producer.bufferedBytes).toBe(0);
  });

  it('refuses a record that no request can hold, at once', async () => {
    const { producer, run } = world();
    const error = await run(reason(producer.send('t', { value: new Uint8Array(2_000_000) })));
    expect(error).toBeInstanceOf(RecordTooLarge);
    expect(String(error)).toContain('larger than requestBytesMax');
  });

  it('tells within its time that no broker can be reached, and leaves no timer', async () => {
    const { broker, producer, run } = world({ maxBlockMs: 2000 });
    broker.isUp = false;
    const started = broker.clock.monotonicMs();
    expect(String(await run(reason(producer.send('t', text('a')))))).toContain(
      'no broker can be reached',
    );
    expect(broker.clock.monotonicMs() - started).toBeLessThan(2500);
    await run(producer.close());
    expect(broker.clock.pendingTimers).toBe(0);
  });

  it('gives up what is on the wire when its time is over', async () => {
    const { broker, producer, run } = world({ deliveryTimeoutMs: 2000 });
    await run(producer.send('t', text('warm up')));
    broker.silent.add('Produce');
    const started = broker.clock.monotonicMs();
    expect(await run(reason(producer.send('t', text('a'))))).toBeInstanceOf(DeliveryTimedOut);
    expect(broker.clock.monotonicMs() - started).toBeLessThan(2200);
  });

  it('gives up each of several on the wire in its own time', async () => {
    const { broker, producer, run } = world({ deliveryTimeoutMs: 2000, batchBytes: 40 });
    await run(producer.send('t', text('warm up')));
    broker.silent.add('Produce');
    const started = broker.clock.monotonicMs();
    const ended = [0, 0];
    for (const index of [0, 1]) {
      void producer.send('t', text('a')).catch(() => {
        ended[index] = broker.clock.monotonicMs() - started;
      });
      await broker.clock.advance(500);
    }
    await broker.clock.advance(2000);
    expect(ended.map((it) => Math.round(it / 100))).toEqual([20, 25]);
  });

  it('is done for when it is fenced', async () => {
    const { broker, producer, run } = world({ batchBytes: 40 });
    broker.errors.set('Produce', [ErrorCode.PRODUCER_FENCED]);
    const results = await run(
      Promise.all(['a', 'b'].map((v) => reason(producer.send('t', text(v))))),
    );
    expect(results[0]).toBeInstanceOf(ProducerFenced);
    expect(await reason(producer.send('t', text('c')))).toBeInstanceOf(ProducerFenced);
    expect(producer.status.getSnapshot().value).toBe('fenced');
  });

  it('asks again for an identity that it did not get', async () => {
    const { broker, producer, run } = world();
    broker.errors.set('InitProducerId', [
      ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
      ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ]);
    expect(await run(producer.send('t', text('a')))).toMatchObject({ offset: 0 });
  });

  it('takes another identity when the broker refuses its epoch', async () => {
    const { broker, producer, run } = world();
    await run(producer.send('t', text('a')));
    broker.errors.set('Produce', [ErrorCode.INVALID_PRODUCER_EPOCH]);
    await run(producer.send('t', text('b')));
    const [first, second] = batchesOf(broker);
    expect(second!.producerId).not.toBe(first!.producerId);
    expect(second!.baseSequence).toBe(0);
  });

  it('sends without identity when one replica is enough, one batch at a time', async () => {
    const { broker, producer, run } = world({ acks: 1, batchBytes: 40 });
    broker.errors.set('Produce', [0, ErrorCode.NOT_LEADER_OR_FOLLOWER]);
    await run(Promise.all(['a', 'b', 'c'].map((v) => producer.send('t', text(v)))));
    expect(valuesOf(broker)).toEqual(['a', 'b', 'c']);
    expect(broker.asked.some((name) => name.startsWith('InitProducerId'))).toBe(false);
    expect(batchesOf(broker)[0]!.producerId).toBe(-1);
    expect(() => world({ acks: 1, idempotent: true })).toThrow(RangeError);
  });

  it('waits for nobody with acks 0', async () => {
    const { broker, producer, run } = world({ acks: 0 });
    expect(await run(producer.send('t', text('a')))).toMatchObject({ offset: -1 });
    expect(await run(producer.send('t', text('b')))).toMatchObject({ offset: -1 });
    await broker.clock.advance(1);
    expect(valuesOf(broker)).toEqual(['a', 'b']);
  });

  it('asks its own partitioner first', async () => {
    const { producer, run } = world(
      { partitioner: ({ key, partitionCount }) => (key === null ? partitionCount - 1 : undefined) },
      { t: 3 },
    );
    expect(await run(producer.send('t', text('a')))).toMatchObject({ partition: 2 });
  });

  it('says which partitions there are when another one is asked for', async () => {
    const { producer, run } = world();
    expect(String(await run(reason(producer.send('t', { ...text('a'), partition: 9 }))))).toContain(
      'the topic has partitions 0 to 0',
    );
  });

  it('sends what it has taken before it closes, and takes nothing afterwards', async () => {
    const { broker, producer, run } = world({ lingerMs: 5000 });
    const sent = producer.send('t', text('a'));
    await run(producer.close());
    expect(await sent).toMatchObject({ offset: 0 });
    expect(valuesOf(broker)).toEqual(['a']);
    expect(await reason(producer.send('t', text('b')))).toBeInstanceOf(ClientClosed);
    expect(broker.clock.pendingTimers).toBe(0);
  });

  it('tells everybody when the client is closed under it', async () => {
    const { broker, cluster, producer, run } = world();
    await run(producer.send('t', text('warm up')));
    broker.silent.add('Produce');
    const sent = reason(producer.send('t', text('a')));
    await broker.clock.advance(5);
    cluster.close();
    expect(await run(sent)).toBeInstanceOf(ClientClosed);
    expect(broker.clock.pendingTimers).toBe(0);
  });
});
