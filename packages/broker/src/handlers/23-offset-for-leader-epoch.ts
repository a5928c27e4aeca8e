/** OffsetForLeaderEpoch: where an epoch ended, so that a client finds out what was cut off behind its back (KIP-320). */
import {
  ErrorCode,
  leaderEpoch,
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from '@odradek/protocol';
import type { BrokerServices } from '../services.ts';
import { handler } from './handler.ts';
import { findPartition } from './partitions.ts';

export const offsetForLeaderEpoch = handler({
  name: 'OffsetForLeaderEpoch',
  request: offsetForLeaderEpochRequest,
  response: offsetForLeaderEpochResponse,
  versions: [2, 4],
  notes: '',
  handle: (broker, request) => ({
    topics: request.topics.map((topic) => ({
      topic: topic.topic,
      partitions: topic.partitions.map((it) => ({
        partition: it.partition,
        ...endOf(broker, topic.topic, it),
      })),
    })),
  }),
});

const endOf = (
  broker: BrokerServices,
  topic: string,
  asked: { partition: number; currentLeaderEpoch: number; leaderEpoch: number },
): { errorCode: ErrorCode; leaderEpoch: number; endOffset: number } => {
  const unknown = (errorCode: ErrorCode) => ({ errorCode, leaderEpoch: -1, endOffset: -1 });
  const found = findPartition(broker, null, topic, asked.partition);
  if (!found.ok) return unknown(found.errorCode);
  const error = found.replica.leaderError(asked.currentLeaderEpoch);
  const log = found.replica.log;
  if (error !== ErrorCode.NONE || log === undefined) return unknown(error);
  const end = log.endOffsetForEpoch(leaderEpoch(asked.leaderEpoch));
  // A client may not learn of offsets that are not committed.
  return {
    errorCode: ErrorCode.NONE,
    leaderEpoch: end.epoch,
    endOffset: Math.min(end.endOffset, log.highWatermark),
  };
};
