/** DescribeProducers: the producers that a partition remembers, for those who look for hanging ones. */
import { ErrorCode, describeProducersRequest, describeProducersResponse } from '@odradek/protocol';
import { topicNameProblem } from '../controller/topic-name.ts';
import type { BrokerServices } from '../services.ts';
import { handler } from './handler.ts';
import { findPartition } from './partitions.ts';

export const describeProducers = handler({
  name: 'DescribeProducers',
  request: describeProducersRequest,
  response: describeProducersResponse,
  versions: [0, 0],
  notes: '',
  handle: (broker, request) => ({
    topics: request.topics.map((topic) => ({
      name: topic.name,
      partitions: topic.partitionIndexes.map((it) => ({
        partitionIndex: it,
        ...producersOf(broker, topic.name, it),
      })),
    })),
  }),
});

const producersOf = (broker: BrokerServices, topic: string, partition: number) => {
  const problem = topicNameProblem(topic);
  if (problem !== null) {
    const errorCode = ErrorCode.INVALID_TOPIC_EXCEPTION;
    return { errorCode, errorMessage: problem, activeProducers: [] };
  }
  const found = findPartition(broker, null, topic, partition);
  if (!found.ok)
    return { errorCode: found.errorCode, errorMessage: found.message, activeProducers: [] };
  const error = found.replica.leaderError(-1);
  const log = found.replica.log;
  if (error !== ErrorCode.NONE || log === undefined) {
    return { errorCode: error, errorMessage: null, activeProducers: [] };
  }
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    activeProducers: log
      .producerStates()
      .map(({ lastTimestampMs, ...it }) => ({ ...it, lastTimestamp: lastTimestampMs })),
  };
};
