/**
 * ListConfigResources: key 74, versions 0 to 1, flexible from 0.
 *
 * 0 knows client metrics only (KIP-714); 1: all types (KIP-1142).
 */
import { array, errorCode, int8, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Lists resources that have a configuration. */
export const listConfigResourcesRequest = /*@__PURE__*/ message(
  { key: 74, name: 'ListConfigResourcesRequest', versions: [0, 1], flexible: 0 },
  () => ({
    /** Empty: all. */
    resourceTypes: array(int8(), { since: 1 }),
  }),
);
export type ListConfigResourcesRequest = Body<typeof listConfigResourcesRequest>;

/** UNSUPPORTED_VERSION, CLUSTER_AUTHORIZATION_FAILED. */
export const listConfigResourcesResponse = /*@__PURE__*/ message(
  { key: 74, name: 'ListConfigResourcesResponse', versions: [0, 1], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    configResources: array({
      resourceName: string(),
      resourceType: int8({ since: 1, default: 16 }),
    }),
  }),
);
export type ListConfigResourcesResponse = Body<typeof listConfigResourcesResponse>;
