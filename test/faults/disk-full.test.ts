/**
 * A disk that is really full: a small file system of its own, filled while a broker writes to it. (An injected refusal of every
 * kind of call is in failed-flush.test.ts.) Mounting takes root, which CI has.
 */
import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ErrorCode } from '@odradek/protocol';
import { expect, it, type TestContext } from 'vitest';
import { batchOf, batchOfBytes, valuesIn } from '../support/batches.ts';
import { BrokerDidNotStart, BrokerProcess } from '../support/broker-process.ts';
import { createTopic, fetchOnce, offsetOf, produce } from '../support/steps.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { WireClient } from '../support/wire-client.ts';

const DISK_BYTES = 24 * 1024 * 1024;
const BATCH_BYTES = 256 * 1024;
const TOPICS_MAX = 500;

interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Takes all that is left. */
  fill(): Promise<void>;
  makeRoom(): Promise<void>;
}

const smallDisk = async (context: TestContext): Promise<SmallDisk> => {
  const folder = await temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', folder.path], {
      stdio: 'pipe',
    });
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    if (process.env['CI'] === 'true') throw error;
    context.skip('run as root, to mount a small file system');
  }
  const filler = join(folder.path, 'somebody-elses-file');
  return {
    path: folder.path,
    fill: () => writeFile(filler, Buffer.alloc(DISK_BYTES)).catch(() => {}),
    makeRoom: () => rm(filler),
    async [Symbol.asyncDispose]() {
      execFileSync('umount', [folder.path]);
      await folder[Symbol.asyncDispose]();
    },
  };
};

it('a full disk refuses what it cannot keep, serves what it has, and loses nothing that was acknowledged', async (context) => {
  await using disk = await smallDisk(context);
  const options = { dataDirectory: join(disk.path, 'data') };
  await using broker = await BrokerProcess.start(options);
  const writer = await WireClient.connect(broker.kafka);
  const reader = await WireClient.connect(broker.kafka);
  await createTopic(writer, 'large');
  await createTopic(writer, 'other');
  expect((await produce(writer, 'other', 0, batchOf('a', 'b'))).errorCode).toBe(ErrorCode.NONE);
  // More than there is room for, several at a time; another client reads on meanwhile.
  let acknowledged = 0;
  let refusal: number = ErrorCode.NONE;
  for (let round = 0; refusal === ErrorCode.NONE; round++) {
    expect(round * 4 * BATCH_BYTES).toBeLessThan(2 * DISK_BYTES);
    const answers = await Promise.all(
      [0, 1, 2, 3].map((i) =>
        produce(writer, 'large', 0, batchOfBytes(BATCH_BYTES, round * 4 + i)),
      ),
    );
    for (const { errorCode, baseOffset } of answers) {
      if (errorCode === ErrorCode.NONE) acknowledged = Math.max(acknowledged, baseOffset + 1);
      else refusal = errorCode;
    }
    expect(valuesIn((await fetchOnce(reader, 'other', 0, 0)).records)).toEqual(['a', 'b']);
  }
  expect(acknowledged).toBeGreaterThan(40);
  expect(refusal).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(broker.stderr).toMatch(/partition large-0 is offline.*ENOSPC.*free some space/);
  await disk.fill();
  // The other partition's turn comes with its next record; what it has is served until then and told from there on.
  expect((await produce(writer, 'other', 0, batchOfBytes(BATCH_BYTES))).errorCode).toBe(
    ErrorCode.KAFKA_STORAGE_ERROR,
  );
  // Topics are made for as long as the metadata log finds room on its last page; those that were made stay made.
  const made: string[] = [];
  const makeTopics = async (): Promise<void> => {
    for (let n = 0; n < TOPICS_MAX; n++) {
      await createTopic(writer, `more-${n}`);
      made.push(`more-${n}`);
    }
  };
  await expect(makeTopics()).rejects.toThrow();
  writer.close();
  reader.close();
  if (!broker.hasExited) await broker.kill('SIGTERM');

  // With the disk still full it says so, or serves what it has.
  try {
    await using still = await BrokerProcess.start(options);
    const client = await WireClient.connect(still.kafka);
    expect(valuesIn((await fetchOnce(client, 'other', 0, 0)).records).slice(0, 2)).toEqual([
      'a',
      'b',
    ]);
    await still.kill('SIGKILL');
  } catch (error) {
    if (!(error instanceof BrokerDidNotStart)) throw error;
    expect(error.stderr).toMatch(/ENOSPC; free some space/);
    expect(error.exit.code).toBe(1);
  }

  await disk.makeRoom();
  await using again = await BrokerProcess.start(options);
  const client = await WireClient.connect(again.kafka);
  expect(valuesIn((await fetchOnce(client, 'other', 0, 0)).records).slice(0, 2)).toEqual([
    'a',
    'b',
  ]);
  for (const topic of made)
    expect((await offsetOf(client, topic, 0, -1)).errorCode).toBe(ErrorCode.NONE);
  const end = await offsetOf(client, 'large', 0, -1);
  expect(end.errorCode).toBe(ErrorCode.NONE);
  expect(end.offset).toBeGreaterThanOrEqual(acknowledged);
  for (let at = 0; at < acknowledged; at++) {
    const { records, errorCode } = await fetchOnce(client, 'large', 0, at, 1);
    expect([at, errorCode]).toEqual([at, ErrorCode.NONE]);
    expect(Buffer.compare(records!.subarray(61), batchOfBytes(BATCH_BYTES, at).subarray(61))).toBe(
      0,
    );
  }
  expect((await produce(client, 'other', 0, batchOf('c'))).errorCode).toBe(ErrorCode.NONE);
  expect(await again.kill('SIGTERM')).toEqual({ code: 0, signal: null });
});
