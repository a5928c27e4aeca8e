/** What clients may do to a connection, to one another and to the broker's memory: through a whole broker, over the loopback. */
import {
  ErrorCode,
  buildBatch,
  correlationIdOf,
  crc32cJs,
  encodeRequest,
  utf8Encode,
  type Message,
} from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import type { Broker } from '../broker.ts';
import { api } from '../testing/api.ts';
import { collectingLogger } from '../testing/collecting-logger.ts';
import { ManualClock } from '@odradek/ports/testing';
import { batchOf } from '../testing/records.ts';
import { createTopic, fetchFrom, joinGroup, produce } from '../testing/stories.ts';
import {
  join,
  seededRandom,
  startTestBroker,
  testClock,
  type TestClient,
} from '../testing/test-broker.ts';
import { settle, until } from '../testing/turns.ts';

const WORDS = 'words-0/';

const gauge = (broker: Broker, name: string): number => {
  const family = broker.metrics().find((it) => it.name === name);
  if (family === undefined || family.type === 'histogram') throw new Error(`no gauge ${name}`);
  return family.samples.reduce((sum, it) => sum + it.value, 0);
};

const underWay = (broker: Broker) => ({
  requests: gauge(broker, 'kafka_requests_in_flight'),
  bytes: gauge(broker, 'kafka_requests_in_flight_bytes'),
  waiting: gauge(broker, 'kafka_requests_waiting'),
  unsent: gauge(broker, 'kafka_answers_unsent_bytes'),
  connections: gauge(broker, 'kafka_connections'),
});
const NOTHING = { requests: 0, bytes: 0, waiting: 0, unsent: 0, connections: 0 };

/** A produce with acks=0, which has no answer to wait for. */
const produceUnanswered = (client: TestClient, topic: string, value: string): void => {
  const request = api.produce.request as unknown as Message<unknown, unknown>;
  const body = {
    transactionalId: null,
    acks: 0,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records: batchOf([value]) }] }],
  };
  client.sendBytes(join(encodeRequest(request, 9, { correlationId: 9_999, clientId: 'x' }, body)));
};

describe('the answers of a connection', () => {
  it('go out in the order of the requests, though a later one was ready long before', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    const polled = fetchFrom(client, 'words', 0, { maxWaitMs: 600_000 });
    const asked = client.request(api.metadata, 12, { topics: null });
    await settle();
    expect(client.answers).toHaveLength(1);
    await produce(connect(), 'words', ['a']);
    await Promise.all([polled, asked]);
    expect(client.answers.map(correlationIdOf)).toEqual([1, 2, 3]);
    await stop();
  });

  it('that were ready before a produce with acks=0 failed still reach the client; then it is closed', async () => {
    const logger = collectingLogger();
    const { connect, stop } = await startTestBroker({ logger });
    const client = connect();
    await createTopic(client, 'words');
    client.stall(true);
    const before = client.request(api.metadata, 12, { topics: null });
    produceUnanswered(client, 'none', 'a');
    const behind = client
      .request(api.metadata, 12, { topics: null })
      .catch((error: Error) => error.message);
    expect((await before).topics).toHaveLength(1);
    expect(await behind).toBe('the broker closed the connection');
    expect(logger.lines).toContain('info: connection is closed: a produce with acks=0 failed');
    await stop();
  });

  it('do not come at all for a produce with acks=0 that goes well', async () => {
    const { connect, stop } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    produceUnanswered(client, 'words', 'a');
    produceUnanswered(client, 'words', 'b');
    expect(
      (await fetchFrom(connect(), 'words', 0, { maxWaitMs: 600_000, minBytes: 100 })).values,
    ).toEqual(['a', 'b']);
    expect(client.answers).toHaveLength(1);
    expect(client.isClosed).toBe(false);
    await stop();
  });
});

describe('a busy connection', () => {
  it('is not read from while it has too many requests under way, and goes on in order', async () => {
    const { connect, stop, disk } = await startTestBroker({
      config: { 'odradek.connection.max.in.flight.requests': '2' },
    });
    const client = connect();
    await createTopic(client, 'words');
    const release = disk.hold('sync', WORDS);
    const produced = ['a', 'b', 'c', 'd', 'e'].map((it) => produce(client, 'words', [it]));
    await settle();
    expect(client.isPaused).toBe(true);
    release();
    expect((await Promise.all(produced)).map((it) => it.baseOffset)).toEqual([0, 1, 2, 3, 4]);
    expect(client.isPaused).toBe(false);
    await stop();
  });

  it('gets along with many requests in one chunk of the network', async () => {
    const { connect, stop, broker } = await startTestBroker({
      config: { 'odradek.connection.max.in.flight.requests': '3' },
    });
    const client = connect();
    await createTopic(client, 'words');
    const request = api.produce.request as unknown as Message<unknown, unknown>;
    const frames = Array.from({ length: 500 }, (_, i) => {
      const body = {
        transactionalId: null,
        acks: i % 3 === 0 ? 0 : 1,
        timeoutMs: 1000,
        topicData: [{ name: 'words', partitionData: [{ index: 0, records: batchOf([`v${i}`]) }] }],
      };
      return join(encodeRequest(request, 9, { correlationId: 10_000 + i, clientId: 'x' }, body));
    });
    const sizeBytes = Array.from({ length: 500 }, (_, i) => batchOf([`v${i}`]).byteLength).reduce(
      (sum, it) => sum + it,
    );
    client.sendBytes(join(frames));
    const { values } = await fetchFrom(connect(), 'words', 0, {
      maxWaitMs: 600_000,
      minBytes: sizeBytes,
    });
    expect(values).toEqual(Array.from({ length: 500 }, (_, i) => `v${i}`));
    await settle();
    const ids = client.answers.slice(1).map((it) => correlationIdOf(it) - 10_000);
    expect(ids).toEqual(Array.from({ length: 500 }, (_, i) => i).filter((i) => i % 3 !== 0));
    client.close();
    await settle();
    expect(underWay(broker)).toMatchObject({ requests: 0, bytes: 0 });
    await stop();
  });

  it('waits when all connections together do too much, and is called when there is room', async () => {
    const { connect, stop, disk } = await startTestBroker({
      config: { 'queued.max.requests': '2' },
    });
    await createTopic(connect(), 'words');
    const release = disk.hold('sync', WORDS);
    const writers = Array.from({ length: 6 }, () => connect());
    const produced = writers.map((it) => produce(it, 'words', ['a']));
    await settle();
    expect(writers.map((it) => it.isPaused)).toEqual([false, false, true, true, true, true]);
    release();
    expect((await Promise.all(produced)).every((it) => it.errorCode === ErrorCode.NONE)).toBe(true);
    expect(writers.some((it) => it.isPaused)).toBe(false);
    await stop();
  });

  it('that waits for room does not stop the others when it goes', async () => {
    const { connect, stop, disk, broker } = await startTestBroker({
      config: { 'queued.max.requests': '1' },
    });
    await createTopic(connect(), 'words');
    const release = disk.hold('sync', WORDS);
    const [first, second, third] = [connect(), connect(), connect()];
    const kept = produce(first!, 'words', ['a']);
    const lost = produce(second!, 'words', ['b']).catch(() => 'gone');
    const last = produce(third!, 'words', ['c']);
    await settle();
    expect(gauge(broker, 'kafka_connections_waiting')).toBe(2);
    second!.close();
    await settle();
    expect(gauge(broker, 'kafka_connections_waiting')).toBe(1);
    release();
    expect([(await kept).errorCode, await lost, (await last).errorCode]).toEqual([0, 'gone', 0]);
    for (const client of [first!, third!]) client.close();
    await settle();
    expect(underWay(broker)).toMatchObject({ requests: 0, bytes: 0, waiting: 0 });
    await stop();
  });
});

describe('those who only wait', () => {
  it('for records or for their group do not keep anybody else from being served', async () => {
    const { connect, stop, broker } = await startTestBroker({
      config: {
        'queued.max.requests': '3',
        'offsets.topic.num.partitions': '1',
        'group.initial.rebalance.delay.ms': '300000',
      },
    });
    const writer = connect();
    await createTopic(writer, 'words');
    const readers = Array.from({ length: 20 }, () => connect());
    const polled = readers.map((it) => fetchFrom(it, 'words', 0, { maxWaitMs: 600_000 }));
    const members = Array.from({ length: 5 }, () => connect());
    const joining = members.map((it) => joinGroup(it, 'readers').catch(() => 'gone'));
    await until(() => gauge(broker, 'kafka_requests_waiting') === 25);
    expect(underWay(broker)).toMatchObject({ requests: 0, waiting: 25 });
    expect((await produce(writer, 'words', ['a'])).errorCode).toBe(ErrorCode.NONE);
    expect((await Promise.all(polled)).every((it) => it.values[0] === 'a')).toBe(true);
    for (const it of members) it.close();
    await Promise.all(joining);
    await settle();
    expect(underWay(broker)).toMatchObject({ requests: 0, waiting: 0, bytes: 0 });
    await stop();
  });
});

describe('a client that takes no answers', () => {
  it('with long work in one packet lets the others have their turns in between', async () => {
    let workedMs = 0;
    const test = await startTestBroker({
      clock: { ...testClock(), monotonicMs: () => workedMs },
      compression: {
        compress: (_, bytes) => bytes,
        decompress(_, bytes) {
          workedMs += 15;
          return bytes;
        },
      },
    });
    const client = test.connect();
    const other = test.connect();
    await createTopic(client, 'words');
    const packed = (value: string): Uint8Array =>
      buildBatch({
        records: [{ timestampMs: 0, value: utf8Encode(value) }],
        compress: { codec: 'gzip', compress: (_, bytes) => bytes },
        crc32c: crc32cJs,
      });
    const request = api.produce.request as unknown as Message<unknown, unknown>;
    const frames = ['a', 'b', 'c', 'd', 'e'].flatMap((value, n) =>
      encodeRequest(
        request,
        9,
        { correlationId: 100 + n, clientId: 'x' },
        {
          transactionalId: null,
          acks: -1,
          timeoutMs: 1000,
          topicData: [{ name: 'words', partitionData: [{ index: 0, records: packed(value) }] }],
        },
      ),
    );
    client.sendBytes(join(frames));
    expect(workedMs).toBe(30);
    await other.request(api.metadata, 12, { topics: null });
    expect(workedMs).toBeLessThan(75);
    await until(() => client.answers.length === 6);
    expect(client.answers.slice(1).map(correlationIdOf)).toEqual([100, 101, 102, 103, 104]);
    await test.stop();
  });

  it('costs what it was sent, until it leaves', async () => {
    const { connect, stop, broker } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    await produce(client, 'words', ['x'.repeat(100_000)]);
    const slow = connect();
    slow.stall(true);
    const polled = fetchFrom(slow, 'words', 0).catch(() => 'gone');
    await until(() => gauge(broker, 'kafka_answers_unsent_bytes') > 100_000);
    const other = connect();
    other.stall(true);
    const taken = fetchFrom(other, 'words', 0);
    await until(() => gauge(broker, 'kafka_answers_unsent_bytes') > 200_000);
    other.stall(false);
    expect((await taken).values).toHaveLength(1);
    slow.close(new Error('reset'));
    expect(await polled).toBe('gone');
    await settle();
    expect(gauge(broker, 'kafka_answers_unsent_bytes')).toBe(0);
    await stop();
  });
});

describe('a client that leaves', () => {
  it('ends what waits for it, also while the disk is read for it', async () => {
    const { connect, stop, disk, broker } = await startTestBroker();
    const client = connect();
    await createTopic(client, 'words');
    await produce(client, 'words', ['a']);
    const restarted = { connect, stop, disk, broker };
    const waiting = connect();
    const polled = fetchFrom(waiting, 'words', 1, { maxWaitMs: 600_000 }).catch(() => 'gone');
    await settle();
    expect(gauge(restarted.broker, 'kafka_requests_waiting')).toBe(1);
    waiting.close();
    expect(await polled).toBe('gone');
    await settle();
    expect(gauge(restarted.broker, 'kafka_requests_waiting')).toBe(0);
    await stop();
  });

  it('while its fetch is read from the disk does not leave a long poll behind', async () => {
    const clock = new ManualClock();
    const before = await startTestBroker({ clock });
    await createTopic(before.connect(), 'words');
    await produce(before.connect(), 'words', ['a']);
    // Read anew, nothing is in memory.
    const { connect, stop, disk, broker } = await before.restart();
    await settle();
    const timers = clock.pendingTimers;
    const release = disk.hold('read', WORDS);
    const client = connect();
    const polled = fetchFrom(client, 'words', 0, { maxWaitMs: 600_000, minBytes: 10_000 }).catch(
      () => 'gone',
    );
    await settle();
    client.close();
    release();
    expect(await polled).toBe('gone');
    await settle();
    expect(clock.pendingTimers).toBe(timers);
    expect(underWay(broker)).toEqual(NOTHING);
    await stop();
  });
});

describe('the number of connections', () => {
  it('is bounded over all and by address, and the bound may change while the broker runs', async () => {
    const { connect, stop } = await startTestBroker({ config: { 'max.connections': '3' } });
    const clients = [connect('PLAINTEXT', '10.0.0.1'), connect('WS', '10.0.0.1'), connect()];
    expect(connect().isClosed).toBe(true);
    clients[0]!.close();
    await settle();
    const admin = connect();
    const alter = async (name: string, value: string) => {
      const { responses } = await admin.request(api.incrementalAlterConfigs, 1, {
        validateOnly: false,
        resources: [
          { resourceType: 4, resourceName: '', configs: [{ name, configOperation: 0, value }] },
        ],
      });
      expect(responses[0]).toMatchObject({ errorCode: ErrorCode.NONE, errorMessage: null });
    };
    await alter('max.connections', '10');
    await alter('max.connections.per.ip', '2');
    const more = Array.from({ length: 4 }, () => connect('PLAINTEXT', '10.0.0.1'));
    expect(more.map((it) => it.isClosed)).toEqual([false, true, true, true]);
    await stop();
  });
});

describe('an idle connection', () => {
  it('is closed after its time, and one that waits for an answer is not', async () => {
    const clock = new ManualClock();
    const { connect, stop } = await startTestBroker({
      clock,
      config: { 'connections.max.idle.ms': '60000' },
    });
    const idle = connect();
    const polling = connect();
    await createTopic(idle, 'words');
    const polled = fetchFrom(polling, 'words', 0, { maxWaitMs: 500_000 });
    await settle();
    clock.advance(59_000);
    await settle();
    expect(idle.isClosed).toBe(false);
    clock.advance(60_000);
    await settle();
    expect([idle.isClosed, polling.isClosed]).toEqual([true, false]);
    clock.advance(400_000);
    expect((await polled).values).toEqual([]);
    // Its answer was an activity, too.
    clock.advance(50_000);
    await settle();
    expect(polling.isClosed).toBe(false);
    await stop();
  });
});

describe('everything that is taken', () => {
  it('is given back, whatever clients, disks and the broker did', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = seededRandom(seed);
      const one = (n: number): number => random.uint32() % n;
      const { connect, stop, disk, broker } = await startTestBroker({
        seed,
        config: {
          'queued.max.requests': String(1 + one(6)),
          'odradek.connection.max.in.flight.requests': String(1 + one(4)),
          'offsets.topic.num.partitions': '1',
        },
      });
      await createTopic(connect(), 'words');
      let clients = Array.from({ length: 6 }, () => connect());
      let release: (() => void) | undefined;
      const ignore = (it: Promise<unknown>): void => void it.catch(() => {});
      for (let step = 0; step < 120; step++) {
        const client = clients[one(clients.length)]!;
        switch (one(14)) {
          case 0:
          case 1:
            ignore(
              produce(client, 'words', ['a'.repeat(one(3000))], { acks: one(2) === 0 ? 1 : -1 }),
            );
            break;
          case 2:
            produceUnanswered(client, one(4) === 0 ? 'none' : 'words', 'zero');
            break;
          case 3:
          case 4:
            ignore(
              fetchFrom(client, 'words', one(20), {
                maxWaitMs: one(2) * 600_000,
                minBytes: one(9000),
              }),
            );
            break;
          case 5:
            ignore(client.request(api.metadata, 12, { topics: null }));
            break;
          case 6:
            ignore(joinGroup(client, `group-${one(3)}`));
            break;
          case 7:
            client.close(one(2) === 0 ? new Error('reset') : undefined);
            break;
          case 8:
            client.stall(one(2) === 0);
            break;
          case 9:
            client.sendBytes(random.bytes(1 + one(60)));
            break;
          case 10:
            release ??= disk.hold('sync', WORDS);
            break;
          case 11:
            release?.();
            release = undefined;
            break;
          case 12:
            await settle(one(3));
            break;
          default:
            clients = clients.map((it) => (it.isClosed ? connect() : it));
        }
      }
      if (seed % 3 === 0) disk.failNext('sync', 'failed', 0, WORDS);
      release?.();
      await settle();
      for (const it of clients) it.close();
      await until(() => underWay(broker).connections <= 1);
      await settle();
      expect([seed, underWay(broker)]).toEqual([seed, { ...NOTHING, connections: 1 }]);
      await stop();
    }
  });
});
