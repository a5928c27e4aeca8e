/**
 * One wrong byte in each kind of file, after a stop in order and after none. Either everything is as it was (what is derived is
 * made anew), or the broker or the partition says by name what is wrong and serves nothing wrong; and nothing is thrown away:
 * with the byte put right, everything is there again.
 */
import { cp, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createNodeCrc32c } from '@odradek/node';
import { ErrorCode, buildBatch, recordsIn } from '@odradek/protocol';
import { seeded } from '@odradek/protocol/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startInProcess } from '../support/in-process-broker.ts';
import { logRecorder, type LogRecorder } from '../support/log-recorder.ts';
import { Unreadable, readPartition } from '../support/partition-reader.ts';
import { createTopic, produce } from '../support/steps.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { api } from '../support/wire-api.ts';
import { WireClient } from '../support/wire-client.ts';

const CONFIG = {
  listeners: 'PLAINTEXT://127.0.0.1:0',
  'offsets.topic.num.partitions': '1',
  // Only when the test says so.
  'log.retention.check.interval.ms': '100000000',
  'log.cleaner.enable': 'false',
} as const;
const SMALL_SEGMENTS = { 'segment.index.bytes': '64', 'index.interval.bytes': '256' };
const START_MS = Date.now() - 1_000_000;
const ROLLED_RECORDS = 240;
const PRODUCER = { producerId: 900_000, producerEpoch: 0 };
const PARTITIONS = ['rolled', 'small', 'trimmed'] as const;

const crc32c = createNodeCrc32c();
let home: TemporaryFolder;
/** What everybody must see, whatever happened to the disk in between. */
let truth: Observation;

interface Observation {
  /** By partition: offset, time and value of each record; or the error that stands in its place. */
  readonly [what: string]: unknown;
}

const start = async (
  dataDirectory: string,
  logger: LogRecorder = logRecorder(),
  config: Readonly<Record<string, string>> = {},
) => {
  const broker = await startInProcess({ dataDirectory, logger, config: { ...CONFIG, ...config } });
  const client = await WireClient.connect(broker.addresses.kafka!);
  return {
    broker,
    client,
    async stop(): Promise<void> {
      client.close();
      await broker.stop();
    },
  };
};

const batch = (first: number, count: number, idempotent: boolean): Uint8Array =>
  buildBatch({
    records: Array.from({ length: count }, (_, index) => ({
      timestampMs: START_MS + (first + index) * 1000,
      value: new TextEncoder().encode(`value ${first + index} ${'.'.repeat(40)}`),
    })),
    ...(idempotent ? { ...PRODUCER, baseSequence: first } : {}),
    crc32c,
  });

const produceMore = async (
  client: WireClient,
  topic: string,
  from: number,
  to: number,
  idempotent: boolean,
): Promise<void> => {
  for (let first = from; first < to; first += 2) {
    expect((await produce(client, topic, 0, batch(first, 2, idempotent))).errorCode).toBe(
      ErrorCode.NONE,
    );
  }
};

/** Files as a kill leaves them: everything that was written, and no word of a stop in order. */
const copyOf = async (from: string, to: string): Promise<string> => {
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true });
  await rm(join(to, 'odradek.pid'), { force: true });
  return to;
};

const folder = (name: string): string => join(home.path, name);

const observe = async (client: WireClient): Promise<Observation> => {
  const seen: Record<string, unknown> = {};
  for (const topic of PARTITIONS) {
    const records: string[] = [];
    try {
      const { logStartOffset, highWatermark } = await readPartition(
        client,
        topic,
        0,
        crc32c,
        (found) => {
          for (const record of recordsIn(found))
            records.push(
              `${record.offset} ${record.timestampMs} ${new TextDecoder().decode(record.value!)}`,
            );
        },
      );
      seen[topic] = { logStartOffset, highWatermark, records };
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      seen[topic] = error.message;
      continue;
    }
    // From the middle of each batch, through the index.
    const middles: string[] = [];
    for (
      let at = Number((seen[topic] as { logStartOffset: number }).logStartOffset);
      at < records.length;
      at += 13
    ) {
      const { responses } = await client.request(api.fetch, 12, {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: 1,
        topics: [{ topic, partitions: [{ partition: 0, fetchOffset: at, partitionMaxBytes: 1 }] }],
        forgottenTopicsData: [],
      });
      const found = responses[0]!.partitions[0]!;
      middles.push(
        `${at}: ${found.errorCode} ${found.records === null ? '' : Buffer.from(found.records.subarray(0, 8)).readBigInt64BE()}`,
      );
    }
    seen[`${topic} from the middle`] = middles;
    seen[`${topic} by time`] = await byTime(client, topic);
    seen[`${topic} by epoch`] = await byEpoch(client, topic);
  }
  seen['group'] = await committed(client);
  const { topics, clusterId } = await client.request(api.metadata, 12, { topics: null });
  seen['topics'] = topics.map((it) => [it.name, it.topicId]).sort();
  seen['cluster'] = clusterId;
  return seen;
};

const byTime = async (client: WireClient, topic: string): Promise<unknown> => {
  const found: unknown[] = [];
  for (let at = 0; at < ROLLED_RECORDS; at += 17) {
    const { topics } = await client.request(api.listOffsets, 5, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        { name: topic, partitions: [{ partitionIndex: 0, timestamp: START_MS + at * 1000 - 1 }] },
      ],
    });
    const { offset, timestamp, errorCode } = topics[0]!.partitions[0]!;
    found.push([errorCode, offset, timestamp]);
  }
  return found;
};

const byEpoch = async (client: WireClient, topic: string): Promise<unknown> => {
  const { topics } = await client.request(api.offsetForLeaderEpoch, 4, {
    replicaId: -1,
    topics: [
      {
        topic,
        partitions: [0, 1].map((leaderEpoch) => ({
          partition: 0,
          currentLeaderEpoch: -1,
          leaderEpoch,
        })),
      },
    ],
  });
  return topics[0]!.partitions.map((it) => [it.errorCode, it.leaderEpoch, it.endOffset]);
};

const committed = async (client: WireClient): Promise<unknown> => {
  await client.request(api.findCoordinator, 4, { keyType: 0, coordinatorKeys: ['readers'] });
  for (let attempt = 0; ; attempt++) {
    const { groups } = await client.request(api.offsetFetch, 8, {
      groups: [{ groupId: 'readers', topics: [{ name: 'rolled', partitionIndexes: [0] }] }],
    });
    const { errorCode, topics } = groups[0]!;
    const isLoading =
      errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ||
      errorCode === ErrorCode.NOT_COORDINATOR;
    if (isLoading && attempt < 20) await new Promise((resolve) => setTimeout(resolve, 5));
    else
      return errorCode === ErrorCode.NONE
        ? topics[0]!.partitions[0]!.committedOffset
        : `error ${errorCode}`;
  }
};

/** The producer's last batch once more: known by who keeps its sequences. */
const repeat = async (client: WireClient): Promise<unknown> => {
  const { errorCode, baseOffset } = await produce(
    client,
    'rolled',
    0,
    batch(ROLLED_RECORDS - 2, 2, true),
  );
  return [errorCode, baseOffset];
};

beforeAll(async () => {
  home = await temporaryFolder({ isInMemory: true });
  const building = folder('building');
  await mkdir(building);
  // Three lives, the first two without an end: three leader epochs.
  let life = await start(building);
  await createTopic(life.client, 'rolled', 1, SMALL_SEGMENTS);
  await createTopic(life.client, 'small');
  await createTopic(life.client, 'trimmed', 1, SMALL_SEGMENTS);
  await produceMore(life.client, 'rolled', 0, 80, true);
  await produceMore(life.client, 'trimmed', 0, 80, false);
  await produceMore(life.client, 'small', 0, 10, false);
  await copyOf(building, folder('second'));
  await life.stop();
  life = await start(folder('second'));
  await produceMore(life.client, 'rolled', 80, 160, true);
  await produceMore(life.client, 'small', 10, 20, false);
  await copyOf(folder('second'), folder('third'));
  await life.stop();
  life = await start(folder('third'), logRecorder(), {
    'log.flush.offset.checkpoint.interval.ms': '30',
    'replica.high.watermark.checkpoint.interval.ms': '30',
  });
  await produceMore(life.client, 'rolled', 160, ROLLED_RECORDS, true);
  await produceMore(life.client, 'small', 20, 30, false);
  await life.client.request(api.deleteRecords, 2, {
    topics: [{ name: 'trimmed', partitions: [{ partitionIndex: 0, offset: 33 }] }],
    timeoutMs: 5_000,
  });
  await committed(life.client);
  const { topics } = await life.client.request(api.offsetCommit, 8, {
    groupId: 'readers',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [
      {
        name: 'rolled',
        partitions: [{ partitionIndex: 0, committedOffset: 77, committedMetadata: '' }],
      },
    ],
  });
  expect(topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NONE);
  truth = await observe(life.client);
  // All of the checkpoints.
  await new Promise((resolve) => setTimeout(resolve, 200));
  await copyOf(folder('third'), folder('killed'));
  await life.stop();
  await copyOf(folder('third'), folder('stopped'));
});
afterAll(() => home[Symbol.asyncDispose]());

type Outcome =
  | 'whole'
  | 'partition offline'
  | 'start refused'
  | 'deleted records back'
  | 'other epochs';

interface Trial {
  readonly image: 'killed' | 'stopped';
  readonly file: string;
  readonly position: number;
  readonly mask: number;
}

/** Turns bits, starts, looks; then puts them right, and looks again. */
const attempt = async (trial: Trial, kind: Kind): Promise<Outcome> => {
  const damaged = await copyOf(folder(trial.image), folder('damaged'));
  await turn(join(damaged, trial.file), trial);
  const logger = logRecorder();
  const outcome = await outcomeOf(damaged, kind, logger);
  if (outcome !== 'partition offline' && outcome !== 'start refused') return outcome;
  await turn(join(damaged, trial.file), trial);
  const life = await start(damaged);
  try {
    const repaired = await observe(life.client);
    for (const what of Object.keys(truth))
      expect([what, repaired[what]]).toEqual([what, truth[what]]);
  } finally {
    await life.stop();
  }
  return outcome;
};

const outcomeOf = async (damaged: string, kind: Kind, logger: LogRecorder): Promise<Outcome> => {
  let life: Awaited<ReturnType<typeof start>>;
  try {
    life = await start(damaged, logger);
  } catch (error) {
    const told = `${String(error)}\n${logger.complaints}`;
    if (!kind.told.test(told))
      throw new Error(`refused without a word of ${String(kind.told)}: ${told}`, { cause: error });
    return 'start refused';
  }
  try {
    const seen = await observe(life.client);
    const differences = Object.keys(truth).filter((what) => !same(seen[what], truth[what]));
    if (differences.length === 0) {
      if (!same(await repeat(life.client), [ErrorCode.NONE, ROLLED_RECORDS - 2]))
        throw new Error(`the producer's last batch was not known again`);
      return 'whole';
    }
    if (kind.hasEpochsUnchecked === true && differences.every((what) => what.endsWith('by epoch')))
      return 'other epochs';
    if (!kind.told.test(logger.complaints))
      throw new Error(`${differences.join()}: without a logged reason: ${logger.complaints}`);
    if (
      kind.mayBringBackDeleted === true &&
      differences.every((what) => what.startsWith('trimmed'))
    )
      return 'deleted records back';
    for (const what of differences) {
      const isError = typeof seen[what] === 'string' || seen[what] === undefined;
      if (!isError)
        throw new Error(
          `wrong data: ${what} is\n${JSON.stringify(seen[what])}\ninstead of\n${JSON.stringify(truth[what])}\n${logger.complaints}`,
        );
    }
    return 'partition offline';
  } finally {
    await life.stop();
  }
};

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const turn = async (path: string, { position, mask }: Trial): Promise<void> => {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, position);
  byte[0]! ^= mask;
  await file.write(byte, 0, 1, position);
  await file.close();
};

const seed = Number(process.env['ODRADEK_CORRUPTION_SEED'] ?? Date.now() % 1_000_000);

interface Kind {
  readonly name: string;
  /** Of the folder's files, those of this kind. */
  readonly files: RegExp;
  /** Of which these are tried. */
  readonly filesTried: number;
  readonly positionsTried: number;
  /** Of the file's bytes, from where on. */
  readonly from?: number;
  readonly images?: readonly Trial['image'][];
  /** What the log, or the refusal, must speak of. */
  readonly told: RegExp;
  /** Kafka's format has a leader epoch there that no checksum covers. */
  readonly hasEpochsUnchecked?: boolean;
  /** Nothing else knows that they were deleted. */
  readonly mayBringBackDeleted?: boolean;
}

const KINDS: readonly Kind[] = [
  {
    name: 'a sealed segment',
    files: /^rolled-0\/0+\.log$/,
    filesTried: 1,
    positionsTried: 12,
    told: /rolled-0/,
    hasEpochsUnchecked: true,
  },
  {
    name: 'a segment in the middle',
    files: /^rolled-0\/.*[1-9].*\.log$/,
    filesTried: 3,
    positionsTried: 4,
    told: /rolled-0/,
    hasEpochsUnchecked: true,
  },
  {
    name: 'an active segment',
    files: /^small-0\/.*\.log$/,
    filesTried: 1,
    positionsTried: 12,
    told: /small-0/,
    hasEpochsUnchecked: true,
  },
  {
    name: 'an offset index',
    files: /^rolled-0\/.*\.index$/,
    filesTried: 3,
    positionsTried: 6,
    told: /rolled-0/,
  },
  {
    name: 'a time index',
    files: /^rolled-0\/.*\.timeindex$/,
    filesTried: 3,
    positionsTried: 6,
    told: /rolled-0/,
  },
  {
    name: 'a producer snapshot',
    files: /^rolled-0\/.*\.snapshot$/,
    filesTried: 3,
    positionsTried: 4,
    told: /rolled-0/,
  },
  {
    name: 'a leader epoch checkpoint',
    files: /^rolled-0\/leader-epoch-checkpoint$/,
    filesTried: 1,
    positionsTried: 14,
    told: /rolled-0/,
    hasEpochsUnchecked: true,
  },
  {
    name: 'partition.metadata',
    files: /^rolled-0\/partition\.metadata$/,
    filesTried: 1,
    positionsTried: 8,
    told: /rolled-0/,
  },
  {
    name: 'meta.properties',
    files: /^meta\.properties$/,
    filesTried: 1,
    positionsTried: 12,
    told: /meta\.properties|belongs to broker/,
  },
  {
    name: 'the recovery points',
    files: /^recovery-point-offset-checkpoint$/,
    filesTried: 1,
    positionsTried: 10,
    told: /recovery-point-offset-checkpoint/,
  },
  {
    name: 'the log starts',
    files: /^log-start-offset-checkpoint$/,
    filesTried: 1,
    positionsTried: 12,
    told: /log-start-offset-checkpoint/,
    mayBringBackDeleted: true,
  },
  {
    name: 'the high watermarks',
    files: /^replication-offset-checkpoint$/,
    filesTried: 1,
    positionsTried: 4,
    told: /replication-offset-checkpoint/,
  },
  {
    name: "the cleaner's checkpoint",
    files: /^cleaner-offset-checkpoint$/,
    filesTried: 1,
    positionsTried: 4,
    told: /cleaner-offset-checkpoint/,
  },
  {
    name: 'the checksums of the checkpoints',
    files: /^checkpoint-checksums$/,
    filesTried: 1,
    positionsTried: 8,
    told: /checkpoint-checksums/,
  },
  {
    name: 'the metadata log',
    files: /^__cluster_metadata-0\/.*\.log$/,
    filesTried: 1,
    positionsTried: 10,
    told: /__cluster_metadata-0|metadata log/,
  },
  {
    name: "the metadata log's small files",
    files: /^__cluster_metadata-0\/(leader-epoch-checkpoint|partition.metadata)$/,
    filesTried: 2,
    positionsTried: 6,
    told: /__cluster_metadata-0|metadata log/,
  },
  {
    name: 'quorum-state',
    files: /^__cluster_metadata-0\/quorum-state$/,
    filesTried: 1,
    positionsTried: 12,
    told: /quorum-state/,
  },
  {
    name: 'the mark of a stop in order',
    files: /^\.kafka_cleanshutdown$/,
    filesTried: 1,
    positionsTried: 8,
    images: ['stopped'],
    told: /kafka_cleanshutdown/,
  },
  {
    name: 'the mark of the machine',
    files: /^boot-id$/,
    filesTried: 1,
    positionsTried: 4,
    told: /boot-id/,
  },
  {
    name: 'the log of groups',
    files: /^__consumer_offsets-0\/.*\.log$/,
    filesTried: 1,
    positionsTried: 10,
    told: /__consumer_offsets-0/,
  },
];

describe(`one wrong byte (seed ${seed})`, () => {
  describe.each(['killed', 'stopped'] as const)('after the broker was %s', (image) => {
    it.each(KINDS.filter((kind) => kind.images?.includes(image) ?? true))(
      'in $name',
      async (kind) => {
        const chance = seeded(seed);
        const files = (await readdir(folder(image), { recursive: true }))
          .filter((name) => kind.files.test(name))
          .sort();
        expect(files.length).toBeGreaterThan(0);
        const outcomes: Record<string, number> = {};
        const failures: string[] = [];
        while (files.length > kind.filesTried) files.splice(chance.below(files.length), 1);
        for (const file of files) {
          const { size } = await stat(join(folder(image), file));
          for (const position of positionsIn(size, kind.positionsTried, chance.below)) {
            const trial: Trial = { image, file, position, mask: 1 << chance.below(8) };
            try {
              const outcome = await attempt(trial, kind);
              outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
            } catch (error) {
              failures.push(
                `${JSON.stringify(trial)}: ${error instanceof Error ? error.message : String(error)}`,
              );
            }
          }
        }
        process.stdout.write(`${image}, ${kind.name}: ${JSON.stringify(outcomes)}\n`);
        if (failures.length > 0)
          throw new Error(`${failures.length} of them: ${failures.slice(0, 4).join('\n')}`);
      },
    );
  });
});

/** The ends, and places between. */
const positionsIn = (
  sizeBytes: number,
  count: number,
  below: (limit: number) => number,
): readonly number[] => {
  if (sizeBytes <= count) return Array.from({ length: sizeBytes }, (_, at) => at);
  const chosen = new Set([0, sizeBytes - 1]);
  while (chosen.size < count) chosen.add(below(sizeBytes));
  return [...chosen].sort((a, b) => a - b);
};
