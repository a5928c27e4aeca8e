/** DeleteRecords: key 21, versions 0 to 2, flexible from 2. */
import { array, errorCode, int32, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Moves the start of partitions up, so that what lies before may be deleted. */
export const deleteRecordsRequest = /*@__PURE__*/ message(
  { key: 21, name: 'DeleteRecordsRequest', versions: [0, 2], flexible: 2 },
  () => ({
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** -1: the high watermark. */
        offset: int64(),
      }),
    }),
    timeoutMs: int32(),
  }),
);
export type DeleteRecordsRequest = Body<typeof deleteRecordsRequest>;

/**
 * OFFSET_OUT_OF_RANGE: beyond the high watermark. NOT_LEADER_OR_FOLLOWER,
 * UNKNOWN_TOPIC_OR_PARTITION, POLICY_VIOLATION: the topic is compacted only.
 */
export const deleteRecordsResponse = /*@__PURE__*/ message(
  { key: 21, name: 'DeleteRecordsResponse', versions: [0, 2], flexible: 2 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** The lowest start among the replicas, -1 on error. */
        lowWatermark: int64(),
        errorCode: errorCode(),
      }),
    }),
  }),
);
export type DeleteRecordsResponse = Body<typeof deleteRecordsResponse>;
