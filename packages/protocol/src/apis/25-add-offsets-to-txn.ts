/**
 * AddOffsetsToTxn: key 25, versions 0 to 4, flexible from 3.
 *
 * 4: TRANSACTION_ABORTABLE.
 */
import { errorCode, int16, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Puts the offsets of a group into a transaction, before TxnOffsetCommit. */
export const addOffsetsToTxnRequest = /*@__PURE__*/ message(
  { key: 25, name: 'AddOffsetsToTxnRequest', versions: [0, 4], flexible: 3 },
  () => ({
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string(),
  }),
);
export type AddOffsetsToTxnRequest = Body<typeof addOffsetsToTxnRequest>;

/** As for AddPartitionsToTxn. */
export const addOffsetsToTxnResponse = /*@__PURE__*/ message(
  { key: 25, name: 'AddOffsetsToTxnResponse', versions: [0, 4], flexible: 3 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
  }),
);
export type AddOffsetsToTxnResponse = Body<typeof addOffsetsToTxnResponse>;
