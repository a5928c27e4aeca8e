/**
 * ListTransactions: key 66, versions 0 to 2, flexible from 0.
 *
 * 1: by duration (KIP-994). 2: by pattern (KIP-1152).
 */
import { array, errorCode, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Lists the transactions that this broker coordinates (KIP-664). */
export const listTransactionsRequest = /*@__PURE__*/ message(
  { key: 66, name: 'ListTransactionsRequest', versions: [0, 2], flexible: 0 },
  () => ({
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    /** At least so many ms; -1: all. */
    durationFilter: int64({ since: 1, default: -1 }),
    transactionalIdPattern: string({ since: 2, nullable: true, default: null }),
  }),
);
export type ListTransactionsRequest = Body<typeof listTransactionsRequest>;

/** COORDINATOR_LOAD_IN_PROGRESS, INVALID_REGULAR_EXPRESSION. */
export const listTransactionsResponse = /*@__PURE__*/ message(
  { key: 66, name: 'ListTransactionsResponse', versions: [0, 2], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    unknownStateFilters: array(string()),
    transactionStates: array({
      transactionalId: string(),
      producerId: int64(),
      transactionState: string(),
    }),
  }),
);
export type ListTransactionsResponse = Body<typeof listTransactionsResponse>;
