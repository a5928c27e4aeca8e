/** DescribeClientQuotas: key 48, versions 0 to 1, flexible from 1. */
import { array, boolean, errorCode, float64, int8, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Tells the quotas of users, client ids and addresses (KIP-546). */
export const describeClientQuotasRequest = /*@__PURE__*/ message(
  { key: 48, name: 'DescribeClientQuotasRequest', versions: [0, 1], flexible: 1 },
  () => ({
    components: array({
      entityType: string(),
      /** 0: this name. 1: the default. 2: any name. */
      matchType: int8(),
      match: string({ nullable: true }),
    }),
    /** Without entities of other types. */
    strict: boolean(),
  }),
);
export type DescribeClientQuotasRequest = Body<typeof describeClientQuotasRequest>;

/** INVALID_REQUEST, CLUSTER_AUTHORIZATION_FAILED. */
export const describeClientQuotasResponse = /*@__PURE__*/ message(
  { key: 48, name: 'DescribeClientQuotasResponse', versions: [0, 1], flexible: 1 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
    entries: array(
      {
        entity: array({
          entityType: string(),
          entityName: string({ nullable: true }),
        }),
        values: array({
          key: string(),
          value: float64(),
        }),
      },
      { nullable: true },
    ),
  }),
);
export type DescribeClientQuotasResponse = Body<typeof describeClientQuotasResponse>;
