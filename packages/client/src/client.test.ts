import { describe, expect, it } from 'vitest';
import { ErrorCode, utf8Decode, utf8Encode } from '@odradek/protocol';
import { Admin } from './admin/admin.ts';
import { Cluster } from './cluster.ts';
import { BrokerError, ClientClosed, NoBrokerReachable, RequestTimedOut } from './errors.ts';
import { Producer } from './producer/producer.ts';
import { readTopic } from './reader.ts';
import type { ReadOptions } from './reader.ts';
import { FakeBroker } from './testing/fake-broker.ts';

function world(topics: Readonly<Record<string, number>> = {}) {
  const broker = new FakeBroker();
  for (const [name, partitions] of Object.entries(topics)) broker.createTopic(name, partitions);
  const cluster = new Cluster(broker.host, { bootstrap: [{ host: 'seed', port: 9092 }] });
  const run = <T>(promise: Promise<T>): Promise<T> => broker.clock.runUntil(promise);
  return { broker, cluster, admin: new Admin(cluster), producer: new Producer(cluster), run };
}

const text = (value: string): { readonly value: Uint8Array } => ({ value: utf8Encode(value) });

async function read(
  cluster: Cluster,
  options: Omit<ReadOptions, 'topic' | 'from'> & Partial<ReadOptions>,
): Promise<readonly string[]> {
  const values: string[] = [];
  for await (const records of readTopic(cluster, {
    topic: 't',
    from: { at: 'earliest' },
    until: { at: 'latest' },
    ...options,
  })) {
    for (const record of records)
      values.push(
        `${record.partition}@${record.offset} ${utf8Decode(record.value ?? new Uint8Array(0))}`,
      );
  }
  return values;
}

describe('a connection', () => {
  it('agrees on versions first, and then speaks the highest that both know', async () => {
    const { broker, cluster, run } = world();
    await run(cluster.metadata({ topics: [] }));
    expect(broker.asked).toEqual(['ApiVersions v3', 'Metadata v12']);
  });

  it('steps down for a broker that knows an older ApiVersions only', async () => {
    const { broker, cluster, run } = world();
    broker.apiVersionsMax = 1;
    await run(cluster.metadata({ topics: [] }));
    expect(broker.asked).toEqual(['ApiVersions v3', 'ApiVersions v1', 'Metadata v12']);
  });

  it('is opened anew after it was lost', async () => {
    const { broker, cluster, run } = world();
    await run(cluster.metadata({ topics: [] }));
    broker.dropConnections();
    await run(cluster.metadata({ topics: [] }));
    expect(broker.asked.filter((name) => name.startsWith('ApiVersions'))).toHaveLength(2);
  });

  it('is given up when an answer does not come in time, and leaves no timer', async () => {
    const { broker, cluster, run } = world();
    broker.silent.add('Metadata');
    const error = await run(cluster.metadata({ topics: [] }).catch((reason: unknown) => reason));
    expect(error).toBeInstanceOf(RequestTimedOut);
    expect(String(error)).toContain('did not answer Metadata within 30000 ms');
    expect(broker.clock.pendingTimers).toBe(0);
  });

  it('tells who waits when the client is closed', async () => {
    const { broker, cluster, run } = world();
    broker.silent.add('Metadata');
    const waiting = cluster.metadata({ topics: [] }).catch((reason: unknown) => reason);
    await broker.clock.advance(1);
    cluster.close();
    expect(await run(waiting)).toBeInstanceOf(ClientClosed);
    await expect(cluster.metadata({ topics: [] })).rejects.toBeInstanceOf(ClientClosed);
    expect(broker.clock.pendingTimers).toBe(0);
  });

  it('names every address that it tried in vain', async () => {
    const { broker, cluster, run } = world();
    broker.isUp = false;
    const error = await run(cluster.metadata({ topics: [] }).catch((reason: unknown) => reason));
    expect(error).toBeInstanceOf(NoBrokerReachable);
    expect(String(error)).toContain('seed:9092 (seed:9092 refused the connection)');
  });
});

describe('an administrator', () => {
  it('creates, lists, describes and deletes topics', async () => {
    const { admin, run } = world();
    await run(admin.createTopic({ name: 'b', partitions: 3 }));
    await run(admin.createTopic({ name: 'a' }));
    expect(
      (await run(admin.listTopics())).map(({ name, partitions }) => [name, partitions.length]),
    ).toEqual([
      ['a', 1],
      ['b', 3],
    ]);
    expect(
      (await run(admin.topicConfig('b'))).filter(({ isOverride }) => isOverride),
    ).toMatchObject([{ name: 'cleanup.policy', value: 'compact', source: 'topic' }]);
    await run(admin.deleteTopic('a'));
    expect((await run(admin.listTopics())).map(({ name }) => name)).toEqual(['b']);
  });

  it('is told at once that a topic exists, or does not', async () => {
    const { admin, broker, run } = world({ t: 1 });
    await expect(run(admin.createTopic({ name: 't' }))).rejects.toThrow(
      /^t: .*\(TOPIC_ALREADY_EXISTS\)$/,
    );
    await expect(run(admin.deleteTopic('none'))).rejects.toThrow(/UNKNOWN_TOPIC_OR_PARTITION/);
    await expect(run(admin.describeTopic('none'))).rejects.toThrow(/UNKNOWN_TOPIC_OR_PARTITION/);
    expect(broker.clock.monotonicMs()).toBeLessThan(1000);
  });

  it('looks for the controller again when it has moved', async () => {
    const { admin, broker, run } = world();
    broker.errors.set('CreateTopics', [ErrorCode.NOT_CONTROLLER]);
    await run(admin.createTopic({ name: 't' }));
    expect(broker.topics.has('t')).toBe(true);
  });
});

describe('a producer', () => {
  it('sends batches in order, each with the next sequence numbers', async () => {
    const { producer, cluster, run } = world({ t: 1 });
    const first = producer.send('t', [text('a'), text('b')]);
    const second = producer.send('t', [text('c')]);
    expect(await run(first)).toEqual([{ partition: 0, baseOffset: 0, recordCount: 2 }]);
    expect(await run(second)).toEqual([{ partition: 0, baseOffset: 2, recordCount: 1 }]);
    expect(await run(read(cluster, {}))).toEqual(['0@0 a', '0@1 b', '0@2 c']);
  });

  it('writes a batch once though the answer was lost', async () => {
    const { broker, producer, cluster, run } = world({ t: 1 });
    broker.lostAnswers.add('Produce');
    expect(await run(producer.send('t', [text('a')]))).toEqual([
      { partition: 0, baseOffset: 0, recordCount: 1 },
    ]);
    expect(broker.asked.filter((name) => name.startsWith('Produce'))).toHaveLength(2);
    expect(await run(read(cluster, {}))).toEqual(['0@0 a']);
  });

  it.each([ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_ENOUGH_REPLICAS])(
    'tries again after error %i',
    async (code) => {
      const { broker, producer, run } = world({ t: 1 });
      broker.errors.set('Produce', [code, code]);
      expect(await run(producer.send('t', [text('a')]))).toEqual([
        { partition: 0, baseOffset: 0, recordCount: 1 },
      ]);
    },
  );

  it('reports what the broker will never take, and goes on with what comes next', async () => {
    const { broker, producer, cluster, run } = world({ t: 1 });
    broker.errors.set('Produce', [ErrorCode.MESSAGE_TOO_LARGE]);
    const error = await run(producer.send('t', [text('huge')]).catch((reason: unknown) => reason));
    expect(error).toBeInstanceOf(BrokerError);
    expect(error).toMatchObject({
      errorName: 'MESSAGE_TOO_LARGE',
      topic: 't',
      partition: 0,
      retriable: false,
    });
    await run(producer.send('t', [text('small')]));
    expect(await run(read(cluster, {}))).toEqual(['0@0 small']);
  });

  it('puts a key where Java puts it, and records without key here and there', async () => {
    const { producer, run } = world({ t: 10 });
    const [keyed] = await run(producer.send('t', [{ key: utf8Encode('foobar'), value: null }]));
    expect(keyed?.partition).toBe((-790332482 & 0x7fffffff) % 10);
    const seen = new Set<number | undefined>();
    for (let i = 0; i < 40; i += 1)
      seen.add((await run(producer.send('t', [text('x'), text('y')])))[0]?.partition);
    expect(seen.size).toBeGreaterThan(5);
  });

  it('creates the topic only when told to', async () => {
    const { producer, cluster, broker, run } = world();
    await expect(run(producer.send('t', [text('a')]))).rejects.toThrow(
      /UNKNOWN_TOPIC_OR_PARTITION/,
    );
    await run(new Producer(cluster, { mayCreateTopics: true }).send('t', [text('a')]));
    expect(broker.topics.get('t')?.[0]?.endOffset).toBe(1);
  });

  it('gives up after its time', async () => {
    const { broker, producer, run } = world({ t: 1 });
    broker.errors.set('Produce', Array<number>(1000).fill(ErrorCode.NOT_ENOUGH_REPLICAS));
    await expect(run(producer.send('t', [text('a')]))).rejects.toThrow(/NOT_ENOUGH_REPLICAS/);
    expect(broker.clock.monotonicMs()).toBeGreaterThan(119_000);
    expect(broker.clock.monotonicMs()).toBeLessThan(122_000);
  });
});

describe('a reader', () => {
  it.each([
    [{ at: 'earliest' }, ['0@0 a', '0@1 b', '0@2 c']],
    [{ at: 'latest' }, []],
    [{ offset: 1 }, ['0@1 b', '0@2 c']],
    [{ offset: -2 }, ['0@1 b', '0@2 c']],
    [{ offset: -10 }, ['0@0 a', '0@1 b', '0@2 c']],
    [{ timestampMs: 2000 }, ['0@2 c']],
    [{ timestampMs: 9000 }, []],
  ] as const)('begins at %j', async (from, expected) => {
    const { producer, cluster, run } = world({ t: 1 });
    await run(
      producer.send('t', [
        { ...text('a'), timestampMs: 1000 },
        { ...text('b'), timestampMs: 1500 },
      ]),
    );
    await run(producer.send('t', [{ ...text('c'), timestampMs: 2000 }]));
    expect(await run(read(cluster, { from }))).toEqual(expected);
  });

  it('reads the partitions that it is told to, and refuses one that is not there', async () => {
    const { producer, cluster, run } = world({ t: 3 });
    await run(
      producer.send('t', [
        { ...text('a'), partition: 0 },
        { ...text('b'), partition: 2 },
      ]),
    );
    expect(await run(read(cluster, { partitions: [2] }))).toEqual(['2@0 b']);
    await expect(run(read(cluster, { partitions: [3] }))).rejects.toThrow(
      /^t-3: .*UNKNOWN_TOPIC_OR_PARTITION/,
    );
  });

  it('goes on through lost connections and moved leaders', async () => {
    const { broker, producer, cluster, run } = world({ t: 1 });
    await run(producer.send('t', [text('a')]));
    broker.lostAnswers.add('Fetch');
    broker.errors.set('Fetch', [ErrorCode.NOT_LEADER_OR_FOLLOWER]);
    expect(await run(read(cluster, {}))).toEqual(['0@0 a']);
  });

  it('follows what is written later until it is told to stop', async () => {
    const { broker, producer, cluster, run } = world({ t: 1 });
    const stop = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const records of readTopic(cluster, {
        topic: 't',
        from: { at: 'earliest' },
        signal: stop.signal,
      })) {
        for (const { offset } of records) seen.push(offset);
        if (seen.length === 2) stop.abort();
      }
    })().catch((reason: unknown) => reason);
    await broker.clock.advance(10);
    await run(producer.send('t', [text('a')]));
    await run(producer.send('t', [text('b')]));
    expect(await run(reading)).toBeInstanceOf(ClientClosed);
    expect(seen).toEqual([0, 1]);
  });

  it('says which offset is not there', async () => {
    const { cluster, run } = world({ t: 1 });
    await expect(run(read(cluster, { from: { offset: 7 }, until: undefined }))).rejects.toThrow(
      't-0: offset 7 is not in the log (OFFSET_OUT_OF_RANGE)',
    );
  });

  it('refuses a damaged batch', async () => {
    const { broker, producer, cluster, run } = world({ t: 1 });
    await run(producer.send('t', [text('a')]));
    const [batch] = broker.topics.get('t')![0]!.batches;
    batch![batch!.length - 2]! ^= 1;
    await expect(run(read(cluster, {}))).rejects.toThrow('the batch at offset 0 is damaged');
  });
});
