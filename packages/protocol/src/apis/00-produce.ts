/**
 * Produce: key 0, versions 3 to 13, flexible from 9.
 *
 * Versions 0 to 2 went with the old record formats; a broker lists them all the same, or old
 * librdkafka turns off compression (KAFKA-18659). 7: zstd allowed. 10: leader hints (KIP-951). 12:
 * inside a transaction the partition is added implicitly (KIP-890). 13: topic ids instead of names
 * (KIP-516).
 */
import {
  array,
  errorCode,
  int16,
  int32,
  int64,
  records,
  string,
  struct,
  uuid,
} from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, leaderIdAndEpoch, nodeEndpoints, throttleTimeMs } from './words.ts';

/** Appends record batches to partitions. */
export const produceRequest = /*@__PURE__*/ message(
  { key: 0, name: 'ProduceRequest', versions: [3, 13], flexible: 9 },
  () => ({
    transactionalId: string({ nullable: true, default: null }),
    /** 0: no response. 1: the leader has it. -1: all replicas in sync have it. */
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitionData: array({
        index: int32(),
        /** One batch of format v2. */
        records: records({ nullable: true }),
      }),
    }),
  }),
);
export type ProduceRequest = Body<typeof produceRequest>;

/**
 * acks=0 has no response at all. NOT_LEADER_OR_FOLLOWER and UNKNOWN_TOPIC_OR_PARTITION
 * (UNKNOWN_TOPIC_ID from 13): refresh metadata. NOT_ENOUGH_REPLICAS: nothing was written;
 * ..._AFTER_APPEND: written, not acknowledged. OUT_OF_ORDER_SEQUENCE_NUMBER,
 * INVALID_PRODUCER_EPOCH: idempotence. CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, INVALID_RECORD,
 * INVALID_TIMESTAMP: the batch was refused.
 */
export const produceResponse = /*@__PURE__*/ message(
  { key: 0, name: 'ProduceResponse', versions: [3, 13], flexible: 9 },
  () => ({
    responses: array({
      name: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitionResponses: array({
        index: int32(),
        errorCode: errorCode(),
        baseOffset: int64(),
        /** -1 when the topic keeps the producer's timestamps. */
        logAppendTimeMs: int64({ default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        /** KIP-467: which records made the whole batch fail. */
        recordErrors: array(
          {
            batchIndex: int32(),
            batchIndexErrorMessage: errorMessage(),
          },
          { since: 8 },
        ),
        errorMessage: errorMessage({ since: 8 }),
        currentLeader: struct(leaderIdAndEpoch(), { since: 10, tag: 0 }),
      }),
    }),
    throttleTimeMs: throttleTimeMs(),
    nodeEndpoints: nodeEndpoints({ since: 10, tag: 0 }),
  }),
);
export type ProduceResponse = Body<typeof produceResponse>;
