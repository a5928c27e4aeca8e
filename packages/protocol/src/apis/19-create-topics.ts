/**
 * CreateTopics: key 19, versions 2 to 7, flexible from 5.
 *
 * 4: -1 for the broker's default of partitions and replicas. 5: flexible, the answer tells the
 * configuration (KIP-525). 6: throttling by quota. 7: topic ids in the answer.
 */
import { array, boolean, errorCode, int8, int16, int32, string, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Creates topics. */
export const createTopicsRequest = /*@__PURE__*/ message(
  { key: 19, name: 'CreateTopicsRequest', versions: [2, 7], flexible: 5 },
  () => ({
    topics: array({
      name: string(),
      /** -1 with assignments, or for the broker's default. */
      numPartitions: int32(),
      /** -1 with assignments, or for the broker's default. */
      replicationFactor: int16(),
      assignments: array({
        partitionIndex: int32(),
        brokerIds: array(int32()),
      }),
      configs: array({
        name: string(),
        value: string({ nullable: true }),
      }),
    }),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: boolean({ default: false }),
  }),
);
export type CreateTopicsRequest = Body<typeof createTopicsRequest>;

/**
 * For each topic: TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS,
 * INVALID_REPLICATION_FACTOR, INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG, INVALID_REQUEST,
 * NOT_CONTROLLER, REQUEST_TIMED_OUT, POLICY_VIOLATION, THROTTLING_QUOTA_EXCEEDED.
 */
export const createTopicsResponse = /*@__PURE__*/ message(
  { key: 19, name: 'CreateTopicsResponse', versions: [2, 7], flexible: 5 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    topics: array({
      name: string(),
      topicId: uuid({ since: 7 }),
      errorCode: errorCode(),
      errorMessage: errorMessage(),
      /** Why the configuration is not told. */
      topicConfigErrorCode: errorCode({ since: 5, tag: 0 }),
      numPartitions: int32({ since: 5, default: -1 }),
      replicationFactor: int16({ since: 5, default: -1 }),
      configs: array(
        {
          name: string(),
          value: string({ nullable: true }),
          readOnly: boolean(),
          configSource: int8({ default: -1 }),
          isSensitive: boolean(),
        },
        { since: 5, nullable: true },
      ),
    }),
  }),
);
export type CreateTopicsResponse = Body<typeof createTopicsResponse>;
