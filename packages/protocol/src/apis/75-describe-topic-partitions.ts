/** DescribeTopicPartitions: key 75, versions 0, flexible from 0. */
import { array, boolean, errorCode, int32, string, struct, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { authorizedOperations, throttleTimeMs } from './words.ts';

/** Describes topics page by page (KIP-966). */
export const describeTopicPartitionsRequest = /*@__PURE__*/ message(
  { key: 75, name: 'DescribeTopicPartitionsRequest', versions: [0, 0], flexible: 0 },
  () => ({
    /** Empty: all. */
    topics: array({
      name: string(),
    }),
    responsePartitionLimit: int32({ default: 2000 }),
    /** Where to go on; null: from the beginning. */
    cursor: struct(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      { nullable: true, default: null },
    ),
  }),
);
export type DescribeTopicPartitionsRequest = Body<typeof describeTopicPartitionsRequest>;

/**
 * UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION, INVALID_REQUEST, TOPIC_AUTHORIZATION_FAILED.
 */
export const describeTopicPartitionsResponse = /*@__PURE__*/ message(
  { key: 75, name: 'DescribeTopicPartitionsResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    topics: array({
      errorCode: errorCode(),
      name: string({ nullable: true }),
      topicId: uuid(),
      isInternal: boolean({ default: false }),
      partitions: array({
        errorCode: errorCode(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ default: -1 }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        eligibleLeaderReplicas: array(int32(), { nullable: true, default: null }),
        lastKnownElr: array(int32(), { nullable: true, default: null }),
        offlineReplicas: array(int32()),
      }),
      topicAuthorizedOperations: authorizedOperations(),
    }),
    /** Null: that was all. */
    nextCursor: struct(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      { nullable: true, default: null },
    ),
  }),
);
export type DescribeTopicPartitionsResponse = Body<typeof describeTopicPartitionsResponse>;
