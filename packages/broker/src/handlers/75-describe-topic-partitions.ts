/** DescribeTopicPartitions: topics in order of name, in pages (KIP-966): the cursor names the first partition not yet told. */
import { elrOf, lastKnownElrOf } from '@odradek/replication';
import {
  ErrorCode,
  ZERO_UUID,
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
  type Input,
} from '@odradek/protocol';
import { TOPIC_OPERATIONS } from '../authorized-operations.ts';
import { handler } from './handler.ts';

type Response = Input<typeof describeTopicPartitionsResponse>;
type Topic = Response['topics'][number];

export const describeTopicPartitions = handler({
  name: 'DescribeTopicPartitions',
  request: describeTopicPartitionsRequest,
  response: describeTopicPartitionsResponse,
  versions: [0, 0],
  notes: 'No eligible leader replicas are kept yet: those lists are empty.',
  handle(broker, request) {
    const all = request.topics.length === 0;
    const names = all
      ? [...broker.image.topics.keys()]
      : [...new Set(request.topics.map((it) => it.name))];
    names.sort();
    const { cursor } = request;
    if (
      cursor !== null &&
      (cursor.partitionIndex < 0 || !(all || names.includes(cursor.topicName)))
    ) {
      // A cursor that we cannot have given.
      return { topics: names.map((it) => absent(it, ErrorCode.INVALID_REQUEST)), nextCursor: null };
    }
    let room = Math.min(
      Math.max(request.responsePartitionLimit, 1),
      broker.settings.broker['max.request.partition.size.limit'],
    );
    const topics: Topic[] = [];
    for (const name of names) {
      if (cursor !== null && name < cursor.topicName) continue;
      const topic = broker.image.topics.get(name);
      if (topic === undefined) {
        topics.push(absent(name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION));
        continue;
      }
      const first =
        name === cursor?.topicName ? Math.min(cursor.partitionIndex, topic.partitions.length) : 0;
      if (room === 0) return { topics, nextCursor: { topicName: name, partitionIndex: first } };
      const last = Math.min(topic.partitions.length, first + room);
      topics.push({
        errorCode: ErrorCode.NONE,
        name,
        topicId: topic.topicId,
        isInternal: topic.isInternal,
        partitions: topic.partitions.slice(first, last).map((it, i) => ({
          errorCode: ErrorCode.NONE,
          partitionIndex: first + i,
          leaderId: it.leader,
          leaderEpoch: it.leaderEpoch,
          replicaNodes: it.replicas,
          isrNodes: it.isr,
          eligibleLeaderReplicas: elrOf(it),
          lastKnownElr: lastKnownElrOf(it),
          offlineReplicas: broker.replicas.offlineAmong(name, first + i, it.replicas),
        })),
        topicAuthorizedOperations: TOPIC_OPERATIONS,
      });
      room -= last - first;
      if (last < topic.partitions.length)
        return { topics, nextCursor: { topicName: name, partitionIndex: last } };
    }
    return { topics, nextCursor: null };
  },
});

const absent = (name: string, errorCode: ErrorCode): Topic => ({
  errorCode,
  name,
  topicId: ZERO_UUID,
  partitions: [],
});
