/**
 * Files that a real Apache Kafka wrote (make-golden.ts), and ours beside them. We read what it wrote, derive what it derived,
 * and of the same batches make the same files, byte for byte.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNodeCompression } from '@odradek/compression/node';
import { decodeRecord } from '@odradek/coordinator';
import {
  PartitionLog,
  decodePartitionMetadata,
  defaultLogConfig,
  type LogConfig,
} from '@odradek/log';
import { createNodeClock, createNodeCrc32c, createNodeRandom } from '@odradek/node';
import { silentLogger, type Volume } from '@odradek/ports';
import {
  BatchView,
  batchesIn,
  isCrcValid,
  offset,
  recordsIn,
  setBaseOffset,
  utf8Decode,
  type RecordView,
} from '@odradek/protocol';
import { openNodeVolume } from '@odradek/storage/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const GOLDEN = fileURLToPath(new URL('kafka-4.3.1', import.meta.url));
const RECOVER_BYTES_MAX = 2 ** 20;

const compression = createNodeCompression();
const crc32c = createNodeCrc32c();
const clock = createNodeClock();
const decompress = compression.decompress.bind(compression);

const MADE_AT_MS = Math.max(
  ...[
    ...readFileSync(join(GOLDEN, 'golden-segments-0.dump'), 'utf8').matchAll(/CreateTime: (\d+)/g),
  ].map((it) => Number(it[1])),
);

/** What the topics were made with. */
const SEGMENTS: Partial<LogConfig> = {
  segmentBytes: 1500,
  indexIntervalBytes: 300,
  retentionMs: -1,
};

let folder: string;
let volume: Volume;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'odradek-golden-'));
  volume = await openNodeVolume({ directory: folder });
});
afterEach(async () => {
  await volume.close();
  await rm(folder, { recursive: true, force: true });
});

const bring = async (name: string, keep: (file: string) => boolean = () => true): Promise<void> => {
  await mkdir(join(folder, name));
  for (const file of await readdir(join(GOLDEN, name))) {
    if (keep(file)) await cp(join(GOLDEN, name, file), join(folder, name, file));
  }
};

const open = (
  topic: string,
  options: { config?: Partial<LogConfig>; cleanShutdown?: boolean } = {},
) =>
  PartitionLog.open({
    volume,
    topic,
    partition: 0,
    topicId: decodePartitionMetadata(
      readFileSync(join(GOLDEN, `${topic}-0`, 'partition.metadata')),
    )!,
    config: { ...defaultLogConfig, ...SEGMENTS, ...options.config },
    cleanShutdown: options.cleanShutdown ?? false,
    // Producers are forgotten a day after their last batch: it must be the day on which the files were made.
    clock: { ...clock, wallTimeMs: () => MADE_AT_MS },
    random: createNodeRandom(),
    logger: silentLogger,
    crc32c,
    compression,
  });

/** Every file of a folder by its name, in hexadecimal; without ours, of which Kafka knows nothing. */
const filesOf = async (path: string): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await readdir(path))
      .filter((name) => name !== 'recent-batches')
      .toSorted()
      .map((name) => [name, shown(name, readFileSync(join(path, name)))]),
  );

/** Kafka writes producers in the order of a hash table: here they are put in order, and the checksum is left out. */
const shown = (name: string, bytes: Buffer): string => {
  if (!name.endsWith('.snapshot')) return bytes.toString('hex');
  const entries =
    bytes
      .subarray(SNAPSHOT_HEADER_BYTES)
      .toString('hex')
      .match(new RegExp(`.{${2 * SNAPSHOT_ENTRY_BYTES}}`, 'g')) ?? [];
  return [bytes.readInt16BE(0), ...entries.toSorted()].join('\n');
};
const SNAPSHOT_HEADER_BYTES = 10;
const SNAPSHOT_ENTRY_BYTES = 46;

const batchesOf = async (log: PartitionLog): Promise<BatchView[]> => {
  const batches: BatchView[] = [];
  for (let at = log.logStartOffset; at < log.logEndOffset;) {
    const result = await log.read(at, {
      maxBytes: RECOVER_BYTES_MAX,
      atLeastOneBatch: true,
      below: log.logEndOffset,
    });
    if (result.status !== 'ok' || result.sizeBytes === 0) break;
    for (const bytes of result.records) batches.push(...batchesIn(bytes));
    at = result.nextOffset;
  }
  return batches;
};

/** As kafka-dump-log prints it with --deep-iteration and --print-data-log. */
const dumped = (batch: BatchView): string[] => {
  const { baseSequence: base, isLogAppendTime } = batch;
  const lines = [...recordsIn(batch, decompress)].map((record) => {
    const size = (bytes: Uint8Array | null) => (bytes === null ? -1 : bytes.length);
    const sequence = base < 0 ? -1 : base + (record.offset - batch.baseOffset);
    const head = `| offset: ${record.offset} CreateTime: ${record.timestampMs} keySize: ${size(record.key)} valueSize: ${size(record.value)} sequence: ${sequence} headerKeys: [${record.headers.map((it) => it.key).join(',')}]`;
    return `${head}${batch.isControl ? markerOf(record) : `${named('key', record.key)}${named('payload', record.value)}`}`;
  });
  expect(isLogAppendTime).toBe(false);
  const codec = batch.compression ?? 'none';
  return [
    `baseOffset: ${batch.baseOffset} lastOffset: ${batch.lastOffset} count: ${batch.recordCount} baseSequence: ${base} lastSequence: ${batch.lastSequence} producerId: ${batch.producerId} producerEpoch: ${batch.producerEpoch} partitionLeaderEpoch: ${batch.leaderEpoch} isTransactional: ${batch.isTransactional} isControl: ${batch.isControl} CreateTime: ${batch.maxTimestampMs} size: ${batch.sizeBytes} magic: 2 compresscodec: ${codec} crc: ${batch.crc} isvalid: ${isCrcValid(batch, crc32c)}`,
    ...lines,
  ];
};
const named = (name: string, bytes: Uint8Array | null): string =>
  bytes === null ? '' : ` ${name}: ${utf8Decode(bytes)}`;
const markerOf = ({ key, value }: RecordView): string =>
  ` endTxnMarker: ${key![3] === 1 ? 'COMMIT' : 'ABORT'} coordinatorEpoch: ${new DataView(value!.buffer, value!.byteOffset).getInt32(2)}`;

/** The dump that Kafka's tool made, without what is about files. */
const goldenDump = (topic: string): string[] =>
  readFileSync(join(GOLDEN, `${topic}-0.dump`), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|') || line.startsWith('baseOffset'))
    .map((line) => line.replace(/ deleteHorizonMs: \S+ position: \d+/, ''));

/** Kafka was stopped and started once, while it wrote: a stop leaves a snapshot, which a start removes when there is a later one. */
const restartOffset = (): number =>
  Number(
    readFileSync(join(GOLDEN, 'golden-segments-0/leader-epoch-checkpoint'), 'utf8')
      .trim()
      .split(' ')
      .at(-1),
  );
const stopSnapshot = (): string => `${String(restartOffset()).padStart(20, '0')}.snapshot`;
/** The file of the segment that was the active one at that time. */
const segmentOfRestart = (ending: string): string =>
  readdirSync(join(GOLDEN, 'golden-segments-0'))
    .filter((name) => name.endsWith(ending) && Number.parseInt(name, 10) <= restartOffset())
    .toSorted()
    .at(-1)!;
/**
 * Byte for byte, with one difference: Kafka counted the bytes between two entries of the offset index anew when it started,
 * we go through a small segment again and so count on. Every entry that Kafka has we have.
 */
const expectSame = (ours: Record<string, string>, golden: Record<string, string>): void => {
  const index = segmentOfRestart('.index');
  expect(entriesOf(ours[index]!)).toEqual(expect.arrayContaining([...entriesOf(golden[index]!)]));
  expect({ ...ours, [index]: golden[index] }).toEqual(golden);
};
const entriesOf = (index: string): readonly string[] => index.match(/.{16}/g) ?? [];

describe('what Apache Kafka wrote', () => {
  it.each(['golden-segments', 'golden-compacted'])(
    'is read to the last byte: %s',
    async (topic) => {
      await bring(`${topic}-0`);
      const log = await open(topic, { cleanShutdown: true });
      const batches = await batchesOf(log);
      expect(batches.flatMap(dumped)).toEqual(goldenDump(topic));
      expect(log.logEndOffset).toBe(batches.at(-1)!.nextOffset);
      await log.close({ clean: true });
    },
  );

  it('is found by time and epoch, and its transactions and producers are known', async () => {
    await bring('golden-segments-0');
    const log = await open('golden-segments', { cleanShutdown: true });
    const batches = await batchesOf(log);
    log.setHighWatermark(log.logEndOffset);
    const records = batches.flatMap((batch) =>
      batch.isControl ? [] : [...recordsIn(batch, decompress)],
    );
    for (const { timestampMs } of records) {
      const first = records.find((it) => it.timestampMs >= timestampMs)!;
      expect(await log.offsetForTimestamp(timestampMs, log.logEndOffset)).toMatchObject({
        offset: first.offset,
        timestampMs: first.timestampMs,
      });
    }
    const secondEpoch = batches.find((it) => it.leaderEpoch > 0)!;
    expect(log.latestEpoch).toBe(secondEpoch.leaderEpoch);
    expect(log.endOffsetForEpoch(batches[0]!.leaderEpoch)).toEqual({
      epoch: 0,
      endOffset: secondEpoch.baseOffset,
    });
    expect(log.lastStableOffset).toBe(log.logEndOffset);
    const aborted = await log.abortedTransactions(offset(0), log.logEndOffset);
    const abortedValues = records.filter(
      (it) => it.value !== null && utf8Decode(it.value).endsWith('-abort'),
    );
    expect(aborted.map((it) => it.firstOffset)).toEqual(abortedValues.map((it) => it.offset));
    const producers = new Set(batches.map((it) => it.producerId));
    expect(new Set(log.producerStates().map((it) => it.producerId))).toEqual(producers);
    await log.close({ clean: true });
  });

  it('is left as it was found, but for the snapshot of an earlier stop', async () => {
    await bring('golden-segments-0');
    await (await open('golden-segments', { cleanShutdown: true })).close({ clean: true });
    const { [stopSnapshot()]: removed, ...left } = await filesOf(join(GOLDEN, 'golden-segments-0'));
    expect(removed).toBeDefined();
    expect(await filesOf(join(folder, 'golden-segments-0'))).toEqual(left);
  });

  it('gives the same indexes and snapshots again when only its log is left', async () => {
    await bring(
      'golden-segments-0',
      (file) => file.endsWith('.log') || file === 'partition.metadata',
    );
    await (await open('golden-segments')).close({ clean: true });
    const { [stopSnapshot()]: _, ...golden } = await filesOf(join(GOLDEN, 'golden-segments-0'));
    expectSame(await filesOf(join(folder, 'golden-segments-0')), golden);
  });

  it('has records of groups and offsets that are understood', async () => {
    await bring('__consumer_offsets-0');
    const log = await open('__consumer_offsets', { cleanShutdown: true, config: defaultLogConfig });
    const records = (await batchesOf(log)).flatMap((batch) => [...recordsIn(batch, decompress)]);
    const decoded = records.map(({ key, value }) => decodeRecord(key!, value));
    expect(decoded.map((it) => it.type)).not.toContain('unknown');
    expect(decoded).toContainEqual(
      expect.objectContaining({ groupId: 'golden-group', topic: 'golden-compacted', partition: 0 }),
    );
    await log.close({ clean: true });
  });
});

describe('of the same batches', () => {
  it('we make the files that Apache Kafka made, byte for byte', async () => {
    await bring('golden-segments-0', (file) => file === 'partition.metadata');
    const golden = join(GOLDEN, 'golden-segments-0');
    const logs = (await readdir(golden)).filter((name) => name.endsWith('.log')).toSorted();
    const bytes = logs.map((name) => Uint8Array.from(readFileSync(join(golden, name))));
    let log = await open('golden-segments');
    for (const batch of bytes.flatMap((it) => [...batchesIn(it)])) {
      if (batch.baseOffset === restartOffset()) {
        await log.close({ clean: true });
        log = await open('golden-segments', { cleanShutdown: true });
      }
      // As it came from the client.
      const sent = new BatchView(Uint8Array.from(batch.slice()));
      setBaseOffset(sent, offset(0));
      const outcome = log.appendAsLeader(sent.bytes, {
        leaderEpoch: batch.leaderEpoch,
        origin: batch.isControl ? 'coordinator' : 'client',
      });
      expect(outcome).toMatchObject({ status: 'appended', baseOffset: batch.baseOffset });
      log.setHighWatermark(log.logEndOffset);
    }
    await log.close({ clean: true });
    expectSame(await filesOf(join(folder, 'golden-segments-0')), await filesOf(golden));
  });
});
