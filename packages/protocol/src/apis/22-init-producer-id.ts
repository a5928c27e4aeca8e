/**
 * InitProducerId: key 22, versions 0 to 6, flexible from 2.
 *
 * 3: a producer may ask to go on under its old id (KIP-360). 4: PRODUCER_FENCED. 5:
 * TRANSACTION_ABORTABLE. 6: two-phase commit (KIP-939), not stable in Kafka 4.2 and not to be
 * listed.
 */
import { boolean, errorCode, int16, int32, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Gives a producer the id and epoch under which its batches are recognised. */
export const initProducerIdRequest = /*@__PURE__*/ message(
  { key: 22, name: 'InitProducerIdRequest', versions: [0, 6], flexible: 2 },
  () => ({
    /** Null: idempotent only. */
    transactionalId: string({ nullable: true }),
    transactionTimeoutMs: int32(),
    producerId: int64({ since: 3, default: -1 }),
    producerEpoch: int16({ since: 3, default: -1 }),
    enable2Pc: boolean({ since: 6, default: false }),
    keepPreparedTxn: boolean({ since: 6, default: false }),
  }),
);
export type InitProducerIdRequest = Body<typeof initProducerIdRequest>;

/**
 * CONCURRENT_TRANSACTIONS: ask again. COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR,
 * INVALID_TRANSACTION_TIMEOUT, PRODUCER_FENCED (before 4 INVALID_PRODUCER_EPOCH),
 * INVALID_PRODUCER_ID_MAPPING.
 */
export const initProducerIdResponse = /*@__PURE__*/ message(
  { key: 22, name: 'InitProducerIdResponse', versions: [0, 6], flexible: 2 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    producerId: int64({ default: -1 }),
    producerEpoch: int16(),
    ongoingTxnProducerId: int64({ since: 6, default: -1 }),
    ongoingTxnProducerEpoch: int16({ since: 6, default: -1 }),
  }),
);
export type InitProducerIdResponse = Body<typeof initProducerIdResponse>;
