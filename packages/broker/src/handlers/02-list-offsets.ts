/** ListOffsets: by time, or one of Kafka's names for a place: latest, earliest, max timestamp, and those of tiered storage. */
import { ErrorCode, listOffsetsRequest, listOffsetsResponse, type Body } from '@odradek/protocol';
import type { PartitionLog } from '@odradek/log';
import type { BrokerServices } from '../services.ts';
import { handler } from './handler.ts';
import { findPartition } from './partitions.ts';

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
const EARLIEST_PENDING_UPLOAD = -6;

/** The first version that may ask for a name below -2. */
const NAME_VERSION_MIN: ReadonlyMap<number, number> = new Map([
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
]);

type Request = Body<typeof listOffsetsRequest>;

interface Found {
  readonly errorCode: ErrorCode;
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

const notFound = (errorCode: ErrorCode): Found => ({
  errorCode,
  timestamp: -1,
  offset: -1,
  leaderEpoch: -1,
});

export const listOffsets = handler({
  name: 'ListOffsets',
  request: listOffsetsRequest,
  response: listOffsetsResponse,
  versions: [1, 11],
  notes:
    'Nothing is tiered: earliest-local is the log start, latest-tiered and earliest-pending-upload are -1.',
  async handle(broker, request, context) {
    const isCommitted = request.isolationLevel === 1;
    const twice = namedTwice(request.topics);
    const topics = await Promise.all(
      request.topics.map(async (topic) => ({
        name: topic.name,
        partitions: await Promise.all(
          topic.partitions.map(async (it) => ({
            partitionIndex: it.partitionIndex,
            ...(twice.has(keyOf(topic.name, it.partitionIndex))
              ? notFound(ErrorCode.INVALID_REQUEST)
              : await lookUp(broker, topic.name, it, isCommitted, context.apiVersion)),
          })),
        ),
      })),
    );
    return { topics };
  },
});

const keyOf = (topic: string, partition: number): string => `${topic}-${partition}`;

const namedTwice = (topics: Request['topics']): ReadonlySet<string> => {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const topic of topics) {
    for (const { partitionIndex } of topic.partitions) {
      const key = keyOf(topic.name, partitionIndex);
      if (seen.has(key)) twice.add(key);
      seen.add(key);
    }
  }
  return twice;
};

const lookUp = async (
  broker: BrokerServices,
  topic: string,
  asked: { partitionIndex: number; currentLeaderEpoch: number; timestamp: number },
  isCommitted: boolean,
  apiVersion: number,
): Promise<Found> => {
  const found = findPartition(broker, null, topic, asked.partitionIndex);
  if (!found.ok) return notFound(found.errorCode);
  const error = found.replica.leaderError(asked.currentLeaderEpoch);
  const log = found.replica.log;
  if (error !== ErrorCode.NONE || log === undefined) return notFound(error);
  const since = NAME_VERSION_MIN.get(asked.timestamp);
  if (
    (asked.timestamp < EARLIEST && since === undefined) ||
    (since !== undefined && apiVersion < since)
  ) {
    return notFound(ErrorCode.UNSUPPORTED_VERSION);
  }
  try {
    return await place(log, asked.timestamp, isCommitted, found.assignment.leaderEpoch);
  } catch (cause) {
    const gone = found.replica.leaderError(-1);
    if (gone !== ErrorCode.NONE) return notFound(gone);
    broker.logger.error(`a time could not be looked up in ${topic}-${asked.partitionIndex}`, {
      error: cause,
    });
    return notFound(ErrorCode.KAFKA_STORAGE_ERROR);
  }
};

const place = async (
  log: PartitionLog,
  timestamp: number,
  isCommitted: boolean,
  leaderEpoch: number,
): Promise<Found> => {
  const end = isCommitted ? log.lastStableOffset : log.highWatermark;
  switch (timestamp) {
    case LATEST:
      return { errorCode: ErrorCode.NONE, timestamp: -1, offset: end, leaderEpoch };
    case EARLIEST:
    case EARLIEST_LOCAL: {
      const start = log.logStartOffset;
      // An epoch begins at the end of an empty log, too.
      const epoch = start === log.logEndOffset ? leaderEpoch : log.earliest.leaderEpoch;
      return { errorCode: ErrorCode.NONE, timestamp: -1, offset: start, leaderEpoch: epoch };
    }
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return notFound(ErrorCode.NONE);
    default: {
      const record =
        timestamp === MAX_TIMESTAMP
          ? await log.maxTimestampOffset()
          : await log.offsetForTimestamp(timestamp, end);
      if (record === undefined || record.offset >= end) return notFound(ErrorCode.NONE);
      return {
        errorCode: ErrorCode.NONE,
        timestamp: record.timestampMs,
        offset: record.offset,
        leaderEpoch: record.leaderEpoch,
      };
    }
  }
};
