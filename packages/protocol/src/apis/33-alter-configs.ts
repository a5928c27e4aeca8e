/** AlterConfigs: key 33, versions 0 to 2, flexible from 2. */
import { array, boolean, errorCode, int8, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Replaces all of a resource's configuration. IncrementalAlterConfigs is what one should use. */
export const alterConfigsRequest = /*@__PURE__*/ message(
  { key: 33, name: 'AlterConfigsRequest', versions: [0, 2], flexible: 2 },
  () => ({
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullable: true }),
      }),
    }),
    validateOnly: boolean(),
  }),
);
export type AlterConfigsRequest = Body<typeof alterConfigsRequest>;

/** INVALID_CONFIG, INVALID_REQUEST, UNKNOWN_TOPIC_OR_PARTITION, POLICY_VIOLATION. */
export const alterConfigsResponse = /*@__PURE__*/ message(
  { key: 33, name: 'AlterConfigsResponse', versions: [0, 2], flexible: 2 },
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
export type AlterConfigsResponse = Body<typeof alterConfigsResponse>;
