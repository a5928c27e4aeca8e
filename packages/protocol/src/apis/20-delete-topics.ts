/**
 * DeleteTopics: key 20, versions 1 to 6, flexible from 4.
 *
 * 5: error messages, throttling by quota. 6: by id (KIP-516).
 */
import { array, errorCode, int32, string, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Deletes topics. */
export const deleteTopicsRequest = /*@__PURE__*/ message(
  { key: 20, name: 'DeleteTopicsRequest', versions: [1, 6], flexible: 4 },
  () => ({
    topics: array(
      {
        /** Null when the topic is named by id. */
        name: string({ nullable: true, default: null }),
        topicId: uuid(),
      },
      { since: 6 },
    ),
    topicNames: array(string(), { until: 5 }),
    timeoutMs: int32(),
  }),
);
export type DeleteTopicsRequest = Body<typeof deleteTopicsRequest>;

/**
 * For each topic: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, TOPIC_DELETION_DISABLED,
 * NOT_CONTROLLER, REQUEST_TIMED_OUT.
 */
export const deleteTopicsResponse = /*@__PURE__*/ message(
  { key: 20, name: 'DeleteTopicsResponse', versions: [1, 6], flexible: 4 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    responses: array({
      name: string({ nullable: 6 }),
      topicId: uuid({ since: 6 }),
      errorCode: errorCode(),
      errorMessage: errorMessage({ since: 5 }),
    }),
  }),
);
export type DeleteTopicsResponse = Body<typeof deleteTopicsResponse>;
