/** IncrementalAlterConfigs: key 44, versions 0 to 1, flexible from 1. */
import { array, boolean, errorCode, int8, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Changes single keys of a configuration (KIP-339). */
export const incrementalAlterConfigsRequest = /*@__PURE__*/ message(
  { key: 44, name: 'IncrementalAlterConfigsRequest', versions: [0, 1], flexible: 1 },
  () => ({
    resources: array({
      /** 2: topic. 4: broker. 8: broker logger. 16: client metrics. 32: group. */
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        /** 0: set. 1: delete. 2: append to a list. 3: subtract from a list. */
        configOperation: int8(),
        value: string({ nullable: true }),
      }),
    }),
    validateOnly: boolean(),
  }),
);
export type IncrementalAlterConfigsRequest = Body<typeof incrementalAlterConfigsRequest>;

/** INVALID_CONFIG, INVALID_REQUEST, UNKNOWN_TOPIC_OR_PARTITION, POLICY_VIOLATION. */
export const incrementalAlterConfigsResponse = /*@__PURE__*/ message(
  { key: 44, name: 'IncrementalAlterConfigsResponse', versions: [0, 1], flexible: 1 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    responses: array({
      errorCode: errorCode(),
      errorMessage: errorMessage(),
      resourceType: int8(),
      resourceName: string(),
    }),
  }),
);
export type IncrementalAlterConfigsResponse = Body<typeof incrementalAlterConfigsResponse>;
