/**
 * TxnOffsetCommit: key 28, versions 0 to 5, flexible from 3.
 *
 * 2: leader epochs. 3: flexible, and the member is checked (KIP-447). 4: TRANSACTION_ABORTABLE. 5:
 * adds the group to the transaction implicitly (KIP-890).
 */
import { array, errorCode, int16, int32, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Stores offsets that count only when the transaction commits. */
export const txnOffsetCommitRequest = /*@__PURE__*/ message(
  { key: 28, name: 'TxnOffsetCommitRequest', versions: [0, 5], flexible: 3 },
  () => ({
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32({ since: 3, default: -1 }),
    memberId: string({ since: 3, default: '' }),
    groupInstanceId: string({ since: 3, nullable: true, default: null }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ since: 2, default: -1 }),
        committedMetadata: string({ nullable: true }),
      }),
    }),
  }),
);
export type TxnOffsetCommitRequest = Body<typeof txnOffsetCommitRequest>;

/**
 * ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, INVALID_PRODUCER_EPOCH,
 * INVALID_TXN_STATE, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS.
 */
export const txnOffsetCommitResponse = /*@__PURE__*/ message(
  { key: 28, name: 'TxnOffsetCommitResponse', versions: [0, 5], flexible: 3 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
      }),
    }),
  }),
);
export type TxnOffsetCommitResponse = Body<typeof txnOffsetCommitResponse>;
