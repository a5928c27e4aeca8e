/**
 * EndTxn: key 26, versions 0 to 5, flexible from 3.
 *
 * 4: TRANSACTION_ABORTABLE. 5: the answer raises the producer's epoch (KIP-890).
 */
import { boolean, errorCode, int16, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Commits or aborts a transaction. */
export const endTxnRequest = /*@__PURE__*/ message(
  { key: 26, name: 'EndTxnRequest', versions: [0, 5], flexible: 3 },
  () => ({
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: boolean(),
  }),
);
export type EndTxnRequest = Body<typeof endTxnRequest>;

/**
 * INVALID_TXN_STATE, INVALID_PRODUCER_ID_MAPPING, INVALID_PRODUCER_EPOCH, PRODUCER_FENCED,
 * CONCURRENT_TRANSACTIONS: try again.
 */
export const endTxnResponse = /*@__PURE__*/ message(
  { key: 26, name: 'EndTxnResponse', versions: [0, 5], flexible: 3 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    producerId: int64({ since: 5, default: -1 }),
    producerEpoch: int16({ since: 5, default: -1 }),
  }),
);
export type EndTxnResponse = Body<typeof endTxnResponse>;
