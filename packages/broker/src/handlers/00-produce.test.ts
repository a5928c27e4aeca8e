import { ErrorCode, ZERO_UUID, crc32cJs, type Uuid } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { api } from '../testing/api.ts';
import { ManualClock } from '@odradek/ports/testing';
import { batchOf } from '../testing/records.ts';
import { createTopic, fetchFrom, produce } from '../testing/stories.ts';
import { join, startTestBroker, type TestClient } from '../testing/test-broker.ts';
import { settle } from '../testing/turns.ts';

interface Ask {
  readonly topic?: string;
  readonly topicId?: Uuid;
  readonly partition?: number;
  readonly acks?: number;
  readonly version?: number;
  readonly timeoutMs?: number;
  readonly transactionalId?: string | null;
}

const send = async (client: TestClient, records: Uint8Array | null, ask: Ask = {}) => {
  const { responses } = await client.request(api.produce, ask.version ?? 9, {
    transactionalId: ask.transactionalId ?? null,
    acks: ask.acks ?? -1,
    timeoutMs: ask.timeoutMs ?? 5_000,
    topicData: [
      {
        name: ask.topic ?? 'words',
        topicId: ask.topicId ?? ZERO_UUID,
        partitionData: [{ index: ask.partition ?? 0, records }],
      },
    ],
  });
  return responses[0]!.partitionResponses[0]!;
};

/** A batch with some bytes changed, and its checksum made right again. */
const patched = (
  bytes: Uint8Array,
  change: (bytes: Uint8Array, view: DataView) => void,
): Uint8Array => {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  change(copy, view);
  view.setUint32(17, crc32cJs(copy.subarray(21)));
  return copy;
};

const A = batchOf(['a']);

const withTopic = async (configs: Readonly<Record<string, string>> = {}, partitions = 1) => {
  const broker = await startTestBroker();
  const client = broker.connect();
  await createTopic(client, 'words', partitions, configs);
  return { ...broker, client };
};

describe('a produce is refused', () => {
  it('for what is wrong with the request', async () => {
    const { client, stop } = await withTopic();
    const code = async (records: Uint8Array | null, ask: Ask = {}) =>
      (await send(client, records, ask)).errorCode;
    expect(await code(A, { acks: 2 })).toBe(ErrorCode.INVALID_REQUIRED_ACKS);
    expect(await code(A, { acks: -2 })).toBe(ErrorCode.INVALID_REQUIRED_ACKS);
    expect(await code(null)).toBe(ErrorCode.INVALID_RECORD);
    expect(await code(new Uint8Array(0))).toBe(ErrorCode.INVALID_RECORD);
    expect(await code(A, { topic: 'none' })).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(await code(A, { partition: 7 })).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(await code(A, { partition: -1 })).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(await code(A, { transactionalId: 't' })).toBe(
      ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    );
    expect(
      await code(A, { version: 13, topicId: '00000000000000000000000000000009' as Uuid }),
    ).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
    expect(await code(A, { version: 13 })).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
    // Nothing of it was kept.
    expect((await fetchFrom(client, 'words', 0)).values).toEqual([]);
    await stop();
  });

  it('for what is wrong with its batch', async () => {
    const { client, stop } = await withTopic();
    const code = async (records: Uint8Array, ask: Ask = {}) =>
      (await send(client, records, ask)).errorCode;
    expect(await code(join([A, Uint8Array.of(1, 2, 3)]))).toBe(ErrorCode.CORRUPT_MESSAGE);
    expect(await code(join([A, batchOf(['b'])]))).toBe(ErrorCode.INVALID_RECORD);
    expect(await code(A.slice(0, 40))).toBe(ErrorCode.INVALID_RECORD);
    expect(await code(A.slice(0, -1))).toBe(ErrorCode.INVALID_RECORD);
    expect(await code(patched(A, (bytes) => (bytes[16] = 1)))).toBe(ErrorCode.INVALID_RECORD);
    const torn = A.slice();
    torn[torn.length - 1]! ^= 1;
    expect(await code(torn)).toBe(ErrorCode.CORRUPT_MESSAGE);
    const count = (n: number) => patched(A, (_, view) => view.setInt32(57, n));
    expect(await code(count(2))).toBe(ErrorCode.INVALID_RECORD);
    expect(await code(count(-1))).toBe(ErrorCode.INVALID_RECORD);
    const control = patched(A, (_, view) => view.setInt16(21, 0x20));
    expect(await code(control)).toBe(ErrorCode.INVALID_RECORD);
    const zstd = patched(A, (_, view) => view.setInt16(21, 4));
    expect(await code(zstd, { version: 6 })).toBe(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
    const transactional = batchOf(['a'], {
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: true,
    });
    expect(await code(transactional)).toBe(ErrorCode.INVALID_TXN_STATE);
    expect((await fetchFrom(client, 'words', 0)).values).toEqual([]);
    await stop();
  });

  it('for what its topic does not allow', async () => {
    const { client, stop } = await withTopic({
      'max.message.bytes': '1000',
      'message.timestamp.after.max.ms': '1000',
      'message.timestamp.before.max.ms': '60000',
    });
    const now = Date.now();
    const code = async (value: string, timestampMs = now) =>
      (await send(client, batchOf([value], { timestampMs }))).errorCode;
    expect(await code('x'.repeat(1000))).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    expect(await code('x')).toBe(ErrorCode.NONE);
    expect(await code('x', now + 1_000_000)).toBe(ErrorCode.INVALID_TIMESTAMP);
    expect(await code('x', now - 1_000_000)).toBe(ErrorCode.INVALID_TIMESTAMP);
    await createTopic(client, 'table', 1, { 'cleanup.policy': 'compact' });
    const keyless = await send(client, batchOf(['a', 'b'], { isKeyless: true }), {
      topic: 'table',
    });
    expect(keyless).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD, baseOffset: -1 });
    expect(keyless.recordErrors.map((it) => it.batchIndex)).toEqual([0, 1]);
    await createTopic(client, 'safe', 1, { 'min.insync.replicas': '2' });
    expect((await send(client, A, { topic: 'safe' })).errorCode).toBe(
      ErrorCode.NOT_ENOUGH_REPLICAS,
    );
    expect((await send(client, A, { topic: 'safe', acks: 1 })).errorCode).toBe(ErrorCode.NONE);
    await stop();
  });

  it('to the broker’s own topics', async () => {
    const { client, stop } = await withTopic();
    await client.request(api.findCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'] });
    expect((await send(client, A, { topic: '__consumer_offsets' })).errorCode).toBe(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
    );
    await stop();
  });

  it('to an older epoch of its producer', async () => {
    const { client, stop } = await withTopic();
    const of = (producerEpoch: number, baseSequence: number) =>
      send(client, batchOf(['a'], { producerId: 9, producerEpoch, baseSequence }));
    expect((await of(3, 0)).errorCode).toBe(ErrorCode.NONE);
    expect((await of(2, 1)).errorCode).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect((await of(3, 5)).errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect((await of(3, 1)).errorCode).toBe(ErrorCode.NONE);
    await stop();
  });

  it('partition by partition: the others are taken', async () => {
    const { client, stop } = await withTopic({}, 2);
    const { responses } = await client.request(api.produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        {
          name: 'words',
          partitionData: [
            { index: 1, records: A },
            { index: 5, records: A },
          ],
        },
        { name: 'none', partitionData: [{ index: 0, records: A }] },
        { name: 'words', partitionData: [{ index: 0, records: batchOf(['b']) }] },
      ],
    });
    expect(responses.map((it) => it.partitionResponses.map((p) => [p.index, p.errorCode]))).toEqual(
      [
        [
          [1, ErrorCode.NONE],
          [5, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
        ],
        [[0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]],
        [[0, ErrorCode.NONE]],
      ],
    );
    await stop();
  });
});

describe('a produce by topic id', () => {
  it('goes to the topic that has it, and to none when that was made again', async () => {
    const { client, stop } = await withTopic();
    const idOf = async () =>
      (await client.request(api.metadata, 12, { topics: [{ name: 'words' }] })).topics[0]!.topicId;
    const topicId = await idOf();
    const answer = await client.request(api.produce, 13, {
      transactionalId: null,
      acks: 1,
      timeoutMs: 1000,
      topicData: [{ topicId, partitionData: [{ index: 0, records: A }] }],
    });
    expect(answer.responses[0]).toMatchObject({
      topicId,
      partitionResponses: [{ errorCode: ErrorCode.NONE, baseOffset: 0 }],
    });
    await client.request(api.deleteTopics, 6, {
      topics: [{ name: 'words', topicId: ZERO_UUID }],
      timeoutMs: 1000,
    });
    await createTopic(client, 'words');
    expect((await send(client, A, { version: 13, topicId })).errorCode).toBe(
      ErrorCode.UNKNOWN_TOPIC_ID,
    );
    expect((await send(client, A, { version: 13, topicId: await idOf() })).errorCode).toBe(
      ErrorCode.NONE,
    );
    await stop();
  });
});

describe('a produce that waits', () => {
  it('is told after its time what is not safe yet, and what is', async () => {
    const clock = new ManualClock();
    const { connect, disk, stop } = await startTestBroker({ clock });
    const client = connect();
    await createTopic(client, 'words', 2);
    const release = disk.hold('sync', 'words-1/');
    const asked = client.request(api.produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 3000,
      topicData: [
        {
          name: 'words',
          partitionData: [
            { index: 0, records: A },
            { index: 1, records: A },
          ],
        },
      ],
    });
    await settle();
    clock.advance(2_999);
    await settle();
    expect(client.answers).toHaveLength(1);
    clock.advance(1);
    expect((await asked).responses[0]!.partitionResponses).toMatchObject([
      { index: 0, errorCode: ErrorCode.NONE, baseOffset: 0 },
      { index: 1, errorCode: ErrorCode.REQUEST_TIMED_OUT, baseOffset: 0 },
    ]);
    // It may yet become safe, and then nobody is told twice.
    release();
    await settle();
    expect(client.answers).toHaveLength(2);
    expect((await fetchFrom(client, 'words', 0, { partition: 1 })).values).toEqual(['a']);
    await stop();
  });

  it('for its flush is not cut short by a client that gives replication no time', async () => {
    const clock = new ManualClock();
    const { connect, disk, stop } = await startTestBroker({ clock });
    const client = connect();
    await createTopic(client, 'words');
    const release = disk.hold('sync', 'words-0/');
    const all = send(client, A, { timeoutMs: 0 });
    const one = send(client, batchOf(['b']), { timeoutMs: 0, acks: 1 });
    await settle();
    clock.advance(900);
    await settle();
    expect(client.answers).toHaveLength(1);
    release();
    expect([(await all).errorCode, (await one).errorCode]).toEqual([
      ErrorCode.NONE,
      ErrorCode.NONE,
    ]);
    await stop();
  });

  it('while its topic is deleted is told that it is gone', async () => {
    const { client, connect, disk, stop } = await withTopic();
    const release = disk.hold('sync', 'words-0/');
    const waiting = send(client, A);
    await settle();
    await connect().request(api.deleteTopics, 6, {
      topics: [{ name: 'words', topicId: ZERO_UUID }],
      timeoutMs: 1000,
    });
    expect((await waiting).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    release();
    await stop();
  });
});

describe('a produce that is answered', () => {
  it('leaves no timer behind', async () => {
    const clock = new ManualClock();
    const { connect, stop } = await startTestBroker({ clock });
    const client = connect();
    await createTopic(client, 'words');
    await produce(client, 'words', ['a']);
    const timers = clock.pendingTimers;
    for (let n = 0; n < 20; n++)
      await produce(client, 'words', ['b'], { acks: n % 2 === 0 ? -1 : 1 });
    expect(clock.pendingTimers).toBe(timers);
    await stop();
  });
});

describe('a topic with LogAppendTime', () => {
  it('answers and keeps the broker’s time', async () => {
    const clock = new ManualClock();
    const { connect, stop } = await startTestBroker({ clock });
    const client = connect();
    await createTopic(client, 'words', 1, { 'message.timestamp.type': 'LogAppendTime' });
    clock.advance(77);
    expect(await produce(client, 'words', ['a'])).toMatchObject({
      logAppendTimeMs: clock.wallTimeMs(),
    });
    await createTopic(client, 'other');
    expect(await produce(client, 'other', ['a'])).toMatchObject({ logAppendTimeMs: -1 });
    await stop();
  });
});
