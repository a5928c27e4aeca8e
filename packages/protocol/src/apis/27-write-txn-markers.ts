/**
 * WriteTxnMarkers: key 27, versions 1 to 2, flexible from 1.
 *
 * 2: the transaction's version (KIP-1228).
 */
import { array, boolean, errorCode, int8, int16, int32, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';

/**
 * Writes the control batches that end a transaction; from a coordinator to the leaders of the
 * partitions.
 */
export const writeTxnMarkersRequest = /*@__PURE__*/ message(
  { key: 27, name: 'WriteTxnMarkersRequest', versions: [1, 2], flexible: 1 },
  () => ({
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      /** True: commit. */
      transactionResult: boolean(),
      topics: array({
        name: string(),
        partitionIndexes: array(int32()),
      }),
      coordinatorEpoch: int32(),
      transactionVersion: int8({ since: 2, default: 0 }),
    }),
  }),
);
export type WriteTxnMarkersRequest = Body<typeof writeTxnMarkersRequest>;

/**
 * TRANSACTION_COORDINATOR_FENCED, INVALID_PRODUCER_EPOCH, NOT_LEADER_OR_FOLLOWER,
 * UNKNOWN_TOPIC_OR_PARTITION.
 */
export const writeTxnMarkersResponse = /*@__PURE__*/ message(
  { key: 27, name: 'WriteTxnMarkersResponse', versions: [1, 2], flexible: 1 },
  () => ({
    markers: array({
      producerId: int64(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: errorCode(),
        }),
      }),
    }),
  }),
);
export type WriteTxnMarkersResponse = Body<typeof writeTxnMarkersResponse>;
