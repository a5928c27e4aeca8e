/** A topic that is deleted and made again under the same name begins anew, whatever was noted about the one before. */
import { createNodeCrc32c } from '@odradek/node';
import { ErrorCode, buildBatch } from '@odradek/protocol';
import { expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.ts';
import { readPartition } from '../support/partition-reader.ts';
import { createTopic, deleteTopic, offsetOf, produce } from '../support/steps.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { api } from '../support/wire-api.ts';
import { WireClient } from '../support/wire-client.ts';

const crc32c = createNodeCrc32c();
const batchOf = (count: number): Uint8Array =>
  buildBatch({
    records: Array.from({ length: count }, () => ({
      timestampMs: Date.now(),
      value: new Uint8Array(100),
    })),
    crc32c,
  });

it('is whole after a crash', async () => {
  await using folder = await temporaryFolder();
  const options = {
    dataDirectory: folder.path,
    config: { 'log.flush.offset.checkpoint.interval.ms': '20' },
  };
  let broker = await BrokerProcess.start(options);
  let client = await WireClient.connect(broker.kafka);
  await createTopic(client, 'again');
  await produce(client, 'again', 0, batchOf(1000));
  const { topics } = await client.request(api.deleteRecords, 2, {
    topics: [{ name: 'again', partitions: [{ partitionIndex: 0, offset: 900 }] }],
    timeoutMs: 10_000,
  });
  expect(topics[0]!.partitions[0]!.lowWatermark).toBe(900);
  // Long enough for every checkpoint to be written.
  await new Promise((resolve) => setTimeout(resolve, 200));
  await broker.kill('SIGTERM');

  // From now on only at its normal pace: nothing is corrected before the crash.
  const slow = { dataDirectory: folder.path };
  broker = await BrokerProcess.start(slow);
  client = await WireClient.connect(broker.kafka);
  await deleteTopic(client, 'again');
  await createTopic(client, 'again');
  expect(await produce(client, 'again', 0, batchOf(10))).toMatchObject({
    errorCode: ErrorCode.NONE,
    baseOffset: 0,
  });
  await broker.kill('SIGKILL');

  broker = await BrokerProcess.start(slow);
  client = await WireClient.connect(broker.kafka);
  let records = 0;
  const bounds = await readPartition(client, 'again', 0, crc32c, (batch) => {
    records += batch.recordCount;
  });
  expect({ records, ...bounds }).toMatchObject({
    records: 10,
    logStartOffset: 0,
    highWatermark: 10,
  });
  expect(await offsetOf(client, 'again', 0, -1)).toMatchObject({ offset: 10 });
  await broker.kill('SIGTERM');
});
