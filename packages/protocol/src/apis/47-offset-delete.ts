/** OffsetDelete: key 47, versions 0, never flexible. */
import { array, errorCode, int32, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Deletes single offsets of a group (KIP-496). */
export const offsetDeleteRequest = /*@__PURE__*/ message(
  { key: 47, name: 'OffsetDeleteRequest', versions: [0, 0] },
  () => ({
    groupId: string(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
      }),
    }),
  }),
);
export type OffsetDeleteRequest = Body<typeof offsetDeleteRequest>;

/**
 * GROUP_SUBSCRIBED_TO_TOPIC: still consumed. GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, NOT_COORDINATOR.
 */
export const offsetDeleteResponse = /*@__PURE__*/ message(
  { key: 47, name: 'OffsetDeleteResponse', versions: [0, 0] },
  () => ({
    errorCode: errorCode(),
    throttleTimeMs: throttleTimeMs(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
      }),
    }),
  }),
);
export type OffsetDeleteResponse = Body<typeof offsetDeleteResponse>;
