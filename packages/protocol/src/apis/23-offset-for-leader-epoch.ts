/**
 * OffsetForLeaderEpoch: key 23, versions 2 to 4, flexible from 4.
 *
 * 3: the replica names itself.
 */
import { array, errorCode, int32, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Tells where an epoch ends, so that a consumer or follower sees what it must throw away. */
export const offsetForLeaderEpochRequest = /*@__PURE__*/ message(
  { key: 23, name: 'OffsetForLeaderEpochRequest', versions: [2, 4], flexible: 4 },
  () => ({
    /** -1 from a consumer, -2 from a debugging tool. */
    replicaId: int32({ since: 3, default: -2 }),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ default: -1 }),
        /** The epoch whose end is asked for. */
        leaderEpoch: int32(),
      }),
    }),
  }),
);
export type OffsetForLeaderEpochRequest = Body<typeof offsetForLeaderEpochRequest>;

/**
 * FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION.
 */
export const offsetForLeaderEpochResponse = /*@__PURE__*/ message(
  { key: 23, name: 'OffsetForLeaderEpochResponse', versions: [2, 4], flexible: 4 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: errorCode(),
        partition: int32(),
        leaderEpoch: int32({ default: -1 }),
        /** -1: the epoch is not known. */
        endOffset: int64({ default: -1 }),
      }),
    }),
  }),
);
export type OffsetForLeaderEpochResponse = Body<typeof offsetForLeaderEpochResponse>;
