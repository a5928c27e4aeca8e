/**
 * AddPartitionsToTxn: key 24, versions 0 to 5, flexible from 3.
 *
 * 3: flexible, the last for clients. 4: many transactions at once, from broker to broker (KIP-890).
 * 5: TRANSACTION_ABORTABLE.
 */
import { array, boolean, errorCode, int16, int32, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Puts partitions into a transaction. */
export const addPartitionsToTxnRequest = /*@__PURE__*/ message(
  { key: 24, name: 'AddPartitionsToTxnRequest', versions: [0, 5], flexible: 3 },
  () => ({
    transactions: array(
      {
        transactionalId: string(),
        producerId: int64(),
        producerEpoch: int16(),
        /** Ask whether they are in it, do not add. */
        verifyOnly: boolean({ default: false }),
        topics: array(addPartitionsToTxnTopic()),
      },
      { since: 4 },
    ),
    v3AndBelowTransactionalId: string({ until: 3 }),
    v3AndBelowProducerId: int64({ until: 3 }),
    v3AndBelowProducerEpoch: int16({ until: 3 }),
    v3AndBelowTopics: array(addPartitionsToTxnTopic(), { until: 3 }),
  }),
);
export type AddPartitionsToTxnRequest = Body<typeof addPartitionsToTxnRequest>;

/**
 * INVALID_PRODUCER_ID_MAPPING, INVALID_PRODUCER_EPOCH, PRODUCER_FENCED, INVALID_TXN_STATE,
 * CONCURRENT_TRANSACTIONS: try again. OPERATION_NOT_ATTEMPTED: another partition failed.
 */
export const addPartitionsToTxnResponse = /*@__PURE__*/ message(
  { key: 24, name: 'AddPartitionsToTxnResponse', versions: [0, 5], flexible: 3 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode({ since: 4 }),
    resultsByTransaction: array(
      {
        transactionalId: string(),
        topicResults: array(addPartitionsToTxnTopicResult()),
      },
      { since: 4 },
    ),
    resultsByTopicV3AndBelow: array(addPartitionsToTxnTopicResult(), { until: 3 }),
  }),
);
export type AddPartitionsToTxnResponse = Body<typeof addPartitionsToTxnResponse>;

const addPartitionsToTxnTopic = () => ({
  name: string(),
  partitions: array(int32()),
});

const addPartitionsToTxnPartitionResult = () => ({
  partitionIndex: int32(),
  partitionErrorCode: errorCode(),
});

const addPartitionsToTxnTopicResult = () => ({
  name: string(),
  resultsByPartition: array(addPartitionsToTxnPartitionResult()),
});
