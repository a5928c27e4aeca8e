/** DescribeTransactions: key 65, versions 0, flexible from 0. */
import { array, errorCode, int16, int32, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Tells the state of transactions (KIP-664). */
export const describeTransactionsRequest = /*@__PURE__*/ message(
  { key: 65, name: 'DescribeTransactionsRequest', versions: [0, 0], flexible: 0 },
  () => ({
    transactionalIds: array(string()),
  }),
);
export type DescribeTransactionsRequest = Body<typeof describeTransactionsRequest>;

/** TRANSACTIONAL_ID_NOT_FOUND, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS. */
export const describeTransactionsResponse = /*@__PURE__*/ message(
  { key: 65, name: 'DescribeTransactionsResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    transactionStates: array({
      errorCode: errorCode(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      topics: array({
        topic: string(),
        partitions: array(int32()),
      }),
    }),
  }),
);
export type DescribeTransactionsResponse = Body<typeof describeTransactionsResponse>;
