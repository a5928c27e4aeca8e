/**
 * A flush that fails once and succeeds the next time (fsyncgate: the system has forgotten what it could not write). What was
 * not acknowledged before never is, by this process; its partition is offline; everything else goes on.
 */
import { ErrorCode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { batchOf, valuesIn } from '../support/batches.ts';
import { FailingFs } from '../support/failing-fs.ts';
import { startInProcess } from '../support/in-process-broker.ts';
import { logRecorder } from '../support/log-recorder.ts';
import { createTopic, fetchOnce, produce } from '../support/steps.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { api } from '../support/wire-api.ts';
import { WireClient } from '../support/wire-client.ts';

const start = async (dataDirectory: string, disk = new FailingFs()) => {
  const logger = logRecorder();
  const broker = await startInProcess({
    dataDirectory,
    logger,
    openVolume: disk.openVolume,
    config: { 'offsets.topic.num.partitions': '1' },
  });
  const client = await WireClient.connect(broker.addresses.kafka!);
  return {
    broker,
    client,
    disk,
    logger,
    [Symbol.asyncDispose]: () => broker.stop().catch(() => {}),
  };
};

describe.each(['EIO', 'ENOSPC'])('a flush of a log that fails with %s, once', (code) => {
  it.each(['fdatasync', 'writev'] as const)(
    '(%s) is the end of its partition and of nothing else',
    async (call) => {
      await using folder = await temporaryFolder();
      await using life = await start(folder.path);
      const { broker, client, disk, logger } = life;
      await createTopic(client, 'struck');
      await createTopic(client, 'spared');
      expect((await produce(client, 'struck', 0, batchOf('kept'))).errorCode).toBe(ErrorCode.NONE);
      disk.fail(call, /struck-0\/.*\.log$/, code, 1);
      // Several at once, by several clients: none of them may be acknowledged.
      const other = await WireClient.connect(broker.addresses.kafka!);
      const answers = await Promise.all(
        [client, other].flatMap((it, who) =>
          Array.from({ length: 5 }, (_, i) =>
            produce(it, 'struck', 0, batchOf(`lost-${who}-${i}`)),
          ),
        ),
      );
      expect(disk.failed).toBe(1);
      for (const answer of answers) expect(answer.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
      // The disk is well again. That proves nothing about what was written.
      expect((await produce(client, 'struck', 0, batchOf('later'))).errorCode).toBe(
        ErrorCode.KAFKA_STORAGE_ERROR,
      );
      expect((await fetchOnce(client, 'struck', 0, 0)).errorCode).toBe(
        ErrorCode.KAFKA_STORAGE_ERROR,
      );
      expect((await produce(client, 'spared', 0, batchOf('a'))).errorCode).toBe(ErrorCode.NONE);
      expect(valuesIn((await fetchOnce(other, 'spared', 0, 0)).records)).toEqual(['a']);
      expect(logger.complaints).toContain('partition struck-0 is offline');
      expect(logger.complaints).toContain(code);
      const { topics } = await client.request(api.metadata, 12, { topics: [{ name: 'struck' }] });
      expect(topics[0]!.partitions[0]!.offlineReplicas).toEqual([broker.nodeId]);
      await broker.stop();

      await using again = await start(folder.path);
      expect((await fetchOnce(again.client, 'struck', 0, 0)).errorCode).toBe(ErrorCode.NONE);
      const found = valuesIn((await fetchOnce(again.client, 'struck', 0, 0)).records);
      expect(found[0]).toBe('kept');
      expect(found).not.toContain('later');
      expect(valuesIn((await fetchOnce(again.client, 'spared', 0, 0)).records)).toEqual(['a']);
      expect(await produce(again.client, 'struck', 0, batchOf('new'))).toMatchObject({
        errorCode: ErrorCode.NONE,
        baseOffset: found.length,
      });
    },
  );
});

describe('a failed flush', () => {
  it('of the metadata log ends the broker: nothing that rests on it is promised', async () => {
    await using folder = await temporaryFolder();
    await using life = await start(folder.path);
    const { broker, client, disk, logger } = life;
    await createTopic(client, 'before');
    await produce(client, 'before', 0, batchOf('kept'));
    disk.fail('fdatasync', /__cluster_metadata-0/, 'EIO', 1);
    await expect(createTopic(client, 'after')).rejects.toThrow();
    await expect(broker.stopped).rejects.toThrow(/metadata|EIO/);
    await client.closed;
    expect(logger.complaints).toMatch(/gives up.*EIO/);

    await using again = await start(folder.path);
    expect(valuesIn((await fetchOnce(again.client, 'before', 0, 0)).records)).toEqual(['kept']);
  });

  it('of the log of groups refuses commits, and those before it stay', async () => {
    await using folder = await temporaryFolder();
    await using life = await start(folder.path);
    const { broker, client, disk } = life;
    await createTopic(client, 'read');
    await client.request(api.findCoordinator, 4, { keyType: 0, coordinatorKeys: ['readers'] });
    const commit = async (offset: number): Promise<number> => {
      const { topics } = await client.request(api.offsetCommit, 8, {
        groupId: 'readers',
        generationIdOrMemberEpoch: -1,
        memberId: '',
        topics: [
          {
            name: 'read',
            partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }],
          },
        ],
      });
      return topics[0]!.partitions[0]!.errorCode;
    };
    expect(await commit(1)).toBe(ErrorCode.NONE);
    disk.fail('fdatasync', /__consumer_offsets-0/, 'EIO', 1);
    expect(await commit(2)).not.toBe(ErrorCode.NONE);
    expect(await commit(3)).not.toBe(ErrorCode.NONE);
    expect((await produce(client, 'read', 0, batchOf('a'))).errorCode).toBe(ErrorCode.NONE);
    await broker.stop();

    await using again = await start(folder.path);
    await again.client.request(api.findCoordinator, 4, {
      keyType: 0,
      coordinatorKeys: ['readers'],
    });
    const fetchOffsets = async () =>
      (
        await again.client.request(api.offsetFetch, 8, {
          groups: [{ groupId: 'readers', topics: [{ name: 'read', partitionIndexes: [0] }] }],
        })
      ).groups[0]!;
    let group = await fetchOffsets();
    while (group.errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) group = await fetchOffsets();
    expect([1, 2]).toContain(group.topics[0]!.partitions[0]!.committedOffset);
  });

  it('of the checkpoint of log starts refuses to delete records, and promises nothing away', async () => {
    await using folder = await temporaryFolder();
    await using life = await start(folder.path);
    const { broker, client, disk, logger } = life;
    await createTopic(client, 'words');
    await produce(client, 'words', 0, batchOf('a'));
    disk.fail('rename', /log-start-offset-checkpoint$/, 'EIO');
    const { topics } = await client.request(api.deleteRecords, 2, {
      topics: [{ name: 'words', partitions: [{ partitionIndex: 0, offset: 1 }] }],
      timeoutMs: 5_000,
    });
    expect(topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(logger.complaints).toContain('records could not be deleted');
    expect((await produce(client, 'words', 0, batchOf('b'))).errorCode).toBe(ErrorCode.NONE);
    // It cannot stop in order either.
    await broker.stop().catch(() => {});

    await using again = await start(folder.path);
    const { records, logStartOffset } = await fetchOnce(again.client, 'words', 0, 1);
    expect(valuesIn(records)).toContain('b');
    expect(logStartOffset).toBe(0);
  });
});
