/**
 * A disk that fills up under a producer: it is told with Kafka's code, readers go on, nothing acknowledged is lost, and with
 * room again a restart takes up where it was. A real file system of 24 MiB, which only root may mount.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ErrorCode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { WireClient } from '../support/wire-client.ts';
import { api } from '../../packages/broker/src/testing/api.ts';
import { batchOf, valuesIn } from '../../packages/broker/src/testing/records.ts';

const DISK = '24m';
const MORE_DISK = '96m';
const isRoot = process.getuid?.() === 0;

if (!isRoot && process.env.CI === 'true')
  throw new Error('the test of a full disk mounts a file system: run it as root');
if (!isRoot)
  process.stderr.write('The test of a full disk mounts a file system: run it as root.\n');

const mounted = async (parent: string): Promise<string> => {
  const path = join(parent, 'disk');
  await mkdir(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', path]);
  return path;
};

const produce = async (
  client: WireClient,
  value: string,
): Promise<{ errorCode: number; baseOffset: number }> => {
  const { responses } = await client.request(api.produce, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ name: 'full', partitionData: [{ index: 0, records: batchOf([value]) }] }],
  });
  return responses[0]!.partitionResponses[0]!;
};

const readAll = async (client: WireClient): Promise<string[]> => {
  const values: string[] = [];
  for (;;) {
    const { responses } = await client.request(api.fetch, 12, {
      maxWaitMs: 100,
      minBytes: 1,
      topics: [
        {
          topic: 'full',
          partitions: [
            { partition: 0, fetchOffset: values.length, partitionMaxBytes: 4 * 2 ** 20 },
          ],
        },
      ],
      forgottenTopicsData: [],
    });
    const found = responses[0]!.partitions[0]!;
    if (found.errorCode !== ErrorCode.NONE) throw new Error(`fetch: error ${found.errorCode}`);
    const more = valuesIn(found.records);
    if (more.length === 0) return values;
    values.push(...more);
  }
};

describe.runIf(isRoot)('a full disk', () => {
  it('refuses records with a code, keeps what it acknowledged, and goes on when there is room', async () => {
    await using folder = await temporaryFolder();
    const disk = await mounted(folder.path);
    try {
      const broker = await BrokerProcess.start({ dataDirectory: join(disk, 'data') });
      const client = await WireClient.connect(broker.kafka);
      await client.request(api.createTopics, 5, {
        topics: [
          { name: 'full', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
        ],
        timeoutMs: 5_000,
      });
      const acknowledged: string[] = [];
      let refusal = ErrorCode.NONE as number;
      while (refusal === ErrorCode.NONE) {
        const value = `${acknowledged.length} ${'x'.repeat(100_000)}`;
        const { errorCode, baseOffset } = await produce(client, value);
        if (errorCode === ErrorCode.NONE) {
          expect(baseOffset).toBe(acknowledged.length);
          acknowledged.push(value);
        } else refusal = errorCode;
      }
      expect(refusal).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
      expect(acknowledged.length).toBeGreaterThan(100);
      await until(() => broker.log.some((it) => /space|ENOSPC|full/i.test(JSON.stringify(it))));
      // The rest of the broker answers.
      const { brokers } = await client.request(api.metadata, 9, { topics: [] });
      expect(brokers).toHaveLength(1);
      await broker.kill('SIGKILL');
      execFileSync('mount', ['-o', `remount,size=${MORE_DISK}`, disk]);
      const again = await BrokerProcess.start({ dataDirectory: join(disk, 'data') });
      const reader = await WireClient.connect(again.kafka);
      const kept = await readAll(reader);
      expect(kept.slice(0, acknowledged.length)).toEqual(acknowledged);
      expect((await produce(reader, 'room again')).errorCode).toBe(ErrorCode.NONE);
      expect(await again.kill('SIGTERM')).toMatchObject({ code: 0 });
    } finally {
      execFileSync('umount', ['-l', disk]);
      await rmdir(disk).catch(() => {});
    }
  });
});
