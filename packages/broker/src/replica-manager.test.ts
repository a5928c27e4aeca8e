/** What is noted beside the logs, and what of it a broker may believe after a crash. */
import { ErrorCode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { api } from './testing/api.ts';
import { createTopic, fetchFrom, produce } from './testing/stories.ts';
import { startTestBroker, type TestBroker, type TestClient } from './testing/test-broker.ts';

const LOG = 'words-0/00000000000000000000.log';

const deleteBefore = async (client: TestClient, topic: string, before: number): Promise<void> => {
  const { topics } = await client.request(api.deleteRecords, 2, {
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset: before }] }],
    timeoutMs: 1_000,
  });
  expect(topics[0]!.partitions[0]).toMatchObject({
    errorCode: ErrorCode.NONE,
    lowWatermark: before,
  });
};

const deleteTopic = async (client: TestClient, name: string): Promise<void> => {
  const { responses } = await client.request(api.deleteTopics, 5, {
    topicNames: [name],
    timeoutMs: 1_000,
  });
  expect(responses[0]!.errorCode).toBe(ErrorCode.NONE);
};

describe('a topic that is deleted and made again', () => {
  it('is not held to what was noted of the one before', async () => {
    const first = await startTestBroker();
    await createTopic(first.connect(), 'words');
    for (const value of ['a', 'b', 'c', 'd']) await produce(first.connect(), 'words', [value]);
    await deleteBefore(first.connect(), 'words', 3);
    const second = await first.restart();
    await deleteTopic(second.connect(), 'words');
    await createTopic(second.connect(), 'words');
    expect(await produce(second.connect(), 'words', ['new'])).toMatchObject({
      errorCode: ErrorCode.NONE,
      baseOffset: 0,
    });
    const third = await second.crash();
    expect(await fetchFrom(third.connect(), 'words', 0)).toMatchObject({
      values: ['new'],
      logStartOffset: 0,
    });
    await third.stop();
  });
});

describe('a partition whose log is damaged', () => {
  /** Three records, the first deleted, all of them noted as flushed; then a bit of the last one turns, and a start looks at it. */
  const damaged = async (): Promise<{ broker: TestBroker; repair: () => void }> => {
    const before = await startTestBroker();
    await createTopic(before.connect(), 'words');
    for (const value of ['a', 'b', 'c']) await produce(before.connect(), 'words', [value]);
    await deleteBefore(before.connect(), 'words', 1);
    await before.stop();
    const { disk } = before;
    const volume = disk.mount();
    const at = (await volume.list(LOG))[0]!.sizeBytes - 3;
    await volume.remove('.kafka_cleanshutdown');
    await volume.close();
    const turnBit = (): void => disk.corrupt(LOG, at, 0x40);
    turnBit();
    return { broker: await startTestBroker({ disk }), repair: turnBit };
  };

  it('is offline, start after start, and is whole when the damage is undone', async () => {
    const { broker: first, repair } = await damaged();
    expect((await fetchFrom(first.connect(), 'words', 1)).errorCode).toBe(
      ErrorCode.KAFKA_STORAGE_ERROR,
    );
    // An end that was flushed stays known to have been flushed: it is not cut as if the crash had torn it.
    const second = await first.crash();
    expect((await fetchFrom(second.connect(), 'words', 1)).errorCode).toBe(
      ErrorCode.KAFKA_STORAGE_ERROR,
    );
    const third = await second.restart();
    expect((await fetchFrom(third.connect(), 'words', 1)).errorCode).toBe(
      ErrorCode.KAFKA_STORAGE_ERROR,
    );
    await third.stop();
    repair();
    const fourth = await startTestBroker({ disk: third.disk });
    expect(await fetchFrom(fourth.connect(), 'words', 1)).toMatchObject({
      values: ['b', 'c'],
      logStartOffset: 1,
    });
    await fourth.stop();
  });

  it('can be deleted, and its name taken again', async () => {
    const { broker } = await damaged();
    await deleteTopic(broker.connect(), 'words');
    await createTopic(broker.connect(), 'words');
    expect(await produce(broker.connect(), 'words', ['new'])).toMatchObject({
      errorCode: ErrorCode.NONE,
      baseOffset: 0,
    });
    const after = await broker.crash();
    expect((await fetchFrom(after.connect(), 'words', 0)).values).toEqual(['new']);
    await after.stop();
  });
});

describe('a folder that the metadata does not know', () => {
  it('is left alone, and is not taken for a new topic of its name', async () => {
    const before = await startTestBroker();
    await createTopic(before.connect(), 'words');
    await produce(before.connect(), 'words', ['a']);
    await before.stop();
    const volume = before.disk.mount();
    for (const { name } of await volume.list('words-0/')) {
      await volume.replace(name.replace('words-0', 'stray-0'), (await volume.readSmall(name))!);
    }
    await volume.close();
    const { connect, broker, stop } = await startTestBroker({ disk: before.disk });
    await createTopic(connect(), 'stray');
    expect((await produce(connect(), 'stray', ['b'])).errorCode).toBe(
      ErrorCode.KAFKA_STORAGE_ERROR,
    );
    expect(broker.problems()).toEqual(['partition stray-0 is offline']);
    expect((await fetchFrom(connect(), 'words', 0)).values).toEqual(['a']);
    await stop();
  });
});
