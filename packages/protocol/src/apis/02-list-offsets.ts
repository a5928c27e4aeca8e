/**
 * ListOffsets: key 2, versions 1 to 11, flexible from 6.
 *
 * 4: leader epochs. 7: timestamp -3, the record with the largest timestamp (KIP-734). 8 to 11: -4
 * to -6, for tiered storage.
 */
import { array, errorCode, int8, int32, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Finds offsets: the earliest, the latest, or the first at or after a time. */
export const listOffsetsRequest = /*@__PURE__*/ message(
  { key: 2, name: 'ListOffsetsRequest', versions: [1, 11], flexible: 6 },
  () => ({
    /** -1 from a consumer, -2 from a debugging tool. */
    replicaId: int32(),
    isolationLevel: int8({ since: 2 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ since: 4, default: -1 }),
        /**
         * -1: latest (the last stable offset at isolation level 1). -2: earliest. -3: of the largest
         * timestamp. -4: earliest on this broker. Otherwise ms.
         */
        timestamp: int64(),
      }),
    }),
    timeoutMs: int32({ since: 10 }),
  }),
);
export type ListOffsetsRequest = Body<typeof listOffsetsRequest>;

/**
 * No match is offset -1 with no error. OFFSET_NOT_AVAILABLE: a new leader does not know its high
 * watermark yet. FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, NOT_LEADER_OR_FOLLOWER,
 * UNKNOWN_TOPIC_OR_PARTITION.
 */
export const listOffsetsResponse = /*@__PURE__*/ message(
  { key: 2, name: 'ListOffsetsResponse', versions: [1, 11], flexible: 6 },
  () => ({
    throttleTimeMs: throttleTimeMs({ since: 2 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        timestamp: int64({ default: -1 }),
        offset: int64({ default: -1 }),
        leaderEpoch: int32({ since: 4, default: -1 }),
      }),
    }),
  }),
);
export type ListOffsetsResponse = Body<typeof listOffsetsResponse>;
