/**
 * Reads partitions without a group: from a place, to an end or for ever. One round asks every leader for its partitions at once; the
 * broker holds the answer until there is something to read.
 */
import type { AbortSignalLike } from '@odradek/ports';
import { ErrorCode, batchesIn, isCrcValid, recordsIn } from '@odradek/protocol';
import type { BatchView, RecordHeader } from '@odradek/protocol';
import { fetchApi, listOffsetsApi } from './api.ts';
import type { Cluster } from './cluster.ts';
import { prepareCodecs } from './codecs.ts';
import { BrokerError, ClientError, ProtocolViolation, check } from './errors.ts';
import { throwIfAborted, withRetries } from './retry.ts';

/** Where to begin; an offset below zero counts from the end. */
export type StartingPoint =
  | { readonly at: 'earliest' | 'latest' }
  | { readonly offset: number }
  | { readonly timestampMs: number };

export interface ReadOptions {
  readonly topic: string;
  /** All when left out. */
  readonly partitions?: readonly number[];
  readonly from: StartingPoint;
  /** Where to stop: before that offset, or the first record of that time or later; at the latest where the partition ended when reading began. */
  readonly until?: StartingPoint;
  readonly signal?: AbortSignalLike;
  readonly maxWaitMs?: number;
  readonly maxBytes?: number;
}

/** Keys and values are views into what was fetched: copy what is kept for long. */
export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

interface Position {
  readonly partition: number;
  next: number;
  /** Where to stop; undefined for never. */
  readonly end: number | undefined;
}

/** Long polls are held by the broker: not on the connection that others use. */
const READER_LANE = 'reader';
const MAX_WAIT_MS = 500;
const MAX_BYTES = 50 * 1024 * 1024;
const PARTITION_MAX_BYTES = 1024 * 1024;
/** A batch that unpacks to more is refused. */
const DECOMPRESSED_BYTES_MAX = 256 * 1024 * 1024;
const EARLIEST = -2;
const LATEST = -1;
const READ_UNCOMMITTED = 0;

/** Records of one answer and one partition, in order. Across partitions there is no order. */
export async function* readTopic(
  cluster: Cluster,
  options: ReadOptions,
): AsyncGenerator<readonly ReadRecord[], void, undefined> {
  const { topic, signal } = options;
  const positions = await startingPositions(cluster, options);
  const isDone = ({ next, end }: Position): boolean => end !== undefined && next >= end;
  for (;;) {
    const open = positions.filter((position) => !isDone(position));
    if (open.length === 0) return;
    throwIfAborted(signal);
    const batches = await withRetries(
      cluster.host,
      cluster.retry,
      () => fetchRound(cluster, topic, open, options),
      signal,
    );
    for (const { position, batch } of batches) {
      const records = recordsOf(cluster, topic, position, batch);
      if (records.length > 0) yield records;
    }
  }
}

async function startingPositions(
  cluster: Cluster,
  { topic, partitions, from, until }: ReadOptions,
): Promise<readonly Position[]> {
  const known = (await cluster.topic(topic)).partitions
    .map(({ partitionIndex }) => partitionIndex)
    .sort((a, b) => a - b);
  const wanted = partitions ?? known;
  const missing = wanted.find((partition) => !known.includes(partition));
  if (missing !== undefined)
    throw new BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, {
      topic,
      partition: missing,
      retriable: false,
    });
  const latest =
    needsEnds(from) || until !== undefined
      ? await listOffsets(cluster, topic, wanted, LATEST)
      : new Map<number, number>();
  const starts = await findPlaces(cluster, topic, wanted, from, latest);
  const ends =
    until === undefined ? undefined : await findPlaces(cluster, topic, wanted, until, latest);
  return wanted.map((partition) => ({
    partition,
    next: starts.get(partition) ?? 0,
    end:
      ends === undefined
        ? undefined
        : Math.min(ends.get(partition) ?? 0, latest.get(partition) ?? 0),
  }));
}

const needsEnds = (from: StartingPoint): boolean =>
  'offset' in from ? from.offset < 0 : 'timestampMs' in from;

async function findPlaces(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  from: StartingPoint,
  ends: ReadonlyMap<number, number>,
): Promise<ReadonlyMap<number, number>> {
  if ('at' in from)
    return listOffsets(cluster, topic, partitions, from.at === 'earliest' ? EARLIEST : LATEST);
  if ('timestampMs' in from) {
    const found = await listOffsets(cluster, topic, partitions, from.timestampMs);
    // Nothing is that young: begin with what comes next.
    return new Map(
      partitions.map((partition) => [
        partition,
        (found.get(partition) ?? -1) < 0 ? (ends.get(partition) ?? 0) : (found.get(partition) ?? 0),
      ]),
    );
  }
  if (from.offset >= 0) return new Map(partitions.map((partition) => [partition, from.offset]));
  const starts = await listOffsets(cluster, topic, partitions, EARLIEST);
  return new Map(
    partitions.map((partition) => [
      partition,
      Math.max(starts.get(partition) ?? 0, (ends.get(partition) ?? 0) + from.offset),
    ]),
  );
}

/** The offset of each partition at a time (or EARLIEST, LATEST); -1 where nothing is that young. */
export function listOffsets(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  timestamp: number,
): Promise<ReadonlyMap<number, number>> {
  return withRetries(cluster.host, cluster.retry, async () => {
    const offsets = new Map<number, number>();
    const answers = await byLeader(cluster, topic, partitions, (leader, led) =>
      cluster.ask(leader, listOffsetsApi, {
        replicaId: -1,
        isolationLevel: READ_UNCOMMITTED,
        topics: [
          { name: topic, partitions: led.map((partitionIndex) => ({ partitionIndex, timestamp })) },
        ],
        timeoutMs: 0,
      }),
    );
    for (const { partitionIndex, errorCode, offset: found } of answers.flatMap(({ topics }) =>
      topics.flatMap((answered) => answered.partitions),
    )) {
      if (errorCode !== 0) cluster.forgetLeaders(topic);
      check(errorCode, { topic, partition: partitionIndex });
      offsets.set(partitionIndex, found);
    }
    return offsets;
  });
}

interface FetchedBatch {
  readonly position: Position;
  readonly batch: BatchView;
}

async function fetchRound(
  cluster: Cluster,
  topic: string,
  positions: readonly Position[],
  options: ReadOptions,
): Promise<readonly FetchedBatch[]> {
  const byPartition = new Map(positions.map((position) => [position.partition, position]));
  const maxWaitMs = options.maxWaitMs ?? MAX_WAIT_MS;
  const answers = await byLeader(cluster, topic, [...byPartition.keys()], (leader, led) =>
    cluster.ask(
      leader,
      fetchApi,
      {
        maxWaitMs,
        minBytes: 1,
        maxBytes: options.maxBytes ?? MAX_BYTES,
        isolationLevel: READ_UNCOMMITTED,
        topics: [
          {
            topic,
            partitions: led.map((partition) => ({
              partition,
              fetchOffset: byPartition.get(partition)?.next ?? 0,
              partitionMaxBytes: PARTITION_MAX_BYTES,
            })),
          },
        ],
        forgottenTopicsData: [],
      },
      { extraMs: maxWaitMs, lane: READER_LANE },
    ),
  );
  const fetched: FetchedBatch[] = [];
  for (const answer of answers) {
    check(answer.errorCode, { api: 'Fetch' });
    const answered = answer.responses.flatMap(({ partitions }) => partitions);
    await prepareCodecs(cluster, answer);
    for (const { partitionIndex, errorCode, records } of answered) {
      const position = byPartition.get(partitionIndex);
      if (position === undefined) continue;
      if (errorCode !== 0) cluster.forgetLeaders(topic);
      check(errorCode, {
        topic,
        partition: partitionIndex,
        ...(errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && {
          detail: `offset ${position.next} is not in the log`,
        }),
      });
      for (const batch of batchesIn(records ?? new Uint8Array(0)))
        fetched.push({ position, batch });
    }
  }
  return fetched;
}

/** Asks each leader for the partitions that it leads. What fails with the connection is forgotten and asked for anew at the next try. */
async function byLeader<Out>(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  ask: (leader: number, led: readonly number[]) => Promise<Out>,
): Promise<readonly Out[]> {
  if (partitions.some((partition) => cluster.leaderOf(topic, partition) === undefined))
    await cluster.metadata({ topics: [topic] });
  const led = new Map<number, number[]>();
  for (const partition of partitions) {
    const leader = cluster.leaderOf(topic, partition);
    if (leader === undefined)
      throw new BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, { topic, partition });
    const group = led.get(leader);
    if (group === undefined) led.set(leader, [partition]);
    else group.push(partition);
  }
  try {
    return await Promise.all([...led].map(([leader, group]) => ask(leader, group)));
  } catch (error) {
    if (error instanceof ClientError) cluster.forgetLeaders(topic);
    throw error;
  }
}

/** The batch's records from the position on (a batch may begin before it, KIP-74); the position moves behind the batch. */
function recordsOf(
  cluster: Cluster,
  topic: string,
  position: Position,
  batch: BatchView,
): readonly ReadRecord[] {
  const { host } = cluster;
  const { partition, next, end } = position;
  if (!isCrcValid(batch, host.crc32c))
    throw new ProtocolViolation(
      `${topic}-${partition}: the batch at offset ${batch.baseOffset} is damaged`,
    );
  position.next = Math.max(next, batch.nextOffset);
  // Markers of transactions are no records of anybody's.
  if (batch.isControl) return [];
  const records: ReadRecord[] = [];
  for (const record of recordsIn(
    batch,
    (codec, bytes, limit) => host.compression.decompress(codec, bytes, limit),
    DECOMPRESSED_BYTES_MAX,
  )) {
    if (record.offset < next || (end !== undefined && record.offset >= end)) continue;
    records.push({
      partition,
      offset: record.offset,
      timestampMs: record.timestampMs,
      key: record.key,
      value: record.value,
      headers: record.headers,
    });
  }
  return records;
}
