/** ListPartitionReassignments: key 46, versions 0, flexible from 0. */
import { array, errorCode, int32, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Lists the partitions that are being moved (KIP-455). */
export const listPartitionReassignmentsRequest = /*@__PURE__*/ message(
  { key: 46, name: 'ListPartitionReassignmentsRequest', versions: [0, 0], flexible: 0 },
  () => ({
    timeoutMs: int32({ default: 60000 }),
    /** Null: all. */
    topics: array(
      {
        name: string(),
        partitionIndexes: array(int32()),
      },
      { nullable: true, default: null },
    ),
  }),
);
export type ListPartitionReassignmentsRequest = Body<typeof listPartitionReassignmentsRequest>;

/** NOT_CONTROLLER, CLUSTER_AUTHORIZATION_FAILED. */
export const listPartitionReassignmentsResponse = /*@__PURE__*/ message(
  { key: 46, name: 'ListPartitionReassignmentsResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: array(int32()),
        addingReplicas: array(int32()),
        removingReplicas: array(int32()),
      }),
    }),
  }),
);
export type ListPartitionReassignmentsResponse = Body<typeof listPartitionReassignmentsResponse>;
