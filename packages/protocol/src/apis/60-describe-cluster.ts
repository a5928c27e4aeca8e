/**
 * DescribeCluster: key 60, versions 0 to 2, flexible from 0.
 *
 * 1: asking controllers (KIP-919). 2: fenced brokers (KIP-1073).
 */
import { array, boolean, errorCode, int8, int32, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { authorizedOperations, errorMessage, throttleTimeMs } from './words.ts';

/** Describes the cluster: brokers, controller, id (KIP-700). */
export const describeClusterRequest = /*@__PURE__*/ message(
  { key: 60, name: 'DescribeClusterRequest', versions: [0, 2], flexible: 0 },
  () => ({
    includeClusterAuthorizedOperations: boolean(),
    /** 1: brokers. 2: controllers. */
    endpointType: int8({ since: 1, default: 1 }),
    includeFencedBrokers: boolean({ since: 2 }),
  }),
);
export type DescribeClusterRequest = Body<typeof describeClusterRequest>;

/** MISMATCHED_ENDPOINT_TYPE, UNSUPPORTED_ENDPOINT_TYPE. */
export const describeClusterResponse = /*@__PURE__*/ message(
  { key: 60, name: 'DescribeClusterResponse', versions: [0, 2], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
    endpointType: int8({ since: 1, default: 1 }),
    clusterId: string(),
    controllerId: int32({ default: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: true, default: null }),
      isFenced: boolean({ since: 2 }),
    }),
    clusterAuthorizedOperations: authorizedOperations(),
  }),
);
export type DescribeClusterResponse = Body<typeof describeClusterResponse>;
