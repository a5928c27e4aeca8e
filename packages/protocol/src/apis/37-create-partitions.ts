/**
 * CreatePartitions: key 37, versions 0 to 3, flexible from 2.
 *
 * 3: throttling by quota.
 */
import { array, boolean, errorCode, int32, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Adds partitions to topics. */
export const createPartitionsRequest = /*@__PURE__*/ message(
  { key: 37, name: 'CreatePartitionsRequest', versions: [0, 3], flexible: 2 },
  () => ({
    topics: array({
      name: string(),
      /** How many it shall have in the end. */
      count: int32(),
      /** Null: the controller chooses. */
      assignments: array(
        {
          brokerIds: array(int32()),
        },
        { nullable: true },
      ),
    }),
    timeoutMs: int32(),
    validateOnly: boolean(),
  }),
);
export type CreatePartitionsRequest = Body<typeof createPartitionsRequest>;

/**
 * INVALID_PARTITIONS: not more than there are. INVALID_REPLICA_ASSIGNMENT,
 * UNKNOWN_TOPIC_OR_PARTITION, NOT_CONTROLLER, REASSIGNMENT_IN_PROGRESS.
 */
export const createPartitionsResponse = /*@__PURE__*/ message(
  { key: 37, name: 'CreatePartitionsResponse', versions: [0, 3], flexible: 2 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    results: array({
      name: string(),
      errorCode: errorCode(),
      errorMessage: errorMessage(),
    }),
  }),
);
export type CreatePartitionsResponse = Body<typeof createPartitionsResponse>;
