/** OffsetForLeaderEpoch: where an epoch ended, so that a client finds out what was cut off behind its back (KIP-320). */
import {
  ErrorCode,
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
  if (error !== ErrorCode.NONE) return unknown(error);
  const { epoch, endOffset } = found.replica.endOffsetForEpoch(asked.leaderEpoch);
  return { errorCode: ErrorCode.NONE, leaderEpoch: epoch, endOffset };
};
