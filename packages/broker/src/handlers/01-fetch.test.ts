import {
  ErrorCode,
  Writer,
  ZERO_UUID,
  encodeRequest,
  type Body,
  type Message,
  type Uuid,
  type fetchResponse,
} from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { api } from '../testing/api.ts';
import { ManualClock } from '@odradek/ports/testing';
import { batchOf, valuesIn } from '../testing/records.ts';
import { createTopic, fetchFrom, produce } from '../testing/stories.ts';
import { join, startTestBroker, type TestClient } from '../testing/test-broker.ts';
import { settle } from '../testing/turns.ts';

interface Wish {
  readonly session?: readonly [id: number, epoch: number];
  readonly topic?: string;
  readonly topicId?: Uuid;
  /** By partition: the offset. */
  readonly from?: Readonly<Record<number, number>>;
  readonly forget?: readonly number[];
  readonly version?: number;
  readonly maxBytes?: number;
  readonly maxWaitMs?: number;
  readonly replicaId?: number;
}

const ask = (client: TestClient, wish: Wish) => {
  const { version = 12, topic = 'words', topicId = ZERO_UUID } = wish;
  const partitions = Object.entries(wish.from ?? {});
  return client.request(api.fetch, version, {
    replicaId: wish.replicaId ?? -1,
    ...(version >= 15 && { replicaState: { replicaId: wish.replicaId ?? -1 } }),
    maxWaitMs: wish.maxWaitMs ?? 0,
    minBytes: 1,
    maxBytes: wish.maxBytes ?? 1_000_000,
    sessionId: wish.session?.[0] ?? 0,
    sessionEpoch: wish.session?.[1] ?? -1,
    topics:
      partitions.length === 0
        ? []
        : [
            {
              topic,
              topicId,
              partitions: partitions.map(([partition, fetchOffset]) => ({
                partition: Number(partition),
                fetchOffset,
                partitionMaxBytes: 1_000_000,
              })),
            },
          ],
    forgottenTopicsData: wish.forget ? [{ topic, topicId, partitions: wish.forget }] : [],
  });
};

/** A long poll of one partition, with a tagged field of so many bytes that nobody knows. */
const largeRequest = (sizeBytes: number): Uint8Array => {
  const body = {
    maxWaitMs: 600_000,
    minBytes: 1,
    topics: [
      { topic: 'words', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }] },
    ],
    forgottenTopicsData: [],
  };
  const request = api.fetch.request as unknown as Message<unknown, unknown>;
  const bytes = join(encodeRequest(request, 12, { correlationId: 1, clientId: 'x' }, body));
  const writer = new Writer();
  writer.raw(bytes.subarray(0, -1));
  writer.unsignedVarint(1);
  writer.unsignedVarint(99);
  writer.unsignedVarint(sizeBytes);
  writer.raw(new Uint8Array(sizeBytes));
  const frame = join(writer.finish());
  new DataView(frame.buffer).setInt32(0, frame.byteLength - 4);
  return frame;
};

const told = (answer: Body<typeof fetchResponse>) =>
  answer.responses.flatMap((topic) =>
    topic.partitions.map((it) => [
      it.partitionIndex,
      it.errorCode || valuesIn(it.records).join(''),
    ]),
  );

const idOf = async (client: TestClient, name = 'words'): Promise<Uuid> =>
  (await client.request(api.metadata, 12, { topics: [{ name }] })).topics[0]!.topicId;

const withTopic = async (partitions = 3) => {
  const broker = await startTestBroker();
  const client = broker.connect();
  await createTopic(client, 'words', partitions);
  return { ...broker, client };
};

describe('a fetch session', () => {
  it('tells everything once, then only what is new, and rotates who got records', async () => {
    const { client, stop } = await withTopic();
    const begun = await ask(client, { session: [0, 0], from: { 0: 0, 1: 0, 2: 0 } });
    const id = begun.sessionId;
    expect([id > 0, told(begun)]).toEqual([
      true,
      [
        [0, ''],
        [1, ''],
        [2, ''],
      ],
    ]);
    expect(told(await ask(client, { session: [id, 1] }))).toEqual([]);
    await produce(client, 'words', ['x'], { partition: 1 });
    await produce(client, 'words', ['y'], { partition: 2 });
    // There is room for one: the others come first next time.
    const one = await ask(client, { session: [id, 2], maxBytes: 1 });
    expect(told(one)).toEqual([
      [1, 'x'],
      [2, ''],
    ]);
    const two = await ask(client, { session: [id, 3], maxBytes: 1, from: { 1: 1 } });
    expect(told(two)).toEqual([[2, 'y']]);
    expect(two.sessionId).toBe(id);
    await stop();
  });

  it('takes what is added and lets go of what is forgotten, and of itself with the last', async () => {
    const { client, stop, broker } = await withTopic();
    await produce(client, 'words', ['x'], { partition: 2 });
    const { sessionId: id } = await ask(client, { session: [0, 0], from: { 0: 0 } });
    expect(told(await ask(client, { session: [id, 1], from: { 2: 0 } }))).toEqual([[2, 'x']]);
    expect(told(await ask(client, { session: [id, 2], from: {}, forget: [2] }))).toEqual([]);
    const last = await ask(client, { session: [id, 3], forget: [0] });
    expect([last.sessionId, last.errorCode, told(last)]).toEqual([0, ErrorCode.NONE, []]);
    expect((await ask(client, { session: [id, 4] })).errorCode).toBe(
      ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
    );
    expect(
      broker.metrics().find((it) => it.name === 'kafka_fetch_sessions')!.samples,
    ).toMatchObject([{ value: 0 }]);
    await stop();
  });

  it('answers the errors of a session without naming one', async () => {
    const { client, stop } = await withTopic();
    const { sessionId: id } = await ask(client, { session: [0, 0], from: { 0: 0 } });
    const refused = { sessionId: 0, responses: [] };
    expect(await ask(client, { session: [id, 9] })).toMatchObject({
      ...refused,
      errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH,
    });
    expect(await ask(client, { session: [id ^ 1, 1] })).toMatchObject({
      ...refused,
      errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
    });
    expect(await ask(client, { session: [id, 1], version: 13 })).toMatchObject({
      ...refused,
      errorCode: ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
    });
    await stop();
  });

  it('that no place is left for is not named, and the answer is whole', async () => {
    const broker = await startTestBroker({
      config: { 'max.incremental.fetch.session.cache.slots': '1' },
    });
    const client = broker.connect();
    await createTopic(client, 'words');
    expect((await ask(client, { session: [0, 0], from: { 0: 0 } })).sessionId).not.toBe(0);
    const without = await ask(client, { session: [0, 0], from: { 0: 0 } });
    expect([without.sessionId, told(without)]).toEqual([0, [[0, '']]]);
    await broker.stop();
  });

  it('whose request is overtaken by the next one says so', async () => {
    const { client, connect, stop } = await withTopic();
    const { sessionId: id } = await ask(client, { session: [0, 0], from: { 0: 0 } });
    const overtaken = ask(client, { session: [id, 1], maxWaitMs: 600_000 });
    await settle();
    const next = ask(connect(), { session: [id, 2] });
    expect(told(await next)).toEqual([]);
    await produce(connect(), 'words', ['x']);
    expect((await overtaken).errorCode).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    await stop();
  });

  it('finds out that its topic was made again', async () => {
    const { client, stop } = await withTopic(1);
    const topicId = await idOf(client);
    const { sessionId: id } = await ask(client, {
      version: 17,
      session: [0, 0],
      topicId,
      from: { 0: 0 },
    });
    await client.request(api.deleteTopics, 6, {
      topics: [{ name: 'words', topicId: ZERO_UUID }],
      timeoutMs: 1000,
    });
    await createTopic(client, 'words');
    const again = await ask(client, { version: 17, session: [id, 1] });
    expect(told(again)).toEqual([[0, ErrorCode.UNKNOWN_TOPIC_ID]]);
    const fresh = await idOf(client);
    await produce(client, 'words', ['new']);
    const moved = await client.request(api.fetch, 17, {
      maxWaitMs: 0,
      minBytes: 1,
      sessionId: id,
      sessionEpoch: 2,
      topics: [
        { topicId: fresh, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] },
      ],
      forgottenTopicsData: [{ topicId, partitions: [0] }],
    });
    expect(told(moved)).toEqual([[0, 'new']]);
    await stop();
  });
});

describe('a fetch', () => {
  it('reads a partition that it names twice once, as it named it last', async () => {
    const { client, stop } = await withTopic(1);
    for (const value of ['a', 'b']) await produce(client, 'words', [value]);
    const partition = (fetchOffset: number) => ({
      partition: 0,
      fetchOffset,
      partitionMaxBytes: 1000,
    });
    const answer = await client.request(api.fetch, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [
        { topic: 'words', partitions: [partition(0), partition(0)] },
        { topic: 'words', partitions: [partition(1)] },
      ],
      forgottenTopicsData: [],
    });
    expect(told(answer)).toEqual([[0, 'b']]);
    await stop();
  });

  it('does not wait for more than it lets itself be given', async () => {
    const { client, stop } = await withTopic(1);
    await produce(client, 'words', ['a']);
    const sizeBytes = batchOf(['a']).byteLength;
    const answer = await client.request(api.fetch, 12, {
      maxWaitMs: 600_000,
      minBytes: 100_000,
      maxBytes: sizeBytes,
      topics: [
        {
          topic: 'words',
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }],
        },
      ],
      forgottenTopicsData: [],
    });
    expect(told(answer)).toEqual([[0, 'a']]);
    await stop();
  });

  it('may not speak as a replica, in any version', async () => {
    const { client, stop } = await withTopic(1);
    const topicId = await idOf(client);
    for (const version of [7, 12, 14, 15, 18]) {
      const answer = await ask(client, { version, topicId, replicaId: 2, from: { 0: 0 } });
      expect([version, answer.errorCode, answer.responses]).toEqual([
        version,
        ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
        [],
      ]);
    }
    const old = await ask(client, { version: 4, replicaId: 2, from: { 0: 0 } });
    expect(told(old)).toEqual([[0, ErrorCode.CLUSTER_AUTHORIZATION_FAILED]]);
    await stop();
  });

  it('of a failed log is told so in words that its version knows', async () => {
    const { client, disk, stop } = await withTopic(1);
    disk.failNext('sync', 'failed', 0, 'words-0/');
    await produce(client, 'words', ['a']);
    const code = async (version: number) =>
      told(await ask(client, { version, from: { 0: 0 } }))[0]![1];
    expect(await code(5)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(await code(6)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    await stop();
  });

  it('of an older epoch is told who leads now', async () => {
    const before = await startTestBroker();
    await createTopic(before.connect(), 'words');
    const after = await before.crash();
    const client = after.connect();
    const answer = await fetchFrom(client, 'words', 0, { epoch: 0 });
    expect(answer).toMatchObject({
      errorCode: ErrorCode.FENCED_LEADER_EPOCH,
      currentLeader: { leaderId: after.broker.nodeId, leaderEpoch: 1 },
    });
    await after.stop();
  });

  it('does not wait while too many wait already', async () => {
    const clock = new ManualClock();
    const { connect, stop } = await startTestBroker({ clock });
    const client = connect();
    await createTopic(client, 'words');
    const polls = [0, 1, 2].map(() => {
      const polling = connect();
      polling.sendBytes(largeRequest(40 * 1024 * 1024));
      return polling;
    });
    await settle();
    // 64 MiB of requests may wait: two are taken before that is passed.
    expect(polls.map((it) => it.answers.length)).toEqual([0, 0, 1]);
    expect((await produce(client, 'words', ['a'])).errorCode).toBe(ErrorCode.NONE);
    await settle();
    expect(polls.map((it) => it.answers.length)).toEqual([1, 1, 1]);
    await stop();
  });

  it('under read_committed is given the list of aborted transactions, else null', async () => {
    const { client, stop } = await withTopic(1);
    await produce(client, 'words', ['a']);
    const isolated = (isolationLevel: number) =>
      client.request(api.fetch, 12, {
        maxWaitMs: 0,
        minBytes: 1,
        isolationLevel,
        topics: [
          {
            topic: 'words',
            partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }],
          },
        ],
        forgottenTopicsData: [],
      });
    const aborted = async (level: number) =>
      (await isolated(level)).responses[0]!.partitions[0]!.abortedTransactions;
    expect(await aborted(0)).toBe(null);
    expect(await aborted(1)).toEqual([]);
    await stop();
  });
});
