/** DescribeProducers: key 61, versions 0, flexible from 0. */
import { array, errorCode, int32, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Tells the producers that partitions keep state of (KIP-664). */
export const describeProducersRequest = /*@__PURE__*/ message(
  { key: 61, name: 'DescribeProducersRequest', versions: [0, 0], flexible: 0 },
  () => ({
    topics: array({
      name: string(),
      partitionIndexes: array(int32()),
    }),
  }),
);
export type DescribeProducersRequest = Body<typeof describeProducersRequest>;

/** NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION. */
export const describeProducersResponse = /*@__PURE__*/ message(
  { key: 61, name: 'DescribeProducersResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        errorMessage: errorMessage(),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32({ default: -1 }),
          lastTimestamp: int64({ default: -1 }),
          coordinatorEpoch: int32(),
          /** -1: no open transaction. */
          currentTxnStartOffset: int64({ default: -1 }),
        }),
      }),
    }),
  }),
);
export type DescribeProducersResponse = Body<typeof describeProducersResponse>;
