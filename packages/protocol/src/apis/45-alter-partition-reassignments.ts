/**
 * AlterPartitionReassignments: key 45, versions 0 to 1, flexible from 0.
 *
 * 1: the number of replicas may be held (KIP-860).
 */
import { array, boolean, errorCode, int32, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Moves partitions to other replicas, or calls a move off (KIP-455). */
export const alterPartitionReassignmentsRequest = /*@__PURE__*/ message(
  { key: 45, name: 'AlterPartitionReassignmentsRequest', versions: [0, 1], flexible: 0 },
  () => ({
    timeoutMs: int32({ default: 60000 }),
    allowReplicationFactorChange: boolean({ since: 1, default: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** Null: call it off. */
        replicas: array(int32(), { nullable: true, default: null }),
      }),
    }),
  }),
);
export type AlterPartitionReassignmentsRequest = Body<typeof alterPartitionReassignmentsRequest>;

/**
 * INVALID_REPLICA_ASSIGNMENT, NO_REASSIGNMENT_IN_PROGRESS, UNKNOWN_TOPIC_OR_PARTITION,
 * NOT_CONTROLLER, INVALID_REPLICATION_FACTOR.
 */
export const alterPartitionReassignmentsResponse = /*@__PURE__*/ message(
  { key: 45, name: 'AlterPartitionReassignmentsResponse', versions: [0, 1], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    allowReplicationFactorChange: boolean({ since: 1, default: true }),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
    responses: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        errorMessage: errorMessage(),
      }),
    }),
  }),
);
export type AlterPartitionReassignmentsResponse = Body<typeof alterPartitionReassignmentsResponse>;
