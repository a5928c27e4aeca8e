/** DescribeLogDirs: how much each partition takes on this broker's volume. */
import { ErrorCode, describeLogDirsRequest, describeLogDirsResponse } from '@odradek/protocol';
import { handler } from './handler.ts';

export const describeLogDirs = handler({
  name: 'DescribeLogDirs',
  request: describeLogDirsRequest,
  response: describeLogDirsResponse,
  versions: [1, 4],
  notes: 'One folder; its total and free bytes are -1 (unknown).',
  handle(broker, request) {
    const asked =
      request.topics && new Map(request.topics.map((it) => [it.topic, new Set(it.partitions)]));
    const topics = new Map<
      string,
      { partitionIndex: number; partitionSize: number; offsetLag: number; isFutureKey: boolean }[]
    >();
    for (const { topic, partition, log } of broker.replicas.all()) {
      if (asked !== null && !asked.get(topic)?.has(partition)) continue;
      const partitions = topics.get(topic) ?? [];
      topics.set(topic, partitions);
      partitions.push({
        partitionIndex: partition,
        partitionSize: log?.sizeBytes ?? 0,
        offsetLag: log === undefined ? 0 : Math.max(0, log.highWatermark - log.logEndOffset),
        isFutureKey: false,
      });
    }
    return {
      errorCode: ErrorCode.NONE,
      results: [
        {
          errorCode: ErrorCode.NONE,
          logDir: broker.dataLocation,
          topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
        },
      ],
    };
  },
});
