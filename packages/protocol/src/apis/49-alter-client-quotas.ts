/** AlterClientQuotas: key 49, versions 0 to 1, flexible from 1. */
import { array, boolean, errorCode, float64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Sets and removes quotas (KIP-546). */
export const alterClientQuotasRequest = /*@__PURE__*/ message(
  { key: 49, name: 'AlterClientQuotasRequest', versions: [0, 1], flexible: 1 },
  () => ({
    entries: array({
      entity: array({
        entityType: string(),
        /** Null: the default. */
        entityName: string({ nullable: true }),
      }),
      ops: array({
        key: string(),
        value: float64(),
        remove: boolean(),
      }),
    }),
    validateOnly: boolean(),
  }),
);
export type AlterClientQuotasRequest = Body<typeof alterClientQuotasRequest>;

/** INVALID_REQUEST, CLUSTER_AUTHORIZATION_FAILED. */
export const alterClientQuotasResponse = /*@__PURE__*/ message(
  { key: 49, name: 'AlterClientQuotasResponse', versions: [0, 1], flexible: 1 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    entries: array({
      errorCode: errorCode(),
      errorMessage: errorMessage(),
      entity: array({
        entityType: string(),
        entityName: string({ nullable: true }),
      }),
    }),
  }),
);
export type AlterClientQuotasResponse = Body<typeof alterClientQuotasResponse>;
